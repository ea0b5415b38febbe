import type { NeutralRequest } from './neutral-requests.ts'
import type { NeutralRule, Weakening } from './neutral-rules.ts'

/** What is decided about one field. */
export interface Outcome {
  readonly decision: 'permit' | 'transform' | 'deny'
  readonly weakening: Weakening | null
  /** Ids of all rules that determined it, in the order of the rules; empty: no rule opens the field. */
  readonly reasons: readonly string[]
}

/** Something that decides requests. */
export interface Engine {
  readonly name: string
  readonly decide: (request: NeutralRequest) => readonly Outcome[]
  /** Whether `reasons` names every rule; else it names one. */
  readonly complete: boolean
}

/** What matching rules come to: a forbid beats every permit, and a plain permit every weaker form. */
export function outcomeOf(matching: readonly NeutralRule[]): Outcome {
  const forbids = matching.filter(({ effect }) => effect === 'forbid')
  const deciding = forbids.length > 0 ? forbids : matching
  const reasons = deciding.map(({ id }) => id)
  const [first] = deciding
  if (!first || forbids.length > 0) return { decision: 'deny', weakening: null, reasons }
  const plain = deciding.some(({ weakening }) => weakening === null)
  if (plain) return { decision: 'permit', weakening: null, reasons }
  return { decision: 'transform', weakening: first.weakening, reasons }
}

/** Whether an engine's outcome agrees with the expected one, in every reason that it gives. */
export function agrees(expected: Outcome, got: Outcome, complete: boolean): boolean {
  if (expected.decision !== got.decision || expected.weakening !== got.weakening) return false
  if (complete) return expected.reasons.join() === got.reasons.join()
  const told = got.reasons.length > 0 === expected.reasons.length > 0
  return told && got.reasons.every((id) => expected.reasons.includes(id))
}
