import type { ValueFacts } from './facts.ts'
import type { ForbidResult } from './judge-forbid.ts'
import type { ReasonCode, TestResults } from './reasons.ts'
import type { Regime, Verdict } from './verdict.ts'

/**
 * The parts of a rule that decide whether it speaks of a value at all, named as a policy document
 * writes them.
 */
export type ScopeClause =
  | 'purpose'
  | 'to.role'
  | 'to.sector'
  | 'to.actsFor'
  | 'to.country'
  | 'to.public'
  | 'to.competentAuthority'
  | 'to.nationalAuthorisation'
  | 'subject'
  | 'party'
  | 'from.sector'
  | 'from.actsFor'
  | 'from.public'
  | 'from.competentAuthority'
  | 'transfer'
  | 'informantParty'
  | 'restricted'
  /** The field is named, but not as told by this informant, about this person, or in this way. */
  | 'fields'

/** A rule that names the field. */
interface Considered {
  readonly rule: string
  readonly policy: string
  readonly title?: string
  /** What it rests on: its own citations, else those of its document. */
  readonly source?: readonly string[]
  /** Clauses that do not fit; empty: the rule speaks of the value. */
  readonly mismatches: readonly ScopeClause[]
}

export interface ForbidConsidered extends Considered {
  /** Absent where the rule does not speak of the value. */
  readonly result?: ForbidResult
  readonly silent: boolean
}

export interface PermitConsidered extends Considered {
  /** All below is absent where the rule does not speak of the value, or was not reached because of a forbid. */
  readonly tests?: TestResults
  /** Why it does not pass, in the order of the closed list; empty: it passes. */
  readonly reasons?: readonly ReasonCode[]
  /** `alert`: none in force, and the rule goes on. Absent: it asks for none. */
  readonly agreement?: 'fine' | 'alert' | 'missing'
  readonly freshness?: Freshness
}

/** Days of 24 hours, to one decimal. */
export interface Freshness {
  readonly age: number
  /** Null: never too old. */
  readonly limit: number | null
  /** Older than the limit; `marks`: released and marked, not withheld. */
  readonly state: 'fresh' | 'withholds' | 'marks'
}

/** How consent to exactly this item stood. */
export interface ConsentUsed {
  readonly state: 'live' | 'withdrawn' | 'expired' | 'missing'
  readonly consentId?: string
}

/** Why one value was decided as it was. */
export interface ValueExplanation {
  readonly verdict: Verdict
  /** What was known of it. */
  readonly value: ValueFacts
  /** Absent where something failed before it was found. */
  readonly regime?: Regime
  readonly consent?: ConsentUsed
  readonly forbids: readonly ForbidConsidered[]
  readonly permits: readonly PermitConsidered[]
  /** What could not be read, or a word that the rules do not know; then no rule was tried. */
  readonly failure?: 'unreadable_facts'
}

/** Why a request was decided as it was, value by value, in the order of the verdicts. Never a value. */
export interface Explanation {
  /** Hash of the program. */
  readonly policy: string
  readonly values: readonly ValueExplanation[]
}
