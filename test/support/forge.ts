import { createHash, randomUUID } from 'node:crypto'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose'

/** A signing key with both halves as JWK and its thumbprint. */
export interface ForgeKey {
  readonly privateJwk: JWK
  readonly publicJwk: JWK
  readonly alg: string
  readonly thumbprint: string
}

/** A new key for assertions, proofs or tokens. */
export async function forgeKey(alg: 'ES256' | 'Ed25519' = 'ES256'): Promise<ForgeKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const privateJwk = await exportJWK(privateKey)
  const { d, ...publicJwk } = privateJwk
  return { privateJwk, publicJwk, alg, thumbprint: await calculateJwkThumbprint(publicJwk) }
}

/** What is changed of something well formed; `undefined` leaves a member out. */
export interface Changes {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
}

const seconds = (): number => Math.floor(Date.now() / 1000)

/** Signs a JWT with these very members; `alg` `HS256` uses the key's public point as the secret. */
async function sign(
  key: ForgeKey,
  header: Record<string, unknown>,
  claims: Record<string, unknown>,
): Promise<string> {
  if (header.alg === 'none') return `${encode(header)}.${encode(claims)}.`
  const secret =
    header.alg === 'HS256'
      ? Buffer.from(JSON.stringify(key.publicJwk))
      : await importJWK(key.privateJwk, key.alg)
  return new SignJWT(claims)
    .setProtectedHeader(header as unknown as JWTHeaderParameters)
    .sign(secret)
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** A client assertion (RFC 7523), well formed but for the changes. */
export function forgeAssertion(
  key: ForgeKey,
  { clientId, origin }: { clientId: string; origin: string },
  { header, claims }: Changes = {},
): Promise<string> {
  const now = seconds()
  const usual = { iss: clientId, sub: clientId, aud: origin, iat: now, exp: now + 60 }
  return sign(
    key,
    { alg: key.alg, typ: 'client-authentication+jwt', ...header },
    { ...usual, jti: randomUUID(), ...claims },
  )
}

/** A DPoP proof (RFC 9449), well formed but for the changes. */
export function forgeProof(
  key: ForgeKey,
  { method, url, accessToken }: { method: string; url: string; accessToken?: string },
  { header, claims }: Changes = {},
): Promise<string> {
  const bound = accessToken && {
    ath: createHash('sha256').update(accessToken).digest('base64url'),
  }
  return sign(
    key,
    { alg: key.alg, typ: 'dpop+jwt', jwk: key.publicJwk, ...header },
    { jti: randomUUID(), htm: method, htu: url, iat: seconds(), ...bound, ...claims },
  )
}

/** An access token (RFC 9068) as our server would sign it, but with any key, and with the changes. */
export function forgeToken(
  key: ForgeKey,
  { clientId, origin, jkt }: { clientId: string; origin: string; jkt?: string },
  { header, claims }: Changes = {},
): Promise<string> {
  const now = seconds()
  const usual = { iss: origin, aud: `${origin}/v1`, sub: clientId, client_id: clientId }
  return sign(
    key,
    { alg: key.alg, typ: 'at+jwt', kid: key.thumbprint, ...header },
    {
      ...usual,
      iat: now,
      exp: now + 300,
      jti: randomUUID(),
      ...(jkt === undefined ? {} : { cnf: { jkt } }),
      ...claims,
    },
  )
}

/** The body of a token request with a private_key_jwt assertion. */
export function tokenRequest(
  clientId: string,
  assertion: string,
  more: Record<string, string> = {},
): URLSearchParams {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    ...more,
  })
}
