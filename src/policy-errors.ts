import type { ErrorEntry } from './errors.ts'

/** Problems on the way of a policy draft into force; part of `ERRORS`. */
export const POLICY_ERRORS = {
  approver_not_allowed: {
    status: 403,
    title: 'Approver is not allowed',
    meaning:
      'The practitioner may not approve this draft: wrote on it, shares a key with somebody who did, is no administrator, has no registered key, or an agreement asks for another agency.',
  },
  draft_outdated: {
    status: 409,
    title: 'Draft is based on another version',
    meaning:
      'The policy version on which the draft is based is not in force any more; compare it with the present one, and replace the draft with `basedOn` of today.',
  },
  draft_not_approved: {
    status: 409,
    title: 'Draft is not approved',
    meaning:
      'Nobody who may has approved the draft as it is now; a change of the draft voids what was approved before.',
  },
  comment_period_open: {
    status: 409,
    title: 'Draft is open for comment',
    meaning:
      'The time for comments has not passed, or, for rules to or from perpetrator programmes, has not begun: victim support services must be heard first (R132, R137).',
  },
  draft_has_faults: {
    status: 422,
    title: 'Draft has faults',
    meaning:
      'The documents or tests of the draft have faults; `POST …/check` lists all of them with their places.',
  },
  draft_tests_fail: {
    status: 422,
    title: 'Tests of the draft fail',
    meaning: 'At least one test of the draft fails; `POST …/check` says which and why.',
  },
  draft_guardrail_broken: {
    status: 422,
    title: 'Draft breaks a guardrail',
    meaning:
      'At least one guardrail does not hold; `POST …/check` shows a request that could happen, and the rules that let it through.',
  },
  draft_too_heavy: {
    status: 422,
    title: 'Draft takes too long to check',
    meaning:
      'Checking or comparing the draft takes more time or memory than the server gives to one draft.',
  },
  approval_signature_invalid: {
    status: 422,
    title: 'Approval signature is not valid',
    meaning:
      "The signature is not a JWS by the practitioner's registered key over the draft, its content and the difference as they are now.",
  },
} as const satisfies Record<string, ErrorEntry>
