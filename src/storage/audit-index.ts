/**
 * Filling the index over the audit log (`audit_view`), as the worker role. One transaction takes a
 * batch of leaves and moves the cursor: after a crash at any point a leaf is in the index or will be.
 */
import { sql } from 'kysely'
import type { AuditViewRow, LoggedEvent } from '../domain/audit/views.ts'
import type { Tx } from './database.ts'

/** Makes this transaction the one that continues the index; false, at once, while another one does. */
export async function tryIndexLock(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ mine: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('ostiary/audit-index', 0)) as mine`.execute(
    tx,
  )
  return rows[0]?.mine === true
}

/** How far the index has come; undefined before its first batch, and after it was thrown away. */
export async function findIndexCursor(
  tx: Tx,
): Promise<{ readonly nextLeaf: number; readonly form: number } | undefined> {
  const { rows } = await sql<{ next_leaf: string; form: number }>`
    select next_leaf, form from audit_view_cursor`.execute(tx)
  const [row] = rows
  return row && { nextLeaf: Number(row.next_leaf), form: row.form }
}

/** A place in the log with its event; null once the event's month is archived. */
export interface LeafEvent {
  readonly leafIndex: number
  readonly event: LoggedEvent | null
}

/** The events from a leaf on, in the order of the log. Leaves of ticks that have committed, and no others. */
export async function listLeaves(tx: Tx, from: number, limit: number): Promise<LeafEvent[]> {
  const { rows } = await sql<{
    leaf_index: string
    id: string | null
    at: Date
    type: string
    agency_id: string | null
    practitioner_id: string | null
    case_id: string | null
    subject_id: string | null
    request_id: string | null
    public_part: string
    private_part: string
  }>`
    select p.leaf_index, e.*
    from log_position p left join audit_event e on e.id = p.event_id
    where p.leaf_index >= ${from} order by p.leaf_index limit ${limit}`.execute(tx)
  return rows.map((row) => {
    const leafIndex = Number(row.leaf_index)
    const { id, at, type } = row
    if (id === null) return { leafIndex, event: null }
    return {
      leafIndex,
      event: {
        ...{ id, at, type, leafIndex },
        agencyId: row.agency_id,
        practitionerId: row.practitioner_id,
        caseId: row.case_id,
        subjectId: row.subject_id,
        requestId: row.request_id,
        publicPart: row.public_part,
        privatePart: row.private_part,
      },
    }
  })
}

/** Who holds records, and in which case. Those that are not there are left out. */
export async function listRecordHolders(tx: Tx, ids: readonly string[]) {
  if (ids.length === 0) return []
  const { rows } = await sql<{ id: string; agencyId: string; caseId: string }>`
    select id, agency_id as "agencyId", case_id as "caseId" from record where id = any(${ids}::uuid[])`.execute(
    tx,
  )
  return rows
}

/** Agencies that act, or ever acted, for the perpetrator in these cases. */
export async function listPerpetratorSides(tx: Tx, caseIds: readonly string[]) {
  if (caseIds.length === 0) return []
  const { rows } = await sql<{ caseId: string; agencyId: string }>`
    select distinct case_id as "caseId", agency_id as "agencyId" from case_member
    where acts_for = 'perpetrator' and case_id = any(${caseIds}::uuid[])`.execute(tx)
  return rows
}

/**
 * Under which reader whole events of each agency lie; `operator` for the one under which the server's
 * own do: those of the country of whoever runs it.
 */
export async function listWholeViewers(tx: Tx) {
  const { rows } = await sql<{ agencyId: string; viewerId: string; operator: boolean }>`
    select id as "agencyId", authority_viewer(country) as "viewerId", operator
    from agency order by operator desc, created_at, id`.execute(tx)
  return rows
}

/** The reader of what no country can be told for; the operator alone reads it. */
export async function nobodysViewer(tx: Tx): Promise<string> {
  const { rows } = await sql<{ id: string }>`select authority_viewer('') as id`.execute(tx)
  return rows[0]?.id ?? ''
}

/** Adds the rows of some events; those that are there already stay as they are. */
export async function insertViews(
  tx: Tx,
  views: readonly { readonly event: LoggedEvent; readonly row: AuditViewRow }[],
): Promise<void> {
  if (views.length === 0) return
  const rows = views.map(({ event, row }) => ({
    viewer_id: row.viewerId,
    at: event.at,
    event_id: event.id,
    view: row.view,
    leaf_index: event.leafIndex,
    type: event.type,
    agency_id: row.agencyId,
    practitioner_id: row.practitionerId,
    role: row.role,
    case_id: row.caseId,
    subject_id: row.subjectId,
    request_id: row.requestId,
    disclosure_id: row.disclosureId,
    purpose: row.purpose,
    outcome: row.outcome,
    exception: row.exception,
    fields: row.fields,
    released: row.released,
    rules: row.rules,
    reasons: row.reasons,
    parties: row.parties,
    records: row.records,
  }))
  await sql`insert into audit_view
    select * from jsonb_populate_recordset(null::audit_view, ${JSON.stringify(rows)}::jsonb)
    on conflict do nothing`.execute(tx)
  const terms = views.flatMap(({ event, row }) =>
    row.terms.map((term) => ({
      ...{ viewer_id: row.viewerId, term, at: event.at, event_id: event.id, view: row.view },
    })),
  )
  await sql`insert into audit_view_term
    select * from jsonb_populate_recordset(null::audit_view_term, ${JSON.stringify(terms)}::jsonb)
    on conflict do nothing`.execute(tx)
}

/** Takes from agencies what they saw as a source in cases in which they now act for the perpetrator. */
export async function deleteSourceViews(
  tx: Tx,
  sides: readonly { readonly caseId: string; readonly agencyId: string }[],
): Promise<void> {
  for (const { caseId, agencyId } of sides) {
    await sql`with gone as (
        delete from audit_view where viewer_id = ${agencyId} and case_id = ${caseId} and view = 'source'
        returning viewer_id, at, event_id, view)
      delete from audit_view_term t using gone g
      where t.viewer_id = g.viewer_id and t.at = g.at and t.event_id = g.event_id and t.view = g.view`.execute(
      tx,
    )
  }
}

/** Notes how far the index has come. */
export async function moveIndexCursor(tx: Tx, nextLeaf: number, form: number): Promise<void> {
  await sql`insert into audit_view_cursor (singleton, next_leaf, form, indexed_at)
    values (true, ${nextLeaf}, ${form}, clock_timestamp())
    on conflict (singleton) do update
      set next_leaf = excluded.next_leaf, form = excluded.form, indexed_at = excluded.indexed_at`.execute(
    tx,
  )
}

/** Throws the index away, so that it is filled anew from the log. Whoever searches waits for the commit. */
export async function emptyIndex(tx: Tx): Promise<void> {
  await sql`truncate audit_view, audit_view_term`.execute(tx)
  await sql`delete from audit_view_cursor`.execute(tx)
}
