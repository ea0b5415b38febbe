/**
 * What each sealed thing is bound to. Sealed bytes open only under the associated data with which
 * they were sealed, so that a ciphertext moved to another record, field, version, person, agency or
 * case is noticed, even by one who can write to every table but has no key.
 *
 * Layout: label, NUL, ids of 16 bytes each, numbers of 4 bytes each (big-endian), and at most one
 * text, which comes last. Labels hold no NUL and everything between label and text has a length fixed
 * by the label, so no two things share one encoding.
 */

const UUID_BYTES = 16

/** Whose values a key protects: one person, or one case as a whole, at one controlling agency. */
export interface KeyOwner {
  /** Id of the person, or of the case. */
  readonly ownerId: string
  readonly agencyId: string
}

/** One record, and under whose key it lies. */
export interface RecordRef extends KeyOwner {
  readonly recordId: string
  readonly caseId: string
}

/** One piece of free text outside of records, and under whose key it lies. */
export interface TextRef extends KeyOwner {
  readonly kind:
    'disclosure_notes' | 'review_note' | 'local_reference' | 'contestation_note' | 'withdrawal_note'
  /** UUID of what it belongs to: the disclosure, the task, the person or the case. */
  readonly id: string
}

/** For the data key of a record, under the subject key. */
export function recordKeyData({ recordId, caseId, agencyId, ownerId }: RecordRef): Uint8Array {
  return encode('ostiary/v1/record-key', [recordId, caseId, agencyId, ownerId])
}

/** For the values of one record: gives the data of a field, by name and version in which it was set. */
export function fieldData(recordId: string): (name: string, setIn: number) => Uint8Array {
  const prefix = encode('ostiary/v1/field', [recordId])
  return (name, setIn) => {
    const bytes = Buffer.allocUnsafe(prefix.length + 4 + Buffer.byteLength(name))
    bytes.set(prefix)
    bytes.writeUInt32BE(setIn, prefix.length)
    bytes.write(name, prefix.length + 4)
    return bytes
  }
}

/** For the policy flags of a record; carried from version to version like a value that did not change. */
export function flagsData(recordId: string): Uint8Array {
  return encode('ostiary/v1/flags', [recordId])
}

/** For a subject key, under the key-encryption key of an epoch. */
export function subjectKeyData({ ownerId, agencyId }: KeyOwner, epoch: number): Uint8Array {
  return encode('ostiary/v1/subject-key', [ownerId, agencyId], [epoch])
}

/** For the data key of a text, under the subject key. */
export function textKeyData({ kind, id, agencyId, ownerId }: TextRef): Uint8Array {
  return encode('ostiary/v1/text-key', [id, agencyId, ownerId], [], kind)
}

/** For the text itself. */
export function textData({ kind, id }: TextRef): Uint8Array {
  return encode('ostiary/v1/text', [id], [], kind)
}

/** One decision, whose facts are sealed. */
export interface FactsRef {
  readonly disclosureId: string
}

/** For one layer of the data key of a decision's facts, under the subject key of its owner. */
export function factsKeyData({ disclosureId }: FactsRef, owner: KeyOwner): Uint8Array {
  return encode('ostiary/v1/facts-key', [disclosureId, owner.ownerId, owner.agencyId])
}

/** For the facts themselves. */
export function factsData({ disclosureId }: FactsRef): Uint8Array {
  return encode('ostiary/v1/facts', [disclosureId])
}

/** For a secret of the server, under the key-encryption key of an epoch. */
export function secretData(context: string, epoch: number): Uint8Array {
  return encode('ostiary/v1/secret', [], [epoch], context)
}

/** For the value by which a wrong key-encryption key is recognised. */
export function keyCheckData(epoch: number): Uint8Array {
  return encode('ostiary/v1/key-check', [], [epoch])
}

function encode(
  label: string,
  ids: readonly string[],
  numbers: readonly number[] = [],
  text = '',
): Uint8Array {
  const fixed = label.length + 1 + ids.length * UUID_BYTES + numbers.length * 4
  const bytes = Buffer.allocUnsafe(fixed + Buffer.byteLength(text))
  let at = bytes.write(`${label}\0`, 'latin1')
  for (const id of ids) at += writeUuid(bytes, id, at)
  for (const number of numbers) at = bytes.writeUInt32BE(number, at)
  bytes.write(text, at)
  return bytes
}

/** The sixteen bytes, so that upper and lower case are one id. */
function writeUuid(bytes: Buffer, uuid: string, at: number): number {
  if (uuid.length !== 36) throw new TypeError('expected a UUID')
  let to = at
  for (let from = 0; from < 36; from += 2) {
    if (DASHES.includes(from)) {
      if (uuid[from] !== '-') throw new TypeError('expected a UUID')
      from++
    }
    bytes[to++] = (nibble(uuid, from) << 4) | nibble(uuid, from + 1)
  }
  return UUID_BYTES
}

const DASHES: readonly number[] = [8, 13, 18, 23]

/** A hexadecimal digit. By hand, since this runs for every value and a call into Node costs more than it. */
function nibble(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  if (letter >= 0x61 && letter <= 0x66) return letter - 0x57
  throw new TypeError('expected a UUID')
}
