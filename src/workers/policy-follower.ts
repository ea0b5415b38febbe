import { makeTicker, type Timers } from './ticker.ts'
import { errorCodes, type WorkerLog } from './worker-log.ts'

/** Milliseconds between two looks; every node has a new version well within a second. */
const INTERVAL = 400

/** Follows the policy version in force, so that an idle node is ready for the next decision. */
export function makePolicyFollower({
  follow,
  timers,
  log,
}: {
  readonly follow: () => Promise<boolean>
  readonly timers: Timers
  readonly log: WorkerLog
}): { start(): void; stop(): Promise<void> } {
  const ticker = makeTicker({
    interval: INTERVAL,
    timers,
    task: async () => {
      try {
        await follow()
      } catch (error) {
        // The next decision finds out by itself; until then this tries again.
        log.error({ task: 'follow_policy', ...errorCodes(error) }, 'a task failed')
      }
    },
  })
  return { start: () => ticker.start(), stop: () => ticker.stop() }
}
