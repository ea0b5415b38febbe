/**
 * What the release gate costs: disclosures of sixty fields, of which fifteen are released, by the real
 * server, against a server that does everything else (see `disclosure/base-server.ts`). Both, their
 * PostgreSQL and the load generator share one machine, and rounds take turns.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { checkSameWork } from './disclosure/check.ts'
import { bytesOf, drive, prepareRequests, type Round } from './disclosure/load.ts'
import { processorTime } from './disclosure/processor-time.ts'
import { type Side, setStage, type Stage } from './disclosure/stage.ts'
import { compared, percentile } from './measure.ts'
import type { Bench, RunOptions } from './run.ts'

const ROUNDS = 9
const CONNECTIONS = 32
const CHECKED = 20
/** Requests of the rounds that warm up and tell how many make a round. */
const WARM_UP = 600
/** Seconds that a round of the base takes, about. */
const ROUND_SECONDS = 2
const FEWEST = 500
const MOST = 6000
/** Milliseconds after a round, in which the log publishes what is left of it. */
const SETTLE = 700

export const bench: Bench = { cases: ['check', 'throughput', 'p99', 'processor'], run }

/** A round, with the processor time of server and database for each disclosure in milliseconds. */
type Measured = Round & { readonly processor: number }

async function run(options: RunOptions): Promise<void> {
  const stage = await setStage(options)
  try {
    await runOn(stage, options)
  } finally {
    await stage.end()
  }
}

async function runOn(stage: Stage, { cases, rounds = ROUNDS, print, say, signal }: RunOptions) {
  const checked = await checkSameWork(stage, CHECKED)
  const figures = [checked.full.written / CHECKED, checked.base.written / CHECKED] as const
  print({
    ...compared(
      { bench: 'disclosure', case: 'check', unit: 'bytes written each', goal: '0.95 to 1.05' },
      [figures[0]],
      [figures[1]],
    ),
    runs: CHECKED,
  })
  if (!['throughput', 'p99', 'processor'].some((name) => cases.has(name))) return

  const round = async (side: Side, count: number): Promise<Measured> => {
    const requests = (await prepareRequests(stage.world, stage.origin, count)).map(bytesOf)
    const used = () => processorTime(side.server.pid, side.databaseName) ?? Number.NaN
    const before = used()
    const done = await drive(side.server.port, requests, CONNECTIONS, signal)
    await sleep(SETTLE, undefined, { signal })
    return { ...done, processor: (used() - before) / count }
  }
  let speed = 0
  for (let i = 0; i < 2; i++) {
    await round(stage.full, WARM_UP)
    speed = (await round(stage.base, WARM_UP)).perSecond
  }
  const count = Math.round(Math.min(MOST, Math.max(FEWEST, speed * ROUND_SECONDS)))
  say(`${rounds} rounds of ${count} requests over ${CONNECTIONS} connections for each server`)
  const full: Measured[] = []
  const base: Measured[] = []
  for (let i = 0; i < rounds; i++) {
    // Who goes first changes, so that neither always finds the other's checkpoints and dirty pages.
    for (const side of i % 2 === 0 ? ['full', 'base'] : ['base', 'full'])
      if (side === 'full') full.push(await round(stage.full, count))
      else base.push(await round(stage.base, count))
    say(`round ${i + 1}: ${tell(full.at(-1))} | base ${tell(base.at(-1))}`)
  }
  report(cases, full, base, print)
}

function report(
  cases: ReadonlySet<string>,
  full: readonly Measured[],
  base: readonly Measured[],
  print: RunOptions['print'],
): void {
  const line = { bench: 'disclosure' } as const
  const speeds = (rounds: readonly Round[]) => rounds.map(({ perSecond }) => perSecond)
  if (cases.has('throughput'))
    print(
      compared(
        { ...line, case: 'throughput', unit: 'disclosures/s', goal: '>= 0.6' },
        speeds(full),
        speeds(base),
      ),
    )
  const slowest = (rounds: readonly Round[]) =>
    rounds.map(({ latencies }) => percentile(latencies, 0.99))
  if (cases.has('p99'))
    print(
      compared({ ...line, case: 'p99', unit: 'ms', goal: '<= 2' }, slowest(full), slowest(base)),
    )
  const times = (rounds: readonly Measured[]) => rounds.map(({ processor }) => processor)
  if (cases.has('processor') && times(full).every(Number.isFinite))
    print(
      compared(
        { ...line, case: 'processor', unit: 'ms of processor time each', goal: '<= 1.67' },
        times(full),
        times(base),
      ),
    )
}

function tell(round: Measured | undefined): string {
  if (!round) return '-'
  const [middle, slow] = [0.5, 0.99].map((share) => percentile(round.latencies, share).toFixed(1))
  const { perSecond, processor, bytes } = round
  const speed = `${perSecond.toFixed(0)}/s, p50 ${middle} ms, p99 ${slow} ms`
  return `${speed}, ${processor.toFixed(2)} ms of processor, ${bytes.most} bytes`
}
