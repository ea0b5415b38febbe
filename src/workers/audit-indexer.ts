import type { IndexAuditLog } from '../services/index-audit-log.ts'
import { makeTicker, type Timers } from './ticker.ts'
import { errorCodes, type WorkerLog } from './worker-log.ts'

/** Keeps the index over the audit log up with the log. */
export interface AuditIndexer {
  start(): void
  /** No further round begins; resolves when the last one is over. */
  stop(): Promise<void>
  /** Takes in what is published, now. Rejects when it cannot. */
  runNow(): Promise<number>
}

/** Milliseconds between two looks: an event can be found about a second after the tick that took it in. */
export const INDEX_INTERVAL = 1_000

/**
 * Looks regularly instead of being told, so that it does not matter which node published, and a round
 * that failed is made good by the next.
 */
export function makeAuditIndexer({
  indexAuditLog,
  interval = INDEX_INTERVAL,
  timers,
  log,
}: {
  readonly indexAuditLog: IndexAuditLog
  readonly interval?: number
  readonly timers: Timers
  readonly log: WorkerLog
}): AuditIndexer {
  const ticker = makeTicker({
    interval,
    timers,
    task: async () => {
      try {
        return await indexAuditLog()
      } catch (error) {
        log.error({ task: 'index_audit_log', ...errorCodes(error) }, 'the audit index stands still')
        throw error
      }
    },
  })
  return { start: ticker.start, stop: ticker.stop, runNow: ticker.runNow }
}
