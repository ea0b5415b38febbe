import type { GivenValue, PolicySuite, SuiteCase, SuiteSweep, SweepKey } from './suite.ts'
import { SuiteError } from './suite-error.ts'
import type { PolicyVocabulary, WordList } from './vocabulary.ts'

/** One case with the words of its sweep put in. */
export interface SweptCase {
  /** The words that were put in, as `role nurse_midwife`; empty when the case sweeps nothing. */
  readonly words: string
  readonly suite: PolicySuite
  readonly case: SuiteCase
}

/** More than this is no sweep but a search: the prover is for that. */
const MOST = 2000

/** From which list `everyOther` takes the words that a case does not name. */
const LIST_OF: Partial<Record<SweepKey, WordList>> = {
  role: 'role',
  purpose: 'purpose',
  exception: 'exception',
  sector: 'sector',
  actsFor: 'actsFor',
  from: 'sector',
  fromActsFor: 'actsFor',
  subject: 'personRole',
  informant: 'informant',
  flag: 'flag',
}

/**
 * A case with its situation put in, once for every combination of the words in `each` and `everyOther`; once as it stands when it
 * has neither.
 *
 * @throws SuiteError when there is nothing to sweep over, or too much
 */
export function sweptCases(
  suite: PolicySuite,
  one: SuiteCase,
  vocabulary: PolicyVocabulary,
): readonly SweptCase[] {
  const axes = [
    ...axesOf(one.each),
    ...axesOf(one.everyOther).map(({ key, words }) => ({
      key,
      words: wordsBut(key, words, vocabulary),
    })),
  ]
  const count = axes.reduce((product, { words }) => product * words.length, 1)
  if (count === 0) throw new SuiteError('`everyOther` leaves no word')
  if (count > MOST) throw new SuiteError(`${count} combinations are more than ${MOST}`)
  let swept: readonly SweptCase[] = [{ words: '', suite, case: inSituation(suite, one) }]
  for (const { key, words } of axes) {
    swept = swept.flatMap((before) => words.map((word) => put(before, key, word)))
  }
  return swept
}

/** The case with its situation and its `with` written out. */
function inSituation(suite: PolicySuite, one: SuiteCase): SuiteCase {
  const { in: name, with: change, ...rest } = one
  const situation = name === undefined ? {} : suite.situations?.[name]
  if (!situation) throw new SuiteError(`no situation is called \`${name}\``)
  const given = { ...situation.given, ...one.given }
  const values = given.values ?? suite.given?.values ?? []
  return {
    ...rest,
    given: change ? { ...given, values: values.map((value) => ({ ...value, ...change })) } : given,
    when: { ...situation.when, ...one.when },
  }
}

interface Axis {
  readonly key: SweepKey
  readonly words: readonly string[]
}

function axesOf(sweep: SuiteSweep | undefined): readonly Axis[] {
  return Object.entries(sweep ?? {}).map(([key, words]) => ({ key: key as SweepKey, words }))
}

function wordsBut(
  key: SweepKey,
  words: readonly string[],
  vocabulary: PolicyVocabulary,
): readonly string[] {
  const list = LIST_OF[key]
  if (!list) throw new SuiteError(`\`everyOther\` has no list of words for \`${key}\``)
  return vocabulary[list].filter((word) => !words.includes(word))
}

function put(before: SweptCase, key: SweepKey, word: string): SweptCase {
  const words = before.words === '' ? `${key} ${word}` : `${before.words}, ${key} ${word}`
  const { suite, case: one } = before
  const given = { ...suite.given, ...one.given }
  const asking = one.when?.agency ?? suite.when?.agency
  const about = one.when?.about ?? suite.when?.about
  const holders = (given.values ?? []).map(({ heldBy }) => heldBy)
  switch (key) {
    case 'sector':
      return { ...before, words, suite: withAgencies(suite, [asking], { sector: word }) }
    case 'actsFor':
      return { ...before, words, suite: withAgencies(suite, [asking], { actsFor: [word] }) }
    case 'from':
      return { ...before, words, suite: withAgencies(suite, holders, { sector: word }) }
    case 'fromActsFor':
      return { ...before, words, suite: withAgencies(suite, holders, { actsFor: [word] }) }
    case 'subject':
      return { ...before, words, suite: withRole(suite, about, word) }
    case 'informant': {
      const values = (given.values ?? []).map((value): GivenValue => ({
        ...value,
        informant: word,
      }))
      return { ...before, words, case: { ...one, given: { ...one.given, values } } }
    }
    case 'flag':
      return {
        ...before,
        words,
        case: { ...one, given: { ...one.given, flags: [...(given.flags ?? []), word] } },
      }
    case 'purpose':
      return { ...before, words, case: withPurpose(suite, one, word) }
    default:
      return { ...before, words, case: { ...one, when: { ...one.when, [key]: word } } }
  }
}

/** Consents and agreements follow, so that it is the rules that stop another purpose. */
function withPurpose(suite: PolicySuite, one: SuiteCase, purpose: string): SuiteCase {
  const { consents = [], agreements = [] } = { ...suite.given, ...one.given }
  const given = {
    ...one.given,
    consents: consents.map((consent) => ({ ...consent, purpose })),
    agreements: agreements.map((agreement) => ({ ...agreement, purposes: [purpose] })),
  }
  return { ...one, given, when: { ...one.when, purpose } }
}

function withAgencies(
  suite: PolicySuite,
  names: readonly (string | undefined)[],
  change: { readonly sector: string } | { readonly actsFor: readonly string[] },
): PolicySuite {
  const agencies = Object.entries(suite.agencies).map(([name, agency]) => [
    name,
    names.includes(name) ? { ...agency, ...change } : agency,
  ])
  return { ...suite, agencies: Object.fromEntries(agencies) as PolicySuite['agencies'] }
}

function withRole(suite: PolicySuite, person: string | undefined, role: string): PolicySuite {
  if (person === undefined || !Object.hasOwn(suite.people, person)) return suite
  return { ...suite, people: { ...suite.people, [person]: [role] } }
}
