import type * as clocks from '../storage/clocks.ts'
import type { Database } from '../storage/database.ts'
import type { Clock } from './clock.ts'

/** Keeps partitions for audit events ready, months before they are needed. `db` is of the worker role. */
export function makeExtendAuditPartitions({
  db,
  storage,
}: {
  readonly db: Database
  readonly storage: Pick<typeof clocks, 'ensureAuditPartitions'>
}): Clock {
  return async (now) => {
    await db.transaction().execute((tx) => storage.ensureAuditPartitions(tx, now))
    return 0
  }
}
