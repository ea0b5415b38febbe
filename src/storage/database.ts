import type { ColumnType, Generated, Kysely, Transaction } from 'kysely'
import type { StoredField, StoredProvenance } from '../domain/case/stored-record.ts'
import type {
  ActsFor,
  PersonRole,
  PractitionerRole,
  Purpose,
  Sector,
} from '../domain/case/vocabulary.ts'
import type { LogTables } from './log-tables.ts'
import type { PolicyTables } from './policy-tables.ts'

/**
 * The tables of `migrations/` as Kysely sees them; one interface per table, columns as in SQL.
 *
 * `bigint` columns arrive as strings, `timestamptz` as `Date`, `bytea` as `Buffer`. JSON columns are
 * read as parsed values and written as JSON text (`JSON.stringify`), because pg would turn a
 * JavaScript array into an SQL array.
 */
export interface Tables extends PolicyTables, LogTables {
  agency: AgencyTable
  practitioner: PractitionerTable
  agreement: AgreementTable
  agreement_acceptance: {
    agreement_id: string
    agency_id: string
    accepted_at: Date
    signatory: string | null
  }
  oidc_payload: OidcPayloadTable
  replay_guard: { kind: string; id: string; expires_at: Date }
  server_key: ServerKeyTable
  configuration_state: { setting: string; state: string }
  key_epoch: {
    epoch: number
    check_value: Buffer
    created_at: Generated<Date>
    retired_at: Date | null
  }
  case_file: {
    id: string
    created_by: string
    version: Generated<number>
    created_at: Generated<Date>
  }
  local_reference: {
    agency_id: string
    case_id: string
    about_id: string
    sealed: Buffer
    wrapped_key: Buffer
  }
  case_person: CasePersonTable
  case_member: CaseMemberTable
  subject_key: SubjectKeyTable
  record: RecordTable
  record_version: RecordVersionTable
  consent: ConsentTable
  sealed_note: SealedNoteTable
  disclosure: DisclosureTable
  release_ledger: ReleaseLedgerTable
  released_fields: {
    recipient_agency_id: string
    record_id: string
    case_id: string
    fields: string[]
  }
  review_task: ReviewTaskTable
  verification_request: VerificationRequestTable
  notice: NoticeTable
  duty: DutyTable
  idempotency: {
    client_id: string
    key: string
    fingerprint: Buffer
    operation: string
    resource_id: string
    created_at: Generated<Date>
  }
  agreement_end_told: { agreement_id: string; ended_at: Date; told_at: Date }
}

/** A JSON column: parsed on reading, JSON text on writing. */
export type Json<Value> = ColumnType<Value, string, string>

interface AgencyTable {
  id: string
  client_id: string
  parent_id: string | null
  name: string
  sector: Sector
  country: string
  public: boolean
  phases: number[]
  competent_authority: boolean
  national_authorisation_ref: string | null
  jwks: Json<{ keys: Record<string, unknown>[] }>
  sealing_key: Buffer | null
  contacts: Json<unknown[]>
  operator: Generated<boolean>
  scopes: string[]
  suspended_at: Date | null
  version: Generated<number>
  created_at: Generated<Date>
}

interface PractitionerTable {
  id: string
  agency_id: string
  local_id: string
  roles: PractitionerRole[]
  trainings: Json<{ code: string; at: string }[]>
  jwk: Json<Record<string, unknown>> | null
  active: Generated<boolean>
  version: Generated<number>
  created_at: Generated<Date>
}

interface AgreementTable {
  id: string
  title: string
  parties: string[]
  purposes: Purpose[]
  valid_from: Date
  valid_to: Date
  document_ref: string
  signatories: Json<string[]>
  scope: string | null
  terms: Json<string[]>
  terminated_at: Date | null
  ended: Generated<boolean>
  termination_reason: string | null
  policy_approval: 'other_agency' | null
  created_by: string
  version: Generated<number>
  created_at: Generated<Date>
}

interface OidcPayloadTable {
  model: string
  id: string
  payload: Json<Record<string, unknown>>
  grant_id: string | null
  uid: string | null
  user_code: string | null
  consumed_at: Date | null
  expires_at: Date
}

interface ServerKeyTable {
  kid: string
  purpose: 'token' | 'log' | 'cookie' | 'cursor' | 'anchor'
  sealed_private: Buffer
  public_key: Json<Record<string, unknown>>
  key_epoch: number
  created_at: Generated<Date>
  signs_from: Generated<Date>
  signs_until: Date | null
  published_until: Date | null
}

interface CasePersonTable {
  id: string
  case_id: string
  roles: PersonRole[]
  brought_by: string
  created_at: Generated<Date>
}

interface CaseMemberTable {
  case_id: string
  agency_id: string
  acts_for: ActsFor
  added_by: string
  since: Generated<Date>
  until: Date | null
  ended_at: Date | null
}

interface SubjectKeyTable {
  owner_id: string
  agency_id: string
  case_id: string
  key_epoch: number
  wrapped: Buffer
  created_at: Generated<Date>
}

interface RecordTable {
  id: string
  case_id: string
  agency_id: string
  subject_id: string | null
  type: string
  version: number
  created_at: Generated<Date>
}

interface RecordVersionTable {
  record_id: string
  version: number
  case_id: string
  agency_id: string
  subject_id: string | null
  change: 'deposit' | 'amend' | 'verify' | 'contest' | 'restrict' | 'unrestrict'
  practitioner_id: string | null
  key_owner_id: string
  wrapped_key: Buffer
  sealed: Buffer
  fields: Json<StoredField[]>
  provenance: Json<StoredProvenance[]>
  sealed_flags: Buffer | null
  conditions: string[]
  created_at: Generated<Date>
}

interface ConsentTable {
  id: string
  case_id: string
  subject_id: string
  recorded_by: string
  practitioner_id: string | null
  items: Json<unknown[]>
  explicit: boolean
  language: string
  notice_version: string
  evidence_ref: string
  circumstances: Json<Record<string, unknown>>
  given_at: Date
  expires_at: Date
  withdrawn_at: Date | null
  withdrawn_by: string | null
  version: Generated<number>
  created_at: Generated<Date>
}

interface SealedNoteTable {
  id: string
  kind: 'contestation_note' | 'withdrawal_note'
  about_id: string
  about_version: number | null
  case_id: string
  agency_id: string
  practitioner_id: string | null
  owner_id: string
  sealed: Buffer
  wrapped_key: Buffer
  created_at: Generated<Date>
}

interface DisclosureTable {
  id: string
  kind: 'disclosure' | 'preview'
  case_id: string
  subject_id: string
  agency_id: string
  practitioner_id: string
  role: PractitionerRole
  purpose: Purpose
  requested: string[]
  outcome: 'full' | 'partial' | 'none' | 'review'
  record_versions: Json<Record<string, number>>
  policy_version: number
  catalogue_version: number | null
  facts: Buffer | null
  exception: string | null
  sealed: boolean
  notes_sealed: Buffer | null
  notes_key: Buffer | null
  under_review: boolean
  replay_of: string | null
  released_from: string | null
  event_id: string
  leaf_hash: Buffer
  decided_at: Date
}

interface ReleaseLedgerTable {
  disclosure_id: string
  record_id: string
  record_version: number
  case_id: string
  subject_id: string | null
  source_agency_id: string
  recipient_agency_id: string
  fields: string[]
  purpose: string
  expires_at: Date | null
  released_at: Date
}

interface ReviewTaskTable {
  id: string
  kind: 'before' | 'after'
  disclosure_id: string
  case_id: string
  agency_id: string
  role: string
  due_at: Date
  state: Generated<'open' | 'approved' | 'refused' | 'overdue'>
  decided_at: Date | null
  decided_by: string | null
  signature: string | null
  note_sealed: Buffer | null
  note_key: Buffer | null
  created_at: Generated<Date>
}

interface VerificationRequestTable {
  id: string
  disclosure_id: string
  record_id: string
  case_id: string
  agency_id: string
  requested_by: string
  fields: string[]
  due_at: Date
  answered_at: Date | null
  created_at: Generated<Date>
}

interface NoticeTable {
  id: string
  agency_id: string
  role: string | null
  type: string
  urgency: 'immediate' | '24h' | '7d' | 'routine'
  refs: Json<Record<string, unknown>>
  due_at: Date | null
  acknowledged_at: Date | null
  acknowledged_by: string | null
  created_at: Generated<Date>
}

interface DutyTable {
  id: string
  rule: string
  case_id: string
  subject_id: string | null
  record_id: string
  field: string
  agency_id: string
  notify: Json<Record<string, unknown>>
  escalate_to: string
  due_at: Date
  told_due_at: Date
  state: Generated<'open' | 'met' | 'missed'>
  met_by: string | null
  created_at: Generated<Date>
}

/** The database as the app role sees it. */
export type Database = Kysely<Tables>

/** One open transaction; every storage function takes it first. */
export type Tx = Transaction<Tables>
