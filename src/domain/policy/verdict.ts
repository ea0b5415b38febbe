import type { FieldDefinition } from '../catalogue/types.ts'
import type { ExceptionCode, PractitionerRole } from '../case/vocabulary.ts'
import type { ReasonCode, Remedy, TestResults } from './reasons.ts'

/** How a value is made less telling before it leaves (GDPR art. 5(1)(c)). */
export const TRANSFORMS = [
  'age_band',
  'municipality',
  'year',
  'month',
  'code_only',
  'presence',
] as const
export type Transform = (typeof TRANSFORMS)[number]

/** Law under which a disclosure falls: the GDPR, or Directive (EU) 2016/680 between competent authorities. */
export type Regime = 'gdpr' | 'led'

/** Grounds on which the winning rule stands, of the regime at hand alone. */
export interface Basis {
  readonly regime: Regime
  /** The one ground on which it stands first (GDPR art. 6(1)): consent where it carried the release. */
  readonly primary?: string
  readonly gdpr?: readonly string[]
  readonly art9?: string
  readonly art10?: string
  readonly led?: readonly string[]
  readonly consent: 'not_needed' | 'used'
  /** Consent record that carried the release, when one did. */
  readonly consentId?: string
}

interface Decided {
  readonly field: FieldDefinition
  readonly recordId: string
  readonly version: number
  readonly tests: TestResults
  /** Ids of all rules that determined the outcome, sorted. */
  readonly rules: readonly string[]
  /** The requester must not be able to tell this entry from "no such data". */
  readonly silent: boolean
}

/** The value leaves, as it is or made less telling. */
export interface ReleaseVerdict extends Decided {
  readonly outcome: 'released' | 'generalised'
  readonly silent: false
  readonly transform?: Transform
  readonly basis: Basis
  /** Union over all rules that passed, sorted, with the source's own conditions. */
  readonly obligations: readonly string[]
  /** Older than the rule wants; the rule says to mark, not to withhold. */
  readonly stale: boolean
  /** Claim that opened it, if one was needed; then a second person reviews it. */
  readonly exception?: ExceptionCode
  /** ISO 8601 duration after which the recipient has to let go of it (S38: PT24H). */
  readonly expiresAfter?: string
  /** The rule wanted an agreement, none was in force, and it says to alert and go on (S34). */
  readonly agreementAlert: boolean
}

/** A person at the source has to look first. */
export interface ReviewVerdict extends Decided {
  readonly outcome: 'review'
  readonly silent: false
  readonly review: { readonly by: PractitionerRole; readonly within: string }
}

export interface Reason {
  readonly code: ReasonCode
  /** Rule that gave it; absent where no rule names the value. */
  readonly rule?: string
}

/** The value stays. */
export interface WithholdVerdict extends Decided {
  readonly outcome: 'withheld'
  /** The true cause, for the private part of the audit event; never for the requester. */
  readonly reasons: readonly Reason[]
  /**
   * The cause as the requester may know it; empty when silent. A withdrawal shows as `consent_missing`
   * to whoever never received the field: that she once consented is hers to tell.
   */
  readonly explained: readonly Reason[]
  /** Follows from `explained`. */
  readonly remedies: readonly Remedy[]
}

/** What was decided about one stored value; several values of one field give one verdict each. */
export type Verdict = ReleaseVerdict | ReviewVerdict | WithholdVerdict
