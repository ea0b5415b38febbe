import type { FieldDefinition } from '../../catalogue/types.ts'
import { decide } from '../decide.ts'
import type { GuardedOutcome } from '../document.ts'
import type { Facts } from '../facts.ts'
import type { Program } from '../program.ts'
import type { Verdict } from '../verdict.ts'
import { type ClaimModel, claimOn } from './claims.ts'
import { NEVER, type Node } from './diagrams.ts'
import { fieldClasses } from './field-classes.ts'
import { type Models, modelsOf, possibleOf, shelter } from './model.ts'
import { FieldModel, type Outcomes } from './outcomes.ts'
import { factsAt, situationAt } from './witness.ts'

/** One request that could happen and that a guardrail rules out. */
export interface Counterexample {
  readonly facts: Facts
  /** What the engine itself decides on those facts. */
  readonly verdict: Verdict
  /** The request in words: attribute → word. */
  readonly situation: Readonly<Record<string, unknown>>
  /** Rules that let it through, or that did not. */
  readonly rules: readonly string[]
}

export interface GuardrailResult {
  readonly id: string
  readonly title: string
  readonly holds: boolean
  readonly counterexample?: Counterexample
  /** It speaks of no request that could happen, so it claims nothing: it does not hold. */
  readonly vacuous?: true
}

export interface ProofReport {
  readonly guardrails: readonly GuardrailResult[]
  /** All of them do. */
  readonly holds: boolean
  /** Classes of all attributes and of fields, into which the rules part what can be asked. */
  readonly classes: number
  /** How many combinations of classes the answer is about, in decimal. */
  readonly combinations: string
}

/**
 * Proves every guardrail over all requests that could happen, field by field, or gives one request
 * that breaks it. Exact: nothing is sampled, and every counterexample has been put to the engine.
 *
 * @throws Error when the engine decides a counterexample otherwise than the proof said: then neither is trusted
 */
export function prove(program: Program): ProofReport {
  const models = modelsOf([program])
  const { space, possible, of } = models
  const [model] = of
  if (!model) throw new Error('a program has one model')
  const { diagrams } = space
  const fields = new FieldModel(models, model, shelter(space, [program]))
  const classes = fieldClasses(of)
  const open = new Map(model.claims.map((claim) => [claim, { spoken: false } as Progress]))
  let combinations = 0n
  for (const [field] of classes) {
    const can = diagrams.and(possible, possibleOf(space, program, field))
    combinations += diagrams.count(can)
    const outcomes = fields.outcomes(field)
    for (const [claim, progress] of open) {
      if (progress.broken) continue
      const where = diagrams.and(claimOn(diagrams, claim, field), can)
      if (where === NEVER) continue
      progress.spoken = true
      const bad = against(models, claim, outcomes, where)
      if (bad !== NEVER) progress.broken = counterexample(models, program, claim, field, bad)
    }
  }
  const guardrails = [...open].map(([claim, progress]) => resultOf(claim, progress))
  return {
    guardrails,
    holds: guardrails.every(({ holds }) => holds),
    classes: space.classes + classes.length,
    combinations: String(combinations),
  }
}

interface Progress {
  spoken: boolean
  broken?: Counterexample
}

function resultOf({ guardrail }: ClaimModel, { spoken, broken }: Progress): GuardrailResult {
  const { id, title } = guardrail
  if (broken) return { id, title, holds: false, counterexample: broken }
  return spoken ? { id, title, holds: true } : { id, title, holds: false, vacuous: true }
}

/** Where, out of what a guardrail speaks of, it is broken. */
function against(
  { space }: Models,
  { guardrail }: ClaimModel,
  outcomes: Outcomes,
  where: Node,
): Node {
  const { diagrams } = space
  const { never, always = [] } = guardrail
  const named = diagrams.any((never ?? always).map((outcome) => outcomes[outcome]))
  return never ? diagrams.and(where, named) : diagrams.minus(where, named)
}

function counterexample(
  { space }: Models,
  program: Program,
  { guardrail }: ClaimModel,
  field: FieldDefinition,
  bad: Node,
): Counterexample {
  const point = space.diagrams.find(bad)
  if (!point) throw new Error('a function that holds somewhere has a point')
  const facts = factsAt(space, point, field)
  const [verdict] = decide(program, facts).verdicts
  if (!verdict || breaks(guardrail, verdict) === false)
    throw new Error(`the engine does not bear out what breaks ${guardrail.id}`)
  return { facts, verdict, situation: situationAt(space, point, field), rules: verdict.rules }
}

function breaks({ never, always = [] }: ClaimModel['guardrail'], verdict: Verdict): boolean {
  const outcome = guardedOutcome(verdict)
  if (never) return outcome !== undefined && never.includes(outcome)
  return outcome === undefined || !always.includes(outcome)
}

/** A verdict in the words of guardrails; undefined where nothing leaves and nothing is told. */
export function guardedOutcome(verdict: Verdict): GuardedOutcome | undefined {
  if (verdict.outcome !== 'withheld') return verdict.outcome
  return verdict.silent ? undefined : 'told'
}
