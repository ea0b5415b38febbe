import { UnknownSelectorError } from '../catalogue/select.ts'
import type { Catalogue } from '../catalogue/types.ts'
import { nameFaults, reporter } from './check.ts'
import { decide } from './decide.ts'
import type { Fault } from './fault.ts'
import type { Parsed } from './parsed.ts'
import type { Program } from './program.ts'
import type { Expectation, Outcome, PolicySuite, SuiteCase } from './suite.ts'
import { SuiteError } from './suite-error.ts'
import { factsOfCase } from './suite-facts.ts'
import { SUITE_SHAPE } from './suite-grammar.ts'
import { sweptCases } from './suite-sweep.ts'
import type { Verdict } from './verdict.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/** How one case went. */
export interface CaseResult {
  readonly suite: string
  readonly case: string
  /** What differs from what was expected, one sentence each; empty when the case passes. */
  readonly problems: readonly string[]
}

/** Faults of a suite that make it meaningless to run: unknown words, people, agencies, selectors. */
export function checkSuite(
  parsed: Parsed<PolicySuite>,
  catalogue: Catalogue,
  vocabulary: PolicyVocabulary,
): readonly Fault[] {
  const faults: Fault[] = []
  const report = reporter(parsed, faults)
  nameFaults(parsed.document, vocabulary, report, SUITE_SHAPE)
  parsed.document.cases.forEach((one, i) => {
    try {
      for (const swept of sweptCases(parsed.document, one, vocabulary)) {
        factsOfCase(swept.suite, swept.case, catalogue)
      }
    } catch (error) {
      if (!(error instanceof SuiteError || error instanceof UnknownSelectorError)) throw error
      report('no_match', `/cases/${i}`, error.message)
    }
  })
  return faults
}

/** Decides every case of a suite and compares. Pure: the suite says what time it is. */
export function runPolicyTests(
  program: Program,
  catalogue: Catalogue,
  suite: PolicySuite,
): readonly CaseResult[] {
  return suite.cases.map((one) => ({
    suite: suite.suite,
    case: one.case,
    problems: sweptCases(suite, one, program.vocabulary).flatMap((swept) => {
      const problems = runCase(program, catalogue, swept.suite, swept.case)
      return swept.words === '' ? problems : problems.map((text) => `with ${swept.words}: ${text}`)
    }),
  }))
}

function runCase(
  program: Program,
  catalogue: Catalogue,
  suite: PolicySuite,
  one: SuiteCase,
): readonly string[] {
  const { verdicts, errors } = decide(program, factsOfCase(suite, one, catalogue))
  const problems = errors.map(
    ({ code, rule, field }) => `${field}: ${code} in ${rule ?? 'the facts'}`,
  )
  const met = new Set<string>()
  for (const [field, ofField] of Map.groupBy(verdicts, (verdict) => verdict.field)) {
    const keys = [field.id, field.group, `${field.record}.*`, 'others']
    const key = keys.find((name) => Object.hasOwn(one.then, name))
    if (key === undefined) {
      problems.push(...ofField.map((verdict) => `${field.id}: ${outcomeOf(verdict)}, not expected`))
      continue
    }
    met.add(key)
    problems.push(...compareField(field.id, one.then[key] ?? [], ofField))
  }
  for (const key of Object.keys(one.then)) {
    if (!met.has(key) && key !== 'others') problems.push(`${key}: no such value was decided`)
  }
  return problems
}

function compareField(
  field: string,
  expected: Outcome | Expectation | readonly (Outcome | Expectation)[],
  verdicts: readonly Verdict[],
): readonly string[] {
  if (!isList(expected)) return verdicts.flatMap((verdict) => compare(field, expected, verdict))
  if (expected.length !== verdicts.length) {
    return [`${field}: ${verdicts.length} values, ${expected.length} expected`]
  }
  return verdicts.flatMap((verdict, i) => compare(field, expected[i] ?? 'released', verdict))
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}

function compare(
  field: string,
  wanted: Outcome | Expectation,
  verdict: Verdict,
): readonly string[] {
  const expected: Expectation = typeof wanted === 'string' ? { outcome: wanted } : wanted
  const actual = describe(verdict)
  return Object.entries(expected).flatMap(([key, want]) => {
    const got = actual[key as keyof Expectation]
    if (isSame(want, got) || isRefusal(want, got) || isAmong(key, want, got)) return []
    return [`${field}: ${key} is ${show(got)}, expected ${show(want)}${because(key, verdict)}`]
  })
}

/** What a verdict says, in the words of an expectation. */
function describe(verdict: Verdict): { readonly [K in keyof Expectation]: unknown } {
  const failing = Object.entries(verdict.tests).filter(([, result]) => result === 'fail')
  const said = {
    outcome: outcomeOf(verdict),
    rules: verdict.rules,
    by: verdict.rules,
    fails: failing.map(([test]) => test),
  }
  if (verdict.outcome === 'withheld') {
    const { reasons, explained, remedies } = verdict
    return {
      ...said,
      reasons: [...new Set(reasons.map(({ code }) => code))],
      explained: [...new Set(explained.map(({ code }) => code))],
      remedies,
    }
  }
  if (verdict.outcome === 'review') return { ...said, reviewBy: verdict.review.by }
  return {
    ...said,
    obligations: verdict.obligations,
    stale: verdict.stale,
    transform: verdict.transform,
    exception: verdict.exception ?? 'none',
    consent: verdict.basis.consent,
    regime: verdict.basis.regime,
    agreementAlert: verdict.agreementAlert,
    expiresAfter: verdict.expiresAfter,
  }
}

function outcomeOf(verdict: Verdict): Outcome {
  return verdict.outcome === 'withheld' && verdict.silent ? 'silent' : verdict.outcome
}

/** The causes behind an unexpected outcome, so that the author need not ask again. */
function because(key: string, verdict: Verdict): string {
  if (key !== 'outcome' || verdict.outcome !== 'withheld') return ''
  return ` (${verdict.reasons.map(({ code, rule }) => (rule ? `${code} by ${rule}` : code)).join(', ')})`
}

function isSame(want: unknown, got: unknown): boolean {
  if (!Array.isArray(want)) return want === got
  return Array.isArray(got) && want.toSorted().join('\n') === got.toSorted().join('\n')
}

/** `refused` leaves open whether the requester is told. */
function isRefusal(want: unknown, got: unknown): boolean {
  return want === 'refused' && (got === 'withheld' || got === 'silent')
}

/** `by` asks for some of the rules, whatever others there are. */
function isAmong(key: string, want: unknown, got: unknown): boolean {
  if (key !== 'by' || !Array.isArray(want) || !Array.isArray(got)) return false
  return want.every((id) => got.includes(id))
}

function show(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value ?? 'nothing')
}
