import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  compileWording,
  WORDING_CODES,
  wordingHints,
  type WordingList,
} from '../../../src/domain/case/wording.ts'
import { readWording } from '../../../src/files/wording.ts'

const wordings = readWording(join(import.meta.dirname, '../../../schemas/wording'))
const names = new Set(['note'])
const observed = new Map([['note', { informant: 'PO', kind: 'assessment' } as const]])

const codesIn = (note: string): string[] =>
  wordingHints(wordings, { note }, names, observed).map(
    ({ language, code }) => `${language} ${code}`,
  )

t.test('wording that blames or blurs is found in both languages [R26]', async (t) => {
  for (const [text, ...codes] of [
    ['She provoked him, and the situation escalated.', 'en blames_victim', 'en hides_actor'],
    ['The victim was beaten in the kitchen.', 'en hides_actor'],
    ['The victim was beaten by Marko in the kitchen.'],
    ['A domestic dispute; both parties were equally to blame.', 'en equates_parties'],
    ['It was only a slap. He lost his temper because he was drunk.', 'en minimises', 'en excuses'],
    ['He hit her with his fist and she fell. He has threatened her before.'],
    ['Sie hat ihn wohl provoziert, es kam zu Gewalt.', 'de blames_victim', 'de hides_actor'],
    ['Beziehungsstreit, bei dem er die Beherrschung verlor.', 'de equates_parties', 'de excuses'],
    ['Es war nur eine Ohrfeige, ihm ist die Hand ausgerutscht.', 'de minimises'],
    ['Er schlug sie mit der Faust und drohte, die Kinder mitzunehmen.'],
    ['SHE PROVOKED HIM', 'en blames_victim'],
    ['', ...[]],
  ] as const)
    t.same(new Set(codesIn(text)), new Set(codes), text)
})

t.test('a phrase ends with its sentence, and a word is a whole word', async (t) => {
  t.same(codesIn('He was drunk. It broke. Out of the door she ran, and he hit her.'), [])
  t.same(codesIn('They went home. She fought the illness and won.'), [])
  t.same(codesIn('He said the shove was unprovoked, and she was with her mother.'), [])
})

t.test('the list is that of the language that the text is in', async (t) => {
  // “die Hand ausgerutscht” as a quotation in an English note is left alone.
  t.same(codesIn('He told the officer that it was the hand, “ausgerutscht”, and she left.'), [])
  t.same(codesIn('Familiendrama'), ['de equates_parties'], 'two words may be in any language')
})

t.test('what a party said is quoted, not corrected', async (t) => {
  const note = 'I provoked him, it was only a slap.'
  for (const informant of ['V', 'P', 'CH'] as const) {
    const said = new Map([['note', { informant, kind: 'statement' } as const]])
    t.same(wordingHints(wordings, { note }, names, said), [], informant)
    const judged = new Map([['note', { informant, kind: 'assessment' } as const]])
    t.ok(wordingHints(wordings, { note: 'She provoked him.' }, names, judged).length > 0)
  }
})

t.test(
  'texts inside a value have a pointer of their own; what is no text is left alone',
  async (t) => {
    const value = { code: 'other', reason: 'She provoked him and he lost control.' }
    const hints = wordingHints(wordings, { note: value, other: value }, names, observed)
    t.same(
      hints.map(({ pointer, code }) => [pointer, code]),
      [
        ['#/fields/note/reason', 'blames_victim'],
        ['#/fields/note/reason', 'excuses'],
      ],
    )
  },
)

t.test('a hint never repeats the text', async () => {
  const marked = fc.tuple(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('she provoked him', 'er schlug'),
  )
  fc.assert(
    fc.property(marked, ([noise, phrase]) => {
      const secret = 'Orchardroad'
      const note = `${noise} ${secret} ${phrase} ${secret}`
      return !JSON.stringify(wordingHints(wordings, { note }, names, observed)).includes(secret)
    }),
  )
})

t.test('the longest text there is takes a moment', async (t) => {
  const before = performance.now()
  codesIn('she was not and the only both they situation '.repeat(220))
  t.ok(performance.now() - before < 500)
})

t.test('every list has every code, with advice', async (t) => {
  t.same(
    wordings.map(({ language }) => language),
    ['de', 'en'],
  )
  for (const { language, patterns } of wordings) {
    t.same(new Set(patterns.map(({ code }) => code)), new Set(WORDING_CODES), language)
    for (const { advice } of patterns) t.match(advice, /^.{20,}\.$/, language)
  }
})

t.test('a list that means nothing is refused', async (t) => {
  const list = (phrase: string): WordingList => ({
    language: 'en',
    functionWords: ['the'],
    patterns: [{ code: 'excuses', advice: 'None.', phrases: [phrase] }],
  })
  for (const phrase of ['.. he', 'he ..', 'he  snapped', '!by'])
    t.throws(() => compileWording(list(phrase)), /begins and ends with a word/, phrase)
})
