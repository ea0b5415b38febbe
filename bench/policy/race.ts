import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** What the server's engine is timed beside; `rules-x10` is itself with ten times the rules. */
export const OPPONENTS = ['casl', 'cedar', 'baseline', 'rules-x10'] as const
export type Opponent = (typeof OPPONENTS)[number]

export interface RaceTask {
  readonly opponent: Opponent
  readonly rounds: number
}

/** Requests per second of processor time, one figure for each round. */
export interface RaceResult {
  readonly server: readonly number[]
  readonly opponent: readonly number[]
}

/** Lets the two take turns in a thread of their own. The packages must be installed. */
export async function race(task: RaceTask, signal: AbortSignal): Promise<RaceResult> {
  const thread = new Worker(new URL('race-thread.ts', import.meta.url), { workerData: task })
  try {
    // An error in the thread makes this reject.
    const [result] = (await once(thread, 'message', { signal })) as [RaceResult]
    return result
  } finally {
    await thread.terminate()
  }
}
