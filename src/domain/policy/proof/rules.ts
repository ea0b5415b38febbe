import type { FieldDefinition, Freshness } from '../../catalogue/types.ts'
import { hasGround, legalClassOf, type LegalView } from '../legal-regime.ts'
import type { Forbid, Permit, Program, RuleScope } from '../program.ts'
import type { Asker } from './asker.ts'
import { type Box, boxes, consentBy, flag, leftOut, scope } from './conditions.ts'
import { ALWAYS, type Diagrams, NEVER, type Node } from './diagrams.ts'

const DAY = 86_400_000

/** Where a rule speaks of a field. */
interface Speaking {
  /** All but field clauses and exclusions. */
  readonly scope: Node
  readonly boxes: readonly Box[]
  /** Left out whatever the field is, and field by field. */
  readonly leftOut: Node
  readonly leftOutBoxes: readonly Box[]
}

/** A permit, condition by condition. */
export interface PermitModel extends Speaking {
  readonly permit: Permit
  /** Every other condition that the field has no part in. */
  readonly conditions: Node
  /** Without consent: some purpose, flag or claim makes it unnecessary; the claim alone, too. */
  readonly consentNeedless: Node
  readonly consentClaimed: Node
  /** No agreement was in force, and it passes all the same. */
  readonly agreementAlert: Node
  readonly reviewed: boolean
}

export interface ForbidModel extends Speaking {
  readonly forbid: Forbid
  readonly liftedByConsent: Node
  readonly liftedByClaim: Node
}

export function permitModel(ask: Asker, permit: Permit, roles: readonly string[]): PermitModel {
  const { diagrams } = ask
  const need = permit.consent
  const byPurpose = ask.among('purpose', need?.purpose ?? [])
  const byFlag = diagrams.any((need?.flags ?? []).map((name) => flag(ask, name)))
  const byClaim = ask.among('exception', need?.exception ?? [])
  const agreement = agreementOf(ask, permit)
  return {
    ...speaking(ask, permit, roles),
    permit,
    conditions: diagrams.all([
      permit.verified ? ask.holds('verified') : ALWAYS,
      permit.withholdContested ? diagrams.not(ask.holds('contested')) : ALWAYS,
      permit.justification ? ask.holds('justified') : ALWAYS,
      permit.ethicsNote ? ask.holds('ethicsNoted') : ALWAYS,
      permit.boundToken ? ask.holds('boundToken') : ALWAYS,
      permit.sealed ? ask.holds('sealed') : ALWAYS,
      permit.exception ? ask.among('exception', permit.exception) : ALWAYS,
      ...permit.training.map(({ code, maxAge }) => ask.atMost(`training.${code}`, maxAge)),
      diagrams.not(agreement.missing),
    ]),
    consentNeedless: need ? diagrams.any([byPurpose, byFlag, byClaim]) : ALWAYS,
    consentClaimed: diagrams.minus(byClaim, diagrams.or(byPurpose, byFlag)),
    agreementAlert: agreement.alert,
    reviewed: permit.review !== undefined,
  }
}

export function forbidModel(ask: Asker, forbid: Forbid, roles: readonly string[]): ForbidModel {
  const { diagrams } = ask
  const restricted = forbid.restricted ? ask.holds('restricted') : ALWAYS
  const rest = speaking(ask, forbid, roles)
  const live = forbid.consentBy
    ? consentBy(ask, forbid.consentBy, roles)
    : ask.among('consent', ['explicit'])
  return {
    ...rest,
    scope: diagrams.and(rest.scope, restricted),
    forbid,
    liftedByConsent: forbid.unlessConsent ? live : NEVER,
    liftedByClaim: ask.among('exception', forbid.unless),
  }
}

/** Where a rule speaks of this field and does not leave it out. */
export function speaksOf(diagrams: Diagrams, rule: Speaking, field: FieldDefinition): Node {
  const named = holding(diagrams, rule.boxes, field)
  if (named === NEVER) return NEVER
  const out = diagrams.or(rule.leftOut, holding(diagrams, rule.leftOutBoxes, field))
  return diagrams.minus(diagrams.and(named, rule.scope), out)
}

/** Where some box holds the field. */
export function holding(diagrams: Diagrams, of: readonly Box[], field: FieldDefinition): Node {
  return diagrams.any(of.flatMap((box) => (box.fields.has(field.index) ? [box.holds] : [])))
}

function speaking(ask: Asker, rule: RuleScope, roles: readonly string[]): Speaking {
  const { except } = rule
  return {
    scope: scope(ask, rule, roles),
    boxes: boxes(ask, rule.selections, roles),
    leftOut: except ? leftOut(ask, except) : NEVER,
    leftOutBoxes: boxes(ask, except?.selections ?? [], roles),
  }
}

function agreementOf(ask: Asker, { agreement }: Permit): { missing: Node; alert: Node } {
  if (!agreement) return { missing: NEVER, alert: NEVER }
  const { diagrams } = ask
  const own = ask.among('transfer', ['own'])
  const none = diagrams.not(diagrams.or(own, ask.holds('agreement')))
  const excused = ask.among('purpose', agreement.unlessPurpose ?? [])
  if (agreement.onMissing === 'alert') return { missing: NEVER, alert: none }
  return { missing: diagrams.minus(none, excused), alert: diagrams.and(none, excused) }
}

/** Consent is live: any at all, or an explicit one where the field is of a special category. */
export function consentLive(ask: Asker, special: boolean): Node {
  const plain = ask.among('consent', ['plain', 'explicit'])
  const explicit = ask.among('consent', ['explicit'])
  return special ? explicit : plain
}

/** The value is older than the permit wants. */
export function tooOld(ask: Asker, program: Program, permit: Permit, field: FieldDefinition): Node {
  const { diagrams } = ask
  if (permit.maxAge !== 'catalogue') return diagrams.not(ask.atMost('age', permit.maxAge))
  return diagrams.any(
    limitsOf(program.freshness[field.index]).map(({ days, flag: name }) => {
      const old = diagrams.not(ask.atMost('age', days * DAY))
      return name === undefined ? old : diagrams.and(ownFlag(ask, name), old)
    }),
  )
}

/** Days after which a value is stale: always, and if its own record raises a flag. */
function limitsOf(freshness: Freshness | undefined): readonly { days: number; flag?: string }[] {
  if (freshness?.kind !== 'days') return []
  const shorter = Object.entries(freshness.whenFlag ?? {}).map(([name, days]) => ({
    days,
    flag: name,
  }))
  return [{ days: freshness.days }, ...shorter]
}

/** A flag of the value's own record, which is then one of the case, too. */
function ownFlag(ask: Asker, name: string): Node {
  return ask.diagrams.and(ask.holds(`own.${name}`), flag(ask, name))
}

/** The permit has a ground for values of the field (GDPR art. 6, 9 and 10; LED art. 8 and 10). */
export function grounded(
  ask: Asker,
  program: Program,
  permit: Permit,
  field: FieldDefinition,
): Node {
  const { diagrams } = ask
  const led = diagrams.all([
    ask.holds('competentAuthority'),
    ask.holds('from.competentAuthority'),
    ask.among('purpose', program.ledPurposes),
  ])
  const mayHoldCriminal = diagrams.any([
    ask.holds('public'),
    ask.holds('nationalAuthorisation'),
    ask.among('transfer', ['own']),
  ])
  const views: readonly (readonly [LegalView, Node])[] = [
    [{ regime: 'led', mayHoldCriminal: true }, diagrams.and(led, mayHoldCriminal)],
    [{ regime: 'led', mayHoldCriminal: false }, diagrams.minus(led, mayHoldCriminal)],
    [{ regime: 'gdpr', mayHoldCriminal: true }, diagrams.minus(mayHoldCriminal, led)],
    [{ regime: 'gdpr', mayHoldCriminal: false }, diagrams.not(diagrams.or(led, mayHoldCriminal))],
  ]
  const legal = legalClassOf(field)
  return diagrams.any(
    views.flatMap(([view, where]) => (hasGround(permit.legal, legal, view) ? [where] : [])),
  )
}
