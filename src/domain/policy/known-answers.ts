import { type RuleSet, rulesIn } from './bits.ts'
import type { ReleaseTerms } from './make-verdict.ts'
import type { Forbid, Permit } from './program.ts'
import type { ReasonSet } from './reason-set.ts'
import { type Refusal, underForbids, underPermit } from './refusal.ts'
import { RuleSetMemo } from './rule-set-memo.ts'
import type { Regime } from './verdict.ts'

/** Terms by the permits that pass, for values whose age the catalogue accepts and for others. */
export interface KnownTerms {
  readonly fresh: RuleSetMemo<ReleaseTerms>
  readonly stale: RuleSetMemo<ReleaseTerms>
}

/** Answers of one kind that are kept at most; a pack gives some hundreds. */
const MOST_ANSWERS = 4096
const MOST_PER_PERMIT = 256
const MOST_TERMS = 512

/**
 * What was worked out for some value and holds for every value that meets the same rules: texts of
 * refusals, terms of releases. Nothing in it stems from facts about persons.
 */
export class KnownAnswers {
  readonly #permits: readonly Permit[]
  readonly #forbids: readonly Forbid[]
  readonly #underForbids: RuleSetMemo<Refusal>
  /** By position of the permit, then by reasons. */
  readonly #underPermits: readonly Map<ReasonSet, Refusal>[]
  /** By the circumstances that `termsUnder` tells apart. */
  readonly #terms = { approved: byRegime(), unseen: byRegime() }
  /** Exceptions that open permits. */
  readonly #claims: ReadonlySet<string>

  constructor(permits: readonly Permit[], forbids: readonly Forbid[]) {
    this.#permits = permits
    this.#forbids = forbids
    this.#underForbids = new RuleSetMemo(forbids.length, MOST_ANSWERS)
    this.#underPermits = permits.map(() => new Map())
    this.#claims = new Set(permits.flatMap(({ exception }) => exception ?? []))
  }

  /** @param standing forbids, at least one */
  underForbids(standing: RuleSet): Refusal {
    return (
      this.#underForbids.find(standing) ??
      this.#underForbids.keep(
        standing,
        underForbids(rulesIn(standing).map((position) => this.#forbids[position] as Forbid)),
      )
    )
  }

  underPermit(position: number, failed: ReasonSet): Refusal {
    const known = this.#underPermits[position] as Map<ReasonSet, Refusal>
    return known.get(failed) ?? this.#addUnderPermit(known, position, failed)
  }

  #addUnderPermit(known: Map<ReasonSet, Refusal>, position: number, failed: ReasonSet): Refusal {
    if (known.size === MOST_PER_PERMIT) known.clear()
    const refusal = underPermit(this.#permits[position] as Permit, failed)
    known.set(failed, refusal)
    return refusal
  }

  /** Terms that were found before in these circumstances. */
  termsUnder(approved: boolean, regime: Regime, exception: string | undefined): KnownTerms {
    // A claim that opens no permit makes no difference to terms.
    const claim = exception !== undefined && this.#claims.has(exception) ? exception : undefined
    const byClaim = this.#terms[approved ? 'approved' : 'unseen'][regime]
    const known = byClaim.get(claim)
    if (known) return known
    const terms = {
      fresh: new RuleSetMemo<ReleaseTerms>(this.#permits.length, MOST_TERMS),
      stale: new RuleSetMemo<ReleaseTerms>(this.#permits.length, MOST_TERMS),
    }
    byClaim.set(claim, terms)
    return terms
  }
}

type ByClaim = Map<string | undefined, KnownTerms>
const byRegime = (): Record<Regime, ByClaim> => ({ gdpr: new Map(), led: new Map() })
