/** What one inclusion proof costs, from the tables to a receipt that was checked, by size of the log. */
import { lostProof, proveEvent, publishedOver } from '../../src/services/prove-event.ts'
import * as erasure from '../../src/storage/erasure.ts'
import * as log from '../../src/storage/log.ts'
import { compared, percentile } from '../measure.ts'
import type { RunOptions } from '../run.ts'
import type { LogPlace } from './place.ts'

const ROUNDS = 9
const PROOFS = 200

/** A grown log, and events of it that can be proven. */
export interface Grown {
  readonly place: LogPlace
  readonly leaves: number
  readonly agencyId: string
  readonly events: readonly string[]
}

/** Medians of larger logs against the smallest, in turns. */
export async function proofCase(
  logs: readonly [Grown, ...Grown[]],
  { rounds = ROUNDS, print, say, signal }: RunOptions,
): Promise<void> {
  const times = logs.map(() => [] as number[])
  for (const grown of logs) await proveSome(grown, signal)
  for (let i = 0; i < rounds; i++)
    for (const [which, grown] of logs.entries()) times[which]?.push(await proveSome(grown, signal))
  for (const [which, { leaves }] of logs.entries()) {
    say(`proof of ${leaves} leaves: ${times[which]?.map((ms) => ms.toFixed(2)).join(', ')} ms`)
    if (which === 0) continue
    print(
      compared(
        { bench: 'log', case: `proof at ${leaves} leaves`, unit: 'ms', goal: '<= 1.5 (flat)' },
        times[which] ?? [],
        times[0] ?? [],
      ),
    )
  }
}

/** The middle one of some proofs, in milliseconds. */
async function proveSome(grown: Grown, signal: AbortSignal): Promise<number> {
  const { place, agencyId, events } = grown
  const times = new Float64Array(PROOFS)
  for (let i = 0; i < PROOFS; i++) {
    signal.throwIfAborted()
    const id = events[Math.floor(Math.random() * events.length)] ?? ''
    const start = performance.now()
    await place.transact(agencyId, async (tx) => {
      const event = await log.findEventProof(tx, id)
      if (!event) throw await lostProof(erasure, tx, id)
      if (event.leafIndex === null) throw new Error('it is not in the log')
      const checkpoint = await publishedOver(log, tx, event.leafIndex)
      if (!checkpoint) throw new Error('it is not published')
      return proveEvent(log, tx, { ...event, leafIndex: event.leafIndex }, checkpoint)
    })
    times[i] = performance.now() - start
  }
  return percentile(times, 0.5)
}
