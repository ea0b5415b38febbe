import type { Generated } from 'kysely'

/** The tables of audit events and of the transparency log over them. */
export interface LogTables {
  audit_event: AuditEventTable
  audit_salt: { event_id: string; public_salt: Buffer; private_salt: Buffer }
  log_pending: { seq: Generated<string>; event_id: string; entry: Buffer }
  log_position: { event_id: string; leaf_index: string }
  log_tile: { level: number; tile_index: string; width: number; bytes: Buffer }
  log_bundle: { bundle_index: string; width: number; bytes: Buffer }
  log_cosignature: {
    size: string
    witness: string
    line: string
    cosigned_at: Date
    stored_at: Generated<Date>
  }
  witness: {
    vkey: string
    tried_size: string
    tried_at: Date
    cosigned_size: string | null
    state: Generated<string>
    since: Generated<Date>
    refused_at: Date | null
    refused_as: 'rolled_back' | 'forked' | null
    refused_size: string | null
    refused_stored: string | null
  }
  log_publication: {
    singleton: Generated<boolean>
    gated: boolean
    size: string | null
    missing_since: Date | null
  }
  log_checkpoint: {
    size: string
    root: Buffer
    note: string
    published_at: Generated<Date>
    previous: string | null
  }
  log_anchor_start: { singleton: Generated<boolean>; size: string; mark: Buffer }
  log_key: {
    kid: string
    vkey: string
    from_size: string
    from_time: Generated<Date>
    signs_until: Date | null
    until_size: string | null
    until_time: Date | null
    compromised: Generated<boolean>
  }
}

interface AuditEventTable {
  id: string
  at: Date
  type: string
  agency_id: string | null
  practitioner_id: string | null
  case_id: string | null
  subject_id: string | null
  request_id: string | null
  public_part: string
  private_part: string
}
