import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import {
  type Client,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import type { PrivateTokenJwk } from '../services/server-keys.ts'
import type { TokenStore } from '../services/token-store.ts'
import { CLIENT_ALGORITHMS, PROOF_WINDOW } from './dpop-proof.ts'
import { type ClientPolicy, oidcAdapter } from './oidc-adapter.ts'

/** Seconds for which an access token is good. */
const TOKEN_LIFE = 300

/** Longest life of a client assertion, and how far clocks may differ, in seconds. */
const ASSERTION_LIFE = 60
const CLOCK_TOLERANCE = 5

/** Seconds for which assertion and proof ids are remembered beyond their end: nodes' clocks differ. */
const MEMORY_MARGIN = 60

/** Header types of client assertions: RFC 10070, and what libraries before it send. */
const ASSERTION_TYPES: readonly unknown[] = [undefined, 'client-authentication+jwt', 'JWT']

export interface TokenProviderOptions extends ClientPolicy {
  /** Public origin: the issuer, and the only audience of assertions. */
  readonly origin: string
  readonly store: TokenStore
}

/**
 * An oidc-provider that signs with `key`. It is built for one key, because the library takes its
 * keys once; a rotation builds another.
 */
export function buildTokenProvider(key: PrivateTokenJwk, options: TokenProviderOptions): Provider {
  const provider = new Provider(options.origin, configuration(key, options))
  provider.proxy = true
  // Koa would write errors of the connection to the console.
  provider.silent = true
  // The library's own `unique` looks first and writes later, which lets two nodes accept the same assertion
  // or proof. One insert under a unique key decides instead; the library refuses on `false`.
  provider.ReplayDetection.unique = (clientId, jti, expires) => {
    const id = createHash('sha256').update(`${clientId}\n${jti}`).digest('base64url')
    return options.store.once(id, new Date((expires + MEMORY_MARGIN) * 1000))
  }
  return provider
}

function configuration(
  key: PrivateTokenJwk,
  { origin, store, ...policy }: TokenProviderOptions,
): Configuration {
  const { scopes, allowBearer } = policy
  return {
    adapter: oidcAdapter(store, policy),
    jwks: { keys: [key] },
    routes: { token: '/oauth/token', jwks: '/oauth/jwks' },
    scopes: [...scopes],
    responseTypes: [],
    clientAuthMethods: ['private_key_jwt'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    extraClientMetadata: { properties: ['agency_id'] },
    enabledJWA: {
      clientAuthSigningAlgValues: [...CLIENT_ALGORITHMS],
      dPoPSigningAlgValues: [...CLIENT_ALGORITHMS],
      idTokenSigningAlgValues: ['ES256'],
    },
    clockTolerance: CLOCK_TOLERANCE,
    ttl: { ClientCredentials: TOKEN_LIFE },
    assertJwtClientAuthClaimsAndHeader(ctx, claims, header) {
      checkAssertion(origin, claims, header)
      checkProofTime(ctx, allowBearer)
    },
    extraTokenClaims: (ctx) => ({ org: ctx.oidc.client?.['agency_id'] }),
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => `${origin}/v1`,
        getResourceServerInfo: (ctx, resource, client) => {
          if (resource !== `${origin}/v1`) throw new errors.InvalidTarget()
          return {
            scope: settleScope(ctx, client),
            audience: resource,
            accessTokenFormat: 'jwt',
            accessTokenTTL: TOKEN_LIFE,
            jwt: { sign: { alg: 'ES256', kid: key.kid } },
          }
        },
      },
    },
  }
}

/**
 * Holds an assertion to RFC 7523 as updated by RFC 10070, after the library has verified its
 * signature, issuer and end: our issuer as the only audience, a short life, a fitting type.
 */
function checkAssertion(
  origin: string,
  { aud, exp, iat, sub, iss }: Record<string, unknown>,
  { typ }: Record<string, unknown>,
): void {
  const now = Date.now() / 1000
  const fail = (detail: string) => {
    throw new errors.InvalidClientAuth(detail)
  }
  if (aud !== origin) fail('audience must be the issuer and nothing else')
  if (sub !== iss) fail('subject must be the issuer of the assertion')
  if (!ASSERTION_TYPES.includes(typ)) fail('wrong type of assertion')
  if (typeof iat !== 'number' || typeof exp !== 'number') return fail('iat and exp must be numbers')
  if (exp - iat > ASSERTION_LIFE) fail('the assertion lives too long')
  if (iat > now + CLOCK_TOLERANCE) fail('the assertion is from the future')
}

/** The library allows a proof to be five minutes off; here it is held to the window of the API. */
function checkProofTime(ctx: KoaContextWithOIDC, allowBearer: boolean): void {
  const proof = ctx.get('DPoP')
  if (!proof) {
    if (allowBearer) return
    throw new errors.InvalidDpopProof('a DPoP proof is needed')
  }
  const now = Date.now() / 1000
  const iat = issuedAt(proof)
  if (iat === undefined || iat < now - PROOF_WINDOW.past || iat > now + PROOF_WINDOW.future)
    throw new errors.InvalidDpopProof('the DPoP proof is malformed or not from now')
}

function issuedAt(proof: string): number | undefined {
  try {
    return decodeJwt(proof).iat
  } catch {
    return undefined
  }
}

/**
 * The scopes that a token of this client may have. All of them are asked for where the request names
 * none (RFC 6749 §3.3); one that it may not have, or that nobody knows, is refused by name.
 */
function settleScope(ctx: KoaContextWithOIDC, client: Client): string {
  const allowed = client.scope ?? ''
  const { params } = ctx.oidc
  if (params && params['scope'] === undefined && allowed) params['scope'] = allowed
  const granted = new Set(allowed.split(' '))
  for (const scope of ctx.oidc.requestParamScopes)
    if (!granted.has(scope)) throw new errors.InvalidScope('requested scope is not allowed', scope)
  return allowed
}
