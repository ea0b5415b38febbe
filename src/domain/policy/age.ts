import { freshnessLimit } from '../catalogue/freshness.ts'
import type { Facts, ValueFacts } from './facts.ts'
import type { Permit, Program } from './program.ts'

const DAY = 86_400_000

/** Milliseconds since the value was last verified, or else collected. */
export function ageOf({ verifiedAt, collectedAt }: ValueFacts, { at }: Facts): number {
  return at - (verifiedAt ?? collectedAt)
}

/** Milliseconds beyond which the value is stale, by the catalogue or by a profile's word. */
export function staleAfter({ freshness }: Program, value: ValueFacts): number {
  const limit = freshness[value.field.index]
  const days = limit ? freshnessLimit(limit, value.flags) : null
  return days === null ? Number.POSITIVE_INFINITY : days * DAY
}

/** Milliseconds beyond which the value is too old for the permit. */
export function ageLimit(program: Program, { maxAge }: Permit, value: ValueFacts): number {
  return maxAge === 'catalogue' ? staleAfter(program, value) : maxAge
}
