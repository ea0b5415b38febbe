/** What people said, or may be asked, about a request: applied to what the rules decided. */
import { type Decision, decide } from '../policy/decide.ts'
import type { Facts, ValueFacts } from '../policy/facts.ts'
import type { Program } from '../policy/program.ts'
import { allTests, REASON } from '../policy/reason-set.ts'
import type { ReasonCode } from '../policy/reasons.ts'
import type { ReviewVerdict, Verdict, WithholdVerdict } from '../policy/verdict.ts'

/** What the reviewers of one request said; their agencies hold the values. */
export interface Reviewed {
  readonly approvedBy: readonly string[]
  readonly refusedBy: readonly string[]
  /** The records that lay before them. */
  readonly records: ReadonlySet<string>
}

/**
 * Decides a request, after review where `reviewed` is given. An approval counts for the records that
 * were looked at: what was deposited since has its own review. What was refused is not asked again.
 */
export function decideReviewed(
  program: Program,
  facts: Facts,
  reviewed: Reviewed | undefined,
): Decision {
  if (!reviewed) return sparingHer(facts, decide(program, facts))
  const looked = facts.values.filter(({ recordId }) => reviewed.records.has(recordId))
  const others = facts.values.filter(({ recordId }) => !reviewed.records.has(recordId))
  const request = { ...facts.request, approvedBy: reviewed.approvedBy }
  const after = decide(program, { ...facts, request, values: looked })
  const anew = decide(program, { ...facts, values: others })
  const verdicts = after.verdicts.map((verdict) => {
    const refused = reviewed.refusedBy.includes(sourceOf(facts, verdict)?.agencyId ?? '')
    return verdict.outcome === 'review' && refused ? withheld(verdict, 'review_refused') : verdict
  })
  return sparingHer(facts, {
    verdicts: inOrderOf(facts.values, [...verdicts, ...anew.verdicts]),
    errors: [...after.errors, ...anew.errors],
  })
}

/**
 * No review at a source on his side of what her side asks: being asked would tell him that somebody
 * asks about him just now.
 */
function sparingHer(facts: Facts, { verdicts, errors }: Decision): Decision {
  const { actsFor } = facts.recipient
  const hers = actsFor.includes('victim') || actsFor.includes('child')
  if (!hers || !verdicts.some(({ outcome }) => outcome === 'review')) return { verdicts, errors }
  return {
    verdicts: verdicts.map((verdict) => {
      const his = sourceOf(facts, verdict)?.actsFor.includes('perpetrator')
      return verdict.outcome === 'review' && his ? withheld(verdict, 'shielded') : verdict
    }),
    errors,
  }
}

function withheld(verdict: ReviewVerdict, code: ReasonCode): WithholdVerdict {
  const { field, recordId, version, rules } = verdict
  const reasons = rules.map((rule) => ({ code, rule }))
  return {
    field,
    recordId,
    version,
    rules,
    outcome: 'withheld',
    silent: false,
    tests: allTests(REASON[code]),
    reasons,
    explained: reasons,
    remedies: [],
  }
}

const sourceOf = ({ values }: Facts, { recordId }: Verdict): ValueFacts['source'] | undefined =>
  values.find((value) => value.recordId === recordId)?.source

function inOrderOf(values: readonly ValueFacts[], verdicts: readonly Verdict[]): Verdict[] {
  const key = (recordId: string, fieldId: string) => `${recordId}/${fieldId}`
  const byValue = new Map(verdicts.map((one) => [key(one.recordId, one.field.id), one]))
  return values.flatMap(({ recordId, field }) => byValue.get(key(recordId, field.id)) ?? [])
}
