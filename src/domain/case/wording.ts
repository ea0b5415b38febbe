/**
 * Hints against wording that blames the victim or hides who did what (R26; Istanbul Convention art. 12,
 * 15, 18(3)). A hint says where and why, and never repeats a word of the text. It refuses nothing: the
 * author knows what happened, and a list of phrases does not.
 */
import type { Json } from '../log/canonical.ts'
import type { StoredProvenance } from './stored-record.ts'

/** What can be wrong with a wording. */
export const WORDING_CODES = [
  'blames_victim',
  'hides_actor',
  'equates_parties',
  'minimises',
  'excuses',
] as const
export type WordingCode = (typeof WORDING_CODES)[number]

/**
 * Phrases of one language. A phrase is words with spaces between; `a|b` is either word, `word*` any
 * word that begins so, `..` stands for up to three words, and `!word` at the end says that the word
 * does not follow in the sentence.
 */
export interface WordingList {
  /** BCP 47. */
  readonly language: string
  /** Short words by which a text shows that it is in this language. */
  readonly functionWords: readonly string[]
  readonly patterns: readonly {
    readonly code: WordingCode
    /** What to write instead, in the language of the list. */
    readonly advice: string
    readonly phrases: readonly string[]
  }[]
}

/** What the author of a text is told. */
export interface WordingHint {
  readonly code: WordingCode
  /** JSON pointer to the text in the request. */
  readonly pointer: string
  readonly language: string
  readonly advice: string
}

/** A list made ready for `wordingHints`. */
export interface Wording {
  readonly language: string
  readonly functionWords: ReadonlySet<string>
  readonly patterns: readonly {
    readonly code: WordingCode
    readonly advice: string
    readonly phrases: readonly Phrase[]
  }[]
}

interface Phrase {
  readonly parts: readonly Part[]
  /** Word that must not follow. */
  readonly unless: string | undefined
}

type Part = 'gap' | { readonly words: readonly string[]; readonly stems: readonly string[] }

/** Most words that `..` stands for. */
const GAP = 3

/** Ends a sentence; no phrase reaches beyond. */
const STOP = '.'

/** Reads a list. Throws an `Error` that names a phrase which says nothing. */
export function compileWording(list: WordingList): Wording {
  return {
    language: list.language,
    functionWords: new Set(list.functionWords),
    patterns: list.patterns.map(({ code, advice, phrases }) => ({
      code,
      advice,
      phrases: phrases.map(compilePhrase),
    })),
  }
}

function compilePhrase(phrase: string): Phrase {
  const words = phrase.toLowerCase().split(' ')
  const last = words.at(-1) ?? ''
  const unless = last.startsWith('!') ? last.slice(1) : undefined
  const parts = (unless === undefined ? words : words.slice(0, -1)).map((word): Part => {
    if (word === '..') return 'gap'
    const forms = word.split('|')
    return {
      words: forms.filter((form) => !form.endsWith('*')),
      stems: forms.filter((form) => form.endsWith('*')).map((form) => form.slice(0, -1)),
    }
  })
  if (parts.length === 0 || parts[0] === 'gap' || parts.at(-1) === 'gap' || phrase.includes('  '))
    throw new Error(`wording: \`${phrase}\` begins and ends with a word, one space between words`)
  return { parts, unless }
}

/**
 * Hints about the free texts among `values`, by their order and each code once per text. What a party or
 * a child said is left as it was said: their statements are quoted, not corrected. `origins` tells for
 * each name where its value comes from.
 */
export function wordingHints(
  wordings: readonly Wording[],
  values: Readonly<Record<string, Json>>,
  textNames: ReadonlySet<string>,
  origins: ReadonlyMap<string, Pick<StoredProvenance, 'informant' | 'kind'>>,
): WordingHint[] {
  return Object.entries(values)
    .filter(([name]) => textNames.has(name) && !isQuoted(origins.get(name)))
    .flatMap(([name, value]) => textsOf(value, `#/fields/${name}`))
    .flatMap(({ pointer, text }) => hintsOf(wordings, pointer, wordsOf(text)))
}

const QUOTED = ['V', 'P', 'CH']

function isQuoted(origin: Pick<StoredProvenance, 'informant' | 'kind'> | undefined): boolean {
  return origin?.kind === 'statement' && QUOTED.includes(origin.informant)
}

function textsOf(value: Json, pointer: string): { pointer: string; text: string }[] {
  if (typeof value === 'string') return [{ pointer, text: value }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) =>
    textsOf(member as Json, `${pointer}/${name}`),
  )
}

/** Words in small letters, and a mark where a sentence ends. */
function wordsOf(text: string): string[] {
  const found = text.normalize('NFC').toLowerCase().replaceAll('’', "'")
  return (found.match(/[\p{L}\p{M}\p{N}]+(?:'\p{L}+)*|[.!?;\n]/gu) ?? []).map((word) =>
    /^[.!?;\n]$/.test(word) ? STOP : word,
  )
}

function hintsOf(
  wordings: readonly Wording[],
  pointer: string,
  words: readonly string[],
): WordingHint[] {
  return inLanguageOf(wordings, words).flatMap(({ language, patterns }) => {
    const seen = new Set<WordingCode>()
    return patterns.flatMap(({ code, advice, phrases }) => {
      if (seen.has(code) || !phrases.some((phrase) => occurs(phrase, words))) return []
      seen.add(code)
      return [{ code, pointer, language, advice }]
    })
  })
}

/** The lists whose short words come up most often; all of them where none do, as in a note of two words. */
function inLanguageOf(wordings: readonly Wording[], words: readonly string[]): readonly Wording[] {
  const counts = wordings.map(
    ({ functionWords }) => words.filter((word) => functionWords.has(word)).length,
  )
  const most = Math.max(0, ...counts)
  return wordings.filter((_, index) => counts[index] === most)
}

function occurs({ parts, unless }: Phrase, words: readonly string[]): boolean {
  return words.some((_, start) => {
    const end = endOf(parts, words, start)
    if (end === undefined) return false
    return unless === undefined || !restOfSentence(words, end).includes(unless)
  })
}

/** Index behind the phrase that begins at `at`; undefined when there is none. */
function endOf(parts: readonly Part[], words: readonly string[], at: number): number | undefined {
  const [part, ...rest] = parts
  if (part === undefined) return at
  if (part === 'gap') {
    for (let skipped = 0; skipped <= GAP; skipped += 1) {
      const end = endOf(rest, words, at + skipped)
      if (end !== undefined) return end
      if (words[at + skipped] === STOP) return undefined
    }
    return undefined
  }
  const word = words[at]
  if (word === undefined) return undefined
  const fits = part.words.includes(word) || part.stems.some((stem) => word.startsWith(stem))
  return fits ? endOf(rest, words, at + 1) : undefined
}

function restOfSentence(words: readonly string[], from: number): readonly string[] {
  const stop = words.indexOf(STOP, from)
  return words.slice(from, stop === -1 ? undefined : stop)
}
