import { freshnessLimit } from '../catalogue/freshness.ts'
import { consentOf, hasFlag, isExcluded, type ValueView, whenHolds } from './conditions.ts'
import type { ConsentFacts, Facts, ValueFacts } from './facts.ts'
import type { Permit, Program } from './program.ts'
import { REASON, type ReasonSet } from './reason-set.ts'
import type { RequestContext } from './request-context.ts'

const DAY = 86_400_000

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

/** Evaluates the permit at a position against a value. */
export function evaluatePermit(
  context: RequestContext,
  position: number,
  permit: Permit,
  view: ValueView,
): Attempt {
  const { value } = view
  let failed = requestReasons(context, position, permit)
  if (isExcluded(permit.except, view)) failed |= REASON.excluded
  if (!whenHolds(permit.when, view)) failed |= REASON.condition_not_met
  if ((permit.groundless & view.legalBit) !== 0) failed |= REASON.no_legal_ground
  if (permit.verified && value.verifiedAt === undefined) failed |= REASON.unverified
  if (permit.withholdContested && value.contested) failed |= REASON.contested

  const agreement = agreementResult(permit, view)
  if (agreement === 'missing') failed |= REASON.no_agreement
  const consent = consentResult(permit, view)
  failed |= consent.failed
  const old = isStale(context.program, permit, view)
  if (old && permit.withholdStale) failed |= REASON.stale
  return {
    permit,
    failed,
    stale: old && !permit.withholdStale,
    agreementAlert: agreement === 'alert',
    exception: permit.exception !== undefined || consent.exception,
    consent: consent.used,
  }
}

/** Reasons that hold for every value of the request alike; kept, since many values ask. */
function requestReasons(context: RequestContext, position: number, permit: Permit): ReasonSet {
  const known = context.requestReasons[position] ?? -1
  if (known >= 0) return known
  const { request, recipient, at } = context.facts
  let failed: ReasonSet = 0
  if (permit.justification && !request.justified) failed |= REASON.justification_missing
  if (permit.ethicsNote && !request.ethicsNoted) failed |= REASON.ethics_note_missing
  if (permit.boundToken && request.channel !== 'sender_constrained')
    failed |= REASON.channel_too_weak
  if (permit.sealed && !request.sealed) failed |= REASON.seal_required
  if (permit.exception && !isClaimed(permit.exception, context.facts)) {
    failed |= REASON.exception_not_open
  }
  const trained = permit.training.every(({ code, maxAge }) =>
    recipient.trainings.some((t) => t.code === code && t.at <= at && at - t.at <= maxAge),
  )
  if (!trained) failed |= REASON.training_missing
  context.requestReasons[position] = failed
  return failed
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

/** Whether the value is older than the permit wants, counted from when it was last verified. */
function isStale(program: Program, permit: Permit, { facts: { at }, value }: ValueView): boolean {
  return at - (value.verifiedAt ?? value.collectedAt) > ageLimit(program, permit, value)
}

/** Milliseconds beyond which the value is too old for the permit, counted from when it was last verified. */
export function ageLimit({ freshness }: Program, permit: Permit, value: ValueFacts): number {
  if (permit.maxAge !== 'catalogue') return permit.maxAge
  const limit = freshness[value.field.index]
  const days = limit ? freshnessLimit(limit, value.flags) : null
  return days === null ? Number.POSITIVE_INFINITY : days * DAY
}
