// Facts that one rule of a pack was written for: its scope is met, and mostly its conditions.
import { mayActFor, partiesOf } from '../../src/domain/case/parties.ts'
import type { PersonRole, Sector } from '../../src/domain/case/vocabulary.ts'
import {
  type Catalogue,
  type FieldDefinition,
  INFORMANTS,
} from '../../src/domain/catalogue/types.ts'
import type {
  AgreementClause,
  AttributeSelector,
  FieldClause,
  ForbidStatement,
  PermitStatement,
  PolicyDocument,
} from '../../src/domain/policy/document.ts'
import { durationMs } from '../../src/domain/policy/duration.ts'
import type { Facts } from '../../src/domain/policy/facts.ts'
import type { PolicyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import type { Dice } from './dice.ts'

/** Facts with every word a string and nothing read-only: so they are built and then changed. */
type Open<T> = T extends string
  ? string
  : T extends FieldDefinition
    ? FieldDefinition
    : T extends readonly (infer E)[]
      ? Open<E>[]
      : T extends object
        ? { -readonly [K in keyof T]: Open<T[K]> }
        : T
export type Draft = Open<Facts>
export type DraftValue = Draft['values'][number]

export const NOW = Date.parse('2026-11-20T09:00:00Z')
export const DAY = 86_400_000
const HOUR = 3_600_000

/** Persons of the case, by the informant that stands for each. */
export const PEOPLE = {
  V: { personId: 'ana', parties: ['victim'] },
  P: { personId: 'marko', parties: ['perpetrator'] },
  CH: { personId: 'lea', parties: ['child'] },
} as const
const PERSONS = Object.values(PEOPLE)

/** A permit or forbid and what of it stands in its document. */
export interface Target {
  readonly rule: PermitStatement | ForbidStatement
  readonly effect: 'permit' | 'forbid'
  readonly agreement?: AgreementClause
}

/** What facts are made of. */
export interface Material {
  readonly targets: readonly Target[]
  readonly catalogue: Catalogue
  readonly words: PolicyVocabulary
}

export function materialOf(
  documents: readonly PolicyDocument[],
  catalogue: Catalogue,
  words: PolicyVocabulary,
): Material {
  const targets = documents.flatMap(({ permit = [], forbid = [], agreement }) => [
    ...permit.map((rule): Target => {
      const clause = rule.agreement ?? agreement
      return { rule, effect: 'permit', ...(clause ? { agreement: clause } : {}) }
    }),
    ...forbid.map((rule): Target => ({ rule, effect: 'forbid' })),
  ])
  return { targets, catalogue, words }
}

/** A request for one value that the rule speaks of. */
export function factsFor(target: Target, material: Material, dice: Dice): Draft {
  const { rule } = target
  const to: PermitStatement['to'] = rule.to ?? {}
  const { words } = material
  const sector = dice.pick(to.sector ?? words.sector)
  const transfer = dice.pick(
    rule.transfer ?? (target.effect === 'permit' ? ['external', 'internal'] : TRANSFERS),
  )
  const exceptions = target.effect === 'permit' ? (rule as PermitStatement).exception : undefined
  const draft: Draft = {
    at: NOW,
    request: {
      purpose: dice.pick(rule.purpose ?? words.purpose),
      fields: [],
      justified: dice.chance(0.95),
      ethicsNoted: dice.chance(0.95),
      channel: dice.chance(0.97) ? 'sender_constrained' : 'bearer',
      sealed: dice.chance(0.9),
      approvedBy: [],
    },
    recipient: {
      agencyId: 'asking',
      sector,
      country: dice.pick(to.country ?? unlike(['AT', 'AT', 'DE', 'RS', 'US'], to.notCountry)),
      public: to.public ?? dice.chance(PUBLIC.includes(sector) ? 0.9 : 0.3),
      competentAuthority:
        to.competentAuthority ?? dice.chance(JUSTICE.includes(sector) ? 0.9 : 0.05),
      nationalAuthorisation: to.nationalAuthorisation ?? dice.chance(0.4),
      organisationId: transfer === 'internal' ? 'roof' : 'asking',
      actsFor: [dice.pick(to.actsFor ?? partiesServed(sector, words))],
      role: dice.pick(to.role ?? words.role),
      trainings: [
        ...(to.training ?? []).map(({ code, maxAge }) => ({
          code,
          at: NOW - dice.below(durationMs(maxAge) ?? 0),
        })),
        ...dice
          .some(words.training, 0.1)
          .map((code) => ({ code, at: NOW - dice.below(900 * DAY) })),
      ],
    },
    subject: subjectFor(rule, words, dice),
    values: [],
    consents: [],
    agreements: [],
    flags: dice.chance(0.2) ? dice.some(words.flag, 0.05) : [],
  }
  if (exceptions) draft.request.exception = dice.pick(exceptions)
  else if (dice.chance(0.06)) draft.request.exception = dice.pick(words.exception)
  addValue(draft, target, material, dice, transfer)
  return draft
}

const TRANSFERS = ['own', 'internal', 'external'] as const
const JUSTICE = ['police', 'prosecution', 'court', 'probation', 'prison']
const PUBLIC = [...JUSTICE, 'child_protection', 'social_services', 'migration_asylum', 'hospital']

function partiesServed(sector: string, words: PolicyVocabulary): readonly string[] {
  const served = mayActFor(sector as Sector)
  return served.length > 0 ? served : words.actsFor
}

function unlike<T>(all: readonly T[], not: readonly T[] = []): readonly T[] {
  const left = all.filter((one) => !not.includes(one))
  return left.length > 0 ? left : all
}

function subjectFor(rule: Target['rule'], words: PolicyVocabulary, dice: Dice): Draft['subject'] {
  const roles = (rule.subject ??
    (dice.chance(0.8) ? USUAL_ROLES : words.personRole)) as PersonRole[]
  const candidates = (rule.subject ? roles : (words.personRole as PersonRole[])).filter(
    (role) => !rule.party || partiesOf([role]).some((party) => rule.party?.includes(party)),
  )
  const role = dice.pick(rule.party ? candidates : roles)
  const all = dice.chance(0.05) ? [role, dice.pick(words.personRole as PersonRole[])] : [role]
  const parties = [...partiesOf(all)]
  const known = PERSONS.find((person) => person.parties.some((party) => parties.includes(party)))
  return { personId: known?.personId ?? 'vera', roles: [...all], parties }
}

const USUAL_ROLES = ['victim', 'perpetrator_alleged', 'perpetrator_convicted', 'child_witness']

/** Adds a value that the rule speaks of, and whatever else it wants to hold: flags, consent, agreement. */
export function addValue(
  draft: Draft,
  target: Target,
  material: Material,
  dice: Dice,
  transfer: string = dice.pick(TRANSFERS),
): void {
  const { rule } = target
  const { words } = material
  const { field, part } = fieldFor(rule.fields, material.catalogue, dice)
  const value: DraftValue = {
    field,
    recordId: `record-${draft.values.length}`,
    version: 1,
    source: sourceFor(draft, rule, words, dice, transfer),
    ...toldBy(draft, rule, field, part, dice),
    kind: dice.pick(
      part.statement ?? unlike(field.kind ? [field.kind] : words.kind, rule.except?.kind),
    ),
    collectedAt: NOW,
    subjectParties: partiesAbout(draft, field, part, dice),
    contested: dice.chance(0.03),
    restricted: (rule as ForbidStatement).restricted ?? dice.chance(0.03),
    flags: [],
    conditions: dice.some(['read_only', 'ask_first'], 0.1),
    releasedBefore: dice.chance(0.3),
  }
  draft.values.push(value)
  if (!draft.request.fields.includes(field)) draft.request.fields.push(field)
  setTimes(draft, value, target, dice)
  setFlags(draft, value, rule, dice)
  if (dice.chance(0.3)) draft.request.approvedBy.push(value.source.agencyId)
  agree(draft, value, target, dice)
  permitOrConsent(draft, value, target, dice)
}

/** A field that the clause selects, and the part of the clause that does. */
function fieldFor(clause: FieldClause, { fields }: Catalogue, dice: Dice) {
  const part = dice.pick(
    (Array.isArray(clause) ? clause : [clause]) as readonly (string | AttributeSelector)[],
  )
  if (typeof part === 'string') {
    const named = fields.filter(
      ({ id, group, record }) => id === part || group === part || `${record}.*` === part,
    )
    return { field: dice.pick(named), part: {} as AttributeSelector }
  }
  const field = dice.pick(
    fields.filter(
      ({ categories, record, locates }) =>
        (!part.category || categories.some((one) => part.category?.includes(one))) &&
        (!part.record || part.record.includes(record)) &&
        (!part.locates || locates.some((one) => one === 'subject' || part.locates?.includes(one))),
    ),
  )
  return { field, part }
}

function partiesAbout(
  { subject }: Draft,
  field: FieldDefinition,
  { locates }: AttributeSelector,
  dice: Dice,
): string[] {
  if (locates && !field.locates.some((one) => locates.includes(one))) return [dice.pick(locates)]
  if (field.subjects.includes('case') || dice.chance(0.05)) return []
  return dice.chance(0.9) ? [...subject.parties] : [...dice.pick(PERSONS).parties]
}

function sourceFor(
  { recipient }: Draft,
  { from = {} }: Target['rule'],
  words: PolicyVocabulary,
  dice: Dice,
  transfer: string,
): DraftValue['source'] {
  if (transfer === 'own') {
    const { role: _, country: _c, trainings: _t, nationalAuthorisation: _n, ...own } = recipient
    // Even against a rule that asks for something else: an agency is what it is.
    return { ...own, actsFor: from.actsFor ? [dice.pick(from.actsFor)] : [...own.actsFor] }
  }
  const sector = dice.pick(from.sector ?? words.sector)
  if (transfer === 'internal') recipient.organisationId = 'roof'
  const left = dice.chance(0.02)
  return {
    agencyId: dice.pick(['holding', 'holding', 'other']),
    sector,
    organisationId: transfer === 'internal' ? 'roof' : 'elsewhere',
    public: from.public ?? dice.chance(PUBLIC.includes(sector) ? 0.9 : 0.3),
    competentAuthority:
      from.competentAuthority ?? dice.chance(JUSTICE.includes(sector) ? 0.9 : 0.05),
    actsFor: left ? [] : [dice.pick(from.actsFor ?? partiesServed(sector, words))],
  }
}

function toldBy(
  draft: Draft,
  rule: Target['rule'],
  field: FieldDefinition,
  part: AttributeSelector,
  dice: Dice,
): Pick<DraftValue, 'informant' | 'informantPersonId' | 'informantParties'> {
  const { informant: only, informantParty } = rule as ForbidStatement
  const typical = field.informants.filter((one) => (INFORMANTS as readonly string[]).includes(one))
  const usual = typical.length > 0 && dice.chance(0.6) ? typical : INFORMANTS
  const informant: string = dice.pick(
    only ?? part.informant ?? unlike<string>(usual, rule.except?.informant),
  )
  const itself = PEOPLE[informant as keyof typeof PEOPLE] as (typeof PERSONS)[number] | undefined
  const wanted = PERSONS.find(({ parties }) => parties.some((one) => informantParty?.includes(one)))
  const person =
    wanted ??
    (itself && dice.chance(0.9) ? itself : dice.chance(0.03) ? dice.pick(PERSONS) : undefined)
  if (!person) return { informant, informantParties: [] }
  const known = person.personId === draft.subject.personId ? draft.subject.parties : person.parties
  return { informant, informantPersonId: person.personId, informantParties: [...known] }
}

/** Mostly young enough; sometimes at the very limit or one millisecond beyond. */
function setTimes(draft: Draft, value: DraftValue, { rule, effect }: Target, dice: Dice): void {
  const { maxAge = 'catalogue' } = (effect === 'permit' && (rule as PermitStatement).timely) || {}
  const { freshness } = value.field
  const catalogued = freshness.kind === 'days' ? freshness.days * DAY : 400 * DAY
  const limit = maxAge === 'catalogue' ? catalogued : (durationMs(maxAge) ?? 400 * DAY)
  const age = dice.chance(0.85)
    ? dice.below(limit)
    : dice.pick([limit, limit + 1, limit * 2, 7 * DAY, 14 * DAY, 30 * DAY + 1])
  if (dice.chance(0.6)) {
    value.verifiedAt = draft.at - age
    value.collectedAt = value.verifiedAt - dice.below(300 * DAY)
  } else value.collectedAt = draft.at - age
}

function setFlags(
  draft: Draft,
  value: DraftValue,
  { when = {}, except }: Target['rule'],
  dice: Dice,
) {
  const wanted = [...(when.flags ?? []), ...(when.anyFlag ? [dice.pick(when.anyFlag)] : [])]
  for (const flag of wanted) (dice.chance(0.5) ? draft : value).flags.push(flag)
  const unwanted = [...(when.noFlags ?? []), ...(except?.flag ?? [])]
  draft.flags = [...new Set(draft.flags)].filter((flag) => !unwanted.includes(flag))
}

function agree(draft: Draft, value: DraftValue, { agreement }: Target, dice: Dice): void {
  if (!dice.chance(agreement?.required ? 0.85 : 0.1)) return
  draft.agreements.push({
    id: `agreement-${draft.agreements.length}`,
    parties: ['asking', value.source.agencyId],
    purposes: [draft.request.purpose],
    validFrom: NOW - dice.pick([0, DAY]),
    validTo: NOW + dice.pick([1, DAY]),
  })
}

/** A consent where the rule asks for one, or what makes it unnecessary. */
function permitOrConsent(draft: Draft, value: DraftValue, target: Target, dice: Dice): void {
  const { rule, effect } = target
  const need = effect === 'permit' ? (rule as PermitStatement).basis.consent : 'not_needed'
  const lifts = (rule as ForbidStatement).unlessConsent
  if (typeof need === 'object' && dice.chance(0.5)) {
    const { exception, flags } = need.unless
    if (exception) draft.request.exception = dice.pick(exception)
    else if (flags) draft.flags.push(dice.pick(flags))
    return
  }
  if (dice.chance(need !== 'not_needed' ? 0.9 : lifts ? 0.3 : 0.08)) consent(draft, value, dice)
}

/** Adds a consent to this item of the person whose it is to give. */
export function consent(draft: Draft, value: DraftValue, dice: Dice): void {
  const { request, recipient, consents } = draft
  const wide = dice.chance(0.1)
  consents.push({
    id: `consent-${9 - (consents.length % 10)}`,
    personId: value.informantPersonId ?? draft.subject.personId,
    state: 'given',
    givenAt: NOW - dice.pick([0, HOUR, 10 * DAY]),
    expiresAt: NOW + dice.pick([1, DAY, 100 * DAY]),
    explicit: dice.chance(0.9),
    items: [
      {
        purpose: request.purpose,
        recipient: wide ? { sector: recipient.sector } : { agencyId: recipient.agencyId },
        ...(dice.chance(0.1) ? { recipientRoles: [recipient.role] } : {}),
        fields: [value.field.id],
      },
    ],
  })
}
