/** One disclosure against one stop, again and again, judged by the order in which they committed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommitOrder } from './commit-order.ts'

/** What a disclosure came to. */
export interface Asked {
  /** Whether a value of what is to be stopped was in the answer. */
  readonly released: boolean
  /** Finds its audit event: the event, or the request that it belongs to. */
  readonly event: { readonly id: string } | { readonly requestId: string }
}

/** A kind of stop with the disclosure that it has to stop. */
export interface Race {
  readonly name: string
  /** Lets the disclosure go through, before each round. */
  allow(): Promise<void>
  ask(): Promise<Asked>
  stop(): Promise<void>
  /** Expression for the id of the transaction that stopped, as SQL without parameters. */
  readonly stoppedBy: string
  /** Table that the stop changes, and how if it does not update it. */
  readonly table: string
  readonly change?: 'delete'
}

/** What came of many rounds. */
export interface Outcome {
  readonly rounds: number
  /** Disclosures that committed before the stop, and after it. */
  readonly before: number
  readonly after: number
  /** Rounds in which a disclosure and the stop were under way at the same moment. */
  readonly together: number
  /** Disclosures that released and committed after the stop had committed. */
  readonly late: number
  /** Disclosures that released nothing although they committed before the stop. */
  readonly lost: number
}

/**
 * Runs rounds in which both nodes ask while one of them stops, each at a moment of its own; ends early
 * at the first late disclosure if that is what is `wanted`.
 */
export async function runRace(
  races: readonly [Race, Race],
  order: CommitOrder,
  { rounds, until }: { readonly rounds: number; readonly until?: 'late' },
): Promise<Outcome> {
  const total = { rounds: 0, before: 0, after: 0, together: 0, late: 0, lost: 0 }
  // Long enough that each can be over before the other begins; follows the machine.
  let window = 10
  while (total.rounds < rounds && !(until === 'late' && total.late > 0)) {
    const stopping = races[total.rounds % 2]!
    await stopping.allow()
    const [stopped, ...asked] = await Promise.all([
      timed(window, () => stopping.stop()),
      // A stop asks a few things before it takes its locks, so that chance would favour disclosures.
      ...races.map((race) => timed(1.5 * window, () => race.ask())),
    ])
    const durations = [stopped, ...asked].map(({ from, to }) => to - from)
    window = 0.8 * window + 0.2 * Math.max(...durations)
    if (asked.some(({ from, to }) => from < stopped.to && to > stopped.from)) total.together += 1
    const commits = await order.read()
    const stop = await commitOf(order, commits, stopping.stoppedBy)
    for (const { came } of asked) {
      const isBefore = (await commitOfAsked(order, commits, came)) < stop
      total[isBefore ? 'before' : 'after'] += 1
      if (came.released && !isBefore) total.late += 1
      if (!came.released && isBefore) total.lost += 1
    }
    total.rounds += 1
  }
  return total
}

/** Does something at a random moment within the next `window` milliseconds. */
async function timed<Result>(window: number, work: () => Promise<Result>) {
  await sleep(Math.random() * window)
  const from = performance.now()
  const came = await work()
  return { came, from, to: performance.now() }
}

/** Where a disclosure committed, released or not. */
export function commitOfAsked(
  order: Pick<CommitOrder, 'rows'>,
  commits: ReadonlyMap<string, bigint>,
  { event }: Asked,
): Promise<bigint> {
  const [column, value] = 'id' in event ? ['id', event.id] : ['request_id', event.requestId]
  return commitOf(order, commits, `select xmin::text from audit_event where ${column} = $1`, [
    value,
  ])
}

/** Where the transaction committed that wrote the one row which the query finds. */
export async function commitOf(
  order: Pick<CommitOrder, 'rows'>,
  commits: ReadonlyMap<string, bigint>,
  query: string,
  values: unknown[] = [],
): Promise<bigint> {
  const found = await order.rows<{ xmin: string }>(query, values)
  const at = found.length === 1 ? commits.get(found[0]!.xmin) : undefined
  if (at === undefined) throw new Error(`no single commit of: ${query}`)
  return at
}
