import type { Logger } from 'pino'
import { makeAnnounceAgreementEnds } from '../services/announce-agreement-ends.ts'
import type { BoundedRefusals } from '../services/bounded-refusals.ts'
import { makeExtendAuditPartitions } from '../services/extend-audit-partitions.ts'
import { makeForgetExpired } from '../services/forget-expired.ts'
import { makeMarkOverdueReviews } from '../services/mark-overdue-reviews.ts'
import type { RecordEvent } from '../services/record-event.ts'
import type { Runtime } from '../services/runtime.ts'
import { makeSettleDuties } from '../services/settle-duties.ts'
import * as clocks from '../storage/clocks.ts'
import * as idempotency from '../storage/idempotency.ts'
import * as locks from '../storage/locks.ts'
import * as notices from '../storage/notices.ts'
import * as oidcPayloads from '../storage/oidc-payloads.ts'
import * as replayGuard from '../storage/replay-guard.ts'
import { type Housekeeping, makeHousekeeping } from '../workers/housekeeping.ts'
import { MACHINE_TIMERS } from '../workers/ticker.ts'
import type { Pools } from './database.ts'

/** Composes the clocks of one process, in the order in which a round runs them. */
export function wireClocks(parts: {
  readonly runtime: Runtime
  readonly logger: Logger
  readonly pools: Pick<Pools, 'worker'>
  readonly recordEvent: RecordEvent
  readonly refusals: Pick<BoundedRefusals, 'flush'>
}): Housekeeping {
  const { runtime, logger, recordEvent } = parts
  const db = parts.pools.worker
  const telling = { db, recordEvent, runtime }
  return makeHousekeeping({
    clocks: {
      // What somebody has to hear of comes first.
      settle_duties: makeSettleDuties({
        ...telling,
        storage: { ...clocks, ...locks, ...notices },
      }),
      mark_overdue_reviews: makeMarkOverdueReviews({
        ...telling,
        storage: { ...clocks, ...notices },
      }),
      announce_agreement_ends: makeAnnounceAgreementEnds({
        ...telling,
        storage: { ...clocks, ...notices },
      }),
      count_refusals: async () => {
        await parts.refusals.flush()
        return 0
      },
      extend_audit_partitions: makeExtendAuditPartitions({ db, storage: clocks }),
      forget_expired: makeForgetExpired({
        db,
        storage: { ...replayGuard, ...oidcPayloads, ...idempotency },
      }),
    },
    now: () => runtime.now(),
    timers: MACHINE_TIMERS,
    log: logger,
  })
}
