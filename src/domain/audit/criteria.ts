import type { AuditView } from './vocabulary.ts'

/** What events have to have in common, in the words of the contract (schemas/audit-search.json). */
export interface AuditCriteria {
  readonly view?: AuditView
  readonly from?: string
  readonly to?: string
  readonly subjectId?: string
  readonly caseId?: string
  readonly disclosureId?: string
  readonly requestId?: string
  /** Another agency in it. */
  readonly agencyId?: string
  readonly practitionerId?: string
  readonly role?: string
  /** Selector: named, asked for, answered or withheld. */
  readonly field?: string
  /** Selector: of these a value left. */
  readonly released?: string
  readonly purpose?: string
  readonly rule?: string
  readonly outcome?: string
  readonly reason?: string
  /** `any` for whichever. */
  readonly exception?: string
  readonly type?: string
  readonly class?: string
}

/** Names of all criteria, in the order of the contract. */
export const CRITERIA = [
  'view',
  'from',
  'to',
  'subjectId',
  'caseId',
  'disclosureId',
  'requestId',
  'agencyId',
  'practitionerId',
  'role',
  'field',
  'released',
  'purpose',
  'rule',
  'outcome',
  'reason',
  'exception',
  'type',
  'class',
] as const satisfies readonly (keyof AuditCriteria)[]
