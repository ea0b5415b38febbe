import type { Clock } from '../services/clock.ts'
import { makeTicker, type Timers } from './ticker.ts'
import { errorCodes, type WorkerLog } from './worker-log.ts'

/** What one round came to: how much each clock did, and which of them failed. */
export interface Round {
  readonly done: Readonly<Record<string, number>>
  readonly failed: readonly string[]
}

/** The server's clocks, run at regular times. */
export interface Housekeeping {
  start(): void
  /** No further round begins; resolves when the last one is over. */
  stop(): Promise<void>
  /** Runs every clock once, as of `now`, in the order given. Never rejects. */
  runHousekeeping(now: Date): Promise<Round>
}

/** Milliseconds between two rounds where nothing else is said. */
export const HOUSEKEEPING_INTERVAL = 60_000

/**
 * Runs the clocks on every node. A plain interval is enough, without a job queue: what is due stands
 * in the tables themselves, each clock takes its rows by compare-and-set, so a node more does nothing
 * twice and a node less leaves nothing behind, and what fails is simply found again in the next round.
 * A queue would keep a second account of the same thing. (What has to be delivered to others, with
 * attempts of its own, is another matter.)
 *
 * @param clocks by the name under which they are logged; one that fails does not hold up the others
 */
export function makeHousekeeping({
  clocks,
  interval = HOUSEKEEPING_INTERVAL,
  now,
  timers,
  log,
}: {
  readonly clocks: Readonly<Record<string, Clock>>
  readonly interval?: number
  /** What the clocks take for the time in rounds that begin by themselves. */
  readonly now: () => Date
  readonly timers: Timers
  readonly log: WorkerLog
}): Housekeeping {
  async function runHousekeeping(at: Date): Promise<Round> {
    const done: Record<string, number> = {}
    const failed: string[] = []
    for (const [task, clock] of Object.entries(clocks)) {
      try {
        const count = await clock(at)
        done[task] = count
        if (count > 0) log.info({ task, count }, 'housekeeping')
      } catch (error) {
        failed.push(task)
        log.error({ task, ...errorCodes(error) }, 'housekeeping failed')
      }
    }
    return { done, failed }
  }
  const ticker = makeTicker({ interval, timers, task: () => runHousekeeping(now()) })
  return { start: ticker.start, stop: ticker.stop, runHousekeeping }
}
