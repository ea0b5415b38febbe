import type { Facts, ValueFacts } from '../policy/facts.ts'
import { CompactWriter } from './compact-bytes.ts'
import type { Reviewed } from './reviewed.ts'

/** First byte of recorded facts; another layout gets another number. */
export const FACTS_LAYOUT = 1

/** Everything that one decision was made on. */
export interface DecisionFacts {
  readonly facts: Facts
  /** What reviewers had said, where the decision followed a review. */
  readonly reviewed?: Reviewed
}

/**
 * Facts as they are recorded beside the decision, so that it can be explained and repeated later: for
 * thirty values about a kilobyte. Fields are named by their index in the catalogue of the moment, times
 * as distances from the decision. There is no field value in facts, so there is none in here.
 *
 * What could not be read then (a value's flags, or who told it) stays unreadable.
 */
export function encodeFacts({ facts, reviewed }: DecisionFacts): Uint8Array {
  const writer = new CompactWriter()
  writer.number(FACTS_LAYOUT)
  writer.time(facts.at)
  writeRequest(writer, facts)
  writeRecipient(writer, facts)
  const { subject } = facts
  writer.text(subject.personId)
  writer.texts(subject.roles)
  writer.texts(subject.parties)
  writer.texts(facts.flags)
  writeConsents(writer, facts)
  writeAgreements(writer, facts)
  writeValues(writer, facts)
  writer.answers(reviewed !== undefined)
  if (reviewed) {
    writer.texts(reviewed.approvedBy)
    writer.texts(reviewed.refusedBy)
    writer.texts([...reviewed.records])
  }
  return writer.end()
}

function writeRequest(writer: CompactWriter, { request }: Facts): void {
  const { exception } = request
  writer.text(request.purpose)
  writer.answers(
    request.justified,
    request.ethicsNoted,
    request.channel === 'bearer',
    request.sealed,
    exception !== undefined,
  )
  if (exception !== undefined) writer.text(exception)
  let before = 0
  writer.list(request.fields, ({ index }) => {
    // Most follow their neighbour, so the distance is small.
    writer.time(index - before)
    before = index
  })
  writer.texts(request.approvedBy)
}

function writeRecipient(writer: CompactWriter, { recipient, at }: Facts): void {
  writer.text(recipient.agencyId)
  writer.text(recipient.organisationId)
  writer.text(recipient.sector)
  writer.text(recipient.country)
  writer.answers(recipient.public, recipient.competentAuthority, recipient.nationalAuthorisation)
  writer.texts(recipient.actsFor)
  writer.text(recipient.role)
  writer.list(recipient.trainings, (training) => {
    writer.text(training.code)
    writer.time(training.at - at)
  })
}

function writeConsents(writer: CompactWriter, { consents, at }: Facts): void {
  writer.list(consents, (consent) => {
    const { withdrawnAt } = consent
    writer.text(consent.id)
    writer.text(consent.personId)
    writer.answers(consent.state === 'given', consent.explicit, withdrawnAt !== undefined)
    writer.time(consent.givenAt - at)
    writer.time(consent.expiresAt - at)
    if (withdrawnAt !== undefined) writer.time(withdrawnAt - at)
    writer.list(consent.items, ({ purpose, recipient, recipientRoles, fields }) => {
      const agency = 'agencyId' in recipient
      writer.text(purpose)
      writer.answers(agency, recipientRoles !== undefined)
      writer.text(agency ? recipient.agencyId : recipient.sector)
      if (recipientRoles) writer.texts(recipientRoles)
      writer.texts(fields)
    })
  })
}

function writeAgreements(writer: CompactWriter, { agreements, at }: Facts): void {
  writer.list(agreements, (agreement) => {
    writer.text(agreement.id)
    writer.texts(agreement.parties)
    writer.texts(agreement.purposes)
    writer.time(agreement.validFrom - at)
    writer.time(agreement.validTo - at)
  })
}

/** What several values of one record have in common; compared as objects, for the loader shares them. */
interface Slot {
  readonly number: number
  readonly value: ValueFacts
  origin: Origin | undefined
}

interface Origin {
  readonly informant: string
  readonly person: string | undefined
  /** Undefined: could not be read. */
  readonly parties: readonly string[] | undefined
  readonly kind: string
  readonly collectedAt: number
  readonly verifiedAt: number | undefined
  /** Undefined: could not be read. */
  readonly flags: readonly string[] | undefined
}

function writeValues(writer: CompactWriter, { values, at }: Facts): void {
  const slots = new Map<string, Slot>()
  let count = 0
  writer.list(values, (value) => {
    let slot = slots.get(value.recordId)
    if (!slot || !isOfSlot(slot.value, value)) {
      slot = { number: count++, value, origin: undefined }
      slots.set(value.recordId, slot)
      writer.number(slot.number)
      writeRecord(writer, value)
    } else writer.number(slot.number)
    writer.number(value.field.index)
    const origin = originOf(value)
    const same = slot.origin !== undefined && isSameOrigin(slot.origin, origin)
    writer.answers(same, value.contested, value.restricted, value.releasedBefore)
    if (!same) writeOrigin(writer, origin, at)
    slot.origin = origin
  })
}

function isOfSlot(a: ValueFacts, b: ValueFacts): boolean {
  return (
    a.version === b.version &&
    a.source === b.source &&
    a.subjectParties === b.subjectParties &&
    a.conditions === b.conditions
  )
}

function writeRecord(writer: CompactWriter, value: ValueFacts): void {
  const { source } = value
  writer.text(value.recordId)
  writer.number(value.version)
  writer.text(source.agencyId)
  writer.text(source.organisationId)
  writer.text(source.sector)
  writer.answers(source.public, source.competentAuthority)
  writer.texts(source.actsFor)
  writer.texts(value.subjectParties)
  writer.texts(value.conditions)
}

function originOf(value: ValueFacts): Origin {
  return {
    informant: value.informant,
    person: value.informantPersonId,
    parties: readable(() => value.informantParties),
    kind: value.kind,
    collectedAt: value.collectedAt,
    verifiedAt: value.verifiedAt,
    flags: readable(() => value.flags),
  }
}

function readable<Fact>(read: () => Fact): Fact | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function isSameOrigin(a: Origin, b: Origin): boolean {
  return (
    a.informant === b.informant &&
    a.person === b.person &&
    a.parties === b.parties &&
    a.kind === b.kind &&
    a.collectedAt === b.collectedAt &&
    a.verifiedAt === b.verifiedAt &&
    a.flags === b.flags
  )
}

function writeOrigin(writer: CompactWriter, origin: Origin, at: number): void {
  const { person, parties, verifiedAt, flags } = origin
  writer.text(origin.informant)
  writer.text(origin.kind)
  writer.answers(
    person !== undefined,
    parties !== undefined,
    verifiedAt !== undefined,
    flags !== undefined,
  )
  writer.time(origin.collectedAt - at)
  if (person !== undefined) writer.text(person)
  if (parties) writer.texts(parties)
  if (verifiedAt !== undefined) writer.time(verifiedAt - at)
  if (flags) writer.texts(flags)
}
