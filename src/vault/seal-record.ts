import type { Crypto } from '../crypto/sodium.ts'
import type { SealedField } from '../domain/case/stored-record.ts'
import type { Json } from '../domain/log/canonical.ts'
import { fieldData, flagsData, type RecordRef, recordKeyData } from './associated-data.ts'
import { borrowKeys, requireKey } from './borrowed-keys.ts'
import type { KeyRing, WrappedSubjectKey } from './key-ring.ts'
import { openFieldFlags } from './open-flags.ts'
import { encodePlaintext } from './plaintext.ts'
import type { FieldFlags, SealedContent, SealedRecord } from './sealed-record.ts'

/** Sealed flags all have one length, so that it does not tell how many were raised. */
const FLAGS_PLAINTEXT = 512

/** Values by field name, without the record type. */
export type FieldValues = Readonly<Record<string, Json>>

/** A new record: to whom it belongs, and the subject key that already is (or will be) in the database. */
export interface NewRecord extends RecordRef {
  readonly version: number
  readonly subjectKey: WrappedSubjectKey
}

/** What changes from one version of a record to the next. */
export interface Amendment {
  /** The new version. */
  readonly version: number
  /** Fields that get a value, new or other than before. */
  readonly fields: FieldValues
  /** Fields that no longer have one. */
  readonly removed?: readonly string[]
  /** Flags of `fields`, as in a deposit; those of all other fields stay. */
  readonly flags?: FieldFlags
}

/**
 * Seals all fields of a new record under a data key of its own. Pass `flags`, if only `{}`, for every
 * record whose type can raise one, so that having none does not show.
 *
 * @throws SubjectKeyClosed
 */
export function sealRecord(
  crypto: Crypto,
  keyRing: KeyRing,
  record: NewRecord,
  fields: FieldValues,
  flags?: FieldFlags,
): SealedContent {
  return borrowKeys(crypto, keyRing, (keys) => {
    const subjectKey = requireKey(keys.subjectKey(record, record.subjectKey))
    const dataKey = crypto.generateKey()
    try {
      return {
        wrappedKey: crypto.wrapKey(subjectKey, dataKey, recordKeyData(record)),
        ...concatenate(sealFields(crypto, dataKey, record.recordId, record.version, fields)),
        sealedFlags: flags ? sealFlags(crypto, dataKey, record.recordId, flags) : null,
      }
    } finally {
      crypto.wipe(dataKey)
    }
  })
}

/**
 * Makes the next version's content. The data key stays the record's own, so values that do not change
 * are carried on as ciphertext: nothing is opened except the flags. What else makes a version
 * (verification, contestation, restriction) changes no value and needs no vault: its bytes are copied.
 *
 * @throws SubjectKeyClosed; BrokenSeal when the flags do not open; TypeError for a record without values
 */
export function amendRecord(
  crypto: Crypto,
  keyRing: KeyRing,
  previous: SealedRecord,
  amendment: Amendment,
): SealedContent {
  const { recordId, wrappedKey } = previous
  const { version, fields, removed = [], flags } = amendment
  const gone = new Set([...Object.keys(fields), ...removed])
  return borrowKeys(crypto, keyRing, (keys) => {
    const dataKey = requireKey(
      keys.dataKey(previous, previous.subjectKey, wrappedKey, recordKeyData(previous)),
    )
    const pieces = [
      ...carry(previous, gone),
      ...sealFields(crypto, dataKey, recordId, version, fields),
    ]
    const merged = mergeFlags(crypto, dataKey, previous, gone, flags)
    return {
      wrappedKey,
      ...concatenate(pieces),
      sealedFlags: merged ? sealFlags(crypto, dataKey, recordId, merged) : null,
    }
  })
}

interface Piece {
  readonly name: string
  readonly setIn: number
  readonly bytes: Uint8Array
}

function sealFields(
  crypto: Crypto,
  dataKey: Uint8Array,
  recordId: string,
  version: number,
  fields: FieldValues,
): Piece[] {
  const associatedData = fieldData(recordId)
  return Object.entries(fields).map(([name, value]) => {
    const plaintext = encodePlaintext(value)
    const bytes = crypto.seal(dataKey, plaintext, associatedData(name, version))
    crypto.wipe(plaintext)
    return { name, setIn: version, bytes }
  })
}

function carry({ sealed, fields }: SealedRecord, gone: ReadonlySet<string>): Piece[] {
  if (!sealed) throw new TypeError('the record was read without its values')
  return fields
    .filter(({ name }) => !gone.has(name))
    .map(({ name, setIn, offset, length }) => {
      const bytes = sealed.subarray(offset, offset + length)
      return { name, setIn, bytes }
    })
}

function concatenate(pieces: readonly Piece[]): Pick<SealedContent, 'sealed' | 'fields'> {
  const sealed = new Uint8Array(pieces.reduce((sum, { bytes }) => sum + bytes.length, 0))
  let offset = 0
  const fields: SealedField[] = []
  for (const { name, setIn, bytes } of pieces) {
    sealed.set(bytes, offset)
    fields.push({ name, offset, length: bytes.length, setIn })
    offset += bytes.length
  }
  return { sealed, fields }
}

function mergeFlags(
  crypto: Crypto,
  dataKey: Uint8Array,
  { recordId, sealedFlags }: SealedRecord,
  gone: ReadonlySet<string>,
  flags: FieldFlags | undefined,
): FieldFlags | undefined {
  if (!sealedFlags) return flags
  const before = Object.entries(openFieldFlags(crypto, dataKey, recordId, sealedFlags))
  return { ...Object.fromEntries(before.filter(([name]) => !gone.has(name))), ...flags }
}

function sealFlags(crypto: Crypto, dataKey: Uint8Array, recordId: string, flags: FieldFlags) {
  const raised = Object.fromEntries(Object.entries(flags).filter(([, names]) => names.length > 0))
  return crypto.seal(dataKey, encodePlaintext(raised, FLAGS_PLAINTEXT), flagsData(recordId))
}
