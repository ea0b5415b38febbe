import type { FieldDefinition, Informant, PolicyFlag } from '../catalogue/types.ts'
import type { Party } from '../catalogue/types.ts'
import type {
  ActsFor,
  ExceptionCode,
  PersonRole,
  PractitionerRole,
  Purpose,
  Sector,
  TrainingCode,
} from '../case/vocabulary.ts'

/**
 * Everything one decision may look at. The facts loader reads it in one snapshot under the locks;
 * `decide` sees nothing else, so a past decision can be explained from its stored facts.
 * All times are milliseconds since the epoch, UTC.
 */
export interface Facts {
  readonly at: number
  readonly request: RequestFacts
  readonly recipient: RecipientFacts
  readonly subject: SubjectFacts
  readonly values: readonly ValueFacts[]
  /** Consents of the subject and of every informant person in `values`; any state. */
  readonly consents: readonly ConsentFacts[]
  /** Agreements to which the recipient is a party; in force or not. */
  readonly agreements: readonly AgreementFacts[]
  /**
   * Policy flags of the case's current records about this subject or about the case as a whole. For a
   * recipient on the perpetrator's side the loader leaves out flags that stem from victim or child.
   */
  readonly flags: readonly PolicyFlag[]
}

export interface RequestFacts {
  readonly purpose: Purpose
  /** Distinct, in the order asked. */
  readonly fields: readonly FieldDefinition[]
  readonly justified: boolean
  readonly ethicsNoted: boolean
  /** Claimed with a note; opens only what a rule lists for it. */
  readonly exception?: ExceptionCode
  /** `bearer` is a token that is not bound to the caller's key: a weaker channel. */
  readonly channel: 'sender_constrained' | 'bearer'
  readonly sealed: boolean
  /** Source agencies whose reviewer has approved this request: their entries that needed a person may go. */
  readonly approvedBy: readonly string[]
}

export interface RecipientFacts {
  readonly agencyId: string
  readonly sector: Sector
  readonly country: string
  readonly public: boolean
  /** Competent authority in the sense of LED art. 3(7). */
  readonly competentAuthority: boolean
  /** Holds a national authorisation for data under GDPR art. 10. */
  readonly nationalAuthorisation: boolean
  /** `parentId`, or the agency's own id: two agencies with one organisation are internal (R2). */
  readonly organisationId: string
  /** Empty when the agency is not, or no longer, a member of the case. */
  readonly actsFor: readonly ActsFor[]
  readonly role: PractitionerRole
  readonly trainings: readonly { readonly code: TrainingCode; readonly at: number }[]
}

export interface SubjectFacts {
  readonly personId: string
  readonly roles: readonly PersonRole[]
  readonly parties: readonly Party[]
}

/** One stored value of one field, without the value. Several agencies may hold one each (R29). */
export interface ValueFacts {
  readonly field: FieldDefinition
  readonly recordId: string
  readonly version: number
  readonly source: SourceFacts
  readonly informant: Informant
  /** Absent unless the informant is a person of the case. */
  readonly informantPersonId?: string
  /** Parties of the informant person; empty for professionals. */
  readonly informantParties: readonly Party[]
  readonly kind: 'fact' | 'assessment' | 'statement'
  readonly collectedAt: number
  readonly verifiedAt?: number
  /** Parties of the record's subject; empty for records about the case as a whole. */
  readonly subjectParties: readonly Party[]
  readonly contested: boolean
  readonly restricted: boolean
  /** Flags derived from this record at deposit. */
  readonly flags: readonly PolicyFlag[]
  /** Conditions that the source attached and that travel with the value (R8, LED art. 9(3)). */
  readonly conditions: readonly string[]
  /** Whether this recipient agency has received this field of this record before. */
  readonly releasedBefore: boolean
}

export interface SourceFacts {
  readonly agencyId: string
  readonly sector: Sector
  readonly organisationId: string
  readonly public: boolean
  readonly competentAuthority: boolean
  /** For whom the source acts in the case now; empty when it has left. */
  readonly actsFor: readonly ActsFor[]
}

export interface ConsentFacts {
  readonly id: string
  /** The person who consented. */
  readonly personId: string
  readonly state: 'given' | 'withdrawn'
  readonly givenAt: number
  readonly expiresAt: number
  readonly withdrawnAt?: number
  readonly explicit: boolean
  readonly items: readonly ConsentItem[]
}

/** One purpose, one recipient, its fields (GDPR art. 7(2): specific). */
export interface ConsentItem {
  readonly purpose: Purpose
  readonly recipient: { readonly agencyId: string } | { readonly sector: Sector }
  /** Absent: any role that a rule allows. */
  readonly recipientRoles?: readonly PractitionerRole[]
  /** Field ids, selectors already resolved. */
  readonly fields: readonly string[]
}

export interface AgreementFacts {
  readonly id: string
  readonly parties: readonly string[]
  readonly purposes: readonly Purpose[]
  readonly validFrom: number
  /** End of validity or of an earlier termination, exclusive. */
  readonly validTo: number
}
