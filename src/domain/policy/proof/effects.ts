import { canonicalize, type Json } from '../../log/canonical.ts'
import type { FieldDefinition } from '../../catalogue/types.ts'
import type { ValueView } from '../conditions.ts'
import type { Attempt } from '../evaluate-permit.ts'
import { passed } from '../make-verdict.ts'
import type { Verdict } from '../verdict.ts'
import { NEVER, type Node } from './diagrams.ts'
import type { Shelter } from './model.ts'
import type { FieldModel } from './outcomes.ts'
import type { PermitModel } from './rules.ts'
import type { Space } from './space.ts'

/**
 * What a decision does to one value, for everybody but the log: the outcome, and on which terms. Which
 * rules said so is no part of it, nor are the reasons of a refusal; whether they are told is.
 */
export interface Effect {
  readonly outcome: 'released' | 'generalised' | 'review' | 'withheld'
  /** Withheld: the requester learns nothing of it. */
  readonly silent: boolean
  /** Everything else that was decided, as plain data. */
  readonly terms: Readonly<Record<string, Json>>
}

/** Effects by number, so that a function can have them as values. */
export class Effects {
  readonly #known = new Map<string, number>()
  readonly #effects: Effect[] = []

  numberOf(effect: Effect): number {
    const key = canonicalize(effect as unknown as Json)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#effects.push(effect)
    this.#known.set(key, this.#effects.length - 1)
    return this.#effects.length - 1
  }

  at(number: number): Effect {
    const effect = this.#effects[number]
    if (!effect) throw new Error('no effect has this number')
    return effect
  }
}

// Marks of a permit that passes, and circumstances of a value, as bits.
const PASSES = 1
const STALE = 2
const ALERT = 4
const BY_EXCEPTION = 8
const BY_CONSENT = 16

const OPEN = 1
const SILENT = 2
const LIFTED_BY_CONSENT = 4
const LIFTED_BY_CLAIM = 8
const APPROVED = 16
const LED = 32

/** A permit that passes, with its marks. */
type Passing = readonly (readonly [PermitModel, number])[]

/** The function that gives, for each point of the space, the number of the effect on values of a field. */
export function effectOf(
  space: Space,
  fields: FieldModel,
  shelter: Shelter,
  field: FieldDefinition,
  effects: Effects,
  ledPurposes: readonly string[],
): Node {
  const { diagrams } = space
  const sets: Passing[] = [[]]
  const numbers = new Map<string, number>([['', 0]])
  const extended = (set: number, rule: PermitModel, marks: number): number => {
    const next: Passing = [...(sets[set] ?? []), [rule, marks]]
    const key = next.map(([{ permit }, bits]) => `${permit.id} ${bits}`).join('\n')
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, sets.push(next) - 1)
    return sets.length - 1
  }
  let passing: Node = NEVER
  for (const [rule, pass] of fields.passes(field)) {
    const attempt = attemptOf(space, fields, rule, field, pass)
    passing = diagrams.combine(passing, attempt, (set, marks) =>
      marks === 0 ? set : extended(set, rule, marks),
    )
  }
  const circumstances = circumstancesOf(space, fields, shelter, field, ledPurposes)
  return diagrams.combine(passing, circumstances, (set, bits) =>
    effects.numberOf(effectAt(field, sets[set] ?? [], bits)),
  )
}

function attemptOf(
  space: Space,
  fields: FieldModel,
  rule: PermitModel,
  field: FieldDefinition,
  pass: Node,
): Node {
  const { diagrams } = space
  const { permit } = rule
  const live = fields.live(field)
  const stale = permit.withholdStale ? NEVER : fields.old(rule, field)
  const claimed = diagrams.minus(rule.consentClaimed, live)
  const marks: readonly (readonly [number, Node])[] = [
    [STALE, stale],
    [ALERT, rule.agreementAlert],
    [BY_EXCEPTION, permit.exception ? diagrams.constant(1) : permit.consent ? claimed : NEVER],
    [BY_CONSENT, permit.consent ? live : NEVER],
  ]
  return marked(
    space,
    diagrams.combine(pass, NEVER, (holds) => (holds ? PASSES : 0)),
    marks,
    PASSES,
  )
}

function circumstancesOf(
  space: Space,
  fields: FieldModel,
  { member }: Shelter,
  field: FieldDefinition,
  ledPurposes: readonly string[],
): Node {
  const { diagrams } = space
  const { standing, hushed, byConsent, byClaim } = fields.barriers(field)
  const led = diagrams.all([
    space.holds('competentAuthority'),
    space.holds('from.competentAuthority'),
    space.among('purpose', ledPurposes),
  ])
  return marked(
    space,
    NEVER,
    [
      [OPEN, diagrams.minus(member, standing)],
      [SILENT, diagrams.or(fields.silence(field), hushed)],
      [LIFTED_BY_CONSENT, byConsent],
      [LIFTED_BY_CLAIM, byClaim],
      [APPROVED, space.holds('approved')],
      [LED, led],
    ],
    0,
  )
}

/** Adds bits where they hold; to a function of attempts only where the permit passes. */
function marked(
  { diagrams }: Space,
  start: Node,
  marks: readonly (readonly [number, Node])[],
  onlyWhere: number,
): Node {
  return marks.reduce(
    (node, [bit, where]) =>
      diagrams.combine(node, where, (bits, holds) =>
        holds && (bits & onlyWhere) === onlyWhere ? bits | bit : bits,
      ),
    start,
  )
}

const SOURCE = 'source'
const CONSENT = { id: 'consent' } as const

/** What the engine makes of these passing permits. */
function effectAt(field: FieldDefinition, set: Passing, bits: number): Effect {
  const silent = (bits & SILENT) !== 0
  if ((bits & OPEN) === 0 || set.length === 0) return { outcome: 'withheld', silent, terms: {} }
  const attempts = set.map(
    ([{ permit }, marks]) =>
      ({
        permit,
        failed: 0,
        stale: (marks & STALE) !== 0,
        agreementAlert: (marks & ALERT) !== 0,
        exception: (marks & BY_EXCEPTION) !== 0,
        consent: (marks & BY_CONSENT) !== 0 ? CONSENT : undefined,
      }) as unknown as Attempt,
  )
  const lift = {
    consent: (bits & LIFTED_BY_CONSENT) !== 0 ? CONSENT : undefined,
    exception: (bits & LIFTED_BY_CLAIM) !== 0,
  } as unknown as Parameters<typeof passed>[2]
  const view = {
    facts: {
      request: {
        approvedBy: (bits & APPROVED) !== 0 ? [SOURCE] : [],
        // Which one was claimed follows from the request; that it was needed is what counts.
        exception: 'claimed',
      },
    },
    value: { field, recordId: '', version: 0, source: { agencyId: SOURCE }, conditions: [] },
    regime: (bits & LED) !== 0 ? 'led' : 'gdpr',
  } as unknown as ValueView
  return effectOfVerdict(passed(view, attempts, lift, silent))
}

/** The effect of a verdict. */
export function effectOfVerdict(verdict: Verdict): Effect {
  if (verdict.outcome === 'withheld')
    return { outcome: 'withheld', silent: verdict.silent, terms: {} }
  if (verdict.outcome === 'review')
    return { outcome: 'review', silent: false, terms: { review: { ...verdict.review } } }
  const { outcome, transform, basis, obligations, stale, exception, expiresAfter } = verdict
  const { consentId: _, ...grounds } = basis
  const terms = {
    basis: grounds,
    obligations,
    stale,
    agreementAlert: verdict.agreementAlert,
    exception: exception !== undefined,
    ...(transform ? { transform } : {}),
    ...(expiresAfter ? { expiresAfter } : {}),
  }
  return { outcome, silent: false, terms: terms as unknown as Effect['terms'] }
}
