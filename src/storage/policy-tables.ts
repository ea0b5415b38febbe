import type { Generated } from 'kysely'
import type { Json } from './database.ts'

/** The tables of policy versions and of their way into force. */
export interface PolicyTables {
  policy_version: {
    version: number
    hash: string
    documents: Json<unknown>
    suites: Json<unknown[]>
    created_at: Generated<Date>
    created_by: string | null
    draft_id: string | null
    based_on: number | null
    reactivates: number | null
    reason: string | null
    authors: Json<{ agencyId: string; practitionerId: string }[]> | null
    approvals: Json<{ agencyId: string; practitionerId: string; at: string }[]> | null
    activated_by: Json<{ agencyId: string; practitionerId: string }> | null
  }
  policy_active: {
    singleton: Generated<boolean>
    version: number
    activated_at: Generated<Date>
    activated_by: string | null
  }
  policy_draft: PolicyDraftTable
  policy_draft_comment: {
    id: string
    draft_id: string
    revision: number
    agency_id: string
    practitioner_id: string
    text: string
    created_at: Date
  }
  policy_approval: {
    draft_id: string
    revision: number
    agency_id: string
    practitioner_id: string
    hash: string
    diff_hash: string
    signature: string
    jwk: Json<Record<string, unknown>>
    created_at: Date
  }
  catalogue_version: {
    id: Generated<number>
    hash: string
    records: Json<unknown[]>
    created_at: Generated<Date>
  }
}

interface PolicyDraftTable {
  id: string
  agency_id: string
  authors: Json<{ agencyId: string; practitionerId: string; key: string | null }[]>
  reason: string | null
  based_on: number
  reactivates: number | null
  documents: Json<unknown[]>
  suites: Json<unknown[]>
  hash: string
  revision: Generated<number>
  version: Generated<number>
  state: Generated<'open' | 'withdrawn' | 'activated'>
  opened_at: Date | null
  opened_revision: number | null
  comment_until: Date | null
  support_told: Generated<boolean>
  activated_as: number | null
  created_at: Date
  changed_at: Date
}
