// Hashes and signatures of the log: RFC 6962 §2.1 (SHA-256 with 0x00 / 0x01 prefixes), RFC 2104
// (HMAC), RFC 8032 (Ed25519). The one file of the domain that touches node:crypto; everything else
// here works on its Uint8Arrays.
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'

/** Bytes in a SHA-256 hash. */
export const HASH_BYTES = 32

/** Bytes in an Ed25519 signature. */
export const ED25519_SIGNATURE_BYTES = 64

const LEAF_PREFIX = Uint8Array.of(0x00)
const NODE_PREFIX = Uint8Array.of(0x01)

// RFC 8410 §7 and §4: the fixed DER that precedes a raw seed (PKCS #8) and a raw public key (SPKI).
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** SHA-256 of the concatenation of `parts`; 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hashing = createHash('sha256')
  for (const part of parts) hashing.update(part)
  return new Uint8Array(hashing.digest())
}

/**
 * HMAC-SHA-256 (RFC 2104) of `message` (text: its UTF-8) under `key`; 32 bytes.
 *
 * Put together from two one-shot hashes: `createHmac` makes a key object each time, which costs more
 * than hashing a short message.
 *
 * @throws RangeError for a key longer than a block, which no salt here is
 */
export function hmacSha256(key: Uint8Array, message: Uint8Array | string): Uint8Array {
  if (key.length > HMAC_BLOCK) throw new RangeError('a key has 64 bytes at most')
  const inner = Buffer.allocUnsafe(HMAC_BLOCK + Buffer.byteLength(message))
  pad(inner, key, 0x36)
  if (typeof message === 'string') inner.write(message, HMAC_BLOCK)
  else inner.set(message, HMAC_BLOCK)
  const outer = Buffer.allocUnsafe(HMAC_BLOCK + HASH_BYTES)
  pad(outer, key, 0x5c)
  outer.set(hash('sha256', inner, 'buffer'), HMAC_BLOCK)
  return new Uint8Array(hash('sha256', outer, 'buffer'))
}

/** HMAC-SHA-512 (RFC 2104) of `message` (text: its UTF-8) under `key`; 64 bytes. */
export function hmacSha512(key: Uint8Array, message: Uint8Array | string): Uint8Array {
  return new Uint8Array(createHmac('sha512', key).update(message).digest())
}

/** Bytes that SHA-256 takes at a time; HMAC fills its key up to them. */
const HMAC_BLOCK = 64

function pad(block: Buffer, key: Uint8Array, mask: number): void {
  for (let i = 0; i < HMAC_BLOCK; i++) block[i] = (key[i] ?? 0) ^ mask
}

/** Hash of one log entry as a leaf of the tree: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, entry)
}

/** Hash of an inner node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE_PREFIX, left, right)
}

/**
 * Root of the tree without entries: SHA-256 of the empty string (not the hash of an empty leaf).
 */
export function emptyRoot(): Uint8Array {
  return sha256()
}

/**
 * The public key that belongs to a secret seed.
 *
 * @param seed raw 32 bytes (RFC 8032 §5.1.5)
 * @returns raw 32 bytes
 * @throws RangeError when the seed has another length
 */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' })
  return new Uint8Array(spki.subarray(SPKI_PREFIX.length))
}

/**
 * Ed25519 signature (RFC 8032, pure) of `message`.
 *
 * @param seed raw 32 bytes
 * @returns 64 bytes, the same for the same input
 * @throws RangeError when the seed has another length
 */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, privateKey(seed)))
}

/**
 * Whether `signature` over `message` was made by the holder of `publicKey`.
 * A signature of a wrong length, or a key that is no point of the curve, is simply false.
 *
 * @param publicKey raw 32 bytes
 * @throws RangeError when the key has another length (a fault of the caller: keys come from
 *   configuration)
 */
export function ed25519Verify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== 32) throw new RangeError('an Ed25519 public key has 32 bytes')
  if (signature.length !== ED25519_SIGNATURE_BYTES) return false
  const key = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, publicKey]),
    format: 'der',
    type: 'spki',
  })
  return verify(null, message, key, signature)
}

/**
 * Whether two byte strings are equal; for equal lengths the time does not depend on the content.
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function privateKey(seed: Uint8Array) {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes')
  return createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  })
}
