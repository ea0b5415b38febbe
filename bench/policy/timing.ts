/** One of several that take turns. */
export interface Runner {
  readonly name: string
  /**
   * Called before each turn and not timed: makes the requests of the turn anew, as a server has facts
   * that were just read, and gives what decides the nth of them.
   */
  readonly begin: () => (position: number) => unknown
  /** Milliseconds of processor time in a turn. */
  readonly lasts: number
}

/** Steps between two looks at the clock. */
const STRIDE = 50

/**
 * Lets runners take turns and gives, for each, the steps per second of processor time of every round:
 * the clock would count what others do on the machine. A first round that is not counted warms up. Who goes first changes, so that nobody always pays for the
 * garbage of the same other one.
 */
export function takeTurns(
  runners: readonly Runner[],
  rounds: number,
): ReadonlyMap<string, readonly number[]> {
  const speeds = new Map(runners.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < runners.length; i++) {
      const runner = runners[(i + round) % runners.length] as Runner
      const speed = run(runner)
      if (round > 0) speeds.get(runner.name)?.push(speed)
    }
  }
  return speeds
}

function run({ begin, lasts }: Runner): number {
  const step = begin()
  const start = processorTime()
  let used = 0
  let steps = 0
  while (used < lasts) {
    for (let i = 0; i < STRIDE; i++) step(steps++)
    used = processorTime() - start
  }
  return (1000 * steps) / used
}

/** Milliseconds of the process so far, of all threads: the collection of garbage counts. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
