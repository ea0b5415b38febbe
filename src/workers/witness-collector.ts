import { nameOfVkey } from '../domain/log/witness.ts'
import type { Collected, CollectCosignatures } from '../services/collect-cosignatures.ts'
import { makeTicker, type Timers } from './ticker.ts'
import { errorCodes, type WorkerLog } from './worker-log.ts'

/** Collects cosignatures on one node. */
export interface WitnessCollector {
  start(): void
  /** No further round begins; resolves when the last one is over. */
  stop(): Promise<void>
  /** Runs a round now. Rejects when it cannot. */
  runNow(): Promise<Collected>
  /** What is wrong, as codes: `witness_refuses`, `witness_missing`. */
  concerns(): readonly string[]
}

const TASK = 'collect_cosignatures'

/** Milliseconds between two looks for a checkpoint that was not cosigned yet. */
export const COLLECT_INTERVAL = 1_000

/**
 * Looks regularly, on every node, instead of being told by whoever publishes. Says what changed, once;
 * and of a witness that refuses, every time that it does.
 */
export function makeWitnessCollector({
  collect,
  interval,
  timers,
  log,
  report,
}: {
  readonly collect: CollectCosignatures
  readonly interval: number
  readonly timers: Timers
  readonly log: WorkerLog
  /** Takes the figures of each round. */
  readonly report: (collected: Collected) => void
}): WitnessCollector {
  // Owned by the returned object: what was said of each witness last, the last round's alarms,
  // whether that round failed, and whether there will be another.
  const said = new Map<string, string>()
  let concerns: readonly string[] = []
  let failing = false
  let stopping = false

  async function run(): Promise<Collected> {
    try {
      const collected = await collect()
      failing = false
      // A round that was cut short says nothing about the witnesses.
      if (stopping) return collected
      tellStates(collected)
      tellAlarms(collected)
      report(collected)
      return collected
    } catch (error) {
      if (!failing && !stopping)
        log.error({ task: TASK, ...errorCodes(error) }, 'cosignatures could not be collected')
      failing = true
      throw error
    }
  }
  function tellStates({ witnesses, asked }: Collected): void {
    for (const { vkey, state, cosignedSize } of witnesses) {
      const before = said.get(vkey)
      said.set(vkey, state)
      if (before === state || state === 'refuses' || state === 'asked') continue
      const content = { task: TASK, witness: nameOfVkey(vkey) }
      if (state !== 'cosigned') log.error({ ...content, code: state }, 'a witness does not cosign')
      else log.info({ ...content, treeSize: cosignedSize ?? 0 }, 'a witness cosigns')
    }
    for (const { vkey, outcome } of asked)
      if (outcome.state === 'refuses')
        log.fatal(
          {
            task: TASK,
            code: 'witness_refuses',
            witness: nameOfVkey(vkey),
            treeSize: outcome.stored,
          },
          'a witness has seen another log: this server went back, or was forked',
        )
  }
  function tellAlarms({ witnesses, missing }: Collected): void {
    const refuses = witnesses.some(({ refusedAt }) => refusedAt !== null)
    const now = [...(refuses ? ['witness_refuses'] : []), ...(missing ? ['witness_missing'] : [])]
    const before = concerns.includes('witness_missing')
    if (missing && !before)
      log.error({ task: TASK, code: 'witness_missing' }, 'too few witnesses for too long')
    if (!missing && before) log.info({ task: TASK }, 'enough witnesses again')
    concerns = now
  }

  const ticker = makeTicker({ interval, timers, task: run })
  return {
    start: ticker.start,
    async stop() {
      stopping = true
      await ticker.stop()
    },
    runNow: ticker.runNow,
    concerns: () => concerns,
  }
}
