import type {
  AgreementClause,
  ExceptClause,
  FieldClause,
  ForbidStatement,
  FromClause,
  PermitStatement,
  PolicyDocument,
  RecipientClause,
  Transfer,
  WhenClause,
} from '../../src/domain/policy/document.ts'

/** One `when` or `unless` of a Cedar policy, named after the clause of the rule that it stands for. */
export interface Clause {
  readonly name: string
  readonly text: string
}

/** A rule of the pack as a Cedar policy: all its clauses together. */
export interface CedarPolicy {
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly clauses: readonly Clause[]
}

/** Id of the policy that keeps everything from who is no member of the case. */
export const MEMBERS_ONLY = 'members only'

/**
 * Translates every permit and forbid, one policy each, from the reference of the language
 * (`docs/policies.md`). Fields lie in their group, groups in their record type; purposes are actions.
 * What a policy finds in principal, resource and context is made in `cedar-request.ts`.
 *
 * @param ledPurposes purposes for which Directive (EU) 2016/680 holds between competent authorities
 */
export function toCedar(
  documents: readonly PolicyDocument[],
  ledPurposes: readonly string[],
  shorteningFlags: readonly string[],
): readonly CedarPolicy[] {
  const members: CedarPolicy = {
    id: MEMBERS_ONLY,
    effect: 'forbid',
    clauses: [when('member', 'principal.actsFor.isEmpty()')],
  }
  const world = { ledPurposes, shorteningFlags }
  return [
    members,
    ...documents.flatMap(({ permit = [], forbid = [], agreement }) => [
      ...permit.map((rule) => permitOf(rule, rule.agreement ?? agreement, world)),
      ...forbid.map(forbidOf),
    ]),
  ]
}

/** The text that Cedar parses. */
export function textOf({ effect, clauses }: Omit<CedarPolicy, 'id'>): string {
  const head = `${effect}(principal, action, resource)`
  return `${[head, ...clauses.map(({ text }) => text)].join('\n  ')};`
}

interface World {
  readonly ledPurposes: readonly string[]
  readonly shorteningFlags: readonly string[]
}

function permitOf(
  rule: PermitStatement,
  agreement: AgreementClause | undefined,
  world: World,
): CedarPolicy {
  const clauses = [
    ...scopeOf(rule, rule.transfer ?? ['internal', 'external']),
    ...conditionsOf(rule.when),
    ...exceptionsOf(rule.except),
    ...testsOf(rule),
    ...agreementOf(agreement),
    ...(rule.exception ? [when('exception', claimed(rule.exception))] : []),
    when('basis', groundOf(rule.basis, world.ledPurposes)),
    ...consentOf(rule.basis.consent),
    ...ageOf(rule.timely, world.shorteningFlags),
  ]
  return { id: rule.id, effect: 'permit', clauses }
}

function forbidOf(rule: ForbidStatement): CedarPolicy {
  const { informant, informantParty, restricted, unless, unlessConsent } = rule
  const clauses = [
    ...scopeOf(rule, rule.transfer ?? ['own', 'internal', 'external']),
    ...conditionsOf(rule.when),
    ...exceptionsOf(rule.except),
    ...(informant ? [when('informant', among('context.informant', informant))] : []),
    ...(informantParty
      ? [when('informantParty', meets('context.informantParties', informantParty))]
      : []),
    ...(restricted ? [when('restricted', 'context.restricted')] : []),
    ...(unless.length > 0 ? [not('unless', claimed(unless))] : []),
    ...(unlessConsent === true ? [not('unlessConsent', 'context.consentedExplicitly')] : []),
    ...(typeof unlessConsent === 'object'
      ? [
          not(
            'unlessConsent',
            `context.consentedExplicitly && ${meets('context.consentIsOf', unlessConsent.by)}`,
          ),
        ]
      : []),
  ]
  return { id: rule.id, effect: 'forbid', clauses }
}

function scopeOf(
  rule: PermitStatement | ForbidStatement,
  transfer: readonly Transfer[],
): readonly Clause[] {
  const { to = {}, from = {}, purpose, subject, party, fields } = rule
  return [
    ...recipientOf(to),
    ...sourceOf(from),
    ...(purpose ? [when('purpose', `action in ${entities('Action', purpose)}`)] : []),
    ...(subject ? [when('subject', meets('context.subject.roles', subject))] : []),
    ...(party ? [when('party', meets('context.subject.parties', party))] : []),
    ...(transfer.length < 3
      ? [when('transfer', transfer.map((one) => TRANSFERS[one]).join(' || '))]
      : []),
    when('fields', selects(fields)),
  ]
}

const OWN = '(context.source.agency == principal.agency)'
const ONE_ROOF = '(context.source.organisation == principal.organisation)'
const TRANSFERS: Readonly<Record<Transfer, string>> = {
  own: OWN,
  internal: `(!${OWN} && ${ONE_ROOF})`,
  external: `(!${OWN} && !${ONE_ROOF})`,
}

function recipientOf(to: RecipientClause): readonly Clause[] {
  const { sector, role, actsFor, country, notCountry } = to
  return [
    ...(sector ? [when('to.sector', among('principal.sector', sector))] : []),
    ...(role ? [when('to.role', among('principal.role', role))] : []),
    ...(actsFor ? [when('to.actsFor', meets('principal.actsFor', actsFor))] : []),
    ...(country ? [when('to.country', among('principal.country', country))] : []),
    ...(notCountry ? [not('to.notCountry', among('principal.country', notCountry))] : []),
    ...(['public', 'competentAuthority', 'nationalAuthorisation'] as const).flatMap((name) =>
      to[name] === undefined ? [] : [when(`to.${name}`, `principal.${name} == ${to[name]}`)],
    ),
  ]
}

function sourceOf(from: FromClause): readonly Clause[] {
  const { sector, actsFor } = from
  return [
    ...(sector ? [when('from.sector', among('context.source.sector', sector))] : []),
    ...(actsFor ? [when('from.actsFor', meets('context.source.actsFor', actsFor))] : []),
    ...(['public', 'competentAuthority'] as const).flatMap((name) =>
      from[name] === undefined
        ? []
        : [when(`from.${name}`, `context.source.${name} == ${from[name]}`)],
    ),
  ]
}

function selects(clause: FieldClause): string {
  const list: Exclude<FieldClause, object> | readonly unknown[] = Array.isArray(clause)
    ? clause
    : [clause]
  return (list as readonly (string | Exclude<FieldClause, readonly unknown[]>)[])
    .map((part) => (typeof part === 'string' ? `resource in ${placeOf(part)}` : attributes(part)))
    .map((text) => `(${text})`)
    .join(' || ')
}

function placeOf(selector: string): string {
  if (selector.endsWith('.*')) return entity('RecordType', selector.slice(0, -2))
  return entity(selector.includes('/') ? 'Group' : 'Field', selector)
}

function attributes(part: Exclude<FieldClause, readonly unknown[]>): string {
  const { category, record, locates, informant, statement } = part
  return [
    ...(category ? [meets('resource.categories', category)] : []),
    ...(record ? [`resource in ${entities('RecordType', record)}`] : []),
    ...(locates
      ? [
          `(${meets('resource.locates', locates)} || (resource.locates.contains("subject") && ` +
            `${meets('context.subjectParties', locates)}))`,
        ]
      : []),
    ...(informant ? [among('context.informant', informant)] : []),
    ...(statement ? [among('context.kind', statement)] : []),
  ].join(' && ')
}

function conditionsOf(clause: WhenClause | undefined): readonly Clause[] {
  const { flags = [], anyFlag, noFlags } = clause ?? {}
  return [
    ...flags.map((flag) => when(`when.flags ${flag}`, flagged([flag]))),
    ...(anyFlag ? [when('when.anyFlag', flagged(anyFlag))] : []),
    ...(noFlags ? [not('when.noFlags', flagged(noFlags))] : []),
  ]
}

function exceptionsOf(except: ExceptClause | undefined): readonly Clause[] {
  const { fields, informant, informantParty, kind, flag } = except ?? {}
  return [
    ...(fields ? [not('except.fields', selects(fields))] : []),
    ...(informant ? [not('except.informant', among('context.informant', informant))] : []),
    ...(informantParty
      ? [not('except.informantParty', meets('context.informantParties', informantParty))]
      : []),
    ...(kind ? [not('except.kind', among('context.kind', kind))] : []),
    ...(flag ? [not('except.flag', flagged(flag))] : []),
  ]
}

/** What is asked of the request, of the recipient's trainings and of the value's standing. */
function testsOf({ necessary, accurate, secure, to }: PermitStatement): readonly Clause[] {
  return [
    ...(necessary.justification === 'required' ? [when('justification', 'context.justified')] : []),
    ...(necessary.ethicsNote === 'required' ? [when('ethicsNote', 'context.ethicsNoted')] : []),
    ...(accurate?.verified === 'required' ? [when('verified', 'context.verified')] : []),
    ...(accurate?.contested === 'mark' ? [] : [not('contested', 'context.contested')]),
    ...(secure?.channel === 'any'
      ? []
      : [when('channel', 'context.channel == "sender_constrained"')]),
    ...(secure?.sealed === 'required' ? [when('sealed', 'context.sealed')] : []),
    ...(to.training ?? []).map(({ code, maxAge }) => {
      const age = `principal.trainings.${code}`
      return when(
        `training ${code}`,
        `principal.trainings has ${code} && ${age} <= ${milliseconds(maxAge)}`,
      )
    }),
  ]
}

function agreementOf(clause: AgreementClause | undefined): readonly Clause[] {
  if (!clause?.required || clause.onMissing === 'alert') return []
  const waived = clause.unlessPurpose?.length
    ? ` || action in ${entities('Action', clause.unlessPurpose)}`
    : ''
  return [when('agreement', `${OWN} || context.agreedPurposes.contains(action)${waived}`)]
}

const SPECIAL = 'resource.categories.contains("S9")'
const CRIMINAL = 'resource.categories.contains("C10")'

function groundOf(
  { gdpr, art9, art10, led }: PermitStatement['basis'],
  ledPurposes: readonly string[],
): string {
  const underLed = !led ? 'false' : led.includes('10') ? 'true' : `!${SPECIAL}`
  const mayHold = `principal.public || principal.nationalAuthorisation || ${OWN}`
  const underGdpr = !gdpr
    ? 'false'
    : [
        ...(art9 ? [] : [`!${SPECIAL}`]),
        art10 ? `(!${CRIMINAL} || ${mayHold})` : `!${CRIMINAL}`,
      ].join(' && ')
  const competent = 'context.source.competentAuthority && principal.competentAuthority'
  const theirWork = `action in ${entities('Action', ledPurposes)}`
  return `if ${competent} && ${theirWork} then ${underLed} else (${underGdpr})`
}

function consentOf(need: PermitStatement['basis']['consent']): readonly Clause[] {
  if (need === 'not_needed') return []
  const { purpose, flags, exception } = need === 'required' ? {} : need.unless
  const ways = [
    'context.consentedExplicitly',
    `(context.consented && !${SPECIAL})`,
    ...(purpose ? [`action in ${entities('Action', purpose)}`] : []),
    ...(flags ? [flagged(flags)] : []),
    ...(exception ? [claimed(exception)] : []),
  ]
  return [when('consent', ways.join(' || '))]
}

function ageOf(
  { maxAge = 'catalogue', onStale }: NonNullable<PermitStatement['timely']> = {},
  shorteningFlags: readonly string[],
): readonly Clause[] {
  if (onStale === 'mark' || maxAge === 'none') return []
  if (maxAge !== 'catalogue') return [when('age', `context.age <= ${milliseconds(maxAge)}`)]
  const shortened = shorteningFlags.map((flag) => {
    const applies = `resource.shorter has ${flag} && context.valueFlags.contains("${flag}")`
    return `(!(${applies}) || context.age <= resource.shorter.${flag})`
  })
  const fresh = ['(!(resource has lasts) || context.age <= resource.lasts)', ...shortened]
  return [when('age', fresh.join(' && '))]
}

function when(name: string, text: string): Clause {
  return { name, text: `when { ${text} }` }
}

function not(name: string, text: string): Clause {
  return { name, text: `unless { ${text} }` }
}

function claimed(exceptions: readonly string[]): string {
  return `(context has exception && ${among('context.exception', exceptions)})`
}

function flagged(flags: readonly string[]): string {
  return `(${meets('context.caseFlags', flags)} || ${meets('context.valueFlags', flags)})`
}

function among(what: string, words: readonly string[]): string {
  return `${JSON.stringify(words)}.contains(${what})`
}

function meets(set: string, words: readonly string[]): string {
  return `${set}.containsAny(${JSON.stringify(words)})`
}

function entities(type: string, ids: readonly string[]): string {
  return `[${ids.map((id) => entity(type, id)).join(', ')}]`
}

function entity(type: string, id: string): string {
  return `${type}::${JSON.stringify(id)}`
}

const SECONDS: Readonly<Record<string, number>> = { W: 604_800, D: 86_400, H: 3600, M: 60, S: 1 }

/** @throws Error for a unit without fixed length */
function milliseconds(duration: string): number {
  let total = 0
  for (const [, count, unit = ''] of duration.matchAll(/(\d+)([A-Z])/g)) {
    const seconds = SECONDS[unit]
    if (seconds === undefined) throw new Error(`no fixed length: ${duration}`)
    total += Number(count) * seconds * 1000
  }
  return total
}
