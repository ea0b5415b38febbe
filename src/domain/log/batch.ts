// Batches that tell nothing: the log (c2sp.org/tlog-tiles) is public, so neither its growth nor the
// place of an entry may say how much happened in a tick. Both are choices of our own.
import { hmacSha256 } from './hash.ts'

/** Entries that every tick appends where nothing else is configured. */
export const DEFAULT_BATCH = 4

/**
 * How many entries a tick appends, padding included: the fixed batch, even when nothing is pending;
 * if that does not hold the pending ones, the next power of two that does.
 *
 * @param pending entries that wait, from 0
 * @param batch the fixed batch, from 1
 * @throws RangeError when either is no such number
 */
export function paddedCount(pending: number, batch: number = DEFAULT_BATCH): number {
  if (!Number.isSafeInteger(pending) || pending < 0) throw new RangeError('not a count of entries')
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError('not a size of a batch')
  if (pending <= batch) return batch
  let count = 1
  while (count < pending) count *= 2
  return count
}

/**
 * Puts the entries of a batch into the order in which they are appended: one that depends on `seed`
 * alone. In order of arrival, whoever sees an own entry on second place would know that somebody
 * else's came before it in the same tick.
 *
 * @param entries pending ones and padding, no two alike
 * @param seed 32 fresh random bytes, to be forgotten afterwards
 */
export function shuffleBatch<Item extends { readonly entry: Uint8Array }>(
  entries: readonly Item[],
  seed: Uint8Array,
): Item[] {
  return entries
    .map((item) => ({ item, key: hmacSha256(seed, item.entry) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ item }) => item)
}
