import { createHash, generateKeyPairSync } from 'node:crypto'
import type { Tx } from '../storage/database.ts'
import type * as serverKeys from '../storage/server-keys.ts'

/** Seals a private key under the newest key-encryption key; `context` is bound to the box. */
export type SealSecret = (
  plain: Uint8Array,
  context: string,
) => { sealed: Uint8Array; epoch: number } | Promise<{ sealed: Uint8Array; epoch: number }>

/** Opens what `SealSecret` made, under the key-encryption key of that epoch; throws when it does not fit. */
export type OpenSecret = (
  secret: { readonly sealed: Uint8Array; readonly epoch: number },
  context: string,
) => Uint8Array | Promise<Uint8Array>

/** How long verifiers may keep a copy of the published keys, in seconds (`Cache-Control` of `/oauth/jwks`). */
export const JWKS_MAX_AGE = 60

/** Default seconds between the publication of a new token key and its first signature. */
export const PROPAGATION_DELAY = 2 * JWKS_MAX_AGE

/** Seconds for which a key stays published after its last signature: a token's life, skew, and some air. */
const AFTERLIFE = 300 + 60

/** An ES256 key as a JWK (RFC 7517), public half. */
export interface PublicTokenJwk {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly alg: 'ES256'
  readonly use: 'sig'
}
/** With the private half: never logged, never stored unsealed. */
export type PrivateTokenJwk = PublicTokenJwk & { readonly d: string }

type KeyWriting = Pick<
  typeof serverKeys,
  'listServerKeys' | 'lockServerKeys' | 'insertServerKey' | 'endServerKey' | 'deleteUnpublishedKeys'
>

/**
 * Adds the first token key, which signs at once; does nothing when there is one. For `ostiary init`,
 * in a transaction with the owner's rights. Returns the id of the key that signs. Time is the
 * machine's own here and below, as in the tokens.
 */
export async function createTokenKey(
  tx: Tx,
  { storage, seal }: { storage: KeyWriting; seal: SealSecret },
): Promise<{ kid: string }> {
  await storage.lockServerKeys(tx, 'token')
  const existing = (await storage.listServerKeys(tx, 'token')).find((key) => !key.signsUntil)
  if (existing) return { kid: existing.kid }
  const now = new Date()
  return { kid: await addTokenKey(tx, { storage, seal, now, signsFrom: now }) }
}

/**
 * Adds a token key that is published at once and signs after `delay` seconds; the one before it
 * signs until then and stays published until its last token has expired, so nobody is refused.
 * With `compromised` the old keys end now, and tokens signed with them with them. Needs the owner's rights.
 */
export async function rotateTokenKey(
  tx: Tx,
  {
    storage,
    seal,
    delay = PROPAGATION_DELAY,
    compromised = false,
  }: {
    storage: KeyWriting
    seal: SealSecret
    delay?: number
    compromised?: boolean
  },
): Promise<{ kid: string; signsFrom: Date }> {
  await storage.lockServerKeys(tx, 'token')
  const now = new Date()
  await storage.deleteUnpublishedKeys(tx, 'token', now)
  const signsFrom = compromised ? now : secondsAfter(now, delay)
  const end = compromised
    ? { signsUntil: now, publishedUntil: now }
    : { signsUntil: signsFrom, publishedUntil: secondsAfter(signsFrom, AFTERLIFE) }
  for (const key of await storage.listServerKeys(tx, 'token'))
    if (compromised || key.signsUntil === null) await storage.endServerKey(tx, key.kid, end)
  const kid = await addTokenKey(tx, { storage, seal, now, signsFrom })
  return { kid, signsFrom }
}

async function addTokenKey(
  tx: Tx,
  {
    storage,
    seal,
    now,
    signsFrom,
  }: { storage: KeyWriting; seal: SealSecret; now: Date; signsFrom: Date },
): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { d, x, y } = privateKey.export({ format: 'jwk' })
  if (!d || !x || !y) throw new Error('the new key has no coordinates')
  const publicJwk = tokenJwk({ x, y })
  const plain = Buffer.from(JSON.stringify({ ...publicJwk, d }))
  const { sealed, epoch } = await seal(plain, sealingContext(publicJwk.kid))
  plain.fill(0)
  await storage.insertServerKey(tx, {
    kid: publicJwk.kid,
    purpose: 'token',
    sealedPrivate: sealed,
    publicKey: { ...publicJwk },
    keyEpoch: epoch,
    createdAt: now,
    signsFrom,
    signsUntil: null,
    publishedUntil: null,
  })
  return publicJwk.kid
}

/** Adds the constant members to a point on P-256; the key's id is its RFC 7638 thumbprint. */
export function tokenJwk({ x, y }: { x: string; y: string }): PublicTokenJwk {
  const canonical = JSON.stringify({ crv: 'P-256', kty: 'EC', x, y })
  const kid = createHash('sha256').update(canonical).digest('base64url')
  return { kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' }
}

/** What a sealed token key is bound to. */
export const sealingContext = (kid: string): string => `server-key/token/${kid}`

const secondsAfter = (at: Date, seconds: number): Date => new Date(at.getTime() + seconds * 1000)
