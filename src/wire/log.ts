import { sql } from 'kysely'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { logRoutes } from '../http/log-routes.ts'
import { openServerSecret } from '../services/initialise.ts'
import { type KeysForTick, makeLogKeys } from '../services/log-keys.ts'
import { makeFreeSequencer } from '../services/free-sequencer.ts'
import { makeSequenceLog } from '../services/sequence-log.ts'
import { makeServeLog } from '../services/serve-log.ts'
import type { Runtime } from '../services/runtime.ts'
import * as log from '../storage/log.ts'
import * as logKeys from '../storage/log-keys.ts'
import * as logAppend from '../storage/log-append.ts'
import * as serverKeys from '../storage/server-keys.ts'
import * as stuckSequencer from '../storage/stuck-sequencer.ts'
import type { KeyRing } from '../vault/key-ring.ts'
import { makeSequencer } from '../workers/sequencer.ts'
import { MACHINE_TIMERS } from '../workers/ticker.ts'
import type { Pools } from './database.ts'

/** The transparency log of one process: its sequencer and its public side. */
export interface WiredLog {
  /** Of the key that is newest at the start; a rotation may bring another one. */
  readonly vkey: string
  readonly routes: (app: FastifyInstance) => Promise<void>
  /** With what each tick is signed and anchored: what the self-check holds it to. */
  readonly keys: KeysForTick
  readonly anchorKey: Uint8Array
  /** Whether an audit event could be written now: no other node's word is taken for it. */
  isWritable(): Promise<boolean>
  /** What is the matter with publishing, though events can be written; for readiness. */
  concerns(): readonly string[]
  /** Publishes what is pending; throws when the log refuses or cannot. */
  publish(): Promise<void>
  start(): void
  stop(): Promise<void>
}

/** Ticks that fail in a row before readiness says so. */
const FAILED_TICKS = 3

/** Opens the log's keys and composes its sequencer and routes. */
export async function wireLog(parts: {
  readonly config: Config
  readonly runtime: Runtime
  readonly logger: Logger
  readonly pools: Pools
  readonly keyRing: KeyRing
}): Promise<WiredLog> {
  const { config, runtime, logger, pools, keyRing } = parts
  const keys = makeLogKeys({
    db: pools.app,
    storage: logKeys,
    open: (secret, context) => keyRing.openSecret(secret, context),
  })
  const anchors = await openServerSecret({ db: pools.app, keyRing, storage: serverKeys }, 'anchor')
  const vkey = await keys.newest()
  // The key's name is the origin under which the log began; a new setting cannot rename it.
  const [name = ''] = vkey.split('+', 1)
  if (name !== config.logOrigin)
    throw new Error(`the log began as ${name}; set OSTIARY_LOG_ORIGIN to that`)
  const sequencer = makeSequencer({
    sequenceLog: makeSequenceLog({
      db: pools.worker,
      storage: { log, append: logAppend },
      runtime,
      keys: keys.forTick,
      anchorKey: anchors.secret,
      batch: config.logBatch,
      limitTick: (tx) => stuckSequencer.limitTick(tx, config.logStuck),
    }),
    freeSequencer: makeFreeSequencer({
      db: pools.worker,
      storage: stuckSequencer,
      stuckAfter: config.logStuck,
    }),
    tick: config.logTick,
    timers: MACHINE_TIMERS,
    log: logger,
  })
  return {
    vkey,
    keys: keys.forTick,
    anchorKey: anchors.secret,
    routes: logRoutes({ log: makeServeLog({ db: pools.app, storage: log }), keys }),
    async isWritable() {
      const { rows } = await sql<{ readonly: string }>`
        select current_setting('transaction_read_only') as readonly`.execute(pools.app)
      return rows[0]?.readonly === 'off' && sequencer.status().fault === undefined
    },
    concerns() {
      const { stalledFor, failures } = sequencer.status()
      return stalledFor !== undefined || failures >= FAILED_TICKS ? ['log_stalled'] : []
    },
    async publish() {
      const sequenced = await sequencer.tickNow()
      if (sequenced.state === 'refused') throw new Error(`the log refuses: ${sequenced.fault}`)
    },
    start: () => sequencer.start(),
    stop: () => sequencer.stop(),
  }
}
