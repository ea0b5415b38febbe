/** One event of the audit log, as far as the transaction's agency may have it; the gate's functions decide that. */
import { sql } from 'kysely'
import type { RecordedEntry } from '../domain/disclosure/recorded-event.ts'
import type { Json } from '../domain/log/canonical.ts'
import type { Tx } from './database.ts'

/** What a source gets of a decision: what was asked, and what became of its own records. */
export interface OwnShare {
  readonly asked: { readonly [name: string]: Json }
  readonly records: readonly string[]
  /** As they were told. */
  readonly entries: readonly RecordedEntry[]
  /** True causes where nothing, or something else, was told. */
  readonly hidden: readonly RecordedEntry[]
}

/** An event as its reader may have it; the four flags say as what. */
export interface AuditEventForReader {
  readonly actor: boolean
  readonly authority: boolean
  readonly source: boolean
  readonly concerned: boolean
  readonly id: string
  readonly at: Date
  readonly type: string
  readonly agency_id: string | null
  readonly role: string | null
  readonly practitioner_id: string | null
  readonly case_id: string | null
  readonly subject_id: string | null
  readonly request_id: string | null
  /** Canonical JSON; null for whom it is not open. */
  readonly public_part: string | null
  readonly private_part: string | null
  readonly own: OwnShare | null
  /** What was changed of the reader's own entry. */
  readonly changed: { readonly [name: string]: Json } | null
}

/** Undefined for an event that does not concern the transaction's agency, as for one that is not there. */
export async function findAuditEvent(tx: Tx, id: string): Promise<AuditEventForReader | undefined> {
  const { rows } = await sql<AuditEventForReader>`select * from gate_audit_event(${id})`.execute(tx)
  return rows[0]
}

/** Any event, both parts; needs the owner's rights. */
export async function findAnyAuditEvent(
  tx: Tx,
  id: string,
): Promise<AuditEventForReader | undefined> {
  const { rows } = await sql<AuditEventForReader>`
    select false as actor, true as authority, false as source, false as concerned, e.id, e.at, e.type, e.agency_id,
      e.public_part::jsonb -> 'event' ->> 'role' as role, e.practitioner_id, e.case_id, e.subject_id, e.request_id,
      e.public_part, e.private_part, null as own, null as changed
    from audit_event e where e.id = ${id}`.execute(tx)
  return rows[0]
}

/** What proves any event, both parts; needs the owner's rights. */
export async function findAnyAuditProof(tx: Tx, id: string): Promise<AuditProofRow | undefined> {
  const { rows } = await sql<ProofColumns>`
    select e.public_part, s.public_salt, e.private_part, s.private_salt, p.leaf_index
    from audit_event e join audit_salt s on s.event_id = e.id left join log_position p on p.event_id = e.id
    where e.id = ${id}`.execute(tx)
  return rows[0] && proofOf(rows[0])
}

/** What proves an event; private members are null where that part is not open to the reader. */
export interface AuditProofRow {
  readonly publicPart: string
  readonly publicSalt: Uint8Array
  readonly privatePart: string | null
  readonly privateSalt: Uint8Array | null
  /** Null until the next tick. */
  readonly leafIndex: number | null
}

/** Undefined for an event that the agency may not have proven: nobody proves a part of one. */
export async function findAuditProof(tx: Tx, id: string): Promise<AuditProofRow | undefined> {
  const { rows } = await sql<ProofColumns>`select * from gate_audit_proof(${id})`.execute(tx)
  return rows[0] && proofOf(rows[0])
}

interface ProofColumns {
  readonly public_part: string
  readonly public_salt: Buffer
  readonly private_part: string | null
  readonly private_salt: Buffer | null
  readonly leaf_index: string | null
}

const proofOf = (row: ProofColumns): AuditProofRow => ({
  publicPart: row.public_part,
  publicSalt: row.public_salt,
  privatePart: row.private_part,
  privateSalt: row.private_salt,
  leafIndex: row.leaf_index === null ? null : Number(row.leaf_index),
})

/** Own words that were written with an event, sealed. */
export interface AuditNoteRow {
  readonly kind: 'disclosure_notes' | 'review_note' | 'contestation_note' | 'withdrawal_note'
  readonly id: string
  readonly owner_id: string
  readonly agency_id: string
  readonly sealed: Buffer
  readonly wrapped_key: Buffer
  /** Null once the key was destroyed. */
  readonly subject_key: Buffer | null
  readonly key_epoch: number | null
}

/** Only for whoever wrote them and for the supervisory authority. */
export async function listAuditNotes(tx: Tx, id: string): Promise<AuditNoteRow[]> {
  const { rows } = await sql<AuditNoteRow>`select * from gate_audit_notes(${id})`.execute(tx)
  return rows
}
