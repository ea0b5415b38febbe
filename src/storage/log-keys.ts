/** The keys of the transparency log and their history (migration 0022). */
import { sql } from 'kysely'
import type { KeyPeriod } from '../domain/log/key-history.ts'
import type { Database, Tx } from './database.ts'

/** A key of the log: its place in the history, and its private half, sealed. */
export interface StoredLogKey extends KeyPeriod {
  readonly kid: string
  /** Epoch of the key-encryption key that sealed it. */
  readonly keyEpoch: number
  readonly sealedPrivate: Uint8Array
  /** Its time is over by the database's clock, but no tick has said so yet. */
  readonly due: boolean
}

/**
 * Makes this transaction the only one that may continue the log, like `trySequencerLock`, but waits:
 * the keys of a log change while it stands still.
 *
 * @throws when somebody holds it for longer than half a minute
 */
export async function awaitSequencerLock(tx: Tx): Promise<void> {
  await sql`select set_config('lock_timeout', '30s', true)`.execute(tx)
  await sql`select pg_advisory_xact_lock(hashtextextended('ostiary/sequencer', 0))`.execute(tx)
}

/** Every key that the log ever had, in the order in which they began. */
export async function listLogKeys(db: Database): Promise<StoredLogKey[]> {
  const rows = await db
    .selectFrom('log_key')
    .innerJoin('server_key', 'server_key.kid', 'log_key.kid')
    .select([
      'log_key.kid',
      'log_key.vkey',
      'log_key.from_size',
      'log_key.from_time',
      'log_key.signs_until',
      'log_key.until_size',
      'log_key.until_time',
      'log_key.compromised',
      'server_key.sealed_private',
      'server_key.key_epoch',
      sql<boolean>`log_key.until_size is null
        and coalesce(log_key.signs_until <= clock_timestamp(), false)`.as('due'),
    ])
    .orderBy('log_key.from_size')
    .orderBy('log_key.from_time')
    .orderBy('log_key.kid')
    .execute()
  return rows.map((row) => ({
    kid: row.kid,
    vkey: row.vkey,
    fromSize: Number(row.from_size),
    fromTime: row.from_time,
    untilSize: row.until_size === null ? null : Number(row.until_size),
    untilTime: row.until_time ?? row.signs_until,
    compromised: row.compromised,
    sealedPrivate: row.sealed_private,
    keyEpoch: row.key_epoch,
    due: row.due,
  }))
}

/**
 * Enters the key with which a log begins into its history; does nothing where there is one. Owner's
 * rights.
 */
export async function enterFirstLogKey(tx: Tx): Promise<void> {
  await sql`insert into log_key (kid, vkey, from_size, from_time)
    select kid, public_key ->> 'vkey', 0, signs_from from server_key
    where purpose = 'log' and not exists (select from log_key)`.execute(tx)
}

/** Enters a key that signs every checkpoint larger than `fromSize`. Owner's rights. */
export async function insertLogKey(
  tx: Tx,
  key: { readonly kid: string; readonly vkey: string; readonly fromSize: number },
): Promise<void> {
  const { kid, vkey, fromSize } = key
  await tx
    .insertInto('log_key')
    .values({ kid, vkey, from_size: String(fromSize) })
    .execute()
}

/**
 * Has the keys that sign without an end do so for `seconds` more, by the database's clock. Owner's
 * rights.
 *
 * @returns when that is; undefined when there was none
 */
export async function planLogKeyEnd(
  tx: Tx,
  kids: readonly string[],
  seconds: number,
): Promise<Date | undefined> {
  const { rows } = await sql<{ signs_until: Date }>`
    update log_key set signs_until = clock_timestamp() + make_interval(secs => ${seconds}::float8)
    where kid = any(${kids}::text[]) and signs_until is null and until_size is null
    returning signs_until`.execute(tx)
  return rows[0]?.signs_until
}

/** Says that keys signed up to the checkpoint of this size and nothing after it. */
export async function endLogKeys(tx: Tx, kids: readonly string[], size: number): Promise<void> {
  if (kids.length === 0) return
  await sql`update log_key set until_size = ${size}, until_time = clock_timestamp()
    where kid = any(${kids}::text[]) and until_size is null`.execute(tx)
}

/** Says that somebody else may hold a key that has ended. Owner's rights. */
export async function markCompromised(tx: Tx, kids: readonly string[]): Promise<void> {
  await sql`update log_key set compromised = true where kid = any(${kids}::text[])`.execute(tx)
}
