import { freshnessLimit } from '../catalogue/freshness.ts'
import type { Freshness } from '../catalogue/types.ts'
import type { Facts, ValueFacts } from './facts.ts'
import type { Permit, Program } from './program.ts'

const DAY = 86_400_000

/** Milliseconds since the value was last verified, or else collected. */
export function ageOf({ verifiedAt, collectedAt }: ValueFacts, { at }: Facts): number {
  return at - (verifiedAt ?? collectedAt)
}

/** Milliseconds beyond which the value is stale, by the catalogue or by a profile's word. */
export function staleAfter({ freshness, staleAfter: known }: Program, value: ValueFacts): number {
  const { index } = value.field
  const always = known[index]
  if (always !== undefined && !Number.isNaN(always)) return always
  const limit = freshness[index]
  const days = limit ? freshnessLimit(limit, value.flags) : null
  return days === null ? Number.POSITIVE_INFINITY : days * DAY
}

/** Milliseconds beyond which the value is too old for the permit. */
export function ageLimit(program: Program, { maxAge }: Permit, value: ValueFacts): number {
  return maxAge === 'catalogue' ? staleAfter(program, value) : maxAge
}

/** The same for every value of each field, by catalogue index; not a number where it is up to flags. */
export function staleAfterOf(freshness: readonly Freshness[]): Float64Array {
  return Float64Array.from(freshness, (limit) => {
    if (limit.kind !== 'days') return Number.POSITIVE_INFINITY
    return limit.whenFlag ? Number.NaN : limit.days * DAY
  })
}
