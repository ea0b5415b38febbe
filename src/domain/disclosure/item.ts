import type { Json } from '../log/canonical.ts'
import { durationMs } from '../policy/duration.ts'
import type { Basis, ReleaseVerdict, Verdict, WithholdVerdict } from '../policy/verdict.ts'

/** Where a value comes from, as the recipient may know it (LED art. 7(2)). Times ISO 8601. */
export interface ItemProvenance {
  readonly agencyId: string
  readonly informant: string
  readonly kind: string
  readonly collectedAt: string
  readonly verifiedAt?: string
  readonly method?: string
  readonly reliability?: string
}

/**
 * One entry of an answer without its value: what the requester sees, what `GET /disclosures/{id}`
 * shows later, and what the public part of the audit event commits to. Silent verdicts have none.
 */
export type DisclosureItem = { readonly [member: string]: Json } & {
  readonly field: string
  readonly outcome: Verdict['outcome']
}

/** Overall outcome, over what the requester sees and nothing else. */
export type Outcome = 'full' | 'partial' | 'none' | 'review'

/** Verdicts that the requester may see, in the order given. */
export function visibleVerdicts(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.filter((verdict) => !verdict.silent)
}

/** What an entry says besides the verdict. */
export interface ItemContext {
  readonly provenance: ItemProvenance
  /** Somebody says that the value is wrong. */
  readonly contested: boolean
  /** Time of decision. */
  readonly at: Date
  /**
   * The requester acts for the perpetrator: then no version is told, since it counts the changes of
   * the whole record, and what she had added to it would show.
   */
  readonly perpetratorSide: boolean
}

/** What one visible verdict looks like from outside. */
export function itemOf(verdict: Verdict, context: ItemContext): DisclosureItem {
  const { field, outcome, tests, rules, recordId } = verdict
  const { provenance, contested, at } = context
  const version = context.perpetratorSide ? {} : { version: verdict.version }
  const base = { field: field.id, outcome, recordId, ...version, tests: { ...tests }, rules }
  if (verdict.outcome === 'withheld') {
    const reasons = verdict.explained.map(({ code, rule }) => (rule ? { code, rule } : { code }))
    return { ...base, reasons, remedies: verdict.remedies }
  }
  if (verdict.outcome === 'review') {
    const { by, within } = verdict.review
    return { ...base, review: { by, within } }
  }
  return {
    ...base,
    provenance: { ...provenance },
    obligations: verdict.obligations,
    stale: verdict.stale,
    ...(contested ? { contested } : {}),
    basis: basisOf(verdict.basis),
    ...(verdict.transform ? { transform: verdict.transform } : {}),
    ...(verdict.exception ? { exception: verdict.exception } : {}),
    ...(verdict.expiresAfter ? { expiresAt: expiryOf(verdict, at)?.toISOString() ?? null } : {}),
  }
}

/** When the recipient has to let go of a released value; undefined when no rule says so. */
export function expiryOf(verdict: ReleaseVerdict, at: Date): Date | undefined {
  const after = verdict.expiresAfter && durationMs(verdict.expiresAfter)
  return after ? new Date(at.getTime() + after) : undefined
}

function basisOf(basis: Basis): Json {
  const { gdpr, art9, art10, led, consent, consentId } = basis
  return {
    ...(gdpr ? { gdpr } : {}),
    ...(art9 ? { art9 } : {}),
    ...(art10 ? { art10 } : {}),
    ...(led ? { led } : {}),
    consent,
    ...(consentId ? { consentId } : {}),
  }
}

/** Whether the requester is not told, or not told truly, why a value was withheld. */
export function isHidden(verdict: Verdict): verdict is WithholdVerdict {
  if (verdict.outcome !== 'withheld') return false
  return verdict.reasons.some(({ code }, index) => verdict.explained[index]?.code !== code)
}

/** The true cause of a hidden verdict, for the private part of the event. */
export function hiddenItemOf(verdict: WithholdVerdict): Json {
  const { field, recordId, version, tests, rules, reasons } = verdict
  return {
    field: field.id,
    recordId,
    version,
    tests: { ...tests },
    rules,
    reasons: reasons.map(({ code, rule }) => (rule ? { code, rule } : { code })),
  }
}

/** Overall outcome of the visible entries. */
export function outcomeOf(items: readonly Pick<DisclosureItem, 'outcome'>[]): Outcome {
  const released = items.filter(
    ({ outcome }) => outcome === 'released' || outcome === 'generalised',
  )
  if (released.length > 0) return released.length === items.length ? 'full' : 'partial'
  return items.some(({ outcome }) => outcome === 'review') ? 'review' : 'none'
}
