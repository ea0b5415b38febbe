/** Turns what the gate read into the facts of one decision (architecture §3, step 2). */
import type {
  Catalogue,
  FieldDefinition,
  Informant,
  Party,
  PolicyFlag,
} from '../domain/catalogue/types.ts'
import { partiesOf } from '../domain/case/parties.ts'
import type { StoredField, StoredProvenance } from '../domain/case/stored-record.ts'
import type { ActsFor, PractitionerRole, TrainingCode } from '../domain/case/vocabulary.ts'
import type { ConsentFacts, Facts, RequestFacts, ValueFacts } from '../domain/policy/facts.ts'
import { isSheltered } from '../domain/policy/shield.ts'
import type { GateConsent, GateContext, GateRecord } from '../storage/gate.ts'
import {
  type FlaggedRecords,
  flagsOfCase,
  flagsOfRecord,
  partiesOfInformant,
  partiesOfSubject,
  type RecordFlags,
} from './raised-flags.ts'

/** A context in which agency, membership and subject were found and the practitioner recognised. */
export type RecognisedContext = GateContext & {
  readonly [Name in 'agency' | 'practitioner' | 'membership' | 'subject']: NonNullable<
    GateContext[Name]
  >
}

/**
 * The facts of one decision at `at`. Times become milliseconds, roles become parties. `considered`
 * are the records whose values are asked for; where that is a repeat, at the versions of the first
 * time. How the case stands is always told by the `present` ones: a mandate that was lifted since
 * opens nothing any more.
 */
export function loadFacts(
  catalogue: Catalogue,
  context: RecognisedContext,
  { considered, present }: { considered: FlaggedRecords; present: FlaggedRecords },
  request: RequestFacts,
  role: PractitionerRole,
  at: Date,
): Facts {
  const actsFor: readonly ActsFor[] = [context.membership]
  const wanted = new Set(request.fields)
  const values = considered.records.flatMap((record) =>
    record.subject_key ? valuesOf(catalogue, context, record, wanted, considered.flags) : [],
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
    consents: context.consents.map(consentFacts),
    agreements: context.agreements.map((agreement) => ({
      ...agreement,
      validFrom: Date.parse(agreement.validFrom),
      validTo: Date.parse(agreement.validTo),
    })),
    flags: flagsOfCase(context, present),
  }
}

function valuesOf(
  catalogue: Catalogue,
  context: RecognisedContext,
  record: GateRecord,
  wanted: ReadonlySet<FieldDefinition>,
  flags: FlaggedRecords['flags'],
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
      public: record.public,
      competentAuthority: record.competent_authority,
      actsFor: record.acts_for ? [record.acts_for] : [],
    },
    subjectParties: partiesOfSubject(context, record),
    conditions: record.conditions,
  }
  const ofRecord = flagsOfRecord(context, record, flags)
  const origins = record.provenance.map((provenance) => originOf(context, provenance))
  return record.fields.flatMap((stored) => {
    const field = asked.get(stored.name)
    const origin = origins[stored.provenance]
    // A field that is no longer in the record's current version was taken out: a repeat must not bring it back.
    const now = today.get(stored.name)
    if (!field || !origin || !now) return []
    const releasedBefore = record.released?.includes(field.id) ?? false
    return [new StoredValue(shared, origin, now, { field, releasedBefore }, ofRecord)]
  })
}

type SharedFacts = Pick<
  ValueFacts,
  'recordId' | 'version' | 'source' | 'subjectParties' | 'conditions'
>

/** What is the same for all values of one provenance. */
interface Origin {
  readonly informant: Informant
  readonly informantPersonId: string | undefined
  readonly kind: ValueFacts['kind']
  readonly collectedAt: number
  readonly verifiedAt: number | undefined
  /** Undefined when the person is not among those of the case. */
  readonly told: readonly Party[] | undefined
}

function originOf(context: RecognisedContext, provenance: StoredProvenance): Origin {
  const { informantPersonId, verifiedAt } = provenance
  return {
    informant: provenance.informant as Informant,
    informantPersonId,
    kind: provenance.kind,
    collectedAt: Date.parse(provenance.collectedAt),
    verifiedAt: verifiedAt === undefined ? undefined : Date.parse(verifiedAt),
    told: partiesOfInformant(context, provenance),
  }
}

/** One value. A class, because a request makes dozens of them and only two of its facts are worked out. */
class StoredValue implements ValueFacts {
  readonly field: FieldDefinition
  readonly recordId: string
  readonly version: number
  readonly source: ValueFacts['source']
  readonly informant: Informant
  declare readonly informantPersonId?: string
  readonly kind: ValueFacts['kind']
  readonly collectedAt: number
  declare readonly verifiedAt?: number
  readonly subjectParties: readonly Party[]
  readonly contested: boolean
  readonly restricted: boolean
  readonly conditions: readonly string[]
  readonly releasedBefore: boolean
  readonly #told: readonly Party[] | undefined
  readonly #ofRecord: RecordFlags

  constructor(
    shared: SharedFacts,
    origin: Origin,
    now: StoredField,
    { field, releasedBefore }: Pick<ValueFacts, 'field' | 'releasedBefore'>,
    ofRecord: RecordFlags,
  ) {
    this.field = field
    this.recordId = shared.recordId
    this.version = shared.version
    this.source = shared.source
    this.informant = origin.informant
    if (origin.informantPersonId !== undefined) this.informantPersonId = origin.informantPersonId
    this.kind = origin.kind
    this.collectedAt = origin.collectedAt
    if (origin.verifiedAt !== undefined) this.verifiedAt = origin.verifiedAt
    this.subjectParties = shared.subjectParties
    this.contested = now.contested ?? false
    this.restricted = now.restricted ?? false
    this.conditions = shared.conditions
    this.releasedBefore = releasedBefore
    this.#told = origin.told
    this.#ofRecord = ofRecord
  }

  // Both are read inside the decision on this value: there an error withholds the value and nothing else.
  get informantParties(): readonly Party[] {
    if (!this.#told) throw new Error('who told a value is nobody of the case')
    return this.#told
  }

  get flags(): readonly PolicyFlag[] {
    // A value of hers fails silently or leaves by her consent, so that all may count for it.
    return isSheltered(this) ? this.#ofRecord.all : this.#ofRecord.asSeen
  }
}

/**
 * A consent counts as withdrawn from the commit of the withdrawal on, whatever the clock of this node
 * says: it may be behind the one that wrote the time.
 */
function consentFacts(consent: GateConsent): ConsentFacts {
  const { withdrawnAt } = consent
  return {
    id: consent.id,
    personId: consent.personId,
    state: withdrawnAt === null ? 'given' : 'withdrawn',
    givenAt: Date.parse(consent.givenAt),
    expiresAt: Date.parse(consent.expiresAt),
    ...(withdrawnAt === null ? {} : { withdrawnAt: Date.parse(withdrawnAt) }),
    explicit: consent.explicit,
    items: consent.items as ConsentFacts['items'],
  }
}

function inOrderAsked(
  fields: readonly FieldDefinition[],
  values: readonly ValueFacts[],
): readonly ValueFacts[] {
  const byField = Map.groupBy(values, (value) => value.field)
  return fields.flatMap((field) => byField.get(field) ?? [])
}
