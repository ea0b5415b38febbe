import { partiesOf } from '../case/parties.ts'
import type { PersonRole } from '../case/vocabulary.ts'
import { selectFields } from '../catalogue/select.ts'
import type { Catalogue, Party } from '../catalogue/types.ts'
import { durationMs } from './duration.ts'
import type { ConsentFacts, Facts, SourceFacts, ValueFacts } from './facts.ts'
import type {
  Given,
  GivenConsent,
  GivenValue,
  PolicySuite,
  SuiteAgency,
  SuiteCase,
  SuiteRequest,
} from './suite.ts'
import { SuiteError } from './suite-error.ts'

const DEFAULT_AT = '2026-01-15T12:00:00Z'
const DEFAULT_AGE = 'PT1H'
const CONSENT_LASTS = 'P180D'

/**
 * The facts of one case of a suite: what the case states, else what the suite states, else the default.
 *
 * @throws SuiteError when a person, an agency or a part of the request is not stated anywhere
 */
export function factsOfCase(suite: PolicySuite, one: SuiteCase, catalogue: Catalogue): Facts {
  const given: Given = { ...suite.given, ...one.given }
  const when = requestOf(suite, one)
  const world = { suite, catalogue, at: Date.parse(suite.at ?? DEFAULT_AT) }
  const values = (given.values ?? []).flatMap((value, i) => valuesOf(world, value, i))
  const fields = when.fields
    ? when.fields.flatMap((selector) => selectFields(catalogue, selector))
    : values.map((value) => value.field)
  return {
    at: world.at,
    request: {
      purpose: when.purpose,
      fields: [...new Set(fields)],
      justified: when.justified ?? false,
      ethicsNoted: when.ethicsNoted ?? false,
      ...(when.exception === undefined ? {} : { exception: when.exception }),
      channel: when.channel ?? 'sender_constrained',
      sealed: when.sealed ?? false,
      approvedBy: (when.approvedBy ?? []).map((name) => agencyNamed(suite, name) && name),
    },
    recipient: recipientOf(world, when),
    subject: {
      personId: when.about,
      roles: rolesOf(suite, when.about),
      parties: partiesOfPerson(suite, when.about),
    },
    values,
    consents: (given.consents ?? []).map((consent, i) => consentOf(world, consent, i)),
    agreements: (given.agreements ?? []).map(({ between, purposes, from, until }, i) => ({
      id: `agreement-${i + 1}`,
      parties: between.map((name) => agencyNamed(suite, name) && name),
      purposes,
      validFrom: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from),
      validTo: until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until),
    })),
    flags: given.flags ?? [],
    // Words are checked against the vocabulary, not against the types of the server's own lists.
  } as Facts
}

interface World {
  readonly suite: PolicySuite
  readonly catalogue: Catalogue
  readonly at: number
}

function recipientOf({ suite, at }: World, when: SuiteRequest) {
  const agency = agencyNamed(suite, when.agency)
  return {
    agencyId: when.agency,
    sector: agency.sector,
    country: agency.country ?? 'AT',
    public: agency.public ?? false,
    competentAuthority: agency.competentAuthority ?? false,
    nationalAuthorisation: agency.nationalAuthorisation ?? false,
    organisationId: agency.organisation ?? when.agency,
    actsFor: agency.actsFor,
    role: when.role,
    trainings: Object.entries(when.trainings ?? {}).map(([code, age]) => ({
      code,
      at: ago(at, age),
    })),
  }
}

/** The request of a case, complete. */
function requestOf(suite: PolicySuite, one: SuiteCase): SuiteRequest {
  const { agency, role, about, purpose, ...rest } = { ...suite.when, ...one.when }
  if (agency === undefined || role === undefined || about === undefined || purpose === undefined) {
    throw new SuiteError('`when` needs agency, role, about and purpose')
  }
  return { agency, role, about, purpose, ...rest }
}

function valuesOf(world: World, given: GivenValue, index: number): readonly ValueFacts[] {
  const shared = sharedOf(world, given, index)
  return [...fieldsOf(world.catalogue, given)].map(
    (field) => ({ ...shared, field, kind: given.kind ?? field.kind ?? 'fact' }) as ValueFacts,
  )
}

function fieldsOf(catalogue: Catalogue, { field, but = [] }: GivenValue) {
  const out = new Set(fieldsNamed(catalogue, but))
  const named = fieldsNamed(catalogue, typeof field === 'string' ? [field] : field)
  return new Set(named.filter((one) => !out.has(one)))
}

/** Of selectors, or of `*` for every field. */
function fieldsNamed(catalogue: Catalogue, selectors: readonly string[]) {
  return selectors.flatMap((selector) =>
    selector === '*' ? catalogue.fields : selectFields(catalogue, selector),
  )
}

/** What the values of all fields that one entry names have in common. */
function sharedOf({ suite, at }: World, given: GivenValue, index: number) {
  const { toldBy, about, verified } = given
  return {
    recordId: `record-${index + 1}`,
    version: 1,
    source: sourceOf(suite, given.heldBy),
    informant: given.informant ?? informantOf(suite, toldBy),
    ...(toldBy === undefined ? {} : { informantPersonId: toldBy }),
    informantParties: toldBy === undefined ? [] : partiesOfPerson(suite, toldBy),
    collectedAt: ago(at, given.age ?? DEFAULT_AGE),
    ...(verified === undefined ? {} : { verifiedAt: ago(at, verified) }),
    subjectParties: about === undefined ? [] : partiesOfPerson(suite, about),
    contested: given.contested ?? false,
    restricted: given.restricted ?? false,
    flags: given.flags ?? [],
    conditions: given.conditions ?? [],
    releasedBefore: given.releasedBefore ?? false,
  }
}

const CODE_OF_PARTY: Record<Party, string> = { victim: 'V', perpetrator: 'P', child: 'CH' }

function informantOf(suite: PolicySuite, toldBy: string | undefined): string {
  const party = toldBy === undefined ? undefined : partiesOfPerson(suite, toldBy)[0]
  if (!party)
    throw new SuiteError('a value needs `informant`, or `toldBy` with a person of a party')
  return CODE_OF_PARTY[party]
}

function consentOf(
  { suite, catalogue, at }: World,
  given: GivenConsent,
  index: number,
): ConsentFacts {
  const givenAt = ago(at, given.given ?? 'P1D')
  const { to, roles, withdrawn } = given
  rolesOf(suite, given.by)
  const recipient =
    typeof to === 'string' ? { agencyId: agencyNamed(suite, to) && to } : { sector: to.sector }
  return {
    id: `consent-${index + 1}`,
    personId: given.by,
    state: withdrawn === undefined ? 'given' : 'withdrawn',
    givenAt,
    expiresAt: givenAt + ms(given.lasts ?? CONSENT_LASTS),
    ...(withdrawn === undefined ? {} : { withdrawnAt: ago(at, withdrawn) }),
    explicit: given.explicit ?? true,
    items: [
      {
        purpose: given.purpose,
        recipient,
        ...(roles ? { recipientRoles: roles } : {}),
        fields: fieldsNamed(catalogue, given.fields).map((field) => field.id),
      },
    ],
  } as ConsentFacts
}

function sourceOf(suite: PolicySuite, name: string): SourceFacts {
  const agency = agencyNamed(suite, name)
  return {
    agencyId: name,
    sector: agency.sector,
    organisationId: agency.organisation ?? name,
    public: agency.public ?? false,
    competentAuthority: agency.competentAuthority ?? false,
    actsFor: agency.actsFor,
  } as SourceFacts
}

function agencyNamed(suite: PolicySuite, name: string): SuiteAgency {
  const agency = Object.hasOwn(suite.agencies, name) ? suite.agencies[name] : undefined
  if (!agency) throw new SuiteError(`no agency is called \`${name}\``)
  return agency
}

function rolesOf(suite: PolicySuite, name: string): readonly PersonRole[] {
  const roles = Object.hasOwn(suite.people, name) ? suite.people[name] : undefined
  if (!roles) throw new SuiteError(`nobody is called \`${name}\``)
  return roles as readonly PersonRole[]
}

function partiesOfPerson(suite: PolicySuite, name: string): readonly Party[] {
  return partiesOf(rolesOf(suite, name))
}

function ago(at: number, age: string): number {
  return at - ms(age)
}

function ms(duration: string): number {
  return durationMs(duration) ?? Number.NaN
}
