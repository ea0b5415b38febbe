import type { Checked } from '../services/check-integrity.ts'
import type { Timers } from './ticker.ts'
import { errorCodes, type WorkerLog } from './worker-log.ts'

/** Runs the self-check in the background. */
export interface SelfCheck {
  start(): void
  /** No further slice begins; resolves when the last one is over. */
  stop(): Promise<void>
}

/** Milliseconds after which it is looked again whether a cycle is due. */
export const CHECK_POLL = 15_000

const TASK = 'self_check'

/**
 * Goes on with the self-check slice by slice. After each it rests for as long as the slice took, so
 * that it never takes more than half of a connection and of a core. What fails is tried again.
 */
export function makeSelfCheck({
  step,
  timers,
  log,
  poll = CHECK_POLL,
}: {
  readonly step: () => Promise<Checked>
  readonly timers: Timers
  readonly log: WorkerLog
  readonly poll?: number
}): SelfCheck {
  // Owned by the returned object: the chain of slices under way, if any.
  let chain: { cancel: () => void; done: Promise<void> } | undefined

  async function slice(): Promise<number> {
    const from = timers.now()
    try {
      const { state } = await step()
      if (state === 'finished') log.info({ task: TASK }, 'self-check over')
      // Even of a quick slice the others get their turn.
      return state === 'went_on' ? Math.max(5, timers.now() - from) : poll
    } catch (error) {
      log.error({ task: TASK, ...errorCodes(error) }, 'the self-check failed')
      return poll
    }
  }
  function schedule(mine: { cancel: () => void; done: Promise<void> }, rest: number): void {
    mine.cancel = timers.after(rest, () => {
      mine.done = slice().then((next) => {
        if (chain === mine) schedule(mine, next)
      })
    })
  }

  return {
    start() {
      if (chain) return
      chain = { cancel: () => {}, done: Promise.resolve() }
      schedule(chain, 0)
    },
    async stop() {
      const last = chain
      chain = undefined
      last?.cancel()
      await last?.done
    },
  }
}
