import type { Crypto } from '../crypto/sodium.ts'
import type { Json } from '../domain/log/canonical.ts'
import type { ReleaseVerdict } from '../domain/policy/verdict.ts'
import { fieldData, recordKeyData } from './associated-data.ts'
import { attempt } from './attempt.ts'
import { type BorrowedKeys, borrowKeys } from './borrowed-keys.ts'
import type { KeyRing } from './key-ring.ts'
import { decodePlaintext } from './plaintext.ts'
import type { Opened, SealedRecord } from './sealed-record.ts'

/**
 * Opens the values that verdicts release, and no other: there is no way to a value but a verdict, and
 * one that does not release is refused at run time as well as by its type. The answer is keyed by
 * verdict. A value that does not open is a failure of its own and stops no other.
 *
 * Call it only after the decision has been committed. `generalised` values come out whole; the caller
 * applies the verdict's transform before anything leaves.
 *
 * @throws TypeError when a verdict does not release; then nothing is opened
 */
export function openValues(
  crypto: Crypto,
  keyRing: KeyRing,
  verdicts: readonly ReleaseVerdict[],
  records: readonly SealedRecord[],
): ReadonlyMap<ReleaseVerdict, Opened<Json>> {
  for (const verdict of verdicts) requireRelease(verdict)
  return borrowKeys(crypto, keyRing, (keys) => {
    const openers = new Map<string, Opener>()
    const byId = new Map(records.map((record) => [idOf(record), record]))
    return new Map(
      verdicts.map((verdict) => {
        const id = idOf(verdict)
        let opener = openers.get(id)
        if (!opener) openers.set(id, (opener = openerOf(crypto, keys, byId.get(id))))
        return [verdict, opener(verdict.field.name)]
      }),
    )
  })
}

/** Opens the value of one field of one record. */
type Opener = (name: string) => Opened<Json>

function openerOf(crypto: Crypto, keys: BorrowedKeys, record: SealedRecord | undefined): Opener {
  const notStored = { opened: false, failure: 'not_stored' } as const
  if (!record?.sealed) return () => notStored
  const { recordId, subjectKey, wrappedKey, sealed, fields } = record
  const dataKey = keys.dataKey(record, subjectKey, wrappedKey, recordKeyData(record))
  if (!dataKey.opened) return () => dataKey
  const associatedData = fieldData(recordId)
  return (name) => {
    const field = fields.find((one) => one.name === name)
    if (!field) return notStored
    const { offset, length, setIn } = field
    return attempt(() => {
      const ciphertext = sealed.subarray(offset, offset + length)
      const plaintext = crypto.open(dataKey.value, ciphertext, associatedData(name, setIn))
      const value = decodePlaintext(plaintext)
      crypto.wipe(plaintext)
      return value
    }, 'value_broken')
  }
}

const idOf = ({ recordId, version }: { recordId: string; version: number }): string =>
  `${recordId}/${version}`

function requireRelease({ outcome }: { readonly outcome: string }): void {
  if (outcome === 'released' || outcome === 'generalised') return
  throw new TypeError('only a verdict that releases opens a value')
}
