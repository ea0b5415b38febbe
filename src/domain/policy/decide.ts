import type { FieldDefinition } from '../catalogue/types.ts'
import { isPerpetratorSide } from '../case/parties.ts'
import { isEmpty, keepOnly, lowestBit, shared, removeFrom, type RuleSet, rulesIn } from './bits.ts'
import { cellOf, UnknownWordError } from './cell-index.ts'
import { consentOf, type ValueView } from './conditions.ts'
import { distanceOf, reasonsAgainst } from './evaluate-permit.ts'
import type { Facts, ValueFacts } from './facts.ts'
import { judgeForbid } from './judge-forbid.ts'
import { granted, type Lift, NOTHING_LIFTED } from './make-verdict.ts'
import type { FlagSet } from './flag-sets.ts'
import type { Forbid, Program } from './program.ts'
import { NOT_REACHED, ruleFailed, withheld } from './refusal.ts'
import {
  flagsOf,
  type RequestContext,
  resolveRequest,
  resolveSource,
  type SourceContext,
  viewOf,
} from './request-context.ts'
import { acceptingAny } from './rule-table.ts'
import { isSheltered } from './shield.ts'
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
  const { context, error } = resolve(program, facts)
  const hush = whoMustNotSee(facts)
  const values = inOrderAsked(facts)
  const verdicts = new Array<Verdict>(values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as ValueFacts
    const silent = mustBeSilent(hush, value)
    try {
      if (!context) throw error
      verdicts[i] = decideValue(context, value, silent)
    } catch (error) {
      const rule = context?.trace.rule
      errors.push(ruleError(error, value, rule))
      if (context) context.trace.rule = undefined
      verdicts[i] = withheld(value, ruleFailed(rule), silent)
    }
  }
  return { verdicts, errors }
}

/** Undefined with what went wrong: then nothing can be decided. */
function resolve(program: Program, facts: Facts) {
  try {
    return { context: resolveRequest(program, facts), error: undefined }
  } catch (error) {
    return { context: undefined, error }
  }
}

class ForeignFieldError extends Error {}

function isOfCatalogue({ catalogue }: Program, field: FieldDefinition): boolean {
  const known = catalogue.fields[field.index]
  return known === field || known?.id === field.id
}

function decideValue(context: RequestContext, value: ValueFacts, silent: boolean): Verdict {
  const { program } = context
  if (!context.isMember) return withheld(value, NOT_REACHED.not_case_member, silent)
  if (!isOfCatalogue(program, value.field)) throw new ForeignFieldError()

  const cell = cellOf(program.cells, value)
  const source = resolveSource(context, value.source)
  // Flags that do not open throw here, so that no rule is tried without them.
  const flags = flagsOf(context, value)
  let lift = NOTHING_LIFTED
  const against = forbidsAgainst(context, source, value, flags, cell)
  if (against !== 'none') {
    const lifted = against === 'liftable' ? liftForbids(context, source, value, flags) : undefined
    if (!lifted) return withheld(value, program.known.underForbids(context.standing), silent)
    lift = lifted
  }
  const unreached = permitsFor(context, source, cell)
  if (unreached) return withheld(value, NOT_REACHED[unreached], silent)
  return decideByPermits(context, source, viewOf(context, source, value, flags), lift, silent)
}

/** Leaves in `standing` the forbids that speak of a value, and tells whether something may lift one. */
function forbidsAgainst(
  { program, standing, liftable }: RequestContext,
  source: SourceContext,
  value: ValueFacts,
  flags: FlagSet,
  cell: number,
): 'none' | 'standing' | 'liftable' {
  // Both are read in any case, so that what cannot be read withholds whether or not a rule needs it.
  const usual = value.informantParties.length === 0 && !value.restricted
  const forbids = usual ? source.usualForbids : forbidsOf(program, source, value)
  const { cells } = program.forbidTable
  const start = cell * standing.length
  let any = 0
  let toLift = 0
  for (let i = 0; i < standing.length; i++) {
    const word = (forbids[i] ?? 0) & (cells[start + i] ?? 0) & (flags.forbids[i] ?? 0)
    standing[i] = word
    any |= word
    toLift |= word & (liftable[i] ?? 0)
  }
  if (any === 0) return 'none'
  return toLift === 0 ? 'standing' : 'liftable'
}

/** Forbids that accept the informant's parties and whether the value is restricted. */
function forbidsOf(program: Program, { forbids }: SourceContext, value: ValueFacts): RuleSet {
  const { informantParty, restricted } = program.forbidTable
  const set = shared(forbids, acceptingAny(informantParty, value.informantParties))
  keepOnly(set, restricted[value.restricted ? 1 : 0])
  return set
}

/**
 * Takes out of `standing` what exclusions, consent or a claim lift.
 *
 * @returns what lifted them all; undefined if some stand
 */
function liftForbids(
  context: RequestContext,
  source: SourceContext,
  value: ValueFacts,
  flags: FlagSet,
): Lift | undefined {
  const { program, standing, trace } = context
  const view = viewOf(context, source, value, flags)
  let consent: Lift['consent']
  let exception = false
  for (const position of rulesIn(standing)) {
    const forbid = program.forbids[position] as Forbid
    trace.rule = forbid.id
    const result = judgeForbid(forbid, view)
    if (result === 'stands') continue
    removeFrom(standing, position)
    if (result === 'lifted_by_exception') exception = true
    if (result === 'lifted_by_consent') consent = liveConsent(view)
  }
  trace.rule = undefined
  if (!isEmpty(standing)) return undefined
  return consent || exception ? { consent, exception } : NOTHING_LIFTED
}

function liveConsent(view: ValueView): Lift['consent'] {
  const given = consentOf(view, true)
  return given.state === 'live' ? given.consent : undefined
}

/**
 * Leaves in `passing` the permits that speak of a value, whether or not they pass.
 *
 * @returns where none does: would one with another purpose, or for another role?
 */
function permitsFor(
  { program, passing }: RequestContext,
  { permits, permitsOfOtherPurpose, permitsOfOtherRole }: SourceContext,
  cell: number,
): 'purpose_not_allowed' | 'role_not_allowed' | 'no_rule' | undefined {
  const { cells } = program.permitTable
  const start = cell * passing.length
  let any = 0
  let ofOtherPurpose = 0
  let ofOtherRole = 0
  for (let i = 0; i < passing.length; i++) {
    const ofCell = cells[start + i] ?? 0
    const word = (permits[i] ?? 0) & ofCell
    passing[i] = word
    any |= word
    ofOtherPurpose |= (permitsOfOtherPurpose[i] ?? 0) & ofCell
    ofOtherRole |= (permitsOfOtherRole[i] ?? 0) & ofCell
  }
  if (any !== 0) return undefined
  if (ofOtherPurpose !== 0) return 'purpose_not_allowed'
  return ofOtherRole === 0 ? 'no_rule' : 'role_not_allowed'
}

/** More than any permit can lack. */
const FARTHEST = 100

/** No forbid stands: the verdict by the permits in `passing`, from which those that fail are taken out. */
function decideByPermits(
  context: RequestContext,
  source: SourceContext,
  view: ValueView,
  lift: Lift,
  silent: boolean,
): Verdict {
  const { program, passing } = context
  let passed = 0
  let closest = 0
  let closestFailed = 0
  let least = FARTHEST
  for (let i = 0; i < passing.length; i++) {
    const speaking = passing[i] ?? 0
    let failing = 0
    for (let word = speaking; word !== 0; word &= word - 1) {
      const position = i * 32 + lowestBit(word)
      const failed = reasonsAgainst(context, view, position)
      if (failed === 0) continue
      failing |= word & -word
      const distance = distanceOf(context, position, failed)
      // They come in the order of ids, and `<` keeps the first of equals.
      if (distance >= least) continue
      closest = position
      closestFailed = failed
      least = distance
    }
    passing[i] = speaking & ~failing
    passed |= speaking & ~failing
  }
  if (passed !== 0) return granted(context, source, view, lift, silent)
  return withheld(view.value, program.known.underPermit(closest, closestFailed), silent)
}

/** From whom withholding must be hidden: a stranger everything, his side what concerns victim or child. */
type Hush = 'everything' | 'hers' | 'nothing'

/**
 * Whether withholding must not show. Somebody who is no member learns nothing at all; the
 * perpetrator's side nothing of what concerns victim or child. In doubt, nothing.
 */
function whoMustNotSee({ recipient }: Facts): Hush {
  try {
    if (recipient.actsFor.length === 0) return 'everything'
    return isPerpetratorSide(recipient.actsFor) ? 'hers' : 'nothing'
  } catch {
    return 'everything'
  }
}

function mustBeSilent(hush: Hush, value: ValueFacts): boolean {
  if (hush !== 'hers') return hush === 'everything'
  try {
    return isSheltered(value)
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
  for (let i = 0; i < values.length; i++) {
    const field = values[i]?.field
    while (position < fields.length && fields[position] !== field) position++
    if (position === fields.length) return false
  }
  return true
}

function ruleError(error: unknown, value: ValueFacts, rule: string | undefined): RuleError {
  const code =
    error instanceof UnknownWordError
      ? 'unknown_word'
      : error instanceof ForeignFieldError
        ? 'foreign_field'
        : 'evaluation_failed'
  const at = { field: value.field.id, recordId: value.recordId }
  return rule === undefined ? { code, ...at } : { code, rule, ...at }
}
