/** Public keys that agencies and practitioners register: nothing is kept that could not be used. */
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import type { JsonWebKey } from 'node:crypto'
import { OstiaryError } from '../errors.ts'

/** A public JSON Web Key (RFC 7517) as registered. */
export type PublicJwk = Readonly<Record<string, unknown>>

/** Private members of any kind of key (RFC 7518 §6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Members that make the thumbprint (RFC 7638 §3.2, RFC 8037 §2), and the algorithms that go with the curve. */
const KINDS = {
  'EC/P-256': { members: ['crv', 'kty', 'x', 'y'], algorithms: ['ES256'] },
  'OKP/Ed25519': { members: ['crv', 'kty', 'x'], algorithms: ['Ed25519', 'EdDSA'] },
} as const

const X25519_BYTES = 32

/**
 * The keys of a set, each with a `kid` (its RFC 7638 thumbprint where none was given). Throws
 * `key_unusable` for a private key, another kind of key, a point that is not on its curve, and two
 * keys of one `kid`. `pointer` says where the set stands in the body.
 */
export function usableKeySet(
  { keys }: { readonly keys: readonly PublicJwk[] },
  pointer = '#/jwks',
): { readonly keys: readonly PublicJwk[] } {
  const usable = keys.map((jwk, index) => usableKey(jwk, `${pointer}/keys/${index}`))
  if (new Set(usable.map(({ kid }) => kid)).size < usable.length)
    throw unusable(`${pointer}/keys`, 'two keys have one `kid`')
  return { keys: usable }
}

/** One such key: ES256 or Ed25519, public. Throws `key_unusable`. */
export function usableKey(jwk: PublicJwk, pointer: string): PublicJwk & { kid: string } {
  if (PRIVATE.some((member) => Object.hasOwn(jwk, member)))
    throw unusable(pointer, 'must be a public key')
  const kind = KINDS[`${String(jwk['kty'])}/${String(jwk['crv'])}` as keyof typeof KINDS]
  if (!kind) throw unusable(pointer, 'must be a key for ES256 or Ed25519')
  const { alg } = jwk
  if (alg !== undefined && !(kind.algorithms as readonly unknown[]).includes(alg))
    throw unusable(pointer, 'the algorithm does not fit the curve')
  if (kind.members.length === 3 && Object.hasOwn(jwk, 'y'))
    throw unusable(pointer, 'has a member that keys of its kind do not have')
  const point = pointOf(jwk, kind.members)
  try {
    // OpenSSL refuses points that are not on the curve, and coordinates of another length.
    const read = createPublicKey({ key: point as JsonWebKey, format: 'jwk' }).export({
      format: 'jwk',
    })
    // Two spellings of one point would have two thumbprints.
    if (read.x !== jwk['x'] || read.y !== jwk['y']) throw new TypeError('not canonical')
  } catch {
    throw unusable(pointer, 'is not a point of its curve')
  }
  return { ...jwk, kid: typeof jwk['kid'] === 'string' ? jwk['kid'] : keyThumbprint(jwk) }
}

/** RFC 7638 SHA-256 thumbprint of a usable key, base64url. */
export function keyThumbprint(jwk: PublicJwk): string {
  const kind = KINDS[`${String(jwk['kty'])}/${String(jwk['crv'])}` as keyof typeof KINDS]
  const point = pointOf(jwk, kind.members)
  return createHash('sha256').update(JSON.stringify(point)).digest('base64url')
}

const pointOf = (jwk: PublicJwk, members: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(members.map((member) => [member, jwk[member]]))

/** The 32 bytes of an X25519 public key in base64url. Throws `key_unusable`. */
export function usableSealingKey(text: string, pointer = '#/sealingKey'): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  const canonical = bytes.length === X25519_BYTES && bytes.toString('base64url') === text
  if (!canonical) throw unusable(pointer, 'must be 32 bytes in base64url')
  try {
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'X25519', x: text },
      format: 'jwk',
    })
    // A point of small order makes every shared secret zero (RFC 7748 §6.1), and sealing to it fails.
    diffieHellman({ privateKey: generateKeyPairSync('x25519').privateKey, publicKey })
  } catch {
    throw unusable(pointer, 'is not a key to which anything can be sealed')
  }
  return new Uint8Array(bytes)
}

/** Name of a sealing key, as in `sealed.keyId`: base64url of the SHA-256 of its 32 bytes. */
export function sealingKeyId(key: Uint8Array): string {
  return createHash('sha256').update(key).digest('base64url')
}

function unusable(pointer: string, detail: string): OstiaryError {
  return new OstiaryError('key_unusable', { errors: [{ pointer, detail }] })
}
