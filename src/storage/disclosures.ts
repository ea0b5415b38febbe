/** Reading decisions again, and the tasks that they opened. Rows are an agency's own, by row-level security. */
import { sql } from 'kysely'
import type { PractitionerRole, Purpose } from '../domain/case/vocabulary.ts'
import type { Tx } from './database.ts'

/** A place in a list that runs from new to old. */
export interface Position {
  readonly at: Date
  readonly id: string
  /** Which of several lines under one id. */
  readonly line?: string
}

export interface ListFilter {
  readonly subjectId?: string
  readonly from?: Date
  readonly to?: Date
  readonly after?: Position
  readonly limit: number
}

/**
 * One of the agency's own requests; undefined when there is none of that id. `items` is what the
 * requester saw of each entry, out of the event; null once the events of its month are archived.
 */
export function findDisclosure(tx: Tx, id: string) {
  return tx
    .selectFrom('disclosure as d')
    .leftJoin('audit_event as e', (join) =>
      join.onRef('e.id', '=', 'd.event_id').onRef('e.at', '=', 'd.decided_at'),
    )
    .selectAll('d')
    .select(sql<readonly unknown[] | null>`e.public_part::jsonb -> 'entries'`.as('items'))
    .where('d.id', '=', id)
    .where('d.kind', '=', 'disclosure')
    .executeTakeFirst()
}

/** The agency's own requests, newest first. */
export function listReceived(tx: Tx, filter: ListFilter) {
  let query = tx
    .selectFrom('disclosure')
    .select(['id', 'case_id', 'subject_id', 'purpose', 'outcome', 'decided_at'])
    .where('kind', '=', 'disclosure')
  if (filter.subjectId) query = query.where('subject_id', '=', filter.subjectId)
  if (filter.from) query = query.where('decided_at', '>=', filter.from)
  if (filter.to) query = query.where('decided_at', '<', filter.to)
  if (filter.after) {
    const { at, id } = filter.after
    query = query.where(sql<boolean>`(decided_at, id) < (${at}, ${id}::uuid)`)
  }
  return query.orderBy('decided_at', 'desc').orderBy('id', 'desc').limit(filter.limit).execute()
}

/** What left from the agency's records, a line for each record, newest first, as far as it may know. */
export async function listMade(tx: Tx, filter: ListFilter) {
  const { subjectId, from, to, after, limit } = filter
  const { rows } = await sql<{
    disclosure_id: string
    record_id: string
    record_version: number
    case_id: string
    subject_id: string | null
    recipient_agency_id: string
    fields: string[]
    purpose: Purpose
    expires_at: Date | null
    released_at: Date
  }>`select * from gate_released(${subjectId ?? null}, ${from ?? null}, ${to ?? null},
    ${after?.at ?? null}, ${after?.id ?? null}, ${after?.line ?? null}, ${limit})`.execute(tx)
  return rows
}

/** How far the tasks of one disclosure are; of the requester's or of the reviewer's own agency. */
export function tasksOfDisclosure(tx: Tx, disclosureId: string) {
  return tx
    .selectFrom('review_task')
    .select(['id', 'kind', 'agency_id', 'role', 'due_at', 'state', 'decided_at'])
    .where('disclosure_id', '=', disclosureId)
    .orderBy('due_at')
    .execute()
}

/** A task as its reviewer sees it. Requester members are null where he must not know them. */
export interface ReviewRow {
  readonly task_id: string
  readonly kind: 'before' | 'after'
  readonly state: 'open' | 'approved' | 'refused' | 'overdue'
  readonly role: PractitionerRole
  readonly due_at: Date
  readonly disclosure_id: string
  readonly case_id: string
  readonly subject_id: string
  readonly requester_id: string | null
  readonly requester_role: PractitionerRole | null
  readonly requester_practitioner_id: string | null
  readonly purpose: Purpose
  readonly requested: string[]
  readonly exception: string | null
  readonly decided_at: Date
  readonly notes_sealed: Buffer | null
  readonly notes_key: Buffer | null
  readonly subject_key: Buffer | null
  readonly key_epoch: number | null
}

/** Review tasks of the agency, those of one disclosure or all that wait, soonest due first. */
export async function listReviewRows(tx: Tx, disclosureId: string | null): Promise<ReviewRow[]> {
  const { rows } = await sql<ReviewRow>`select * from gate_reviews(${disclosureId})`.execute(tx)
  return rows
}

/** Decides a task by compare-and-set; false when somebody else was first. An overdue task can still be decided. */
export async function decideTask(
  tx: Tx,
  taskId: string,
  decision: {
    readonly state: 'approved' | 'refused'
    readonly at: Date
    readonly practitionerId: string
    readonly signature: string
    readonly note?: { readonly sealed: Uint8Array; readonly wrappedKey: Uint8Array }
  },
): Promise<boolean> {
  const done = await tx
    .updateTable('review_task')
    .set({
      state: decision.state,
      decided_at: decision.at,
      decided_by: decision.practitionerId,
      signature: decision.signature,
      note_sealed: decision.note ? Buffer.from(decision.note.sealed) : null,
      note_key: decision.note ? Buffer.from(decision.note.wrappedKey) : null,
    })
    .where('id', '=', taskId)
    .where('state', 'in', ['open', 'overdue'])
    .executeTakeFirst()
  return done.numUpdatedRows === 1n
}

/** Who holds a record of a case that the agency works. */
export async function findHolder(tx: Tx, recordId: string) {
  const { rows } = await sql<{ agency_id: string; case_id: string; perpetrator_side: boolean }>`
    select * from gate_holder(${recordId})`.execute(tx)
  return rows[0]
}

/** Asks a source to look at values again. */
export async function insertVerificationRequest(
  tx: Tx,
  request: {
    readonly id: string
    readonly disclosureId: string
    readonly recordId: string
    readonly caseId: string
    readonly agencyId: string
    readonly requestedBy: string
    readonly fields: readonly string[]
    readonly dueAt: Date
  },
): Promise<void> {
  await tx
    .insertInto('verification_request')
    .values({
      id: request.id,
      disclosure_id: request.disclosureId,
      record_id: request.recordId,
      case_id: request.caseId,
      agency_id: request.agencyId,
      requested_by: request.requestedBy,
      fields: [...request.fields],
      due_at: request.dueAt,
    })
    .execute()
}
