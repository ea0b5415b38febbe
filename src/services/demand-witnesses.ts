import { OstiaryError } from '../errors.ts'
import type * as cosignatures from '../storage/cosignatures.ts'
import type { Database } from '../storage/database.ts'

/** Resolves while values may be released; throws `witness_missing` while they may not. */
export type DemandWitnesses = () => Promise<void>

/**
 * Bounded fail-closed: values are released for so long, and no longer, after the last checkpoint that
 * enough witnesses cosigned. What a node knows has an end of its own: one that cannot ask stops when the
 * time that it knew of is over, like all others.
 *
 * @param elapsed milliseconds since some moment; it never stands still and is never put back
 * @param retryAfter seconds after which it is worth asking again
 */
export function makeDemandWitnesses({
  db,
  storage,
  policy,
  elapsed,
  retryAfter,
}: {
  /** Of a role that may read the log. */
  readonly db: Database
  readonly storage: Pick<typeof cosignatures, 'findQuorum'>
  readonly policy: cosignatures.WitnessPolicy
  readonly elapsed: () => number
  readonly retryAfter: number
}): DemandWitnesses {
  const bound = policy.bound * 1000
  const startedAt = elapsed()
  // Owned by the returned function: until when releases are allowed, and the look that is under way.
  let until = -Infinity
  let looking: Promise<void> | undefined

  async function look(): Promise<void> {
    const askedAt = elapsed()
    const { newest, firstAge } = await storage.findQuorum(db, policy)
    // A log that has just begun has the bound to find its witnesses; one that has not, since this start.
    const age = newest?.age ?? firstAge
    const found = age === undefined ? startedAt + bound : askedAt + bound - age * 1000
    until = Math.max(until, found)
  }

  return async () => {
    if (elapsed() < until) return
    looking ??= look().finally(() => (looking = undefined))
    await looking
    if (elapsed() < until) return
    throw new OstiaryError('witness_missing', { headers: { 'retry-after': String(retryAfter) } })
  }
}
