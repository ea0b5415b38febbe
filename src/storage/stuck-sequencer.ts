/**
 * A node that is frozen in the middle of a tick keeps the sequencer's lock, and with it the log, for as
 * long as its session lives. The database ends such a session; where it cannot, another node does. The
 * lock goes with the session, and so does everything that the tick had written: when the node comes
 * back, its tick fails, and it has signed nothing that anybody saw.
 */
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'

/**
 * Has the database end this transaction, and its session, when the node does nothing for `stuckAfter`
 * milliseconds, and (where it knows how: PostgreSQL 17) in any case after twice as long.
 */
export async function limitTick(tx: Tx, stuckAfter: number): Promise<void> {
  await sql`select set_config('idle_in_transaction_session_timeout', ${String(stuckAfter)}, true),
    case when current_setting('transaction_timeout', true) is not null
      then set_config('transaction_timeout', ${String(2 * stuckAfter)}, true) end`.execute(tx)
}

/** The session that holds the sequencer's lock. */
export interface SequencerHolder {
  readonly pid: number
  /** Milliseconds since its transaction began. */
  readonly heldFor: number
}

/** Who holds the lock now; undefined when nobody does, or it is not this login's to see. */
export async function findSequencerHolder(db: Database): Promise<SequencerHolder | undefined> {
  return db.transaction().execute(async (tx) => {
    await actAsLogin(tx)
    const { rows } = await sql<SequencerHolder>`
      select a.pid, (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as "heldFor"
      ${HOLDER} and a.xact_start is not null`.execute(tx)
    return rows[0]
  })
}

/**
 * Ends the session if it still holds the lock in a transaction that is older than `olderThan`
 * milliseconds; says whether it did. Both nodes have the same login, so that it may.
 */
export async function endSequencerHolder(
  db: Database,
  { pid }: SequencerHolder,
  olderThan: number,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    await actAsLogin(tx)
    const { rows } = await sql<{ ended: boolean }>`
      select pg_terminate_backend(a.pid) as ended
      ${HOLDER} and a.pid = ${pid}
        and a.xact_start < clock_timestamp() - ${olderThan}::float8 * interval '1 millisecond'`.execute(
      tx,
    )
    return rows.some(({ ended }) => ended)
  })
}

/** Milliseconds since the newest publication, by the database's clock; undefined before the first. */
export async function publishedAgo(db: Database): Promise<number | undefined> {
  const { rows } = await sql<{ age: number }>`
    select (extract(epoch from clock_timestamp() - published_at) * 1000)::float8 as age
    from log_checkpoint order by size desc limit 1`.execute(db)
  return rows[0]?.age
}

/**
 * Sessions belong to logins, not to the role that they work as: only as the same login may one see
 * another's times and end it. For this transaction, which does nothing else.
 */
async function actAsLogin(tx: Tx): Promise<void> {
  await sql`set local role none`.execute(tx)
}

/** A lock of 64 bits stands in pg_locks in two halves. */
const HOLDER = sql`from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
    and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('ostiary/sequencer', 0)`
