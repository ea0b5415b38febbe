import { sql } from 'kysely'
import type { Tx } from './database.ts'

/**
 * What a decision stands on and a stop changes. A disclosure holds these shared until it has
 * committed; whatever stops releases (withdrawal, restriction, end of membership, suspension,
 * activation) holds its one exclusively. So no disclosure commits after the stop has committed.
 */
export type Lockable = 'policy' | `agency:${string}` | `case:${string}` | `person:${string}`

/**
 * SQL expression for the advisory lock key of one name (a text parameter). Names are hashed to
 * 64 bits by PostgreSQL; a collision only makes two things wait for each other.
 */
export const lockKey = (parameter: string): string =>
  `hashtextextended('ostiary/' || ${parameter}, 0)`

/** Waits for the exclusive lock on each name; held to the end of the transaction. */
export async function lockExclusive(tx: Tx, names: readonly Lockable[]): Promise<void> {
  // One order for everybody, so that two stops cannot wait for each other in a ring.
  for (const name of [...names].sort())
    await sql`select pg_advisory_xact_lock(hashtextextended('ostiary/' || ${name}::text, 0))`.execute(
      tx,
    )
}

/** Waits for the shared lock on each name; held to the end of the transaction. */
export async function lockShared(tx: Tx, names: readonly Lockable[]): Promise<void> {
  for (const name of [...names].sort())
    await sql`select pg_advisory_xact_lock_shared(hashtextextended('ostiary/' || ${name}::text, 0))`.execute(
      tx,
    )
}
