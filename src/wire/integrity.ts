import type { Metrics } from '../http/metrics.ts'
import { type CheckedCycle, makeCheckIntegrity } from '../services/check-integrity.ts'
import { openServerSecret } from '../services/initialise.ts'
import { type KeysForTick, makeLogKeys } from '../services/log-keys.ts'
import { makeCloseIncident, makeReportFindings } from '../services/report-incidents.ts'
import { makeRecordEvent, type RecordEvent } from '../services/record-event.ts'
import type { Runtime } from '../services/runtime.ts'
import * as auditEvents from '../storage/audit-events.ts'
import type { Database } from '../storage/database.ts'
import * as integrity from '../storage/integrity.ts'
import * as extra from '../storage/integrity-extra.ts'
import * as integrityLog from '../storage/integrity-log.ts'
import * as losses from '../storage/integrity-losses.ts'
import * as rows from '../storage/integrity-rows.ts'
import * as log from '../storage/log.ts'
import * as logKeys from '../storage/log-keys.ts'
import * as notices from '../storage/notices.ts'
import * as serverKeys from '../storage/server-keys.ts'
import type { KeyRing } from '../vault/key-ring.ts'
import { makeSelfCheck, type SelfCheck } from '../workers/self-check.ts'
import { MACHINE_TIMERS } from '../workers/ticker.ts'
import type { WorkerLog } from '../workers/worker-log.ts'

/** Milliseconds for which the figures of incidents are taken for true. */
const FIGURES_LAST = 10_000

/** The self-check of one process. */
export interface WiredIntegrity extends SelfCheck {
  /** One whole cycle of its own. */
  cycle(): Promise<CheckedCycle>
  listOpen(limit: number): Promise<integrity.StoredIncident[]>
  /** Ends an incident for a reason. */
  close(incidentId: string, reason: string): Promise<void>
  /** Whether an incident is open. */
  isOpen(): Promise<boolean>
}

/** Composes the self-check over the worker's connections. */
export function wireIntegrity(parts: {
  /** Of the worker role. */
  readonly db: Database
  readonly runtime: Runtime
  readonly logger: WorkerLog
  readonly recordEvent: RecordEvent
  readonly keys: KeysForTick
  readonly anchorKey: Uint8Array
  /** Milliseconds between the beginnings of two cycles. */
  readonly interval: number
  readonly metrics?: Metrics
}): WiredIntegrity {
  const { db, runtime, logger, recordEvent, keys, anchorKey, interval, metrics } = parts
  const check = makeCheckIntegrity({
    db,
    storage: { log, integrityLog, rows, losses, extra },
    cycles: integrity,
    keys,
    anchorKey,
    report: makeReportFindings({
      storage: { ...integrity, ...notices },
      recordEvent,
      runtime,
      // Ids and codes alone; the row is named in the incident.
      alarm: ({ incidentId, kind }) =>
        logger.fatal({ task: 'self_check', code: kind, incidentId }, 'integrity incident'),
    }),
    // The machine's own clock: an interval is no time that anything is decided by.
    now: () => runtime.now(),
    interval,
  })
  const { start, stop } = makeSelfCheck({
    step: () => check.step(),
    timers: MACHINE_TIMERS,
    log: logger,
  })
  const open = remembered(() => integrity.countOpenIncidents(db))
  metrics?.watchIntegrity({
    openIncidents: open,
    finishedAt: remembered(async () => (await integrity.readCycle(db))?.finishedAt ?? undefined),
  })
  return {
    start,
    stop,
    cycle: () => check.cycle(),
    listOpen: (limit) => integrity.listOpenIncidents(db, limit),
    close: makeCloseIncident({ db, storage: integrity, recordEvent, runtime }),
    isOpen: async () => (await open()) > 0,
  }
}

/** The self-check for one command, on the owner's connection. What it finds, the command says. */
export async function ownersIntegrity(
  db: Database,
  keyRing: KeyRing,
  { runtime, origin }: { readonly runtime: Runtime; readonly origin: string },
): Promise<WiredIntegrity> {
  const anchor = await openServerSecret({ db, keyRing, storage: serverKeys }, 'anchor')
  const { forTick } = makeLogKeys({
    db,
    storage: logKeys,
    open: (secret, context) => keyRing.openSecret(secret, context),
  })
  return wireIntegrity({
    db,
    runtime,
    logger: { info() {}, error() {}, fatal() {} },
    recordEvent: makeRecordEvent({ storage: auditEvents, runtime, origin }),
    keys: forTick,
    anchorKey: anchor.secret,
    interval: 0,
  })
}

/** What is asked for often and may be some seconds old. */
function remembered<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let last: { readonly at: number; readonly value: Promise<Value> } | undefined
  return () => {
    const now = performance.now()
    if (!last || now - last.at > FIGURES_LAST) {
      const value = read()
      // A failure is not remembered.
      value.catch(() => (last = undefined))
      last = { at: now, value }
    }
    return last.value
  }
}
