// The fixed tick of publication: on a grid of wall-clock time that all nodes share, so that when the
// log grows depends on nothing that happened.

/**
 * The first point of the grid after `now`, whose points are the multiples of `tick` since the epoch;
 * all in milliseconds.
 *
 * @param tick from 1
 * @throws RangeError when the tick is no such number
 */
export function nextTick(now: number, tick: number): number {
  if (!Number.isSafeInteger(tick) || tick < 1) throw new RangeError('not a tick in milliseconds')
  return (Math.floor(now / tick) + 1) * tick
}
