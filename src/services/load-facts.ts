/** Turns what the gate read into the facts of one decision (architecture §3, step 2). */
import type { Catalogue, FieldDefinition, Informant, Party } from '../domain/catalogue/types.ts'
import { attestedFlags } from '../domain/catalogue/flags.ts'
import type { PolicyFlag } from '../domain/catalogue/policy-flags.ts'
import { isPerpetratorSide, partiesOf } from '../domain/case/parties.ts'
import type { StoredField, StoredProvenance } from '../domain/case/stored-record.ts'
import type { ActsFor, PractitionerRole, TrainingCode } from '../domain/case/vocabulary.ts'
import type { ConsentFacts, Facts, RequestFacts, ValueFacts } from '../domain/policy/facts.ts'
import type { GateConsent, GateContext, GateRecord } from '../storage/gate.ts'
import type { Opened } from '../vault/sealed-record.ts'

/** Flags of each record, by record id, as far as they open. */
export type RecordFlags = ReadonlyMap<string, Opened<readonly PolicyFlag[]>>

/** A context in which agency, membership and subject were found and the practitioner recognised. */
export type RecognisedContext = GateContext & {
  readonly [Name in 'agency' | 'practitioner' | 'membership' | 'subject']: NonNullable<
    GateContext[Name]
  >
}

/** The facts of one decision at `at`. Times become milliseconds, roles become parties. */
export function loadFacts(
  catalogue: Catalogue,
  context: RecognisedContext,
  records: readonly GateRecord[],
  flags: RecordFlags,
  request: RequestFacts,
  role: PractitionerRole,
  at: Date,
): Facts {
  const actsFor: readonly ActsFor[] = [context.membership]
  const wanted = new Set(request.fields)
  const values = records.flatMap((record) =>
    record.subject_key ? valuesOf(catalogue, context, record, wanted, flags) : [],
  )
  return {
    at: at.getTime(),
    request,
    recipient: {
      agencyId: context.agency.id,
      sector: context.agency.sector,
      country: context.agency.country,
      public: context.agency.public,
      competentAuthority: context.agency.competentAuthority,
      nationalAuthorisation: context.agency.nationalAuthorisation,
      organisationId: context.agency.organisationId,
      actsFor,
      role,
      trainings: context.practitioner.trainings.map(({ code, at: trainedAt }) => ({
        code: code as TrainingCode,
        at: Date.parse(trainedAt),
      })),
    },
    subject: {
      personId: context.subject.id,
      roles: context.subject.roles,
      parties: partiesOf(context.subject.roles),
    },
    values: inOrderAsked(request.fields, values),
    consents: context.consents.map((consent) => consentFacts(consent, at)),
    agreements: context.agreements.map((agreement) => ({
      ...agreement,
      validFrom: Date.parse(agreement.validFrom),
      validTo: Date.parse(agreement.validTo),
    })),
    flags: caseFlags(context, records, flags, isPerpetratorSide(actsFor)),
  }
}

function valuesOf(
  catalogue: Catalogue,
  context: RecognisedContext,
  record: GateRecord,
  wanted: ReadonlySet<FieldDefinition>,
  flags: RecordFlags,
): ValueFacts[] {
  const definitions = catalogue.recordsByType[record.type]?.fields ?? []
  const asked = new Map(definitions.filter((f) => wanted.has(f)).map((f) => [f.name, f]))
  if (asked.size === 0) return []
  const today = new Map(
    (record.current_fields ?? record.fields).map((field) => [field.name, field]),
  )
  const shared = {
    recordId: record.record_id,
    version: record.version,
    source: {
      agencyId: record.agency_id,
      sector: record.sector,
      organisationId: record.organisation_id,
      competentAuthority: record.competent_authority,
      actsFor: record.acts_for ? [record.acts_for] : [],
    },
    subjectParties: partiesOfPerson(context, record.subject_id),
    conditions: record.conditions,
  }
  return record.fields.flatMap((stored) => {
    const field = asked.get(stored.name)
    const provenance = record.provenance[stored.provenance]
    // A field that is no longer in the record's current version was taken out: a repeat must not bring it back.
    const now = today.get(stored.name)
    if (!field || !provenance || !now) return []
    return [
      {
        ...shared,
        ...provenanceFacts(context, provenance),
        ...stateFacts(now),
        field,
        releasedBefore: record.released?.includes(field.id) ?? false,
        get flags() {
          const known = flags.get(record.record_id)
          // Read inside the decision on this value: there an error withholds the value and nothing else.
          if (!known?.opened) throw new Error('the policy flags of a record do not open')
          return attestedFlags(known.value, record.sector)
        },
      },
    ]
  })
}

const stateFacts = (stored: StoredField) => ({
  contested: stored.contested ?? false,
  restricted: stored.restricted ?? false,
})

function provenanceFacts(context: RecognisedContext, provenance: StoredProvenance) {
  const { informantPersonId, verifiedAt } = provenance
  return {
    informant: provenance.informant as Informant,
    kind: provenance.kind,
    collectedAt: Date.parse(provenance.collectedAt),
    informantParties: partiesOfPerson(context, informantPersonId ?? null),
    ...(informantPersonId === undefined ? {} : { informantPersonId }),
    ...(verifiedAt === undefined ? {} : { verifiedAt: Date.parse(verifiedAt) }),
  }
}

function partiesOfPerson(context: RecognisedContext, personId: string | null): readonly Party[] {
  return personId === null ? [] : partiesOf(context.persons[personId] ?? [])
}

function consentFacts(consent: GateConsent, at: Date): ConsentFacts {
  const withdrawnAt = consent.withdrawnAt === null ? undefined : Date.parse(consent.withdrawnAt)
  return {
    id: consent.id,
    personId: consent.personId,
    state: withdrawnAt !== undefined && withdrawnAt <= at.getTime() ? 'withdrawn' : 'given',
    givenAt: Date.parse(consent.givenAt),
    expiresAt: Date.parse(consent.expiresAt),
    ...(withdrawnAt === undefined ? {} : { withdrawnAt }),
    explicit: consent.explicit,
    items: consent.items as ConsentFacts['items'],
  }
}

/**
 * Flags of all records read. The perpetrator's side is not to feel, not even through a rule's
 * condition, what the victim's side told: its decisions see only flags that come from elsewhere.
 */
function caseFlags(
  context: RecognisedContext,
  records: readonly GateRecord[],
  flags: RecordFlags,
  perpetratorSide: boolean,
): readonly PolicyFlag[] {
  const all = new Set<PolicyFlag>()
  for (const record of records) {
    if (!record.sealed_flags || !record.subject_key) continue
    if (perpetratorSide && isFromOrAboutVictimSide(context, record)) continue
    const known = flags.get(record.record_id)
    if (!known?.opened) continue
    for (const flag of attestedFlags(known.value, record.sector)) all.add(flag)
  }
  return [...all].sort()
}

function isFromOrAboutVictimSide(context: RecognisedContext, record: GateRecord): boolean {
  const shielded = (parties: readonly Party[]) =>
    parties.includes('victim') || parties.includes('child')
  return (
    record.acts_for === 'victim' ||
    record.acts_for === 'child' ||
    record.acts_for === null ||
    shielded(partiesOfPerson(context, record.subject_id)) ||
    record.provenance.some(
      ({ informant, informantPersonId }) =>
        ['V', 'VS', 'CH', 'CP'].includes(informant) ||
        shielded(partiesOfPerson(context, informantPersonId ?? null)),
    )
  )
}

function inOrderAsked(
  fields: readonly FieldDefinition[],
  values: readonly ValueFacts[],
): readonly ValueFacts[] {
  const byField = Map.groupBy(values, (value) => value.field)
  return fields.flatMap((field) => byField.get(field) ?? [])
}
