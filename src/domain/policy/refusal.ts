import type { ValueFacts } from './facts.ts'
import type { Forbid, Permit } from './program.ts'
import {
  allTests,
  codesOf,
  failedTests,
  REASON,
  type ReasonSet,
  remediesFor,
} from './reason-set.ts'
import type { ReasonCode, Remedy, TestResults } from './reasons.ts'
import type { Reason, WithholdVerdict } from './verdict.ts'

/** Why a value is withheld, apart from the value: the same for all that meet the same rules. */
export interface Refusal extends Told {
  readonly rules: readonly string[]
  readonly reasons: readonly Reason[]
  readonly tests: TestResults
  /** A rule wants it not to show. */
  readonly silent: boolean
  /** What the requester learns instead if he once received the field. */
  readonly toldBefore: Told | undefined
}

/** What the requester learns. */
interface Told {
  readonly explained: readonly Reason[]
  readonly remedies: readonly Remedy[]
}

const NONE: readonly never[] = Object.freeze([])
const NOTHING_TOLD: Told = { explained: NONE, remedies: NONE }

/** Withheld before any rule came to it, or because none does; most of a refused request are alike. */
export const NOT_REACHED = Object.fromEntries(
  (Object.keys(REASON) as ReasonCode[]).map((code) => [
    code,
    refusal({ rules: NONE, reasons: [{ code }], tests: failedTests(REASON[code]) }),
  ]),
) as Readonly<Record<ReasonCode, Refusal>>

/** Withheld because something failed, if known while this rule was evaluated. */
export function ruleFailed(rule: string | undefined): Refusal {
  if (rule === undefined) return NOT_REACHED.rule_error
  const tests = failedTests(REASON.rule_error)
  return refusal({ rules: [rule], reasons: [{ code: 'rule_error', rule }], tests })
}

/** Withheld by every forbid that stands; one silent rule among them silences all. */
export function underForbids(forbids: readonly Forbid[]): Refusal {
  const reasons = forbids.map(({ id, reason }) => ({ code: reason, rule: id }))
  const failed = forbids.reduce((set, { reason }) => set | REASON[reason], 0)
  const rules = forbids.map(({ id }) => id)
  const silent = forbids.some((forbid) => forbid.silent)
  const why = { rules, reasons, tests: failedTests(failed) }
  return refusal(why, silent, liftingRemedies(forbids))
}

/** A remedy that lifts only some of the forbids would be a false hope. */
function liftingRemedies(forbids: readonly Forbid[]): readonly Remedy[] {
  const [first, ...others] = forbids
  const claim = first?.unless.some((code) => others.every(({ unless }) => unless.includes(code)))
  return [
    ...(forbids.every(({ unlessConsent }) => unlessConsent) ? ['ask_consent' as const] : []),
    ...(claim ? ['claim_exception' as const] : []),
  ]
}

/** Withheld because no permit passes, with the reasons of the one that came closest. */
export function underPermit({ id }: Permit, failed: ReasonSet): Refusal {
  const reasons = codesOf(failed).map((code) => ({ code, rule: id }))
  return refusal({ rules: [id], reasons, tests: allTests(failed) })
}

/** A review that must not begin: asking a person would tell him that there is something to ask about. */
export function silencedReview(rules: readonly string[], { id }: Permit): Refusal {
  const reasons = [{ code: 'shielded' as const, rule: id }]
  return refusal({ rules, reasons, tests: allTests(REASON.shielded) }, true)
}

function refusal(
  { rules, reasons, tests }: Pick<Refusal, 'rules' | 'reasons' | 'tests'>,
  silent = false,
  lifting: readonly Remedy[] = NONE,
): Refusal {
  const tell = (explained: readonly Reason[]): Told =>
    silent ? NOTHING_TOLD : { explained, remedies: remediesFor(explained, lifting) }
  for (const reason of reasons) Object.freeze(reason)
  Object.freeze(reasons)
  const withdrawn = reasons.some(({ code }) => code === 'consent_withdrawn')
  return {
    rules: Object.freeze(rules),
    reasons,
    tests,
    silent,
    ...tell(withdrawn ? withoutWithdrawals(reasons) : reasons),
    toldBefore: withdrawn ? tell(reasons) : undefined,
  }
}

/** That she withdrew tells that she once consented: only for whom the field was released to before. */
function withoutWithdrawals(reasons: readonly Reason[]): readonly Reason[] {
  return reasons.map((reason) =>
    reason.code === 'consent_withdrawn' ? { ...reason, code: 'consent_missing' } : reason,
  )
}

/** The verdict on one value that is refused. */
export function withheld(value: ValueFacts, why: Refusal, silent: boolean): WithholdVerdict {
  let told: Told = why
  if (silent) told = NOTHING_TOLD
  else if (why.toldBefore && value.releasedBefore) told = why.toldBefore
  return {
    field: value.field,
    recordId: value.recordId,
    version: value.version,
    outcome: 'withheld',
    silent: silent || why.silent,
    tests: why.tests,
    rules: why.rules,
    reasons: why.reasons,
    explained: told.explained,
    remedies: told.remedies,
  }
}
