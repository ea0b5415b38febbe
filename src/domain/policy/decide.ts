import type { FieldDefinition } from '../catalogue/types.ts'
import { isPerpetratorSide } from '../case/parties.ts'
import { consentOf, isExcluded, type ValueView, viewOf, whenHolds } from './conditions.ts'
import { type Attempt, evaluatePermit, isClaimed } from './evaluate-permit.ts'
import type { ConsentFacts, Facts, ValueFacts } from './facts.ts'
import { rulesIn } from './bits.ts'
import type { Forbid, Program } from './program.ts'
import {
  forbidsFor,
  permitsElsewhere,
  permitsFor,
  type RequestContext,
  resolveRequest,
} from './request-context.ts'
import { UnknownWordError } from './rule-table.ts'
import { isSheltered } from './shield.ts'
import {
  notReached,
  passed,
  underPermits,
  underForbids,
  type Lift,
  type Silence,
  withRuleError,
} from './make-verdict.ts'
import type { Verdict } from './verdict.ts'

/** A rule, or the facts that it asked for, failed; the value concerned was withheld. No values. */
export interface RuleError {
  readonly code: 'unknown_word' | 'foreign_field' | 'evaluation_failed'
  /** Rule under evaluation, when it was one. */
  readonly rule?: string
  readonly field: string
  readonly recordId: string
}

export interface Decision {
  /** In the order of `request.fields`, then of `values`; values of other fields get none. */
  readonly verdicts: readonly Verdict[]
  readonly errors: readonly RuleError[]
}

/**
 * Decides each value of a request on its own: what is asked beside it makes no difference.
 *
 * Without a rule nothing is released, a forbid beats every permit, and whatever goes wrong while one
 * value is decided withholds that value and is reported. Never throws for facts of the right shape.
 */
export function decide(program: Program, facts: Facts): Decision {
  const errors: RuleError[] = []
  const request = attempt(() => resolveRequest(program, facts))
  const verdicts = inOrderAsked(facts).map((value) => {
    // Which rule was at work, should one fail.
    const trace: Trace = { rule: undefined }
    const result = attempt(() => {
      if ('error' in request) throw request.error
      return decideValue(request.value, value, trace)
    })
    if ('value' in result) return result.value
    errors.push(ruleError(result.error, value, trace))
    return withRuleError(value, silenceOf(facts, value), trace.rule)
  })
  return { verdicts, errors }
}

interface Trace {
  rule: string | undefined
}

class ForeignFieldError extends Error {}

function decideValue(context: RequestContext, value: ValueFacts, trace: Trace): Verdict {
  const { facts, program } = context
  const silence = silenceOf(facts, value)
  if (facts.recipient.actsFor.length === 0) return notReached(value, 'not_case_member', silence)
  if (program.catalogue.fields[value.field.index]?.id !== value.field.id)
    throw new ForeignFieldError()

  const view = viewOf(facts, value)
  const { standing, lift } = applyForbids(context, view, trace)
  if (standing.length > 0) return underForbids(value, standing, silence)

  const attempts: Attempt[] = []
  for (const position of rulesIn(permitsFor(context, value))) {
    const permit = program.permits[position]
    if (!permit) continue
    trace.rule = permit.id
    attempts.push(evaluatePermit(context, position, permit, view))
  }
  trace.rule = undefined
  if (attempts.length === 0) return notReached(value, whyNoPermit(context, value), silence)
  const passing = attempts.filter(({ failed }) => failed === 0)
  if (passing.length === 0) return underPermits(value, attempts, silence)
  return passed(facts, value, passing, lift, silence)
}

/** The forbids that stand against a value, and what lifted the others. */
function applyForbids(
  context: RequestContext,
  view: ValueView,
  trace: Trace,
): { standing: readonly Forbid[]; lift: Lift } {
  const standing: Forbid[] = []
  let consent: ConsentFacts | undefined
  let exception = false
  for (const position of rulesIn(forbidsFor(context, view.value))) {
    const forbid = context.program.forbids[position]
    if (!forbid) continue
    trace.rule = forbid.id
    if (isExcluded(forbid.except, view) || !whenHolds(forbid.when, view)) continue
    const given = forbid.unlessConsent ? consentOf(view, true) : undefined
    if (given?.state === 'live') consent = given.consent
    else if (isClaimed(forbid.unless, view.facts)) exception = true
    else standing.push(forbid)
  }
  trace.rule = undefined
  return { standing, lift: { consent, exception } }
}

/** No permit names the value for this purpose and role: would another one reach it? */
function whyNoPermit(context: RequestContext, value: ValueFacts) {
  if (permitsElsewhere(context, value, 'purpose')) return 'purpose_not_allowed'
  return permitsElsewhere(context, value, 'role') ? 'role_not_allowed' : 'no_rule'
}

/**
 * Whether withholding must not show. Somebody who is no member learns nothing at all; the
 * perpetrator's side nothing of what concerns victim or child. In doubt, nothing.
 */
function silenceOf(facts: Facts, value: ValueFacts): Silence {
  const shielded = attempt(
    () =>
      facts.recipient.actsFor.length === 0 ||
      (isPerpetratorSide(facts.recipient.actsFor) && isSheltered(value)),
  )
  return { silent: 'error' in shielded ? true : shielded.value }
}

function inOrderAsked({ request, values }: Facts): readonly ValueFacts[] {
  const byField = new Map<FieldDefinition['id'], ValueFacts[]>()
  for (const field of request.fields) byField.set(field.id, [])
  for (const value of values) byField.get(value.field.id)?.push(value)
  return [...byField.values()].flat()
}

function attempt<T>(act: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: act() }
  } catch (error) {
    return { error }
  }
}

function ruleError(error: unknown, value: ValueFacts, { rule }: Trace): RuleError {
  const code =
    error instanceof UnknownWordError
      ? 'unknown_word'
      : error instanceof ForeignFieldError
        ? 'foreign_field'
        : 'evaluation_failed'
  const at = { field: value.field.id, recordId: value.recordId }
  return rule === undefined ? { code, ...at } : { code, rule, ...at }
}
