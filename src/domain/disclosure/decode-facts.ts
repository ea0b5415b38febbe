import type { Catalogue, FieldDefinition } from '../catalogue/types.ts'
import type {
  AgreementFacts,
  ConsentFacts,
  ConsentItem,
  Facts,
  RecipientFacts,
  RequestFacts,
  SourceFacts,
  SubjectFacts,
  ValueFacts,
} from '../policy/facts.ts'
import { CompactReader, MalformedBytes } from './compact-bytes.ts'
import { type DecisionFacts, FACTS_LAYOUT } from './encode-facts.ts'

/**
 * The facts of a past decision, as `encodeFacts` recorded them. What could not be read then throws when
 * it is read now, so that the same value is withheld for the same cause.
 *
 * @param catalogue the one of the moment of decision
 * @throws MalformedBytes
 */
export function decodeFacts(bytes: Uint8Array, catalogue: Catalogue): DecisionFacts {
  const reader = new CompactReader(bytes)
  if (reader.number() !== FACTS_LAYOUT) throw new MalformedBytes()
  const at = reader.time()
  const fieldAt = (index: number): FieldDefinition => {
    const field = catalogue.fields[index]
    if (!field) throw new MalformedBytes()
    return field
  }
  const facts: Facts = {
    at,
    request: readRequest(reader, fieldAt),
    recipient: readRecipient(reader, at),
    subject: {
      personId: reader.text(),
      roles: reader.texts() as unknown as SubjectFacts['roles'],
      parties: reader.texts() as unknown as SubjectFacts['parties'],
    },
    flags: reader.texts() as unknown as Facts['flags'],
    consents: reader.list(() => readConsent(reader, at)),
    agreements: reader.list(() => readAgreement(reader, at)),
    values: readValues(reader, at, fieldAt),
  }
  const [hasReview] = reader.answers()
  if (!hasReview) return { facts }
  const [approvedBy, refusedBy] = [reader.texts(), reader.texts()]
  return { facts, reviewed: { approvedBy, refusedBy, records: new Set(reader.texts()) } }
}

type FieldAt = (index: number) => FieldDefinition

function readRequest(reader: CompactReader, fieldAt: FieldAt): RequestFacts {
  const purpose = reader.text() as RequestFacts['purpose']
  const [justified, ethicsNoted, bearer, sealed, claimed] = reader.answers()
  const exception = claimed ? (reader.text() as RequestFacts['exception']) : undefined
  let index = 0
  const fields = reader.list(() => fieldAt((index += reader.time())))
  return {
    purpose,
    fields,
    justified: justified === true,
    ethicsNoted: ethicsNoted === true,
    channel: bearer ? 'bearer' : 'sender_constrained',
    sealed: sealed === true,
    approvedBy: reader.texts(),
    ...(exception === undefined ? {} : { exception }),
  }
}

function readRecipient(reader: CompactReader, at: number): RecipientFacts {
  const agencyId = reader.text()
  const organisationId = reader.text()
  const sector = reader.text() as RecipientFacts['sector']
  const country = reader.text()
  const [isPublic, competent, authorised] = reader.answers()
  return {
    agencyId,
    organisationId,
    sector,
    country,
    public: isPublic === true,
    competentAuthority: competent === true,
    nationalAuthorisation: authorised === true,
    actsFor: reader.texts() as unknown as RecipientFacts['actsFor'],
    role: reader.text() as RecipientFacts['role'],
    trainings: reader.list(() => {
      const code = reader.text() as RecipientFacts['trainings'][number]['code']
      return { code, at: at + reader.time() }
    }),
  }
}

function readConsent(reader: CompactReader, at: number): ConsentFacts {
  const id = reader.text()
  const personId = reader.text()
  const [given, explicit, ended] = reader.answers()
  const givenAt = at + reader.time()
  const expiresAt = at + reader.time()
  const withdrawnAt = ended ? at + reader.time() : undefined
  return {
    id,
    personId,
    state: given ? 'given' : 'withdrawn',
    explicit: explicit === true,
    givenAt,
    expiresAt,
    ...(withdrawnAt === undefined ? {} : { withdrawnAt }),
    items: reader.list(() => readConsentItem(reader)),
  }
}

function readConsentItem(reader: CompactReader): ConsentItem {
  const purpose = reader.text() as ConsentItem['purpose']
  const [agency, roles] = reader.answers()
  const name = reader.text()
  const recipientRoles = roles ? reader.texts() : undefined
  return {
    purpose,
    recipient: (agency ? { agencyId: name } : { sector: name }) as ConsentItem['recipient'],
    ...(recipientRoles === undefined
      ? {}
      : {
          recipientRoles: recipientRoles as unknown as NonNullable<ConsentItem['recipientRoles']>,
        }),
    fields: reader.texts(),
  }
}

function readAgreement(reader: CompactReader, at: number): AgreementFacts {
  return {
    id: reader.text(),
    parties: reader.texts(),
    purposes: reader.texts() as unknown as AgreementFacts['purposes'],
    validFrom: at + reader.time(),
    validTo: at + reader.time(),
  }
}

/** What the values of one record have in common. */
type OfRecord = Pick<
  ValueFacts,
  'recordId' | 'version' | 'source' | 'subjectParties' | 'conditions'
>

/** Where one value, or several of a record, came from. */
interface Origin {
  readonly informant: ValueFacts['informant']
  readonly informantPersonId?: string
  /** Undefined: could not be read. */
  readonly parties: ValueFacts['informantParties'] | undefined
  readonly kind: ValueFacts['kind']
  readonly collectedAt: number
  readonly verifiedAt?: number
  /** Undefined: could not be read. */
  readonly flags: ValueFacts['flags'] | undefined
}

function readValues(reader: CompactReader, at: number, fieldAt: FieldAt): ValueFacts[] {
  const slots: { readonly record: OfRecord; origin: Origin | undefined }[] = []
  return reader.list(() => {
    const number = reader.number()
    if (number > slots.length) throw new MalformedBytes()
    const slot = (slots[number] ??= { record: readRecord(reader), origin: undefined })
    const field = fieldAt(reader.number())
    const [same, contested, restricted, releasedBefore] = reader.answers()
    if (!same) slot.origin = readOrigin(reader, at)
    if (!slot.origin) throw new MalformedBytes()
    return recordedValue(slot.record, slot.origin, {
      field,
      contested: contested === true,
      restricted: restricted === true,
      releasedBefore: releasedBefore === true,
    })
  })
}

function readRecord(reader: CompactReader): OfRecord {
  const recordId = reader.text()
  const version = reader.number()
  const agencyId = reader.text()
  const organisationId = reader.text()
  const sector = reader.text() as SourceFacts['sector']
  const [isPublic, competent] = reader.answers()
  const source: SourceFacts = {
    agencyId,
    organisationId,
    sector,
    public: isPublic === true,
    competentAuthority: competent === true,
    actsFor: reader.texts() as unknown as SourceFacts['actsFor'],
  }
  return {
    recordId,
    version,
    source,
    subjectParties: reader.texts() as unknown as ValueFacts['subjectParties'],
    conditions: reader.texts(),
  }
}

function readOrigin(reader: CompactReader, at: number): Origin {
  const informant = reader.text() as Origin['informant']
  const kind = reader.text() as Origin['kind']
  const [hasPerson, hasParties, isVerified, hasFlags] = reader.answers()
  const collectedAt = at + reader.time()
  const informantPersonId = hasPerson ? reader.text() : undefined
  const parties = hasParties ? reader.texts() : undefined
  const verifiedAt = isVerified ? at + reader.time() : undefined
  return {
    informant,
    kind,
    collectedAt,
    ...(informantPersonId === undefined ? {} : { informantPersonId }),
    parties: parties as Origin['parties'],
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
    flags: (hasFlags ? reader.texts() : undefined) as Origin['flags'],
  }
}

function recordedValue(
  record: OfRecord,
  { parties, flags, ...origin }: Origin,
  own: Pick<ValueFacts, 'field' | 'contested' | 'restricted' | 'releasedBefore'>,
): ValueFacts {
  const value = { ...record, ...origin, ...own }
  if (parties && flags) return { ...value, informantParties: parties, flags }
  return Object.defineProperties(value, {
    informantParties: reading(parties),
    flags: reading(flags),
  }) as ValueFacts
}

/** A fact as it was found: there, or one that could not be had. */
function reading<Fact>(fact: Fact | undefined): PropertyDescriptor {
  if (fact !== undefined) return { enumerable: true, value: fact }
  return {
    get: () => {
      throw new Error('could not be read when this was decided')
    },
  }
}
