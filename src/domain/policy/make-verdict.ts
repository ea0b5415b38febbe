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

/** What a release says apart from the value: the same for all that pass the same permits alike. */
export interface ReleaseTerms {
  readonly outcome: ReleaseVerdict['outcome']
  readonly rules: readonly string[]
  readonly basis: Basis
  readonly obligations: readonly string[]
  readonly stale: boolean
  readonly agreementAlert: boolean
  readonly transform: ReleaseVerdict['transform'] | undefined
  readonly exception: ReleaseVerdict['exception'] | undefined
  readonly expiresAfter: string | undefined
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
  const terms = (view.lacks & REASON.stale) === 0 ? source.terms.fresh : source.terms.stale
  const likeOthers = lift === NOTHING_LIFTED && !silent && value.conditions.length === 0
  const known = likeOthers ? terms.find(passing) : undefined
  if (known) return released(value, known)

  const attempts = rulesIn(passing).map((position) => evaluatePermit(context, view, position))
  const winner = winnerOf(attempts, view)
  if (winner.rank === RANK.review) return reviewed(view, attempts, winner, silent)
  const found = termsOf(view, attempts, winner, lift)
  if (likeOthers && !overlap(passing, program.permitMarks.particular)) terms.keep(passing, found)
  return released(value, found)
}

/** Some permit passes: the most revealing outcome wins, then the smaller id. */
export function passed(
  view: ValueView,
  passing: readonly Attempt[],
  lift: Lift,
  silent: boolean,
): Verdict {
  const winner = winnerOf(passing, view)
  if (winner.rank === RANK.review) return reviewed(view, passing, winner, silent)
  return released(view.value, termsOf(view, passing, winner, lift))
}

interface Winner {
  readonly attempt: Attempt
  readonly rank: number
  /** The source's reviewer has looked: what needed a person is open. */
  readonly approved: boolean
}

function winnerOf(passing: readonly Attempt[], { facts, value }: ValueView): Winner {
  const approved = facts.request.approvedBy.includes(value.source.agencyId)
  const attempt = passing.reduce((best, next) =>
    rankOf(next.permit, approved) > rankOf(best.permit, approved) ? next : best,
  )
  return { attempt, rank: rankOf(attempt.permit, approved), approved }
}

function reviewed(
  { value }: ValueView,
  passing: readonly Attempt[],
  { attempt: { permit } }: Winner,
  silent: boolean,
): Verdict {
  const rules = passing.map((one) => one.permit.id)
  const { review } = permit
  // To ask a person would tell him that there is something to ask about.
  if (silent || !review) return withheld(value, silencedReview(rules, permit), silent)
  const { field, recordId, version } = value
  const about = { field, recordId, version, rules }
  return { ...about, outcome: 'review', silent: false, tests: allTests(0), review }
}

function termsOf(
  { facts, value, regime }: ValueView,
  passing: readonly Attempt[],
  { attempt: winner, rank, approved }: Winner,
  lift: Lift,
): ReleaseTerms {
  const { permit } = winner
  const peers = passing.filter((one) => rankOf(one.permit, approved) === rank)
  return {
    outcome: permit.transform ? 'generalised' : 'released',
    rules: Object.freeze(passing.map((one) => one.permit.id)),
    basis: basisOf(permit.basis[regime], winner.consent ?? lift.consent),
    obligations: obligationsOf(value, passing),
    stale: peers.every(({ stale }) => stale),
    agreementAlert: winner.agreementAlert,
    transform: permit.transform,
    exception: winner.exception || lift.exception ? facts.request.exception : undefined,
    expiresAfter: permit.expiresAfter,
  }
}

function released(value: ValueFacts, terms: ReleaseTerms): ReleaseVerdict {
  const { transform, exception, expiresAfter } = terms
  const verdict: { -readonly [K in keyof ReleaseVerdict]: ReleaseVerdict[K] } = {
    field: value.field,
    recordId: value.recordId,
    version: value.version,
    outcome: terms.outcome,
    silent: false,
    tests: ALL_PASS,
    rules: terms.rules,
    basis: terms.basis,
    obligations: terms.obligations,
    stale: terms.stale,
    agreementAlert: terms.agreementAlert,
  }
  // Most have none of these; keys that are absent must not be there as undefined.
  if (transform !== undefined) verdict.transform = transform
  if (exception !== undefined) verdict.exception = exception
  if (expiresAfter !== undefined) verdict.expiresAfter = expiresAfter
  return verdict
}

const ALL_PASS = allTests(0)

const RANK = { review: 1, generalised: 2, released: 3 } as const

function rankOf(permit: Permit, approved: boolean): number {
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
