import type { PolicyFlag } from './policy-flags.ts'
import type { Freshness } from './types.ts'

/**
 * Age in days of 24 h, counted from `verifiedAt`, beyond which a value is stale; null if it never is.
 *
 * `flags` are those of the value's own record; of several limits the shortest holds.
 */
export function freshnessLimit(freshness: Freshness, flags: readonly PolicyFlag[]): number | null {
  if (freshness.kind !== 'days') return null
  const { days, whenFlag } = freshness
  if (!whenFlag) return days
  return flags.reduce((least, flag) => Math.min(least, whenFlag[flag] ?? days), days)
}
