/** The four tests that a release must pass together (R1; GDPR art. 5, LED art. 4, 7). */
export const TESTS = ['necessary', 'accurate', 'timely', 'secure'] as const
export type Test = (typeof TESTS)[number]
export type TestResults = Partial<Record<Test, 'pass' | 'fail'>>

/** Closed list of why something was not released, each with the test that it fails. */
export const REASON_TEST = {
  no_rule: 'necessary',
  purpose_not_allowed: 'necessary',
  purpose_forbidden: 'necessary',
  justification_missing: 'necessary',
  ethics_note_missing: 'necessary',
  condition_not_met: 'necessary',
  consent_missing: 'necessary',
  consent_withdrawn: 'necessary',
  consent_expired: 'necessary',
  no_agreement: 'necessary',
  no_legal_ground: 'necessary',
  excluded: 'necessary',
  exception_not_open: 'necessary',
  restricted: 'necessary',
  review_refused: 'necessary',
  unverified: 'accurate',
  contested: 'accurate',
  stale: 'timely',
  channel_too_weak: 'secure',
  seal_required: 'secure',
  not_case_member: 'secure',
  role_not_allowed: 'secure',
  training_missing: 'secure',
  shielded: 'secure',
  rule_error: 'secure',
} as const satisfies Record<string, Test>

export type ReasonCode = keyof typeof REASON_TEST

/** What the requester could do so that the same request would be answered. */
export const REMEDIES = [
  'ask_consent',
  'narrow_purpose',
  'request_verification',
  'use_bound_token',
  'request_sealed',
  'give_justification',
  'give_ethics_note',
  'conclude_agreement',
  'complete_training',
  'claim_exception',
] as const
export type Remedy = (typeof REMEDIES)[number]
