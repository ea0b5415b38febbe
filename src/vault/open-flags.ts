import type { Crypto } from '../crypto/sodium.ts'
import { flagsData, recordKeyData } from './associated-data.ts'
import { attempt } from './attempt.ts'
import { type BorrowedKeys, borrowKeys } from './borrowed-keys.ts'
import type { KeyRing } from './key-ring.ts'
import { decodePlaintext } from './plaintext.ts'
import type { FieldFlags, Opened, SealedRecord } from './sealed-record.ts'

/**
 * Opens the policy flags of records, by record id and then by the field that raised them, since who
 * told a value is who raised its flags; for the facts loader alone. A record that can raise none has
 * no fields. One that fails must not be decided as if it had none.
 */
export function openFlags(
  crypto: Crypto,
  keyRing: KeyRing,
  records: readonly SealedRecord[],
): ReadonlyMap<string, Opened<FieldFlags>> {
  return borrowKeys(
    crypto,
    keyRing,
    (keys) => new Map(records.map((record) => [record.recordId, flagsOf(crypto, keys, record)])),
  )
}

/** The flags by field. @throws BrokenSeal */
export function openFieldFlags(
  crypto: Crypto,
  dataKey: Uint8Array,
  recordId: string,
  sealedFlags: Uint8Array,
): FieldFlags {
  return decodePlaintext(crypto.open(dataKey, sealedFlags, flagsData(recordId))) as FieldFlags
}

function flagsOf(crypto: Crypto, keys: BorrowedKeys, record: SealedRecord): Opened<FieldFlags> {
  const { recordId, sealedFlags, subjectKey, wrappedKey } = record
  if (!sealedFlags) return { opened: true, value: {} }
  const dataKey = keys.dataKey(record, subjectKey, wrappedKey, recordKeyData(record))
  if (!dataKey.opened) return dataKey
  return attempt(() => openFieldFlags(crypto, dataKey.value, recordId, sealedFlags), 'value_broken')
}
