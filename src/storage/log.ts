/** Reading the transparency log; what is written to it, `log-append.ts` writes. */
import { sql } from 'kysely'
import type { Bundle } from '../domain/log/bundle.ts'
import type { Resource, Tile, TileRef } from '../domain/log/tile.ts'
import type { Database, Tx } from './database.ts'

/** A checkpoint as it was published. */
export interface StoredCheckpoint {
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
  /** The whole signed note. */
  readonly note: string
}

/** The checkpoint of the largest size; undefined before the first publication. */
export async function findNewestCheckpoint(db: Database): Promise<StoredCheckpoint | undefined> {
  const row = await db
    .selectFrom('log_checkpoint')
    .select(['size', 'root', 'note'])
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && { ...row, size: Number(row.size) }
}

/**
 * The checkpoint that the world is shown, its note with every cosignature that it has: the newest that
 * enough witnesses cosigned; the newest at all where no quorum is asked for, or none was to be had for
 * too long. For every proof that leaves the server, so that nobody is shown a log that witnesses may
 * never see. Undefined before the first publication.
 */
export async function findPublishedCheckpoint(db: Database): Promise<StoredCheckpoint | undefined> {
  const { rows } = await sql<{ size: string; root: Buffer; note: string }>`
    select c.size, c.root, c.note || coalesce((select string_agg(s.line, '' order by s.witness)
      from log_cosignature s where s.size = c.size), '') as note
    from (select coalesce(bool_or(gated), false) as gated, max(size) as size from log_publication) p
    join log_checkpoint c
      on c.size = case when p.gated then p.size else (select max(size) from log_checkpoint) end`.execute(
    db,
  )
  const [row] = rows
  return row && { ...row, size: Number(row.size) }
}

/**
 * The tiles of these places, in any order, each as wide as it is now, which may be wider than asked;
 * those that are not there are left out.
 */
export async function readTiles(db: Database, refs: readonly TileRef[]): Promise<Tile[]> {
  if (refs.length === 0) return []
  const levels = refs.map(({ level }) => level)
  const indexes = refs.map(({ index }) => index)
  const { rows } = await sql<{ level: number; index: string; width: number; bytes: Buffer }>`
    select t.level, t.tile_index as index, t.width, t.bytes
    from unnest(${levels}::smallint[], ${indexes}::bigint[]) as wanted (level, tile_index)
    join log_tile t using (level, tile_index)`.execute(db)
  return rows.map((row) => ({ ...row, index: Number(row.index) }))
}

/** The entry bundle of this index, as wide as it is now. */
export async function readBundle(db: Database, index: number): Promise<Bundle | undefined> {
  const row = await db
    .selectFrom('log_bundle')
    .select(['width', 'bytes'])
    .where('bundle_index', '=', String(index))
    .executeTakeFirst()
  return row && { ...row, index }
}

/** A tile or bundle together with the published size of the same moment. */
export interface ServedRow {
  readonly width: number
  readonly bytes: Uint8Array
  readonly publishedSize: number
}

/** What is kept under a path of the log, and how large the log was in that very moment. */
export async function findServed(db: Database, path: Resource): Promise<ServedRow | undefined> {
  const published = sql`(select coalesce(max(size), 0) from log_checkpoint)`
  const kept =
    path.kind === 'tile'
      ? sql`from log_tile where level = ${path.level} and tile_index = ${path.index}`
      : sql`from log_bundle where bundle_index = ${path.index}`
  const { rows } = await sql<{ width: number; bytes: Buffer; published: string }>`
    select width, bytes, ${published} as published ${kept}`.execute(db)
  const [row] = rows
  return row && { width: row.width, bytes: row.bytes, publishedSize: Number(row.published) }
}

/** What opens an event to its own agency; `leafIndex` is null until the next tick. */
export interface EventProof {
  /** Canonical JSON. */
  readonly publicPart: string
  readonly publicSalt: Uint8Array
  readonly leafIndex: number | null
}

/** The transaction's agency's own event; undefined when there is none of that id. */
export async function findEventProof(tx: Tx, eventId: string): Promise<EventProof | undefined> {
  const { rows } = await sql<{
    public_part: string
    public_salt: Buffer
    leaf_index: string | null
  }>`select public_part, public_salt, leaf_index from gate_proof(${eventId})`.execute(tx)
  const [row] = rows
  return (
    row && {
      publicPart: row.public_part,
      publicSalt: row.public_salt,
      leafIndex: row.leaf_index === null ? null : Number(row.leaf_index),
    }
  )
}
