/** Incidents and the progress of the self-check. For the worker role. */
import { sql } from 'kysely'
import type { Finding } from '../domain/integrity/finding.ts'
import type { Database, Tx } from './database.ts'

/** Makes this transaction the one that checks; false, at once, while another one does. */
export async function tryCheckLock(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ mine: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('ostiary/self-check', 0)) as mine`.execute(tx)
  return rows[0]?.mine === true
}

/** The cycle that all nodes share. */
export interface StoredCycle {
  readonly startedAt: Date
  /** Undefined between two cycles. */
  readonly place: { readonly stage: string; readonly position: string | undefined } | undefined
  readonly counts: Readonly<Record<string, number>>
}

/** How far the shared cycle is; undefined before the first. */
export async function readCycle(
  db: Database,
): Promise<(StoredCycle & { readonly finishedAt: Date | null }) | undefined> {
  const { rows } = await sql<{
    startedAt: Date
    finishedAt: Date | null
    stage: string | null
    position: string | null
    counts: Record<string, number>
  }>`select started_at as "startedAt", finished_at as "finishedAt", stage, position, counts
    from integrity_cycle`.execute(db)
  const [row] = rows
  if (!row) return undefined
  const { stage, position, ...cycle } = row
  return {
    ...cycle,
    place: stage === null ? undefined : { stage, position: position ?? undefined },
  }
}

/** Notes how far the cycle is; without a place it is over as of `at`. */
export async function writeCycle(tx: Tx, cycle: StoredCycle, at: Date): Promise<void> {
  const { startedAt, place } = cycle
  const counts = JSON.stringify(cycle.counts)
  const finishedAt = place ? null : at
  await sql`insert into integrity_cycle as c (started_at, stage, position, counts, finished_at, finished)
    values (${startedAt}, ${place?.stage ?? null}, ${place?.position ?? null}, ${counts}::jsonb, ${finishedAt},
      ${place ? null : counts}::jsonb)
    on conflict (singleton) do update set started_at = excluded.started_at, stage = excluded.stage,
      position = excluded.position, counts = excluded.counts,
      finished_at = coalesce(excluded.finished_at, c.finished_at), finished = coalesce(excluded.finished, c.finished)`.execute(
    tx,
  )
}

/** An incident as it is kept. */
export interface StoredIncident {
  readonly id: string
  readonly kind: string
  readonly table: string
  readonly row: string
  readonly eventId: string | null
  readonly foundAt: Date
  readonly lastSeenAt: Date
  readonly state: 'open' | 'closed'
  readonly closedReason: string | null
  /** The event of its end is in the log or waits for it; a row that says closed without one counts as open. */
  readonly closedForGood: boolean
}

const COLUMNS = sql`i.id, i.kind, i.table_name as "table", i.row_ref as row, i.about_event as "eventId",
  i.found_at as "foundAt", i.last_seen_at as "lastSeenAt", i.state, i.closed_reason as "closedReason",
  i.state = 'closed' and exists (select from audit_event e where e.id = i.closed_event
    and e.type = 'integrity.incident_closed' and position('"incidentId":"' || i.id || '"' in e.public_part) > 0) as "closedForGood"`

/** Incidents of these findings, by kind, table and row. */
export async function findIncidents(
  tx: Tx,
  findings: readonly Finding[],
): Promise<StoredIncident[]> {
  const { rows } = await sql<StoredIncident>`
    select ${COLUMNS}
    from unnest(${findings.map(({ kind }) => kind)}::text[], ${findings.map(({ table }) => table)}::text[],
      ${findings.map(({ row }) => row)}::text[]) as f (kind, table_name, row_ref)
    join integrity_incident i using (kind, table_name, row_ref)`.execute(tx)
  return rows
}

/** Open incidents, the newest first. */
export async function listOpenIncidents(db: Database, limit: number): Promise<StoredIncident[]> {
  const { rows } = await sql<StoredIncident>`
    select ${COLUMNS} from integrity_incident i where i.state = 'open'
    order by i.found_at desc, i.id limit ${limit}`.execute(db)
  return rows
}

/** How many incidents are open. */
export async function countOpenIncidents(db: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from integrity_incident where state = 'open'`.execute(db)
  return rows[0]?.count ?? 0
}

/** How many incidents of each kind and table are open, by `<kind> <table>`. */
export async function countOpenByKind(tx: Tx): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ name: string; count: number }>`
    select kind || ' ' || table_name as name, count(*)::integer as count from integrity_incident
    where state = 'open' group by 1`.execute(tx)
  return new Map(rows.map(({ name, count }) => [name, count]))
}

/** Notes a finding as an incident; false when it is one already. */
export async function insertIncident(
  tx: Tx,
  incident: Finding & { readonly id: string; readonly foundEvent: string; readonly at: Date },
): Promise<boolean> {
  const { id, kind, table, row, eventId, foundEvent, at } = incident
  const { numAffectedRows } = await sql`
    insert into integrity_incident (id, kind, table_name, row_ref, about_event, found_at, last_seen_at, found_event)
    values (${id}, ${kind}, ${table}, ${row}, ${isUuid(eventId) ? eventId : null}, ${at}, ${at}, ${foundEvent})
    on conflict do nothing`.execute(tx)
  return numAffectedRows === 1n
}

const isUuid = (text: string | undefined): boolean => /^[0-9a-f-]{36}$/.test(text ?? '')

/** Notes that incidents were met again; one that was closed without an event is open again. */
export async function touchIncidents(tx: Tx, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return
  await sql`update integrity_incident set last_seen_at = greatest(last_seen_at, ${at})
    where id = any(${ids}::uuid[])`.execute(tx)
}

/** Opens incidents again whose end nobody vouches for. */
export async function reopenIncidents(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`update integrity_incident set state = 'open', closed_at = null, closed_reason = null, closed_event = null
    where id = any(${ids}::uuid[])`.execute(tx)
}

/** Closes an open incident; false when there is none of that id. */
export async function closeIncident(
  tx: Tx,
  id: string,
  end: { readonly at: Date; readonly reason: string; readonly eventId: string },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update integrity_incident set state = 'closed', closed_at = ${end.at}, closed_reason = ${end.reason},
      closed_event = ${end.eventId}
    where id = ${id} and state = 'open'`.execute(tx)
  return numAffectedRows === 1n
}

/** The agencies that run the server. */
export async function listOperators(tx: Tx): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from agency where operator and suspended_at is null order by id`.execute(tx)
  return rows.map(({ id }) => id)
}
