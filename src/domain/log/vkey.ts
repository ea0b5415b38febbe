// Keys of signed notes: https://c2sp.org/signed-note, sections "Signatures" (key id) and "Verifier
// keys" (vkey).
import { decodeBase64, encodeBase64 } from './base64.ts'
import { ed25519PublicKey, sha256 } from './hash.ts'

/** Signature type of a plain Ed25519 note signature: what logs use. */
export const ED25519 = 0x01

/** Signature type of an Ed25519 cosignature with time: what witnesses use. */
export const ED25519_COSIGNATURE = 0x04

/** The signature types that are understood here. Both have public keys of 32 bytes. */
export type SignatureType = typeof ED25519 | typeof ED25519_COSIGNATURE

/** A secret signing key under its name. */
export type NoteKey = {
  /** Not empty, without spaces and `+`; for a log its origin. */
  readonly name: string
  /** Raw 32 bytes of an Ed25519 seed. */
  readonly seed: Uint8Array
}

/** What a verifier knows of a key. */
export type VerifierKey = {
  readonly name: string
  /** 8 lowercase hex digits; an identifier, far too short to be a fingerprint. */
  readonly keyId: string
  readonly type: SignatureType
  /** Raw 32 bytes. */
  readonly publicKey: Uint8Array
}

/**
 * Whether a name can stand in a signature line: not empty, no Unicode space, no control character,
 * no `+`.
 */
export function isKeyName(name: string): boolean {
  // eslint-disable-next-line no-control-regex -- a note may not hold these
  return name.isWellFormed() && /^[^\p{White_Space}\u0000-\u001f+]+$/u.test(name)
}

/** First four bytes of SHA-256(name || LF || type || public key), as 8 lowercase hex digits. */
export function keyId(name: string, type: SignatureType, publicKey: Uint8Array): string {
  const hash = sha256(new TextEncoder().encode(`${name}\n`), Uint8Array.of(type), publicKey)
  return Buffer.from(hash.subarray(0, 4)).toString('hex')
}

/**
 * The public side of a signing key, for use as a signature type.
 *
 * @throws RangeError when the name cannot stand in a note or the seed does not have 32 bytes
 */
export function verifierKey({ name, seed }: NoteKey, type: SignatureType): VerifierKey {
  if (!isKeyName(name)) throw new RangeError('not a name of a key')
  const publicKey = ed25519PublicKey(seed)
  return { name, keyId: keyId(name, type, publicKey), type, publicKey }
}

/** `<name>+<key id>+<base64 of type and public key>`. */
export function formatVkey({ name, keyId, type, publicKey }: VerifierKey): string {
  return `${name}+${keyId}+${encodeBase64(Uint8Array.of(type, ...publicKey))}`
}

/**
 * Reads a vkey. Split at the first two `+` only, for base64 may hold more of them.
 *
 * @returns undefined when it is malformed, of a type not understood, or its key id is not that of
 *   its key
 */
export function parseVkey(vkey: string): VerifierKey | undefined {
  const [, name = '', id = '', base64 = ''] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/.exec(vkey) ?? []
  const material = decodeBase64(base64)
  if (!isKeyName(name) || material?.length !== 33) return undefined
  const [type] = material
  if (type !== ED25519 && type !== ED25519_COSIGNATURE) return undefined
  const publicKey = material.slice(1)
  return keyId(name, type, publicKey) === id ? { name, keyId: id, type, publicKey } : undefined
}
