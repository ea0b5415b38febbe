import fastifyJwt from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { OstiaryError } from '../errors.ts'
import type { TokenKeys } from '../services/token-keys.ts'

/** What the API reads of an access token (RFC 9068). */
export interface AccessTokenClaims {
  readonly sub: string
  readonly client_id: string
  /** Space-separated. */
  readonly scope?: string
  readonly cnf?: { readonly jkt?: string }
}

declare module '@fastify/jwt' {
  interface FastifyJWT {
    user: AccessTokenClaims
  }
}

/** Tokens whose verification is remembered; each at most until it expires. */
const CACHED_TOKENS = 10_000
const LONGEST_LIFE_MS = 300_000

const FORM = /^(DPoP|Bearer) +([\w~+/.-]+=*)$/i

/** The credentials of `Authorization`. Throws `token_missing`, or `token_invalid` for another scheme. */
export function readAuthorization(request: FastifyRequest): {
  scheme: 'dpop' | 'bearer'
  token: string
} {
  const { authorization } = request.headers
  if (!authorization) throw new OstiaryError('token_missing')
  const [, scheme, token] = FORM.exec(authorization) ?? []
  if (!scheme || !token) throw new OstiaryError('token_invalid')
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token }
}

/**
 * Teaches `app` to verify its access tokens: `request.jwtVerify()`. The key is looked up before the
 * memory of verified tokens is, so a key that was withdrawn takes its tokens with it at once.
 */
export async function registerAccessTokens(
  app: FastifyInstance,
  { origin, keys }: { origin: string; keys: Pick<TokenKeys, 'verifying'> },
): Promise<void> {
  await app.register(fastifyJwt, {
    decode: { complete: true },
    async secret(_request: FastifyRequest, token: unknown) {
      const pem = await keys.verifying(keyId(token))
      if (!pem) throw new OstiaryError('token_invalid')
      return pem
    },
    verify: {
      algorithms: ['ES256'],
      allowedIss: origin,
      allowedAud: `${origin}/v1`,
      checkTyp: 'at+jwt',
      requiredClaims: ['iss', 'aud', 'sub', 'client_id', 'exp', 'iat', 'jti'],
      cache: CACHED_TOKENS,
      cacheTTL: LONGEST_LIFE_MS,
      extractToken: (request) => readAuthorization(request).token,
    },
  })
}

/** Verifies the access token of a request. Throws `token_invalid` for whatever is wrong with it. */
export async function verifyAccessToken(request: FastifyRequest): Promise<AccessTokenClaims> {
  // Without an argument: only then is the verifier with its memory used again.
  const claims = await request.jwtVerify<AccessTokenClaims>().catch((cause: unknown) => {
    throw new OstiaryError('token_invalid', { cause })
  })
  if (typeof claims.client_id !== 'string') throw new OstiaryError('token_invalid')
  return claims
}

function keyId(token: unknown): string {
  const { kid } = (token as { header: { kid?: unknown } }).header
  return typeof kid === 'string' ? kid : ''
}
