import { EXCEPTIONS } from '../../case/vocabulary.ts'
import type { PolicyVocabulary } from '../vocabulary.ts'
import type { Asker, Recorder } from './asker.ts'
import { ALWAYS, Diagrams, NEVER, type Node, type Point } from './diagrams.ts'

/** For whom an agency acts in the case; `none` is no member, or has left. Nobody acts for several. */
export const MEMBERSHIPS = ['none', 'victim', 'perpetrator', 'child', 'all'] as const

/** Who told a value: nobody of the case, or a person of these parties (`person`: of none). */
export const TELLERS = [
  'nobody',
  'person',
  'victim',
  'perpetrator',
  'child',
  'victim+perpetrator',
  'victim+child',
  'perpetrator+child',
  'victim+perpetrator+child',
] as const

/** How consent to the item stands; why there is none makes no difference to what leaves. */
export const CONSENTS = ['none', 'plain', 'explicit'] as const

/** A country that no rule names. */
export const ELSEWHERE = 'ZZ'

/** No exception claimed. */
export const UNCLAIMED = 'none'

/** What diffs are told by. Diagrams ask this first, so that what is left is one function each. */
export const HEADINGS = ['purpose', 'sector', 'role'] as const

/** In the order in which diagrams ask: what parts the rules most comes first. */
const WORD_ATTRIBUTES = [...HEADINGS, 'transfer', 'actsFor', 'from.sector', 'from.actsFor'] as const
const VALUE_ATTRIBUTES = [
  'about',
  'informant',
  'teller',
  'kind',
  'exception',
  'consent',
  'country',
] as const

/** One attribute: its classes, each a list of words that nothing tells apart. */
interface Attribute {
  readonly name: string
  readonly classes: readonly (readonly string[])[]
  /** Limits of an age, ascending: class k is up to limit k, the last class beyond all of them. */
  readonly limits?: readonly number[]
}

/**
 * All attributes that the recorded questions are about, each parted into classes: the finite space of
 * requests that rules can tell apart, field by field.
 */
export class Space implements Asker {
  readonly diagrams: Diagrams
  readonly #attributes: readonly Attribute[]
  readonly #levels: ReadonlyMap<string, number>
  readonly #roles: readonly (readonly string[])[]

  constructor(asked: Recorder, vocabulary: PolicyVocabulary) {
    this.#roles = parted(vocabulary.personRole, asked.roles)
    this.#attributes = attributesOf(asked, vocabulary, this.#roles)
    this.#levels = new Map(this.#attributes.map(({ name }, level) => [name, level]))
    this.diagrams = new Diagrams(this.#attributes.map(({ classes }) => classes.length))
  }

  /** Number of classes, over all attributes. */
  get classes(): number {
    return this.#attributes.reduce((sum, { classes }) => sum + classes.length, 0)
  }

  /** Names in the order of levels. */
  get names(): readonly string[] {
    return this.#attributes.map(({ name }) => name)
  }

  level(attribute: string): number {
    const level = this.#levels.get(attribute)
    if (level === undefined) throw new Error(`nothing has asked for \`${attribute}\``)
    return level
  }

  has(attribute: string): boolean {
    return this.#levels.has(attribute)
  }

  among(attribute: string, words: readonly string[]): Node {
    const level = this.level(attribute)
    const classes = this.classesOf(attribute).flatMap((of, i) => {
      const within = of.filter((word) => words.includes(word)).length
      if (within !== 0 && within !== of.length)
        throw new Error(`a class of \`${attribute}\` is cut through`)
      return within === 0 ? [] : [i]
    })
    return this.diagrams.among(level, classes)
  }

  holds(attribute: string): Node {
    return this.diagrams.among(this.level(attribute), [1])
  }

  atMost(attribute: string, limit: number): Node {
    if (limit === Number.POSITIVE_INFINITY) return ALWAYS
    const level = this.level(attribute)
    const limits = this.limitsOf(attribute)
    return this.diagrams.among(
      level,
      limits.flatMap((one, i) => (one <= limit ? [i] : [])),
    )
  }

  same(attribute: string): Node {
    const [here, there] = [this.level(attribute), this.level(`from.${attribute}`)]
    return this.diagrams.any(
      this.classesOf(attribute).map((_, i) =>
        this.diagrams.and(this.diagrams.among(here, [i]), this.diagrams.among(there, [i])),
      ),
    )
  }

  hasRole(roles: readonly string[]): Node {
    const named = this.#roles.filter(([first = '']) => roles.includes(first))
    return named.reduce<Node>(
      (any, [first = '']) => this.diagrams.or(any, this.holds(`subject.${first}`)),
      NEVER,
    )
  }

  classesOf(attribute: string): readonly (readonly string[])[] {
    return this.#attributes[this.level(attribute)]?.classes ?? []
  }

  limitsOf(attribute: string): readonly number[] {
    return this.#attributes[this.level(attribute)]?.limits ?? []
  }

  /** Whether its classes are ages. */
  isAge(attribute: string): boolean {
    return this.#attributes[this.level(attribute)]?.limits !== undefined
  }

  /** The first word of the class that a point is in; undefined where nobody asks. */
  wordAt(attribute: string, point: Point): string | undefined {
    if (!this.has(attribute)) return undefined
    return this.classesOf(attribute)[point[this.level(attribute)] ?? 0]?.[0]
  }

  /** Roles of the subject at a point, one for each class. */
  rolesAt(point: Point): readonly string[] {
    return this.#roles.flatMap(([first = '']) =>
      this.wordAt(`subject.${first}`, point) === 'yes' ? [first] : [],
    )
  }
}

/** Parts words so that every list is a union of parts; the order of words is kept. */
export function parted(
  words: readonly string[],
  lists: readonly (readonly string[])[],
): readonly (readonly string[])[] {
  const sets = lists.map((list) => new Set(list))
  const parts = new Map<string, string[]>()
  for (const word of words) {
    const key = sets.map((set) => (set.has(word) ? '1' : '0')).join('')
    const part = parts.get(key)
    if (part) part.push(word)
    else parts.set(key, [word])
  }
  return [...parts.values()]
}

function attributesOf(
  asked: Recorder,
  vocabulary: PolicyVocabulary,
  roles: readonly (readonly string[])[],
): readonly Attribute[] {
  const words = wordsOf(asked, vocabulary)
  const listed = (names: readonly string[]) =>
    names
      .filter((name) => asked.lists.has(name))
      .map((name) => ({ name, classes: parted(words[name] ?? [], listsOf(asked, name)) }))
  const answer = (name: string) => ({ name, classes: [['no'], ['yes']] })
  const answers = [...asked.answers].sort()
  return [
    ...listed(WORD_ATTRIBUTES),
    ...roles.map(([first]) => answer(`subject.${first}`)),
    ...listed(VALUE_ATTRIBUTES),
    ...answers.map(answer),
    ...[...asked.limits]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, limits]) => age(name, limits)),
  ]
}

/** Word lists of an attribute; source and recipient must be parted alike, so that they can be compared. */
function listsOf(asked: Recorder, name: string): readonly (readonly string[])[] {
  const names = TWINS.find((twins) => twins.includes(name)) ?? [name]
  return names.flatMap((one) => asked.lists.get(one) ?? [])
}

const TWINS: readonly (readonly string[])[] = [
  ['sector', 'from.sector'],
  ['actsFor', 'from.actsFor'],
]

function wordsOf(
  asked: Recorder,
  vocabulary: PolicyVocabulary,
): Readonly<Record<string, readonly string[]>> {
  return {
    transfer: ['own', 'internal', 'external'],
    purpose: vocabulary.purpose,
    sector: vocabulary.sector,
    actsFor: MEMBERSHIPS,
    role: vocabulary.role,
    'from.sector': vocabulary.sector,
    'from.actsFor': MEMBERSHIPS,
    about: ['subject', 'case'],
    informant: vocabulary.informant,
    teller: TELLERS,
    kind: vocabulary.kind,
    exception: [UNCLAIMED, ...EXCEPTIONS],
    consent: CONSENTS,
    country: [...new Set([...(asked.lists.get('country') ?? []).flat(), ELSEWHERE])],
  }
}

function age(name: string, limits: ReadonlySet<number>): Attribute {
  const finite = [...limits].filter(Number.isFinite).sort((a, b) => a - b)
  const classes = [...finite.map((limit) => [`up to ${limit} ms`]), ['beyond all limits']]
  return { name, classes, limits: finite }
}
