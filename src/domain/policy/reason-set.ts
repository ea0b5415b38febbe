import {
  REASON_TEST,
  type ReasonCode,
  REMEDIES,
  type Remedy,
  type Test,
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

const OF_TEST = Object.fromEntries(
  TESTS.map((test) => [
    test,
    CODES.filter((code) => REASON_TEST[code] === test).reduce((set, code) => set | REASON[code], 0),
  ]),
) as Readonly<Record<Test, ReasonSet>>

const ALL_PASS: TestResults = Object.freeze({
  necessary: 'pass',
  accurate: 'pass',
  timely: 'pass',
  secure: 'pass',
})

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

/** The codes of a set, in the order of the closed list. */
export function codesOf(set: ReasonSet): readonly ReasonCode[] {
  return CODES.filter((code) => (set & REASON[code]) !== 0)
}

/** Results of all four tests, all of which were carried out. */
export function allTests(failed: ReasonSet): TestResults {
  if (failed === 0) return ALL_PASS
  return Object.fromEntries(
    TESTS.map((test) => [test, (failed & OF_TEST[test]) === 0 ? 'pass' : 'fail']),
  )
}

/** Only the tests that failed; the others were not reached. */
export function failedTests(failed: ReasonSet): TestResults {
  const names = TESTS.filter((test) => (failed & OF_TEST[test]) !== 0)
  return Object.fromEntries(names.map((test) => [test, 'fail']))
}

/** What would mend these reasons, each once, in the order of the closed list. */
export function remediesFor(
  codes: readonly ReasonCode[],
  more: readonly Remedy[] = [],
): readonly Remedy[] {
  const wanted = new Set([...more, ...codes.map((code) => REMEDY_OF[code])])
  return REMEDIES.filter((remedy) => wanted.has(remedy))
}
