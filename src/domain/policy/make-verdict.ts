import { type Attempt, isClaimed } from './evaluate-permit.ts'
import { countBits } from './bits.ts'
import type { ValueView } from './conditions.ts'
import type { ConsentFacts, Facts, ValueFacts } from './facts.ts'
import { withConsent } from './legal-regime.ts'
import type { Forbid, Permit } from './program.ts'
import { allTests, codesOf, failedTests, REASON, remediesFor } from './reason-set.ts'
import type { ReasonCode, Remedy, TestResults } from './reasons.ts'
import type { Basis, Reason, ReleaseVerdict, Verdict, WithholdVerdict } from './verdict.ts'

interface Why {
  readonly rules: readonly string[]
  readonly reasons: readonly Reason[]
  readonly tests: TestResults
}

const NONE: readonly never[] = Object.freeze([])

/** Most verdicts of a refused request are alike, so these are made once. */
const NOT_REACHED = Object.fromEntries(
  (Object.keys(REASON) as ReasonCode[]).map((code) => {
    const reasons: readonly Reason[] = Object.freeze([Object.freeze({ code })])
    const why: Why = { rules: NONE, reasons, tests: failedTests(REASON[code]) }
    return [code, why]
  }),
) as Readonly<Record<ReasonCode, Why>>

/** What opened the forbids that would else have stood. */
export interface Lift {
  readonly consent: ConsentFacts | undefined
  readonly exception: boolean
}

/** Withheld before any rule came to it, or because none does. */
export function notReached(value: ValueFacts, code: ReasonCode, silent: boolean): WithholdVerdict {
  return withheld(value, silent, NOT_REACHED[code])
}

/** Withheld because something failed. */
export function withRuleError(
  value: ValueFacts,
  silent: boolean,
  rule: string | undefined,
): WithholdVerdict {
  const reason: Reason = rule === undefined ? { code: 'rule_error' } : { code: 'rule_error', rule }
  const tests = failedTests(REASON.rule_error)
  return withheld(value, silent, {
    rules: rule === undefined ? [] : [rule],
    reasons: [reason],
    tests,
  })
}

/** Withheld by every forbid that stands; one silent rule among them silences all. */
export function underForbids(
  value: ValueFacts,
  forbids: readonly Forbid[],
  silent: boolean,
): WithholdVerdict {
  const reasons = forbids.map(({ id, reason }) => ({ code: reason, rule: id }))
  const failed = forbids.reduce((set, { reason }) => set | REASON[reason], 0)
  return withheld(
    value,
    silent || forbids.some((forbid) => forbid.silent),
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

/**
 * Withheld because no permit passes: with the reasons of the one that came closest. Of equals, the one
 * that the requester's claim is for, so that what it lacks is told and not what another way would need.
 */
export function underPermits(
  facts: Facts,
  value: ValueFacts,
  attempts: readonly Attempt[],
  silent: boolean,
): WithholdVerdict {
  const distance = ({ permit, failed }: Attempt): number =>
    2 * countBits(failed) + (permit.exception && isClaimed(permit.exception, facts) ? 0 : 1)
  // Attempts come in the order of ids, and `<` keeps the first of equals.
  const { permit, failed } = attempts.reduce((closest, next) =>
    distance(next) < distance(closest) ? next : closest,
  )
  const reasons = codesOf(failed).map((code) => ({ code, rule: permit.id }))
  return withheld(value, silent, { rules: [permit.id], reasons, tests: allTests(failed) })
}

/** Some permit passes: the most revealing outcome wins, then the smaller id. */
export function passed(
  { facts, value, regime }: ValueView,
  passing: readonly Attempt[],
  lift: Lift,
  silent: boolean,
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
    if (silent) {
      const reasons: Reason[] = [{ code: 'shielded', rule: permit.id }]
      return withheld(value, silent, { rules, reasons, tests: allTests(REASON.shielded) })
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
    basis: basisOf(permit.basis[regime], winner.consent ?? lift.consent),
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

function basisOf(grounds: Basis, consent: ConsentFacts | undefined): Basis {
  return consent ? withConsent(grounds, consent.id) : grounds
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
  silent: boolean,
  why: Why,
  lifting: readonly Remedy[] = [],
): WithholdVerdict {
  const { field, recordId, version } = value
  const explained = silent ? NONE : explain(why.reasons, value)
  return {
    field,
    recordId,
    version,
    outcome: 'withheld',
    silent,
    tests: why.tests,
    rules: why.rules,
    reasons: why.reasons,
    explained,
    remedies: silent ? NONE : remediesFor(explained, lifting),
  }
}

/** That she withdrew tells that she once consented: only for whom the field was released to before. */
function explain(reasons: readonly Reason[], value: ValueFacts): readonly Reason[] {
  if (value.releasedBefore || !reasons.some(({ code }) => code === 'consent_withdrawn'))
    return reasons
  return reasons.map((reason) =>
    reason.code === 'consent_withdrawn' ? { ...reason, code: 'consent_missing' } : reason,
  )
}
