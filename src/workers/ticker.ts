import { nextTick } from '../domain/log/tick.ts'

/** Time for a worker; tests pass their own. All in milliseconds since the epoch. */
export interface Timers {
  readonly now: () => number
  /** Calls `work` after `ms`; returns what stops it. */
  readonly after: (ms: number, work: () => void) => () => void
}

/** The machine's own clock. A waiting timer does not keep the process alive. */
export const MACHINE_TIMERS: Timers = {
  now: () => Date.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** Runs one task again and again, never twice at once. */
export interface Ticker<Result> {
  /** Begins to run at the points of the grid. Doing it twice changes nothing. */
  start(): void
  /** No further run begins; resolves when the last one is over. */
  stop(): Promise<void>
  /** Runs once more, after the run under way if there is one; also when stopped. */
  runNow(): Promise<Result>
}

/**
 * Runs `task` at the multiples of `interval` since the epoch. A run that takes longer leaves points
 * out instead of making up for them, and one that fails does not stop the next.
 */
export function makeTicker<Result>({
  interval,
  task,
  timers,
}: {
  readonly interval: number
  /** `manual` is true for `runNow`. What it has to say of a failure, it says itself. */
  readonly task: (manual: boolean) => Promise<Result>
  readonly timers: Timers
}): Ticker<Result> {
  // Owned by the returned object: the end of the last run that was asked for, and the present chain
  // of timers. A chain that is not the present one any more sets no further timer.
  let last: Promise<unknown> = Promise.resolve()
  let chain: { cancel: () => void } | undefined

  function run(manual: boolean): Promise<Result> {
    const mine = last.then(() => task(manual))
    last = mine.catch(() => {})
    return mine
  }
  function schedule(mine: { cancel: () => void }, earliest: number): void {
    const now = timers.now()
    const next = nextTick(now, interval)
    // Timers may fire a moment early; the same point must not come twice. But a clock that was put
    // back must not stop the ticks until it has caught up.
    const due = earliest - now > 2 * interval ? next : Math.max(earliest, next)
    mine.cancel = timers.after(due - now, () => {
      void run(false)
        .catch(() => {})
        .then(() => {
          if (chain === mine) schedule(mine, due + interval)
        })
    })
  }

  return {
    start() {
      if (chain) return
      chain = { cancel: () => {} }
      schedule(chain, 0)
    },
    async stop() {
      chain?.cancel()
      chain = undefined
      await last
    },
    runNow: () => run(true),
  }
}
