import {
  REASON_TEST,
  type ReasonCode,
  REMEDIES,
  type Remedy,
  type TestResults,
  TESTS,
} from './reasons.ts'

/** Several reason codes as bits of one number. */
export type ReasonSet = number

const CODES = Object.keys(REASON_TEST) as ReasonCode[]

/** Each code's bit. */
export const REASON = Object.fromEntries(CODES.map((code, i) => [code, 1 << i])) as Readonly<
  Record<ReasonCode, ReasonSet>
>

const OF_TEST = TESTS.map((test) =>
  CODES.filter((code) => REASON_TEST[code] === test).reduce((set, code) => set | REASON[code], 0),
)

/** Test results for each set of failing tests, shared by all verdicts: with and without the passes. */
const RESULTS = Array.from({ length: 1 << TESTS.length }, (_, failing) => ({
  all: resultsOf((position) => ((failing >> position) & 1 ? 'fail' : 'pass')),
  failed: resultsOf((position) => ((failing >> position) & 1 ? 'fail' : undefined)),
}))

function resultsOf(result: (position: number) => 'pass' | 'fail' | undefined): TestResults {
  const entries = TESTS.map((test, position) => [test, result(position)] as const)
  return Object.freeze(Object.fromEntries(entries.filter(([, value]) => value !== undefined)))
}

const REMEDY_OF: Partial<Record<ReasonCode, Remedy>> = {
  // Not for a withdrawal: asking her again at once would be pressing her.
  consent_missing: 'ask_consent',
  consent_expired: 'ask_consent',
  purpose_not_allowed: 'narrow_purpose',
  unverified: 'request_verification',
  contested: 'request_verification',
  stale: 'request_verification',
  channel_too_weak: 'use_bound_token',
  seal_required: 'request_sealed',
  justification_missing: 'give_justification',
  ethics_note_missing: 'give_ethics_note',
  no_agreement: 'conclude_agreement',
  training_missing: 'complete_training',
  exception_not_open: 'claim_exception',
}

/** What mends each code alone. */
const REMEDIES_OF = Object.fromEntries(
  CODES.map((code) => {
    const remedy = REMEDY_OF[code]
    return [code, Object.freeze(remedy ? [remedy] : [])]
  }),
) as unknown as Readonly<Record<ReasonCode, readonly Remedy[]>>

/** The codes of a set, in the order of the closed list. */
export function codesOf(set: ReasonSet): readonly ReasonCode[] {
  const codes: ReasonCode[] = []
  for (let rest = set; rest !== 0; rest &= rest - 1) {
    const code = CODES[31 - Math.clz32(rest & -rest)]
    if (code) codes.push(code)
  }
  return codes
}

/** Results of all four tests, all of which were carried out. */
export function allTests(failed: ReasonSet): TestResults {
  return RESULTS[failingTests(failed)]?.all ?? {}
}

/** Only the tests that failed; the others were not reached. */
export function failedTests(failed: ReasonSet): TestResults {
  return RESULTS[failingTests(failed)]?.failed ?? {}
}

function failingTests(failed: ReasonSet): number {
  let failing = 0
  for (let i = 0; i < OF_TEST.length; i++) if ((failed & (OF_TEST[i] ?? 0)) !== 0) failing |= 1 << i
  return failing
}

/** What would mend these reasons, each once, in the order of the closed list. */
export function remediesFor(
  reasons: readonly { readonly code: ReasonCode }[],
  more: readonly Remedy[] = [],
): readonly Remedy[] {
  const [first] = reasons
  if (more.length === 0 && reasons.length === 1 && first) return REMEDIES_OF[first.code]
  const wanted = new Set([...more, ...reasons.flatMap(({ code }) => REMEDIES_OF[code])])
  return REMEDIES.filter((remedy) => wanted.has(remedy))
}
