import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'

/** Runs `work` in one transaction as one agency; rolls back and rethrows when it throws. */
export type Transact = <Result>(
  agencyId: string,
  work: (tx: Tx) => Promise<Result>,
) => Promise<Result>

/**
 * Transactions for one pool. Read committed: each statement sees what had been committed when it
 * began, so that what is read after a lock was granted is what the lock protects. The agency is set
 * for the transaction only, never for the pooled connection; row-level security goes by it.
 */
export function transactions(db: Database): Transact {
  return (agencyId, work) =>
    db.transaction().execute(async (tx) => {
      await sql`select set_config('app.agency', ${agencyId}, true)`.execute(tx)
      return work(tx)
    })
}
