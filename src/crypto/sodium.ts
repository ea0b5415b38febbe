import { randomFillSync } from 'node:crypto'
import sodium from 'libsodium-wrappers-sumo'

/** Bytes of every symmetric key here. */
export const KEY_BYTES = 32
/** XChaCha20's nonce is long enough to be drawn at random for every message of a key. */
const NONCE_BYTES = 24
const TAG_BYTES = 16
/** What `seal` adds to a plaintext. */
export const SEAL_OVERHEAD = NONCE_BYTES + TAG_BYTES
const NONCES_AT_ONCE = 256

/**
 * Sealed bytes did not open: wrong key, wrong associated data, or altered bytes. Which of these it
 * was cannot be known, and nothing of the bytes is in here.
 */
export class BrokenSeal extends Error {
  override readonly name = 'BrokenSeal'

  constructor() {
    super('sealed bytes do not open')
  }
}

/**
 * The primitives, synchronous. Keys are 32 bytes, public keys X25519; a wrong length is a fault of the
 * program (TypeError). What is returned is the caller's own, to keep or to wipe.
 */
export interface Crypto {
  /** A fresh random key. */
  generateKey(): Uint8Array
  /**
   * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) under a random nonce: nonce (24) || ciphertext ||
   * tag (16). The associated data is not in the result, and must be given again to open it.
   */
  seal(key: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array
  /** @throws BrokenSeal */
  open(key: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Uint8Array
  /** Seals a key under another one; 72 bytes. */
  wrapKey(wrapping: Uint8Array, key: Uint8Array, associatedData: Uint8Array): Uint8Array
  /** @throws BrokenSeal also for something that opens but is no key */
  unwrapKey(wrapping: Uint8Array, wrapped: Uint8Array, associatedData: Uint8Array): Uint8Array
  /**
   * libsodium `crypto_box_seal`: only the holder of the private key opens it. Anybody can make one, so
   * it proves nothing about its sender.
   */
  boxSeal(publicKey: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** Overwrites bytes with zeros. Copies that the engine made meanwhile are out of reach. */
  wipe(bytes: Uint8Array): void
}

/** Waits until libsodium's WebAssembly has started, then gives its functions; cheap after the first time. */
export async function loadCrypto(): Promise<Crypto> {
  await sodium.ready
  return Object.freeze({ ...sealing(nonceSource()), generateKey, boxSeal, wipe })
}

function sealing(nextNonce: () => Uint8Array) {
  const seal: Crypto['seal'] = (key, plaintext, associatedData) => {
    requireLength(key, KEY_BYTES)
    const nonce = nextNonce()
    const ciphertext = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
      plaintext,
      associatedData,
      null,
      nonce,
      key,
    )
    const sealed = new Uint8Array(NONCE_BYTES + ciphertext.length)
    sealed.set(nonce)
    sealed.set(ciphertext, NONCE_BYTES)
    return sealed
  }
  const wrapKey: Crypto['wrapKey'] = (wrapping, key, associatedData) => {
    requireLength(key, KEY_BYTES)
    return seal(wrapping, key, associatedData)
  }
  return { seal, open, wrapKey, unwrapKey }
}

function open(key: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Uint8Array {
  requireLength(key, KEY_BYTES)
  if (sealed.length < SEAL_OVERHEAD) throw new BrokenSeal()
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
      null,
      sealed.subarray(NONCE_BYTES),
      associatedData,
      sealed.subarray(0, NONCE_BYTES),
      key,
    )
  } catch {
    throw new BrokenSeal()
  }
}

function unwrapKey(wrapping: Uint8Array, wrapped: Uint8Array, associatedData: Uint8Array) {
  const key = open(wrapping, wrapped, associatedData)
  if (key.length === KEY_BYTES) return key
  wipe(key)
  throw new BrokenSeal()
}

function generateKey(): Uint8Array {
  return randomFillSync(new Uint8Array(KEY_BYTES))
}

function boxSeal(publicKey: Uint8Array, plaintext: Uint8Array): Uint8Array {
  requireLength(publicKey, sodium.crypto_box_PUBLICKEYBYTES)
  return sodium.crypto_box_seal(plaintext, publicKey)
}

function wipe(bytes: Uint8Array): void {
  bytes.fill(0)
}

/**
 * Nonces from the operating system's generator, many per call, because one call costs more than one
 * seal (libsodium's own asks once per byte here). Nonces are public, so drawing them early costs
 * nothing; each is used once. A view is valid until the next call.
 */
function nonceSource(): () => Uint8Array {
  const drawn = new Uint8Array(NONCE_BYTES * NONCES_AT_ONCE)
  let used = drawn.length
  return () => {
    if (used === drawn.length) {
      randomFillSync(drawn)
      used = 0
    }
    used += NONCE_BYTES
    return drawn.subarray(used - NONCE_BYTES, used)
  }
}

function requireLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new TypeError(`expected ${length} bytes, got ${bytes.length}`)
}
