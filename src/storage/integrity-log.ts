/**
 * What the self-check reads of log and events: pages in the order of a key, each by an index, so that
 * one slice costs the same however long the log is. For the worker role, in a snapshot.
 */
import { sql } from 'kysely'
import type { StoredCosignature } from '../domain/integrity/check-cosignature.ts'
import type { StoredEvent, StoredSalts } from '../domain/integrity/check-event.ts'
import type { StoredTick } from '../domain/integrity/check-tick.ts'
import type { Position } from '../domain/log/anchor.ts'
import type { Bundle } from '../domain/log/bundle.ts'
import type { Tx } from './database.ts'

/** Published ticks after a tree size, in order. */
export async function listTicks(tx: Tx, after: number, limit: number): Promise<StoredTick[]> {
  const { rows } = await sql<{
    size: string
    previous: string | null
    root: Buffer
    note: string
    at: Date
  }>`select size, previous, root, note, published_at as at from log_checkpoint
    where size > ${after} order by size limit ${limit}`.execute(tx)
  return rows.map(({ size, previous, ...tick }) => ({
    ...tick,
    size: Number(size),
    previous: previous === null ? null : Number(previous),
  }))
}

/** Cosignatures of checkpoints after a tree size up to another, that one included. */
export async function listCosignatures(
  tx: Tx,
  after: number,
  to: number,
): Promise<StoredCosignature[]> {
  const { rows } = await sql<Omit<StoredCosignature, 'size'> & { size: string }>`
    select size, witness, line, cosigned_at as "cosignedAt" from log_cosignature
    where size > ${after} and size <= ${to} order by size, witness`.execute(tx)
  return rows.map((row) => ({ ...row, size: Number(row.size) }))
}

/** The entry bundles from one index to another, both included, as wide as they are now. */
export async function listBundles(tx: Tx, first: number, last: number): Promise<Bundle[]> {
  const { rows } = await sql<{ index: string; width: number; bytes: Buffer }>`
    select bundle_index as index, width, bytes from log_bundle
    where bundle_index between ${first} and ${last} order by bundle_index`.execute(tx)
  return rows.map((row) => ({ ...row, index: Number(row.index) }))
}

/** Positions from one leaf up to, not including, another. */
export async function listPositions(tx: Tx, from: number, to: number): Promise<Position[]> {
  const { rows } = await sql<{ event_id: string; leaf_index: string }>`
    select event_id, leaf_index from log_position
    where leaf_index >= ${from} and leaf_index < ${to} order by leaf_index`.execute(tx)
  return rows.map((row) => ({ eventId: row.event_id, leafIndex: Number(row.leaf_index) }))
}

/** Events of these ids, several of one id if there are. */
export async function findEvents(tx: Tx, ids: readonly string[]): Promise<StoredEvent[]> {
  const { rows } = await sql<StoredEvent>`
    select id, at, type, agency_id as "agencyId", practitioner_id as "practitionerId", case_id as "caseId",
      subject_id as "subjectId", request_id as "requestId", public_part as "publicPart", private_part as "privatePart"
    from audit_event where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

/** Salts of these events. */
export async function findSalts(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredSalts>> {
  const { rows } = await sql<StoredSalts & { eventId: string }>`
    select event_id as "eventId", public_salt as "publicSalt", private_salt as "privateSalt"
    from audit_salt where event_id = any(${ids}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.eventId, row]))
}

/** An event as far as it is accounted for. */
export interface ListedEvent {
  readonly id: string
  /** Whether it has a position in the log. */
  readonly placed: boolean
  /** Rows of this id. */
  readonly copies: number
}

/** Ids of events after one, in order. */
export async function listEventIds(tx: Tx, after: string, limit: number): Promise<ListedEvent[]> {
  const { rows } = await sql<ListedEvent>`
    select page.id, page.copies, exists (select from log_position p where p.event_id = page.id) as placed
    from (select id, count(*)::integer as copies from audit_event
      where id > ${after}::uuid group by id order by id limit ${limit}) page
    order by page.id`.execute(tx)
  return rows
}

/** An entry that waits. */
export interface WaitingEntry {
  readonly seq: string
  readonly eventId: string
  readonly entry: Uint8Array
}

/** What waits for the log of these events. */
export async function findWaiting(tx: Tx, eventIds: readonly string[]): Promise<WaitingEntry[]> {
  const { rows } = await sql<WaitingEntry>`
    select seq, event_id as "eventId", entry from log_pending
    where event_id = any(${eventIds}::uuid[]) order by seq`.execute(tx)
  return rows
}

/** Entries that wait although they should not: without an event, or when it is in the log already. */
export async function listStrayEntries(
  tx: Tx,
  after: string,
  limit: number,
): Promise<{ readonly seq: string; readonly eventId: string; readonly stray: boolean }[]> {
  const { rows } = await sql<{ seq: string; eventId: string; stray: boolean }>`
    select w.seq, w.event_id as "eventId",
      not exists (select from audit_event e where e.id = w.event_id)
        or exists (select from log_position p where p.event_id = w.event_id) as stray
    from (select seq, event_id from log_pending where seq > ${after}::bigint order by seq limit ${limit}) w
    order by w.seq`.execute(tx)
  return rows
}

/** Events whose salts are kept after one, with whether the event is there. */
export async function listSaltIds(
  tx: Tx,
  after: string,
  limit: number,
): Promise<{ readonly id: string; readonly owned: boolean }[]> {
  const { rows } = await sql<{ id: string; owned: boolean }>`
    select s.event_id as id, exists (select from audit_event e where e.id = s.event_id) as owned
    from (select event_id from audit_salt where event_id > ${after}::uuid order by event_id limit ${limit}) s
    order by s.event_id`.execute(tx)
  return rows
}

/** From which tree size on there are anchors, as the first of them said. */
export async function findAnchorStart(
  tx: Tx,
): Promise<{ readonly size: number; readonly mark: Uint8Array } | undefined> {
  const { rows } = await sql<{ size: string; mark: Buffer }>`
    select size, mark from log_anchor_start`.execute(tx)
  return rows[0] && { ...rows[0], size: Number(rows[0].size) }
}

/** Rows of the log that lie beyond a tree of `size` entries, or are wider than it; by table and key. */
export async function listBeyond(
  tx: Tx,
  size: number,
  limit: number,
): Promise<{ readonly table: string; readonly row: string }[]> {
  // How many hashes each level has, the empty ones above included.
  const levels = Array.from({ length: 9 }, (_, level) => Math.floor(size / 256 ** level))
  const { rows } = await sql<{ table: string; row: string }>`
    select 'log_tile' as table, t.level || '/' || t.tile_index as row from log_tile t
      where t.level < 0 or t.tile_index < 0
        or t.tile_index * 256 + t.width > coalesce((${levels}::bigint[])[t.level + 1], 0)
    union all select 'log_bundle', bundle_index::text from log_bundle
      where bundle_index < 0 or bundle_index * 256 + width > ${size}
    union all select 'log_cosignature', k.size || '/' || k.witness from log_cosignature k
      where not exists (select from log_checkpoint c where c.size = k.size)
    union all select 'log_publication', p.size::text from log_publication p
      where p.size is not null and not exists (select from log_checkpoint c where c.size = p.size)
    union all select 'log_position', event_id::text from log_position where leaf_index >= ${size} or leaf_index < 0
    limit ${limit}`.execute(tx)
  return rows
}
