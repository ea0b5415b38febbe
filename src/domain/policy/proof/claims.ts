import type { Catalogue, FieldDefinition } from '../../catalogue/types.ts'
import type { GivenClause, GuardrailStatement } from '../document.ts'
import { durationMs } from '../duration.ts'
import { resolveFields } from '../selection.ts'
import type { PolicyVocabulary } from '../vocabulary.ts'
import type { Asker } from './asker.ts'
import { answer, boxes, type Box, consentBy, leftOut, rolesOf, scope } from './conditions.ts'
import { ALWAYS, type Diagrams, NEVER, type Node } from './diagrams.ts'
import { holding } from './rules.ts'
import { MEMBERSHIPS, UNCLAIMED } from './space.ts'

/** What a guardrail speaks of. */
export interface ClaimModel {
  readonly guardrail: GuardrailStatement
  readonly boxes: readonly Box[]
  readonly leftOutBoxes: readonly Box[]
  /** Everything that the field has no part in. */
  readonly scope: Node
}

/** The function of a guardrail's clauses. */
export function claimModel(
  ask: Asker,
  guardrail: GuardrailStatement,
  catalogue: Catalogue,
  vocabulary: PolicyVocabulary,
  trainings: readonly { readonly code: string; readonly maxAge: number }[],
): ClaimModel {
  const { diagrams } = ask
  const roles = vocabulary.personRole
  const { except, unless, unlessConsent, restricted, notParty } = guardrail
  const exclusion = except && {
    selections: except.fields ? resolveFields(except.fields, catalogue) : [],
    informant: except.informant ?? [],
    informantParty: except.informantParty ?? [],
    kind: except.kind ?? [],
    flag: except.flag ?? [],
  }
  const out = [
    exclusion ? leftOut(ask, exclusion) : NEVER,
    ask.among('exception', unless ?? []),
    unlessConsent ? consentBy(ask, unlessConsent.by, roles) : NEVER,
    notParty ? ask.hasRole(rolesOf(notParty, roles)) : NEVER,
  ]
  const within = [
    scope(ask, guardrail, roles),
    answer(ask, 'restricted', restricted),
    ...given(ask, guardrail.given ?? {}, trainings),
  ]
  return {
    guardrail,
    boxes: boxes(ask, resolveFields(guardrail.fields, catalogue), roles),
    leftOutBoxes: boxes(ask, exclusion?.selections ?? [], roles),
    scope: diagrams.minus(diagrams.all(within), diagrams.any(out)),
  }
}

/** Where a guardrail speaks of a field. */
export function claimOn(diagrams: Diagrams, claim: ClaimModel, field: FieldDefinition): Node {
  const named = holding(diagrams, claim.boxes, field)
  if (named === NEVER) return NEVER
  const all = diagrams.and(named, claim.scope)
  return diagrams.minus(all, holding(diagrams, claim.leftOutBoxes, field))
}

function given(
  ask: Asker,
  clause: GivenClause,
  trainings: readonly { readonly code: string; readonly maxAge: number }[],
): readonly Node[] {
  const { diagrams } = ask
  const { exception, within, consent, trained, member } = clause
  const none = ask.among('exception', [UNCLAIMED])
  const allTrained = diagrams.all(
    trainings.map(({ code, maxAge }) => ask.atMost(`training.${code}`, maxAge)),
  )
  const members = ask.among('actsFor', MEMBERSHIPS.slice(1))
  const words = { explicit: ['explicit'], any: ['plain', 'explicit'], none: ['none'] }
  return [
    either(diagrams, members, member),
    either(diagrams, allTrained, trained),
    answer(ask, 'justified', clause.justified),
    answer(ask, 'ethicsNoted', clause.ethicsNoted),
    answer(ask, 'sealed', clause.sealed),
    answer(ask, 'boundToken', clause.boundToken),
    answer(ask, 'agreement', clause.agreement),
    answer(ask, 'approved', clause.approved),
    answer(ask, 'contested', clause.contested),
    answer(ask, 'verified', clause.verified),
    exception ? (exception.length > 0 ? ask.among('exception', exception) : none) : ALWAYS,
    within === undefined ? ALWAYS : ask.atMost('age', durationMs(within) ?? 0),
    consent ? ask.among('consent', words[consent]) : ALWAYS,
  ]
}

function either(diagrams: Diagrams, holds: Node, wanted: boolean | undefined): Node {
  if (wanted === undefined) return ALWAYS
  return wanted ? holds : diagrams.not(holds)
}
