import type { FieldDefinition } from '../catalogue/types.ts'
import { isPerpetratorSide } from '../case/parties.ts'
import { consentOf, type ValueView, viewOf } from './conditions.ts'
import { evaluatePermit } from './evaluate-permit.ts'
import type { ConsentFacts, Facts, ValueFacts } from './facts.ts'
import { cellOf, UnknownWordError } from './cell-index.ts'
import type { Forbid, Permit, Program } from './program.ts'
import {
  forbidsFor,
  permitsElsewhere,
  permitsFor,
  type RequestContext,
  resolveRequest,
  resolveSource,
  type SourceContext,
} from './request-context.ts'
import { judgeForbid } from './judge-forbid.ts'
import { isSheltered } from './shield.ts'
import {
  notReached,
  passed,
  underPermits,
  underForbids,
  type Lift,
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
  const request = resolve(program, facts)
  const verdicts = inOrderAsked(facts).map((value) => {
    const trace: Trace = { rule: undefined }
    try {
      if ('error' in request) throw request.error
      return decideValue(request.context, value, trace)
    } catch (error) {
      errors.push(ruleError(error, value, trace))
      return withRuleError(value, mustBeSilent(facts, value), trace.rule)
    }
  })
  return { verdicts, errors }
}

function resolve(program: Program, facts: Facts) {
  try {
    return { context: resolveRequest(program, facts) }
  } catch (error) {
    return { error }
  }
}

/** Which rule was at work, should one fail. */
interface Trace {
  rule: string | undefined
}

class ForeignFieldError extends Error {}

function decideValue(context: RequestContext, value: ValueFacts, trace: Trace): Verdict {
  const { facts, program } = context
  const silent = mustBeSilent(facts, value)
  if (facts.recipient.actsFor.length === 0) return notReached(value, 'not_case_member', silent)
  if (program.catalogue.fields[value.field.index]?.id !== value.field.id)
    throw new ForeignFieldError()

  const cell = cellOf(program.cells, value)
  const source = resolveSource(context, value.source)
  const view = viewUnder(context, source, value)
  const { standing, lift } = applyForbids(context, source, view, cell, trace)
  if (standing.length > 0) return underForbids(value, standing, silent)

  const positions = permitsFor(context, source, cell)
  if (positions.length === 0) return notReached(value, whyNoPermit(context, source, cell), silent)
  const attempts = positions.map((position) => {
    const permit = program.permits[position] as Permit
    trace.rule = permit.id
    return evaluatePermit(context, position, permit, view)
  })
  trace.rule = undefined
  const passing = attempts.filter(({ failed }) => failed === 0)
  if (passing.length === 0) return underPermits(facts, value, attempts, silent)
  return passed(view, passing, lift, silent)
}

/** The value as the rules look at it. */
export function viewUnder(
  { facts, program }: RequestContext,
  source: SourceContext,
  value: ValueFacts,
): ValueView {
  const legalClass = program.legalClasses[value.field.index] ?? 0
  return viewOf(facts, value, source.regime, 1 << (source.legalView + legalClass))
}

interface Barriers {
  readonly standing: readonly Forbid[]
  /** What lifted the others. */
  readonly lift: Lift
}

const NO_BARRIERS: Barriers = { standing: [], lift: { consent: undefined, exception: false } }

/** The forbids that stand against a value. */
function applyForbids(
  context: RequestContext,
  source: SourceContext,
  view: ValueView,
  cell: number,
  trace: Trace,
): Barriers {
  const positions = forbidsFor(context, source, view.value, cell)
  if (positions.length === 0) return NO_BARRIERS
  const standing: Forbid[] = []
  let consent: ConsentFacts | undefined
  let exception = false
  for (const position of positions) {
    const forbid = context.program.forbids[position] as Forbid
    trace.rule = forbid.id
    const result = judgeForbid(forbid, view)
    if (result === 'stands') standing.push(forbid)
    else if (result === 'lifted_by_exception') exception = true
    else if (result === 'lifted_by_consent') {
      const given = consentOf(view, true)
      if (given.state === 'live') consent = given.consent
    }
  }
  trace.rule = undefined
  return { standing, lift: { consent, exception } }
}

/** No permit speaks of the value for this purpose and role: would another one reach it? */
function whyNoPermit(context: RequestContext, source: SourceContext, cell: number) {
  if (permitsElsewhere(context, source, cell, 'purpose')) return 'purpose_not_allowed'
  return permitsElsewhere(context, source, cell, 'role') ? 'role_not_allowed' : 'no_rule'
}

/**
 * Whether withholding must not show. Somebody who is no member learns nothing at all; the
 * perpetrator's side nothing of what concerns victim or child. In doubt, nothing.
 */
function mustBeSilent({ recipient }: Facts, value: ValueFacts): boolean {
  try {
    if (recipient.actsFor.length === 0) return true
    return isPerpetratorSide(recipient.actsFor) && isSheltered(value)
  } catch {
    return true
  }
}

function inOrderAsked({ request: { fields }, values }: Facts): readonly ValueFacts[] {
  if (isInOrder(fields, values)) return values
  const byField = new Map<string, ValueFacts[]>(fields.map(({ id }) => [id, []]))
  for (const value of values) byField.get(value.field.id)?.push(value)
  return [...byField.values()].flat()
}

/** Whether every value is of a field asked for and stands where it should: the usual case. */
function isInOrder(fields: readonly FieldDefinition[], values: readonly ValueFacts[]): boolean {
  let position = 0
  for (const { field } of values) {
    while (position < fields.length && fields[position] !== field) position++
    if (position === fields.length) return false
  }
  return true
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
