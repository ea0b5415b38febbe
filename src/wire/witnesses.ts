import { uptime } from 'node:os'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { cosignatureVerifier } from '../domain/log/cosignature.ts'
import { ED25519_COSIGNATURE, parseVkey } from '../domain/log/vkey.ts'
import { nameOfVkey } from '../domain/log/witness.ts'
import type { Metrics } from '../http/metrics.ts'
import { witnessMetrics } from '../http/witness-metrics.ts'
import { makeAskWitness, patienceFor } from '../notify/witness-client.ts'
import type { Witness } from '../services/ask-witness.ts'
import { makeCollectCosignatures } from '../services/collect-cosignatures.ts'
import { type DemandWitnesses, makeDemandWitnesses } from '../services/demand-witnesses.ts'
import type { RecordEvent } from '../services/record-event.ts'
import type { Runtime } from '../services/runtime.ts'
import * as cosignatures from '../storage/cosignatures.ts'
import { listOperators } from '../storage/integrity.ts'
import * as log from '../storage/log.ts'
import * as notices from '../storage/notices.ts'
import { MACHINE_TIMERS } from '../workers/ticker.ts'
import { COLLECT_INTERVAL, makeWitnessCollector } from '../workers/witness-collector.ts'
import type { Pools } from './database.ts'

/** The log's witnesses, as one process deals with them. */
export interface WiredWitnesses {
  /** For the release gate: throws while values may not leave. */
  readonly demand: DemandWitnesses
  /** Asks for cosignatures of what was just published. */
  collect(): Promise<void>
  concerns(): readonly string[]
  start(): void
  stop(): Promise<void>
}

/**
 * Composes the collecting of cosignatures and the demand for them. From here on nothing is published
 * but as the configuration says.
 *
 * @throws Error when a configured verifier key is not one of a witness, or two witnesses share one
 */
export async function wireWitnesses(parts: {
  readonly config: Config
  readonly runtime: Runtime
  readonly logger: Logger
  readonly pools: Pick<Pools, 'app' | 'worker'>
  readonly metrics: Metrics
  readonly recordEvent: RecordEvent
}): Promise<WiredWitnesses> {
  const { config, runtime, logger, pools, metrics, recordEvent } = parts
  const witnesses = (config.witnesses ?? []).map(witnessOf)
  const vkeys = witnesses.map(({ vkey }) => vkey)
  if (new Set(vkeys).size < vkeys.length)
    throw new Error('OSTIARY_WITNESSES names one witness twice')
  const { witnessQuorum: quorum, witnessBound: bound } = config
  const policy = quorum === 0 ? undefined : { vkeys, quorum, bound }
  await cosignatures.showPublished(pools.worker, policy !== undefined)
  const figures = witnesses.length === 0 ? undefined : witnessMetrics(metrics.registry)
  // A stop does not wait for a witness that is slow.
  const stopping = new AbortController()
  const collector = makeWitnessCollector({
    collect: makeCollectCosignatures({
      db: pools.worker,
      log,
      storage: { ...cosignatures, ...notices, listOperators },
      ask: makeAskWitness(patienceFor(config.logTick), stopping.signal),
      witnesses,
      ...(policy ? { policy } : {}),
      retryAfter: config.logTick,
      recordEvent,
      runtime,
    }),
    interval: Math.min(COLLECT_INTERVAL, config.logTick),
    timers: MACHINE_TIMERS,
    log: logger,
    report: ({ witnesses: rows, missing, age }) =>
      figures?.({
        witnesses: rows.map(({ vkey, cosignedSize, refusedAt }) => {
          return {
            name: nameOfVkey(vkey),
            cosignedSize: cosignedSize ?? 0,
            refuses: refusedAt !== null,
          }
        }),
        missing,
        age,
      }),
  })
  return {
    demand:
      policy && config.witnessMode === 'stop'
        ? makeDemandWitnesses({
            db: pools.app,
            storage: cosignatures,
            policy,
            // Goes on while the process is stopped and while the machine sleeps.
            elapsed: () => uptime() * 1000,
            retryAfter: Math.max(1, Math.ceil(config.logTick / 1000)),
          })
        : () => Promise.resolve(),
    async collect() {
      if (witnesses.length > 0) await collector.runNow()
    },
    concerns: collector.concerns,
    start() {
      if (witnesses.length > 0) collector.start()
    },
    async stop() {
      const stopped = collector.stop()
      stopping.abort()
      await stopped
    },
  }
}

function witnessOf({ vkey, url }: { readonly vkey: string; readonly url: string }): Witness {
  const key = parseVkey(vkey)
  if (key?.type !== ED25519_COSIGNATURE)
    throw new Error('OSTIARY_WITNESSES holds a verifier key that is not one of a witness')
  return { vkey, url, verifier: cosignatureVerifier(key) }
}
