import type { ReasonCode, Remedy, Test } from './reasons.ts'
import type { Regime, Transform } from './verdict.ts'

/**
 * Tests of policies as data: `policies/*.test.yaml`, readable by a data protection officer. People and
 * agencies have names; times are ages, counted back from the moment of decision. The shape is stated
 * in `suite-grammar.ts` and told in docs/policies.md.
 */
export interface PolicySuite {
  readonly suite: string
  readonly title: string
  /** Moment of every decision. */
  readonly at?: string
  /** Roles of each person in the case. */
  readonly people: Readonly<Record<string, readonly string[]>>
  readonly agencies: Readonly<Record<string, SuiteAgency>>
  /** Holds in every case that does not state the same key itself. */
  readonly given?: Given
  readonly when?: Partial<SuiteRequest>
  /** By name, for the cases that are `in` one; laid over what holds in every case. */
  readonly situations?: Readonly<Record<string, Situation>>
  readonly cases: readonly SuiteCase[]
}

export interface SuiteAgency {
  readonly sector: string
  /** Empty: no member of the case. */
  readonly actsFor: readonly string[]
  readonly country?: string
  readonly public?: boolean
  readonly competentAuthority?: boolean
  readonly nationalAuthorisation?: boolean
  /** Two agencies of one organisation name the same. */
  readonly organisation?: string
}

export interface Situation {
  readonly given?: Given
  readonly when?: Partial<SuiteRequest>
}

export interface SuiteCase {
  readonly case: string
  /** Name of a situation. */
  readonly in?: string
  /** What is different about every given value. */
  readonly with?: Partial<Omit<GivenValue, 'field' | 'but'>>
  /** The case holds for each of these words alike; several keys: for every combination. */
  readonly each?: SuiteSweep
  /** The case holds for every word of the vocabulary that is not among these. */
  readonly everyOther?: SuiteSweep
  readonly given?: Given
  readonly when?: Partial<SuiteRequest>
  /** By selector, the narrowest first; `others` for the rest. */
  readonly then: Readonly<
    Record<string, Outcome | Expectation | readonly (Outcome | Expectation)[]>
  >
}

/**
 * What a sweep replaces, word by word: parts of the request; sector or party of the agency that asks;
 * the same of all that hold given values (`from`, `fromActsFor`); the role of the person asked about
 * (`subject`); the informant of every given value; one more flag of the case (`flag`). Where the purpose is
 * swept, consents and agreements follow it, so that it is the rules that stop another purpose.
 */
export type SweepKey =
  | 'agency'
  | 'role'
  | 'about'
  | 'purpose'
  | 'exception'
  | 'sector'
  | 'actsFor'
  | 'from'
  | 'fromActsFor'
  | 'subject'
  | 'informant'
  | 'flag'
export type SuiteSweep = Partial<Readonly<Record<SweepKey, readonly string[]>>>

export interface Given {
  readonly values?: readonly GivenValue[]
  readonly consents?: readonly GivenConsent[]
  readonly agreements?: readonly GivenAgreement[]
  /** Flags of the case. */
  readonly flags?: readonly string[]
}

/** One value per field that the selectors name. */
export interface GivenValue {
  /** `*`: every field of the catalogue. */
  readonly field: string | readonly string[]
  /** Selectors that are left out of it. */
  readonly but?: readonly string[]
  readonly heldBy: string
  /** Person; absent: the case as a whole. */
  readonly about?: string
  /** Code of whoever told it; may be left out when `toldBy` names a person. */
  readonly informant?: string
  readonly toldBy?: string
  readonly kind?: 'fact' | 'assessment' | 'statement'
  /** Age since it was collected. */
  readonly age?: string
  /** Age since it was verified; absent: never. */
  readonly verified?: string
  readonly contested?: boolean
  readonly restricted?: boolean
  readonly releasedBefore?: boolean
  readonly flags?: readonly string[]
  readonly conditions?: readonly string[]
}

export interface GivenConsent {
  readonly by: string
  /** Agency, or a whole sector. */
  readonly to: string | { readonly sector: string }
  readonly roles?: readonly string[]
  readonly purpose: string
  readonly fields: readonly string[]
  readonly explicit?: boolean
  /** How long ago. */
  readonly given?: string
  /** How long it lasts from when it was given. */
  readonly lasts?: string
  /** How long ago; absent: not withdrawn. */
  readonly withdrawn?: string
}

export interface GivenAgreement {
  readonly between: readonly string[]
  readonly purposes: readonly string[]
  /** Dates or instants; the end is exclusive. Absent: always, for ever. */
  readonly from?: string
  readonly until?: string
}

export interface SuiteRequest {
  readonly agency: string
  readonly role: string
  /** Person asked about. */
  readonly about: string
  readonly purpose: string
  /** Absent: the fields of all given values. */
  readonly fields?: readonly string[]
  readonly justified?: boolean
  readonly ethicsNoted?: boolean
  readonly exception?: string
  readonly channel?: 'sender_constrained' | 'bearer'
  readonly sealed?: boolean
  readonly approvedBy?: readonly string[]
  /** Age of each training. */
  readonly trainings?: Readonly<Record<string, string>>
}

/**
 * `withheld` is explained, `silent` withheld so that it cannot be told from there being nothing;
 * `refused` is either of the two.
 */
export type Outcome = 'released' | 'generalised' | 'review' | 'withheld' | 'silent' | 'refused'

/** What is stated is compared; sets in any order. */
export interface Expectation {
  readonly outcome: Outcome
  readonly rules?: readonly string[]
  /** Rules that are among those, whatever others are. */
  readonly by?: readonly string[]
  /** True causes. */
  readonly reasons?: readonly ReasonCode[]
  /** Causes as told. */
  readonly explained?: readonly ReasonCode[]
  readonly remedies?: readonly Remedy[]
  /** The tests that fail. */
  readonly fails?: readonly Test[]
  readonly obligations?: readonly string[]
  readonly stale?: boolean
  readonly transform?: Transform
  /** Claim that opened it; `none`: no claim was needed. */
  readonly exception?: string
  readonly consent?: 'used' | 'not_needed'
  /** Law under which it was released. */
  readonly regime?: Regime
  readonly agreementAlert?: boolean
  readonly expiresAfter?: string
  readonly reviewBy?: string
}
