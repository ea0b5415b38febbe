import type { PolicyFlag } from './policy-flags.ts'
import type { Freshness } from './types.ts'

/**
 * Age in days of 24 h, counted from `verifiedAt`, beyond which a value is stale; null if it never is.
 *
 * `flags` are those of the value's own record; of several limits the shortest holds.
 */
export function freshnessLimit(freshness: Freshness, flags: readonly PolicyFlag[]): number | null {
  if (freshness.kind !== 'days') return null
  const shortened = flags.map((flag) => freshness.whenFlag?.[flag] ?? freshness.days)
  return Math.min(freshness.days, ...shortened)
}
