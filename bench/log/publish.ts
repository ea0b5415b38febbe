/** From the beginning of a tick to its published checkpoint, on a log that is large already. */
import { randomUUID } from 'node:crypto'
import { measured, percentile } from '../measure.ts'
import type { RunOptions } from '../run.ts'
import { type LogPlace, statement } from './place.ts'

const TICKS = 200
/** Events that wait for each tick; with its anchor they fill half of it. */
const PENDING = 63
const BATCH = 128

export async function publishCase(
  { place, leaves }: { readonly place: LogPlace; readonly leaves: number },
  { print, say, signal }: RunOptions,
): Promise<void> {
  const tick = place.sequencer(BATCH)
  const times = new Float64Array(TICKS)
  for (let i = -5; i < TICKS; i++) {
    signal.throwIfAborted()
    const written = Array.from({ length: PENDING }, () =>
      place.recordAlone(statement(randomUUID())),
    )
    await Promise.all(written)
    const start = performance.now()
    const { state } = await tick()
    if (state !== 'published') throw new Error(`not published: ${state}`)
    if (i >= 0) times[i] = performance.now() - start
  }
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(times, share)) as [number, number]
  say(`publish: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${TICKS} ticks`)
  print({
    ...measured(
      {
        bench: 'log',
        case: `publish p99, ${PENDING} events, ${leaves} leaves`,
        unit: 'ms',
        goal: '<= 1000 (a tenth of a tick)',
      },
      [p99],
    ),
    runs: TICKS,
  })
}
