import type { Database } from '../storage/database.ts'
import type * as idempotency from '../storage/idempotency.ts'
import type * as oidcPayloads from '../storage/oidc-payloads.ts'
import type * as replayGuard from '../storage/replay-guard.ts'
import type { Clock } from './clock.ts'

/** How long an `Idempotency-Key` is remembered, in milliseconds: 72 h. */
export const IDEMPOTENCY_AGE = 72 * 3_600_000

/**
 * Forgets what is worthless: proofs and assertions that have expired, what the token server no longer
 * needs, idempotency keys older than 72 h. `db` is of the worker role.
 */
export function makeForgetExpired({
  db,
  storage,
}: {
  readonly db: Database
  readonly storage: Pick<typeof replayGuard, 'deleteExpiredReplays'> &
    Pick<typeof oidcPayloads, 'deleteExpiredPayloads'> &
    Pick<typeof idempotency, 'deleteOldKeys'>
}): Clock {
  return async (now) => {
    const oldest = new Date(now.getTime() - IDEMPOTENCY_AGE)
    const forgotten = [
      await db.transaction().execute((tx) => storage.deleteExpiredReplays(tx, now)),
      await db.transaction().execute((tx) => storage.deleteExpiredPayloads(tx, now)),
      await db.transaction().execute((tx) => storage.deleteOldKeys(tx, oldest)),
    ]
    return forgotten.reduce((sum, count) => sum + Number(count), 0)
  }
}
