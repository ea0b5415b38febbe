import { consentOf, isExcluded, type ValueView, whenHolds } from './conditions.ts'
import { isClaimed } from './evaluate-permit.ts'
import { partiesAsked } from './consent.ts'
import type { Forbid } from './program.ts'

/** What becomes of one forbid that speaks of a value. */
export type ForbidResult =
  | 'stands'
  /** Its own `except` leaves the value out. */
  | 'excluded'
  | 'condition_not_met'
  /** A live, explicit consent to exactly this item. */
  | 'lifted_by_consent'
  | 'lifted_by_exception'

/** Judges a forbid whose scope the value is in. */
export function judgeForbid(forbid: Forbid, view: ValueView): ForbidResult {
  if (isExcluded(forbid.except, view)) return 'excluded'
  if (!whenHolds(forbid.when, view.flags)) return 'condition_not_met'
  if (forbid.unlessConsent && mayBeAsked(forbid, view) && consentOf(view, true).state === 'live')
    return 'lifted_by_consent'
  return isClaimed(forbid.unless, view.facts) ? 'lifted_by_exception' : 'stands'
}

/** Whether it is on a person of the right party to lift it. */
function mayBeAsked({ consentBy }: Forbid, { facts, value }: ValueView): boolean {
  return !consentBy || partiesAsked(facts, value).some((party) => consentBy.includes(party))
}
