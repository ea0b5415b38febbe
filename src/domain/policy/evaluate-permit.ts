import { ageLimit, ageOf } from './age.ts'
import { countBits, isIn } from './bits.ts'
import { consentOf, hasFlag, isExcluded, type ValueView } from './conditions.ts'
import type { ConsentFacts, Facts } from './facts.ts'
import type { Permit } from './program.ts'
import { REASON, type ReasonSet } from './reason-set.ts'
import type { RequestContext } from './request-context.ts'

/** One permit put to all four tests; it passes when nothing failed. */
export interface Attempt {
  readonly permit: Permit
  /** Every reason, not only the first. */
  readonly failed: ReasonSet
  /** Older than the permit wants, and it only marks that. */
  readonly stale: boolean
  /** No agreement was in force, and it passes all the same. */
  readonly agreementAlert: boolean
  /** It would not have passed without the claim. */
  readonly exception: boolean
  /** Consent that carries it. */
  readonly consent: ConsentFacts | undefined
}

/** Every reason against the permit at a position; 0: it passes. */
export function reasonsAgainst(
  context: RequestContext,
  view: ValueView,
  position: number,
): ReasonSet {
  const { asks, groundless, particular } = context.program.permitMarks
  let failed = (asks[position] ?? 0) & view.lacks
  if (!isIn(context.open, position)) failed |= REASON.exception_not_open
  if (!isIn(view.flags.permits, position)) failed |= REASON.condition_not_met
  if (((groundless[position] ?? 0) & view.legalBit) !== 0) failed |= REASON.no_legal_ground
  if (isIn(particular, position)) failed |= lookCloser(context, view, position).failed
  return failed
}

/** The permit at a position, with all that a verdict says of it. */
export function evaluatePermit(
  context: RequestContext,
  view: ValueView,
  position: number,
): Attempt {
  const { permits, permitMarks } = context.program
  const permit = permits[position] as Permit
  const claimed = isIn(permitMarks.claimed, position)
  const failed = reasonsAgainst(context, view, position)
  if (isIn(permitMarks.particular, position)) {
    const closer = lookCloser(context, view, position)
    return { permit, ...closer, failed, exception: claimed || closer.exception }
  }
  const old = permit.maxAge === 'catalogue' && (view.lacks & REASON.stale) !== 0
  return {
    permit,
    failed,
    stale: old && !permit.withholdStale,
    agreementAlert: false,
    exception: claimed,
    consent: undefined,
  }
}

/**
 * How far a permit that does not pass is from passing. Of two that lack equally much, the one that the
 * requester's claim is for is closer, so that what it lacks is told and not what another way would need.
 */
export function distanceOf(
  { program: { permitMarks } }: RequestContext,
  position: number,
  failed: ReasonSet,
): number {
  const meant = isIn(permitMarks.claimed, position) && (failed & REASON.exception_not_open) === 0
  return 2 * countBits(failed) + (meant ? 0 : 1)
}

/** What the marks of a permit do not tell: exclusions, agreement, consent, training, an age of its own. */
function lookCloser(
  context: RequestContext,
  view: ValueView,
  position: number,
): Omit<Attempt, 'permit'> {
  const permit = context.program.permits[position] as Permit
  context.trace.rule = permit.id
  const agreement = agreementResult(permit, view)
  const consent = consentResult(permit, view)
  const old = ageOf(view.value, view.facts) > ageLimit(context.program, permit, view.value)
  let failed = consent.failed
  if (isExcluded(permit.except, view)) failed |= REASON.excluded
  if (agreement === 'missing') failed |= REASON.no_agreement
  if (old && permit.withholdStale) failed |= REASON.stale
  if (!isTrained(permit, view.facts)) failed |= REASON.training_missing
  context.trace.rule = undefined
  return {
    failed,
    stale: old && !permit.withholdStale,
    agreementAlert: agreement === 'alert',
    exception: consent.exception,
    consent: consent.used,
  }
}

function isTrained({ training }: Permit, { recipient, at }: Facts): boolean {
  return training.every(({ code, maxAge }) =>
    recipient.trainings.some((t) => t.code === code && t.at <= at && at - t.at <= maxAge),
  )
}

/** Whether the request claims one of these exceptions. */
export function isClaimed(codes: readonly string[], { request }: Facts): boolean {
  return request.exception !== undefined && codes.includes(request.exception)
}

/** An agency needs no agreement with itself. */
export function agreementResult(
  permit: Permit,
  { facts, value }: ValueView,
): 'fine' | 'alert' | 'missing' {
  const { agreement } = permit
  const { at, request, recipient, agreements } = facts
  const source = value.source.agencyId
  if (!agreement || source === recipient.agencyId) return 'fine'
  const inForce = agreements.some(
    ({ parties, purposes, validFrom, validTo }) =>
      validFrom <= at &&
      at < validTo &&
      parties.includes(source) &&
      parties.includes(recipient.agencyId) &&
      purposes.includes(request.purpose),
  )
  if (inForce) return 'fine'
  const passes =
    agreement.onMissing === 'alert' || agreement.unlessPurpose?.includes(request.purpose)
  return passes ? 'alert' : 'missing'
}

/** Consent first, so that it is recorded where there is one; then what makes it unnecessary; a claim last. */
function consentResult(
  { consent: need }: Permit,
  view: ValueView,
): { failed: ReasonSet; exception: boolean; used: ConsentFacts | undefined } {
  const nothing = { failed: 0, exception: false, used: undefined }
  if (!need) return nothing
  const standing = consentOf(view, false)
  if (standing.state === 'live') return { ...nothing, used: standing.consent }
  if (need.purpose.includes(view.facts.request.purpose)) return nothing
  if (need.flags.some((flag) => hasFlag(view, flag))) return nothing
  if (isClaimed(need.exception, view.facts)) return { ...nothing, exception: true }
  return { ...nothing, failed: REASON[`consent_${standing.state}`] }
}
