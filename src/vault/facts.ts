/**
 * The facts of one decision, sealed so that they open only while every subject key opens under which
 * any of them was known: erasing the person at the agency that asked, or at any agency whose records
 * were looked at, closes them for good, wherever a copy of the row may be.
 *
 * Layout: number of owners (1 byte); for each the 16 bytes of the person or case and the 16 of the
 * agency; length of the wrapped data key (2 bytes, big-endian); that key, sealed under the first
 * owner's subject key, the result under the second's, and so on; the sealed facts.
 */
import { type Crypto, SEAL_OVERHEAD } from '../crypto/sodium.ts'
import { factsData, factsKeyData, type FactsRef, type KeyOwner } from './associated-data.ts'
import { attempt } from './attempt.ts'
import { borrowKeys, requireKey } from './borrowed-keys.ts'
import type { KeyRing, WrappedSubjectKey } from './key-ring.ts'
import type { Opened } from './sealed-record.ts'

/** A subject key, with whose it is. */
export interface OwnedKey extends KeyOwner {
  readonly key: WrappedSubjectKey
}

/** The key of one owner; null when it was destroyed. */
export type KeyOf = (owner: KeyOwner) => WrappedSubjectKey | null

const UUID_BYTES = 16
const OWNER_BYTES = 2 * UUID_BYTES
const MOST_OWNERS = 255
/** Facts are filled up to a multiple of this, so that their length does not count the flags of a case. */
const BLOCK = 128

/**
 * Seals facts under the asking agency's key for the subject, `asker`, and under those of the sources.
 * A source's key that does not open is left out: nothing could be read under it.
 *
 * @throws SubjectKeyClosed when the asker's key does not open
 */
export function sealFacts(
  crypto: Crypto,
  keyRing: KeyRing,
  ref: FactsRef,
  asker: OwnedKey,
  sources: readonly OwnedKey[],
  facts: Uint8Array,
): Uint8Array {
  return borrowKeys(crypto, keyRing, (keys) => {
    const layers = [
      { owner: asker as KeyOwner, key: requireKey(keys.subjectKey(asker, asker.key)) },
    ]
    const named = new Set([nameOf(asker)])
    for (const source of sources) {
      if (named.has(nameOf(source)) || layers.length === MOST_OWNERS) continue
      named.add(nameOf(source))
      const borrowed = keys.subjectKey(source, source.key)
      if (borrowed.opened) layers.push({ owner: source, key: borrowed.value })
    }
    const dataKey = crypto.generateKey()
    const plaintext = padded(facts)
    try {
      let wrapped = dataKey
      for (const { owner, key } of layers)
        wrapped = crypto.seal(key, wrapped, factsKeyData(ref, owner))
      const sealed = crypto.seal(dataKey, plaintext, factsData(ref))
      return joined(
        layers.map(({ owner }) => owner),
        wrapped,
        sealed,
      )
    } finally {
      crypto.wipe(dataKey)
      crypto.wipe(plaintext)
    }
  })
}

/** Opens them for an explanation or a replay; `key_destroyed` once one of the persons was erased. */
export function openFacts(
  crypto: Crypto,
  keyRing: KeyRing,
  ref: FactsRef,
  keyOf: KeyOf,
  sealed: Uint8Array,
): Opened<Uint8Array> {
  const parts = split(sealed)
  if (!parts) return { opened: false, failure: 'value_broken' }
  return borrowKeys(crypto, keyRing, (keys) => {
    const opened: Uint8Array[] = []
    try {
      let key: Uint8Array = parts.wrapped
      for (const owner of parts.owners.toReversed()) {
        const layer = keys.subjectKey(owner, keyOf(owner))
        if (!layer.opened) return layer
        const inner = attempt(
          () => crypto.open(layer.value, key, factsKeyData(ref, owner)),
          'key_broken',
        )
        if (!inner.opened) return inner
        opened.push(inner.value)
        key = inner.value
      }
      return attempt(() => unpadded(crypto.open(key, parts.facts, factsData(ref))), 'value_broken')
    } finally {
      for (const bytes of opened) crypto.wipe(bytes)
    }
  })
}

const nameOf = ({ ownerId, agencyId }: KeyOwner): string => `${ownerId}/${agencyId}`

/** The facts, one byte that ends them, and zeros. */
function padded(facts: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((facts.length + 1) / BLOCK) * BLOCK)
  bytes.set(facts)
  bytes[facts.length] = 0x80
  return bytes
}

function unpadded(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, Math.max(0, bytes.lastIndexOf(0x80)))
}

function joined(owners: readonly KeyOwner[], wrapped: Uint8Array, facts: Uint8Array): Uint8Array {
  const ids = owners.flatMap(({ ownerId, agencyId }) => [ownerId, agencyId])
  const head = Buffer.concat([
    Uint8Array.of(owners.length),
    ...ids.map((id) => Buffer.from(id.replaceAll('-', ''), 'hex')),
    Uint8Array.of(wrapped.length >> 8, wrapped.length & 0xff),
  ])
  return Buffer.concat([head, wrapped, facts])
}

function split(sealed: Uint8Array) {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  const count = bytes[0] ?? 0
  const at = 1 + count * OWNER_BYTES
  if (count === 0 || bytes.length < at + 2) return undefined
  const length = bytes.readUInt16BE(at)
  const from = at + 2
  if (bytes.length < from + length + SEAL_OVERHEAD) return undefined
  const owners = Array.from({ length: count }, (_, i): KeyOwner => {
    const start = 1 + i * OWNER_BYTES
    return { ownerId: uuidAt(bytes, start), agencyId: uuidAt(bytes, start + UUID_BYTES) }
  })
  return {
    owners,
    wrapped: bytes.subarray(from, from + length),
    facts: bytes.subarray(from + length),
  }
}

function uuidAt(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + UUID_BYTES)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
