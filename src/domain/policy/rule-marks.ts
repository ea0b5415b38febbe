import { addTo, emptySet, type RuleSet } from './bits.ts'
import type { Forbid, Permit } from './program.ts'
import { REASON, type ReasonSet } from './reason-set.ts'

/**
 * What decisions ask of every permit, by position, so that most of them can be told from numbers
 * alone.
 */
export interface PermitMarks {
  /** Reasons that withhold under the permit if request or value gives them. */
  readonly asks: Int32Array
  /** Bits of `legal-regime.ts`: set where the permit has no ground. */
  readonly groundless: Uint16Array
  /** Permits that no number tells all about: see `evaluatePermit`. */
  readonly particular: RuleSet
  /** Permits that are open only while something is claimed. */
  readonly claimed: RuleSet
  readonly open: OpenByClaim
}

/** Rules that a claim opens, or lifts, by exception code. */
export interface OpenByClaim {
  /** Without a claim, or with one that no rule names. */
  readonly otherwise: RuleSet
  readonly by: ReadonlyMap<string, RuleSet>
}

/** What decisions ask of every forbid. */
export interface ForbidMarks {
  /** Forbids that leave something out, or that consent lifts. */
  readonly liftable: RuleSet
  /** Forbids that are lifted, by claim. */
  readonly lifted: OpenByClaim
}

/** Makes the marks of permits in the order of the program. */
export function markPermits(permits: readonly Permit[]): PermitMarks {
  return Object.freeze({
    asks: Int32Array.from(permits, asksOf),
    groundless: Uint16Array.from(permits, ({ groundless }) => groundless),
    particular: setOf(permits, isParticular),
    claimed: setOf(permits, ({ exception }) => exception !== undefined),
    open: openByClaim(permits, ({ exception }) => exception),
  })
}

/** Makes the marks of forbids in the order of the program. */
export function markForbids(forbids: readonly Forbid[]): ForbidMarks {
  return Object.freeze({
    liftable: setOf(forbids, ({ except, unlessConsent }) => unlessConsent || except !== undefined),
    lifted: openByClaim(forbids, ({ unless }) => unless),
  })
}

function asksOf(permit: Permit): ReasonSet {
  const { maxAge, withholdStale } = permit
  return (
    (permit.justification ? REASON.justification_missing : 0) |
    (permit.ethicsNote ? REASON.ethics_note_missing : 0) |
    (permit.boundToken ? REASON.channel_too_weak : 0) |
    (permit.sealed ? REASON.seal_required : 0) |
    (permit.verified ? REASON.unverified : 0) |
    (permit.withholdContested ? REASON.contested : 0) |
    (withholdStale && maxAge === 'catalogue' ? REASON.stale : 0)
  )
}

function isParticular({ except, agreement, consent, training, maxAge }: Permit): boolean {
  const ownAge = maxAge !== 'catalogue' && maxAge !== Number.POSITIVE_INFINITY
  return ownAge || !!except || !!agreement || consent !== null || training.length > 0
}

/** @param codesOf claims of which one is needed; undefined: none is */
function openByClaim<T>(
  rules: readonly T[],
  codesOf: (rule: T) => readonly string[] | undefined,
): OpenByClaim {
  const codes = new Set(rules.flatMap((rule) => codesOf(rule) ?? []))
  return {
    otherwise: setOf(rules, (rule) => codesOf(rule) === undefined),
    by: new Map(
      [...codes].map((code) => [
        code,
        setOf(rules, (rule) => codesOf(rule)?.includes(code) ?? true),
      ]),
    ),
  }
}

function setOf<T>(rules: readonly T[], holds: (rule: T) => boolean): RuleSet {
  const set = emptySet(rules.length)
  rules.forEach((rule, i) => {
    if (holds(rule)) addTo(set, i)
  })
  return set
}
