import { overlap, rulesIn } from './bits.ts'
import type { ValueView } from './conditions.ts'
import { type Attempt, evaluatePermit } from './evaluate-permit.ts'
import type { ConsentFacts, ValueFacts } from './facts.ts'
import { withConsent } from './legal-regime.ts'
import type { Permit } from './program.ts'
import { allTests, REASON } from './reason-set.ts'
import { silencedReview, withheld } from './refusal.ts'
import type { RequestContext, SourceContext } from './request-context.ts'
import type { Basis, ReleaseVerdict, Verdict } from './verdict.ts'

/** No forbid had to be lifted. */
export const NOTHING_LIFTED: Lift = Object.freeze({ consent: undefined, exception: false })

/** What opened the forbids that would else have stood. */
export interface Lift {
  readonly consent: ConsentFacts | undefined
  readonly exception: boolean
}

/** The verdict by the permits in `passing`, at least one. */
export function granted(
  context: RequestContext,
  source: SourceContext,
  view: ValueView,
  lift: Lift,
  silent: boolean,
): Verdict {
  const { passing, program } = context
  const { value } = view
  const { field, recordId, version } = value
  const grants = (view.lacks & REASON.stale) === 0 ? source.grants.fresh : source.grants.stale
  const likeOthers = lift === NOTHING_LIFTED && !silent && value.conditions.length === 0
  const grant = likeOthers ? grants.find(passing) : undefined
  if (grant) return { ...grant, field, recordId, version }

  const attempts = rulesIn(passing).map((position) => evaluatePermit(context, view, position))
  const verdict = passed(view, attempts, lift, silent)
  const particular = overlap(passing, program.permitMarks.particular)
  if (likeOthers && !particular && verdict.outcome !== 'withheld')
    grants.keep(passing, { ...verdict, recordId: '', version: 0 })
  return verdict
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
    if (silent) return withheld(value, silencedReview(rules, permit), silent)
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
