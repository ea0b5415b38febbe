import { type Box, boxesOf, valuesIn, whole, wordsIn } from './boxes.ts'
import type { NeutralRequest } from './neutral-requests.ts'
import type { NeutralRule } from './neutral-rules.ts'
import { type Attribute, ATTRIBUTES } from './neutral-words.ts'
import type { Engine, Outcome } from './outcome.ts'
import { importPeer } from './peers.ts'

/** What is used of `@casl/ability`. */
interface Casl {
  readonly AbilityBuilder: new (make: unknown) => Builder
  readonly createMongoAbility: unknown
}
interface Builder {
  readonly can: Add
  readonly cannot: Add
  readonly build: (options: { detectSubjectType: (subject: Subject) => string }) => Ability
}
type Add = (
  action: string | string[],
  subject: string | string[],
  conditions?: Record<string, unknown>,
) => { because: (reason: string) => void }
interface Ability {
  readonly relevantRuleFor: (
    action: string,
    subject: Subject,
  ) => { readonly inverted: boolean; readonly reason: string } | null
}
type Subject = Readonly<Record<string, unknown>> & { readonly category: string }

/**
 * CASL at its best for these rules: it finds rules by action and type of subject, so those are purpose
 * and category; the rest are conditions. The last rule that applies wins, and it is the only reason.
 */
export async function caslEngine(rules: readonly NeutralRule[]): Promise<Engine> {
  const { AbilityBuilder, createMongoAbility } = await importPeer<Casl>('@casl/ability')
  const { can, cannot, build } = new AbilityBuilder(createMongoAbility)
  const byId = new Map(rules.map((rule) => [rule.id, rule]))
  // Of weaker forms the first rule's counts, so that one is added after the others.
  for (const rule of rules.toReversed().toSorted((a, b) => strength(a) - strength(b))) {
    for (const { box } of boxesOf(rule)) {
      const action = wordsIn('purpose', box) ?? 'manage'
      const type = wordsIn('category', box) ?? 'all'
      const conditions = conditionsOf(box)
      const add = rule.effect === 'permit' ? can : cannot
      const more = Object.keys(conditions).length > 0 ? [conditions] : []
      add(action, type, ...more).because(rule.id)
    }
  }
  const ability = build({ detectSubjectType: ({ category }) => category })
  return { name: 'CASL', complete: false, decide: (request) => decide(ability, byId, request) }
}

function strength({ effect, weakening }: NeutralRule): number {
  if (effect === 'forbid') return 2
  return weakening === null ? 1 : 0
}

function conditionsOf(box: Box): Record<string, unknown> {
  const asked = ATTRIBUTES.filter(
    (name) => name !== 'purpose' && name !== 'category' && box[name] !== whole(name),
  )
  return Object.fromEntries(asked.map((name) => [name, conditionOf(name, box)]))
}

function conditionOf(name: Attribute, box: Box): unknown {
  const values = valuesIn(name, box[name])
  return values.length === 1 ? values[0] : { $in: values }
}

function decide(
  ability: Ability,
  byId: ReadonlyMap<string, NeutralRule>,
  request: NeutralRequest,
): readonly Outcome[] {
  const { sector, role, purpose, emergency, agreement, channel } = request
  return request.fields.map((field): Outcome => {
    const { category, subject, source, consent, verified } = field
    const fresh = field.ageDays <= field.maxAgeDays
    const rule = ability.relevantRuleFor(purpose, {
      ...{ sector, role, emergency, agreement, channel },
      ...{ category, subject, source, consent, verified, fresh },
    })
    const reasons = rule ? [rule.reason] : []
    if (!rule || rule.inverted) return { decision: 'deny', weakening: null, reasons }
    const weakening = byId.get(rule.reason)?.weakening ?? null
    return { decision: weakening === null ? 'permit' : 'transform', weakening, reasons }
  })
}
