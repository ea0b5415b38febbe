import type { FieldDefinition } from '../../src/domain/catalogue/types.ts'
import type { AgreementFacts, Facts, ValueFacts } from '../../src/domain/policy/facts.ts'
import type { Nation } from '../../test/policy/interpreter.ts'
import { consentsTo } from './consents-to.ts'

const DAY = 86_400_000

/**
 * What Cedar is asked about one value. Attributes go as they are; Cedar has no loops over records, so
 * three things are looked up here: live consents, the purposes of agreements in force between the two
 * agencies, and the age of the newest training of each kind.
 */
export function cedarRequest(facts: Facts, value: ValueFacts, nation: Nation): object {
  const { recipient, request, at } = facts
  const principal = { type: 'Practitioner', id: 'asking' }
  const { agencyId: agency, organisationId: organisation, trainings, ...rest } = recipient
  return {
    principal,
    action: { type: 'Action', id: request.purpose },
    resource: { type: 'Field', id: value.field.id },
    context: contextOf(facts, value),
    entities: [
      {
        uid: principal,
        attrs: { ...rest, agency, organisation, trainings: newestAges(trainings, at) },
        parents: [],
      },
      ...placesOf(value.field, nation),
    ],
  }
}

function contextOf(facts: Facts, value: ValueFacts): object {
  const { request, recipient, subject, at } = facts
  const { source } = value
  const { justified, ethicsNoted, sealed, channel, exception } = request
  const { informant, informantParties, kind, subjectParties, contested, restricted } = value
  return {
    source: {
      agency: source.agencyId,
      organisation: source.organisationId,
      sector: source.sector,
      public: source.public,
      competentAuthority: source.competentAuthority,
      actsFor: source.actsFor,
    },
    subject: { roles: subject.roles, parties: subject.parties },
    ...{ justified, ethicsNoted, sealed, channel },
    ...(exception === undefined ? {} : { exception }),
    ...{ informant, informantParties, kind, subjectParties, contested, restricted },
    valueFlags: value.flags,
    caseFlags: facts.flags,
    verified: value.verifiedAt !== undefined,
    age: at - (value.verifiedAt ?? value.collectedAt),
    agreedPurposes: agreedPurposes(facts.agreements, source.agencyId, recipient.agencyId, at),
    ...consentsTo(facts, value),
  }
}

/** The field with its group and record type, and what the catalogue and the nation say of it. */
function placesOf(field: FieldDefinition, nation: Nation): readonly object[] {
  const group = { type: 'Group', id: field.group }
  const record = { type: 'RecordType', id: field.record }
  const { id, categories, locates, freshness } = field
  const aging = freshness.kind === 'days'
  const lasts = aging
    ? { lasts: nation.freshness?.get(field.index)?.ms ?? freshness.days * DAY }
    : {}
  const shorter = Object.entries(aging ? (freshness.whenFlag ?? {}) : {}).map(
    ([flag, days]) => [flag, days * DAY] as const,
  )
  return [
    {
      uid: { type: 'Field', id },
      attrs: { categories, locates, ...lasts, shorter: Object.fromEntries(shorter) },
      parents: [group],
    },
    { uid: group, attrs: {}, parents: [record] },
    { uid: record, attrs: {}, parents: [] },
  ]
}

function agreedPurposes(
  agreements: readonly AgreementFacts[],
  holder: string,
  asker: string,
  at: number,
): readonly object[] {
  const purposes = new Set<string>()
  for (const agreement of agreements) {
    if (at < agreement.validFrom || at >= agreement.validTo) continue
    if (![holder, asker].every((agency) => agreement.parties.includes(agency))) continue
    for (const purpose of agreement.purposes) purposes.add(purpose)
  }
  return [...purposes].map((id) => ({ __entity: { type: 'Action', id } }))
}

function newestAges(trainings: Facts['recipient']['trainings'], at: number) {
  const ages: Record<string, number> = {}
  for (const { code, at: when } of trainings) {
    if (when > at) continue
    ages[code] = Math.min(ages[code] ?? Infinity, at - when)
  }
  return ages
}
