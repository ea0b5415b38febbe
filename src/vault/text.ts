import type { Crypto } from '../crypto/sodium.ts'
import type { Json } from '../domain/log/canonical.ts'
import { textData, textKeyData, type TextRef } from './associated-data.ts'
import { attempt } from './attempt.ts'
import { borrowKeys, requireKey } from './borrowed-keys.ts'
import type { KeyRing, WrappedSubjectKey } from './key-ring.ts'
import { decodePlaintext, encodePlaintext } from './plaintext.ts'
import type { Opened } from './sealed-record.ts'

/** What somebody wrote in own words (or several such texts in one JSON object), as it is kept. */
export interface SealedText {
  readonly sealed: Uint8Array
  readonly wrappedKey: Uint8Array
}

/**
 * Seals justifications, notes and local references like a value of the subject, under a data key of
 * their own: destroying the subject key takes them along.
 *
 * @throws SubjectKeyClosed
 */
export function sealText(
  crypto: Crypto,
  keyRing: KeyRing,
  ref: TextRef,
  subjectKey: WrappedSubjectKey,
  text: Json,
): SealedText {
  return borrowKeys(crypto, keyRing, (keys) => {
    const wrapping = requireKey(keys.subjectKey(ref, subjectKey))
    const dataKey = crypto.generateKey()
    const plaintext = encodePlaintext(text)
    try {
      const sealed = crypto.seal(dataKey, plaintext, textData(ref))
      return { sealed, wrappedKey: crypto.wrapKey(wrapping, dataKey, textKeyData(ref)) }
    } finally {
      crypto.wipe(dataKey)
      crypto.wipe(plaintext)
    }
  })
}

/** Opens such a text for whom it was written, or for its reviewer, after that has been recorded. */
export function openText(
  crypto: Crypto,
  keyRing: KeyRing,
  ref: TextRef,
  subjectKey: WrappedSubjectKey | null,
  { sealed, wrappedKey }: SealedText,
): Opened<Json> {
  return borrowKeys(crypto, keyRing, (keys) => {
    const dataKey = keys.dataKey(ref, subjectKey, wrappedKey, textKeyData(ref))
    if (!dataKey.opened) return dataKey
    return attempt(
      () => decodePlaintext(crypto.open(dataKey.value, sealed, textData(ref))),
      'value_broken',
    )
  })
}
