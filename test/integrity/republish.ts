/** Rewrites the log in the tables as somebody would who knows the format: tiles, bundles, checkpoints. */
import { sql } from 'kysely'
import { appendLeaves, EMPTY_EDGE, edgeRoot } from '../../src/domain/log/append.ts'
import { appendEntries, type Bundle, decodeBundle } from '../../src/domain/log/bundle.ts'
import { signCheckpoint } from '../../src/domain/log/checkpoint.ts'
import { leafHash } from '../../src/domain/log/hash.ts'
import type { Tile } from '../../src/domain/log/tile.ts'
import type { NoteKey } from '../../src/domain/log/vkey.ts'
import type { Tx } from '../../src/storage/database.ts'

/** A log taken out of its tables, to be changed. */
export interface Rewritten {
  readonly entries: Uint8Array[]
  /** Sizes of the checkpoints; those that are taken out take their events and rows with them. */
  readonly ticks: number[]
  /** Who signs the checkpoints over what changed; absent: they stay as they are. */
  signWith?: NoteKey | 'own'
  /** Only the newest checkpoint is signed anew. */
  onlyLast?: boolean
}

/** The log's own key and origin, for an attacker who has them. Set once by the test. */
export const stolen: { key?: NoteKey } = {}

/** Writes the changed log back; what was cut off is gone with everything that it held. */
export async function republish(tx: Tx, change: (log: Rewritten) => void): Promise<boolean> {
  const bundles = await sql<{ width: number; bytes: Buffer }>`
    select width, bytes from log_bundle order by bundle_index`.execute(tx)
  const checkpoints = await sql<{ size: string }>`
    select size from log_checkpoint order by size`.execute(tx)
  const log: Rewritten = {
    entries: bundles.rows.flatMap(({ width, bytes }) => decodeBundle(bytes, width) ?? []),
    ticks: checkpoints.rows.map(({ size }) => Number(size)),
  }
  const sizes = [...log.ticks]
  change(log)
  const size = log.ticks.at(-1) ?? 0
  if (size < (sizes.at(-1) ?? 0)) await cutOff(tx, size)
  const entries = log.entries.slice(0, size)
  await write(tx, entries)
  if (log.signWith) await sign(tx, entries, log)
  return true
}

/** Takes away all that came after a tree size: checkpoints, events, and rows that they tell of. */
async function cutOff(tx: Tx, size: number): Promise<void> {
  const events = sql`(select event_id from log_position where leaf_index >= ${size}
    union select event_id from log_pending)`
  for (const statement of [
    sql`create temp table cut on commit drop as select e.* from audit_event e where e.id in ${events}`,
    sql`delete from log_checkpoint where size > ${size}`,
    sql`delete from release_ledger where disclosure_id in (select id from disclosure where event_id in (select id from cut))`,
    sql`delete from review_task where disclosure_id in (select id from disclosure where event_id in (select id from cut))`,
    sql`delete from disclosure where event_id in (select id from cut)`,
    sql`delete from record_version v using cut c where c.public_part::jsonb ->> 'recordId' = v.record_id::text
      and c.public_part::jsonb ->> 'version' = v.version::text and c.type ~ '^(collect|alter)'`,
    sql`delete from record r where not exists (select from record_version v where v.record_id = r.id)`,
    sql`update record r set version = (select max(version) from record_version v where v.record_id = r.id)`,
    sql`delete from consent where id::text in (select public_part::jsonb ->> 'consentId' from cut where type = 'consent.recorded')`,
    sql`update consent set withdrawn_at = null, withdrawn_by = null, version = 1
      where id::text in (select public_part::jsonb ->> 'consentId' from cut where type = 'consent.withdrawn')`,
    sql`delete from agreement where id::text in (select public_part::jsonb ->> 'agreementId' from cut where type = 'agreement.created')`,
    sql`update agreement set terminated_at = null, ended = false
      where id::text in (select public_part::jsonb ->> 'agreementId' from cut where type = 'agreement.terminated')`,
    sql`update review_task set state = 'open', decided_at = null, decided_by = null, signature = null
      where id::text in (select public_part::jsonb ->> 'reviewId' from cut where type in ('review.decided', 'review.overdue'))`,
    sql`delete from audit_salt where event_id in (select id from cut)`,
    sql`delete from log_pending`,
    sql`delete from log_position where leaf_index >= ${size}`,
    sql`delete from audit_event where id in (select id from cut)`,
  ])
    await statement.execute(tx)
}

async function write(tx: Tx, entries: readonly Uint8Array[]): Promise<void> {
  const tiles = new Map<string, Tile>()
  const bundles = new Map<number, Bundle>()
  if (entries.length > 0) {
    for (const tile of appendLeaves(EMPTY_EDGE, entries.map(leafHash)).tiles)
      tiles.set(`${tile.level}/${tile.index}`, tile)
    for (const bundle of appendEntries(0, undefined, entries)) bundles.set(bundle.index, bundle)
  }
  await sql`delete from log_tile`.execute(tx)
  await sql`delete from log_bundle`.execute(tx)
  for (const { level, index, width, bytes } of tiles.values())
    await sql`insert into log_tile values (${level}, ${index}, ${width}, ${Buffer.from(bytes)})`.execute(
      tx,
    )
  for (const { index, width, bytes } of bundles.values())
    await sql`insert into log_bundle values (${index}, ${width}, ${Buffer.from(bytes)})`.execute(tx)
}

async function sign(
  tx: Tx,
  entries: readonly Uint8Array[],
  { ticks, signWith, onlyLast }: Rewritten,
): Promise<void> {
  const own = stolen.key
  if (!own) throw new Error('the log’s key is not known')
  const key = signWith === 'own' || !signWith ? own : { name: own.name, seed: signWith.seed }
  let edge = EMPTY_EDGE
  for (const size of ticks) {
    edge = appendLeaves(edge, entries.slice(edge.size, size).map(leafHash)).edge
    if (onlyLast && size !== ticks.at(-1)) continue
    const root = edgeRoot(edge)
    const note = signCheckpoint({ origin: own.name, size, root, extensions: [] }, key)
    await sql`update log_checkpoint set root = ${Buffer.from(root)}, note = ${note} where size = ${size}`.execute(
      tx,
    )
  }
}
