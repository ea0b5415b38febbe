import type { Attempt } from './evaluate-permit.ts'
import { countBits } from './bits.ts'
import type { ConsentFacts, Facts, ValueFacts } from './facts.ts'
import type { Forbid, Permit } from './program.ts'
import { allTests, codesOf, failedTests, REASON, remediesFor } from './reason-set.ts'
import type { ReasonCode, Remedy, TestResults } from './reasons.ts'
import type { Basis, Reason, ReleaseVerdict, Verdict, WithholdVerdict } from './verdict.ts'

/** Whether withholding this value must look like there being none. */
export interface Silence {
  readonly silent: boolean
}

/** What opened the forbids that would else have stood. */
export interface Lift {
  readonly consent: ConsentFacts | undefined
  readonly exception: boolean
}

/** Withheld before any rule came to it, or because none does. */
export function notReached(value: ValueFacts, code: ReasonCode, silence: Silence): WithholdVerdict {
  return withheld(value, silence, {
    rules: [],
    reasons: [{ code }],
    tests: failedTests(REASON[code]),
  })
}

/** Withheld because something failed. */
export function withRuleError(
  value: ValueFacts,
  silence: Silence,
  rule: string | undefined,
): WithholdVerdict {
  const reason: Reason = rule === undefined ? { code: 'rule_error' } : { code: 'rule_error', rule }
  const tests = failedTests(REASON.rule_error)
  return withheld(value, silence, {
    rules: rule === undefined ? [] : [rule],
    reasons: [reason],
    tests,
  })
}

/** Withheld by every forbid that stands; one silent rule among them silences all. */
export function underForbids(
  value: ValueFacts,
  forbids: readonly Forbid[],
  { silent }: Silence,
): WithholdVerdict {
  const reasons = forbids.map(({ id, reason }) => ({ code: reason, rule: id }))
  const failed = forbids.reduce((set, { reason }) => set | REASON[reason], 0)
  return withheld(
    value,
    { silent: silent || forbids.some((forbid) => forbid.silent) },
    { rules: forbids.map(({ id }) => id), reasons, tests: failedTests(failed) },
    liftingRemedies(forbids),
  )
}

/** A remedy that lifts only some of the forbids would be a false hope. */
function liftingRemedies(forbids: readonly Forbid[]): readonly Remedy[] {
  const [first, ...others] = forbids
  const claim = first?.unless.some((code) => others.every(({ unless }) => unless.includes(code)))
  return [
    ...(forbids.every(({ unlessConsent }) => unlessConsent) ? ['ask_consent' as const] : []),
    ...(claim ? ['claim_exception' as const] : []),
  ]
}

/** Withheld because no permit passes: with the reasons of the one that came closest. */
export function underPermits(
  value: ValueFacts,
  attempts: readonly Attempt[],
  silence: Silence,
): WithholdVerdict {
  // Attempts come in the order of ids, and `<` keeps the first of equals.
  const { permit, failed } = attempts.reduce((closest, next) =>
    countBits(next.failed) < countBits(closest.failed) ? next : closest,
  )
  const reasons = codesOf(failed).map((code) => ({ code, rule: permit.id }))
  return withheld(value, silence, { rules: [permit.id], reasons, tests: allTests(failed) })
}

/** Some permit passes: the most revealing outcome wins, then the smaller id. */
export function passed(
  facts: Facts,
  value: ValueFacts,
  passing: readonly Attempt[],
  lift: Lift,
  silence: Silence,
): Verdict {
  const approved = facts.request.approvedBy.includes(value.source.agencyId)
  const winner = passing.reduce((best, next) =>
    rank(next.permit, approved) > rank(best.permit, approved) ? next : best,
  )
  const { permit } = winner
  const rules = passing.map((one) => one.permit.id)
  const { field, recordId, version } = value
  const about = { field, recordId, version, rules }
  if (rank(permit, approved) === RANK.review && permit.review) {
    // To ask a person would tell him that there is something to ask about.
    if (silence.silent) {
      const reasons: Reason[] = [{ code: 'shielded', rule: permit.id }]
      return withheld(value, silence, { rules, reasons, tests: allTests(REASON.shielded) })
    }
    const { review } = permit
    return { ...about, outcome: 'review', silent: false, tests: allTests(0), review }
  }
  const peers = passing.filter((one) => rank(one.permit, approved) === rank(permit, approved))
  const exception = facts.request.exception
  return {
    ...about,
    outcome: permit.transform ? 'generalised' : 'released',
    silent: false,
    tests: allTests(0),
    ...(permit.transform ? { transform: permit.transform } : {}),
    basis: basisOf(permit, winner.consent ?? lift.consent),
    obligations: obligationsOf(value, passing),
    stale: peers.every(({ stale }) => stale),
    ...(exception && (winner.exception || lift.exception) ? { exception } : {}),
    ...(permit.expiresAfter ? { expiresAfter: permit.expiresAfter } : {}),
    agreementAlert: winner.agreementAlert,
  } satisfies ReleaseVerdict
}

const RANK = { review: 1, generalised: 2, released: 3 } as const

function rank(permit: Permit, approved: boolean): number {
  if (permit.review && !approved) return RANK.review
  return permit.transform ? RANK.generalised : RANK.released
}

function basisOf(permit: Permit, consent: ConsentFacts | undefined): Basis {
  return consent ? { ...permit.basis, consent: 'used', consentId: consent.id } : permit.basis
}

function obligationsOf(value: ValueFacts, passing: readonly Attempt[]): readonly string[] {
  const [first] = passing
  if (passing.length === 1 && first && value.conditions.length === 0)
    return first.permit.obligations
  const all = new Set([...value.conditions, ...passing.flatMap(({ permit }) => permit.obligations)])
  return [...all].sort()
}

function withheld(
  value: ValueFacts,
  { silent }: Silence,
  why: { rules: readonly string[]; reasons: readonly Reason[]; tests: TestResults },
  lifting: readonly Remedy[] = [],
): WithholdVerdict {
  const { field, recordId, version } = value
  const explained = silent ? [] : why.reasons.map((reason) => explain(reason, value))
  return {
    field,
    recordId,
    version,
    outcome: 'withheld',
    silent,
    ...why,
    explained,
    remedies: silent
      ? []
      : remediesFor(
          explained.map(({ code }) => code),
          lifting,
        ),
  }
}

/** That she withdrew tells that she once consented: only for whom the field was released to before. */
function explain(reason: Reason, value: ValueFacts): Reason {
  const hidden = reason.code === 'consent_withdrawn' && !value.releasedBefore
  return hidden ? { ...reason, code: 'consent_missing' } : reason
}
