/**
 * Continuing the transparency log. Everything here belongs to one transaction of the worker role that
 * holds `trySequencerLock`: a crash leaves all of it or nothing, and whatever was written by somebody
 * else meanwhile makes it throw instead of being overwritten.
 */
import { sql } from 'kysely'
import type { Position } from '../domain/log/anchor.ts'
import type { Bundle } from '../domain/log/bundle.ts'
import type { Tile, TileRef } from '../domain/log/tile.ts'
import type { Tx } from './database.ts'

/** An entry that waits for the next tick. */
export interface PendingEntry {
  /** Key of its row; decimal. */
  readonly seq: string
  readonly eventId: string
  /** 64 bytes. */
  readonly entry: Uint8Array
}

/**
 * Makes this transaction the one that continues the log; false, at once, while another one does. What
 * is read in later statements is what that one has committed.
 */
export async function trySequencerLock(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ mine: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('ostiary/sequencer', 0)) as mine`.execute(tx)
  return rows[0]?.mine === true
}

/**
 * Has the commit wait for the disk. A database set up to answer before (`synchronous_commit` off)
 * could forget a checkpoint that the world has seen, and the next one would contradict it.
 */
export async function demandDurableCommit(tx: Tx): Promise<void> {
  await sql`select set_config('synchronous_commit', 'on', true)
    where current_setting('synchronous_commit') in ('off', 'local')`.execute(tx)
}

/** Milliseconds since the newest publication by the database's clock; undefined before the first. */
export async function publicationAge(tx: Tx): Promise<number | undefined> {
  const { rows } = await sql<{ age: number }>`
    select (extract(epoch from clock_timestamp() - published_at) * 1000)::float8 as age
    from log_checkpoint order by size desc limit 1`.execute(tx)
  return rows[0]?.age
}

/** Whether anything was ever put in the log. */
export async function hasEntries(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ some: boolean }>`
    select exists (select from log_tile) or exists (select from log_bundle)
      or exists (select from log_position) as some`.execute(tx)
  return rows[0]?.some === true
}

/** The entries that have waited longest, at most `limit`. */
export async function listPending(tx: Tx, limit: number): Promise<PendingEntry[]> {
  const rows = await tx
    .selectFrom('log_pending')
    .select(['seq', 'event_id', 'entry'])
    .orderBy('seq')
    .limit(limit)
    .execute()
  return rows.map(({ seq, event_id: eventId, entry }) => ({ seq, eventId, entry }))
}

/**
 * Takes entries off the waiting list.
 *
 * @throws Error when one of them is no longer on it
 */
export async function deletePending(tx: Tx, pending: readonly PendingEntry[]): Promise<void> {
  if (pending.length === 0) return
  const seqs = pending.map(({ seq }) => seq)
  const { numAffectedRows } =
    await sql`delete from log_pending where seq = any(${seqs}::bigint[])`.execute(tx)
  if (numAffectedRows !== BigInt(pending.length)) throw new Error('pending entries are gone')
}

/**
 * Where events stand in the log. The first position of an event is the one that counts; gives those that
 * were new.
 */
export async function insertPositions(
  tx: Tx,
  positions: readonly Position[],
): Promise<readonly Position[]> {
  if (positions.length === 0) return []
  const events = positions.map(({ eventId }) => eventId)
  const indexes = positions.map(({ leafIndex }) => leafIndex)
  // An event that waits twice must not hold up the log for ever; a leaf that is taken must.
  const { rows } = await sql<{ event_id: string; leaf_index: string }>`
    insert into log_position (event_id, leaf_index)
    select * from unnest(${events}::uuid[], ${indexes}::bigint[])
    on conflict (event_id) do nothing
    returning event_id, leaf_index`.execute(tx)
  return rows.map((row) => ({ eventId: row.event_id, leafIndex: Number(row.leaf_index) }))
}

/** When this transaction publishes, by the database's clock, to the millisecond. */
export async function publicationTime(tx: Tx): Promise<Date> {
  const { rows } = await sql<{ at: Date }>`
    select date_trunc('milliseconds', now()) as at`.execute(tx)
  if (!rows[0]) throw new Error('the database does not know the time')
  return rows[0].at
}

/** Notes from which tree size on ticks have anchors, unless that is known. */
export async function ensureAnchorStart(tx: Tx, size: number, mark: Uint8Array): Promise<void> {
  await sql`insert into log_anchor_start (size, mark) values (${size}, ${asBuffer(mark)})
    on conflict do nothing`.execute(tx)
}

/**
 * Stores the tiles of one append: those of `partial` (the edge before it) grow, the others are new.
 *
 * @throws Error when a tile is not as it was read, or one that should be new is there
 */
export async function storeTiles(
  tx: Tx,
  partial: readonly TileRef[],
  tiles: readonly Tile[],
): Promise<void> {
  const fresh: Tile[] = []
  for (const tile of tiles) {
    const before = partial.find(({ level, index }) => level === tile.level && index === tile.index)
    if (!before) {
      fresh.push(tile)
      continue
    }
    const { numUpdatedRows } = await tx
      .updateTable('log_tile')
      .set({ width: tile.width, bytes: asBuffer(tile.bytes) })
      .where('level', '=', tile.level)
      .where('tile_index', '=', String(tile.index))
      .where('width', '=', before.width)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) throw new Error('a tile was changed meanwhile')
  }
  for (const some of chunks(fresh)) {
    const rows = some.map(({ level, index, width, bytes }) => {
      return { level, tile_index: String(index), width, bytes: asBuffer(bytes) }
    })
    await tx.insertInto('log_tile').values(rows).execute()
  }
}

/**
 * Stores the bundles of one append; `partial` is the one that was last before it and grows.
 *
 * @throws Error when that is not as it was read, or one that should be new is there
 */
export async function storeBundles(
  tx: Tx,
  partial: Bundle | undefined,
  bundles: readonly Bundle[],
): Promise<void> {
  const [first, ...rest] = bundles
  const grows = partial !== undefined && first?.index === partial.index
  if (grows) {
    const { numUpdatedRows } = await tx
      .updateTable('log_bundle')
      .set({ width: first.width, bytes: asBuffer(first.bytes) })
      .where('bundle_index', '=', String(first.index))
      .where('width', '=', partial.width)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) throw new Error('a bundle was changed meanwhile')
  }
  for (const some of chunks(grows ? rest : bundles)) {
    const rows = some.map(({ index, width, bytes }) => {
      return { bundle_index: String(index), width, bytes: asBuffer(bytes) }
    })
    await tx.insertInto('log_bundle').values(rows).execute()
  }
}

/** Publishes a checkpoint. Throws when the one before it has been continued already. */
export async function insertCheckpoint(
  tx: Tx,
  checkpoint: {
    readonly size: number
    readonly root: Uint8Array
    readonly note: string
    /** Size of the checkpoint that it continues; null for the first. */
    readonly previous: number | null
    /** Of `publicationTime`. */
    readonly at: Date
  },
): Promise<void> {
  const { size, root, note, previous, at } = checkpoint
  await tx
    .insertInto('log_checkpoint')
    .values({
      size: String(size),
      root: asBuffer(root),
      note,
      previous: previous === null ? null : String(previous),
      published_at: at,
    })
    .execute()
}

/** Pieces that fit one statement: up to 4 MB of bundles. */
function* chunks<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += 256) yield items.slice(at, at + 256)
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
