import { drawRequests } from './neutral-requests.ts'
import { agrees, type Engine } from './outcome.ts'

/** Requests drawn at a time. */
const BATCH = 200
/** First seed; none of these requests is among those that are timed. */
const SEED = 1000

/**
 * Lets an engine decide `count` requests and compares each field with what the reference says:
 * outcome, weaker form, and every rule that the engine names.
 *
 * @returns how many fields were compared
 * @throws Error at the first difference, with the request that shows it
 */
export function compareEngines(
  reference: Engine,
  engine: Engine,
  count: number,
  signal: AbortSignal,
): number {
  let compared = 0
  for (let done = 0, seed = SEED; done < count; done += BATCH, seed++) {
    signal.throwIfAborted()
    for (const request of drawRequests(Math.min(BATCH, count - done), seed)) {
      const expected = reference.decide(request)
      const got = engine.decide(request)
      if (got.length !== expected.length) throw new Error(`${engine.name} leaves fields out`)
      expected.forEach((one, i) => {
        const other = got[i]
        compared++
        if (other && agrees(one, other, engine.complete)) return
        const { fields, ...rest } = request
        throw new Error(
          `${engine.name} and ${reference.name} differ: ` +
            JSON.stringify({ request: rest, field: fields[i], expected: one, got: other }),
        )
      })
    }
  }
  return compared
}
