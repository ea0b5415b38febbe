import type { Json } from '../log/canonical.ts'
import type { Transfer } from '../policy/document.ts'
import { durationMs } from '../policy/duration.ts'
import type { TestResults } from '../policy/reasons.ts'
import type { Basis, Reason, ReleaseVerdict, Verdict, WithholdVerdict } from '../policy/verdict.ts'

/** Where a value comes from, as the recipient may know it (LED art. 7(2)). Times ISO 8601. */
export type ItemProvenance = {
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
  /** Whether the value stays with its agency, in its organisation, or leaves it (R2). */
  readonly transfer: Transfer
  /** Time of decision. */
  readonly at: Date
  /**
   * The requester acts for the perpetrator: then no version is told, since it counts the changes of
   * the whole record, and what she had added to it would show.
   */
  readonly perpetratorSide: boolean
}

/**
 * What one visible verdict looks like from outside. Members stand in canonical order here and below,
 * because all of it goes into the event (see `canonicalize`).
 */
export function itemOf(verdict: Verdict, context: ItemContext): DisclosureItem {
  const { outcome, rules, recordId } = verdict
  const field = verdict.field.id
  const tests = testsOf(verdict.tests)
  const version = context.perpetratorSide ? {} : { version: verdict.version }
  if (verdict.outcome === 'withheld') {
    const { explained, remedies } = verdict
    const reasons = reasonsOf(explained)
    return { field, outcome, reasons, recordId, remedies, rules, tests, ...version }
  }
  if (verdict.outcome === 'review') {
    const { by, within } = verdict.review
    return { field, outcome, recordId, review: { by, within }, rules, tests, ...version }
  }
  const { provenance, contested, transfer, at } = context
  const { obligations, stale, transform, exception } = verdict
  return {
    basis: basisOf(verdict.basis),
    ...(contested ? { contested } : {}),
    ...(exception ? { exception } : {}),
    ...(verdict.expiresAfter ? { expiresAt: expiryOf(verdict, at)?.toISOString() ?? null } : {}),
    field,
    obligations,
    outcome,
    provenance,
    recordId,
    rules,
    stale,
    tests,
    transfer,
    ...(transform ? { transform } : {}),
    ...version,
  }
}

function testsOf({ accurate, necessary, secure, timely }: TestResults): Json {
  const tests: { [test: string]: Json } = {}
  if (accurate) tests['accurate'] = accurate
  if (necessary) tests['necessary'] = necessary
  if (secure) tests['secure'] = secure
  if (timely) tests['timely'] = timely
  return tests
}

const reasonsOf = (reasons: readonly Reason[]): Json =>
  reasons.map(({ code, rule }) => (rule ? { code, rule } : { code }))

/** When the recipient has to let go of a released value; undefined when no rule says so. */
export function expiryOf(verdict: ReleaseVerdict, at: Date): Date | undefined {
  const after = verdict.expiresAfter && durationMs(verdict.expiresAfter)
  return after ? new Date(at.getTime() + after) : undefined
}

function basisOf(basis: Basis): Json {
  const { regime, primary, gdpr, art9, art10, led, consent, consentId } = basis
  return {
    ...(art10 ? { art10 } : {}),
    ...(art9 ? { art9 } : {}),
    consent,
    ...(consentId ? { consentId } : {}),
    ...(gdpr ? { gdpr } : {}),
    ...(led ? { led } : {}),
    ...(primary ? { primary } : {}),
    regime,
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
    reasons: reasonsOf(reasons),
    recordId,
    rules,
    tests: testsOf(tests),
    version,
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
