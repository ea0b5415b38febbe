import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type ErrorCode, OstiaryError } from '../errors.ts'
import type { AdmitCall } from '../services/admit-call.ts'
import type { Caller } from '../services/caller.ts'
import type { TokenKeys } from '../services/token-keys.ts'
import {
  type AccessTokenClaims,
  readAuthorization,
  registerAccessTokens,
  verifyAccessToken,
} from './access-token.ts'
import { challenge } from './challenge.ts'
import { type FittingProof, makeCheckProof } from './dpop-proof.ts'
import { readPractitioner } from './practitioner-header.ts'

/** Finds out who calls; throws when that is nobody, or somebody without the scopes. */
export type Guard = (request: FastifyRequest, scopes: readonly string[]) => Promise<Caller>

/** Writes the audit event of an authority that was refused at the door; the answer waits for it. */
export type RecordRefusal = (refusal: {
  readonly agencyId: string
  readonly clientId: string
  readonly channel: Caller['channel']
  readonly code: ErrorCode
  readonly operation?: string
  readonly requestId: string
  readonly practitionerId?: string
}) => Promise<void>

export interface GuardOptions {
  /** Public origin: issuer of the tokens, base of `htu`. Never taken from the request. */
  readonly origin: string
  readonly keys: Pick<TokenKeys, 'verifying'>
  readonly admit: AdmitCall
  /** Whether tokens that are bound to no key are accepted, as channel `bearer`. */
  readonly allowBearer: boolean
  readonly recordRefusal: RecordRefusal
}

/**
 * Makes the guard of the API and registers what it needs on `app` (before the routes).
 *
 * In this order: access token (RFC 9068), DPoP proof (RFC 9449), then in one statement whether the
 * agency is suspended and the proof was used before, then scopes, then the practitioner's header.
 * A proof is used up even when the call is then refused.
 */
export async function registerGuard(app: FastifyInstance, options: GuardOptions): Promise<Guard> {
  const { origin, keys, admit, allowBearer, recordRefusal } = options
  await registerAccessTokens(app, { origin, keys })
  const checkProof = makeCheckProof()

  async function proofOf(
    request: FastifyRequest,
    accessToken: string,
    keyThumbprint: string,
  ): Promise<FittingProof> {
    const proof = request.headers.dpop
    if (proof === undefined) throw new OstiaryError('proof_missing')
    // Two headers arrive as one value with a comma, which is no JWS.
    if (typeof proof !== 'string') throw new OstiaryError('proof_invalid')
    const [path = ''] = (request.raw.url ?? '').split('?', 1)
    const context = { method: request.method, url: origin + path, accessToken, keyThumbprint }
    return checkProof(proof, context).catch((cause: unknown) => {
      throw new OstiaryError('proof_invalid', { cause })
    })
  }

  /** Throws once it is on record. */
  async function refuse(
    request: FastifyRequest,
    who: Pick<Caller, 'agencyId' | 'clientId' | 'channel'>,
    code: ErrorCode,
  ): Promise<void> {
    const { operationId: operation } = request.routeOptions.config
    await recordRefusal({
      ...who,
      code,
      requestId: request.id,
      ...(operation === undefined ? {} : { operation }),
      ...claimedPractitioner(request),
    })
    throw new OstiaryError(code)
  }

  async function authenticate(request: FastifyRequest) {
    const { scheme, token } = readAuthorization(request)
    if (scheme === 'bearer' && !allowBearer) throw new OstiaryError('token_not_bound')
    const claims = await verifyAccessToken(request)
    const jkt = claims.cnf?.jkt
    if (scheme === 'dpop' && jkt === undefined) throw new OstiaryError('token_not_bound')
    // A stolen bound token does not become good by being called a bearer token.
    if (scheme === 'bearer' && jkt !== undefined) throw new OstiaryError('proof_missing')
    const proof = jkt === undefined ? undefined : await proofOf(request, token, jkt)
    const { client_id: clientId } = claims
    const { agency, suspended, fresh } = await admit(proof ? { clientId, proof } : { clientId })
    if (agency === undefined) throw new OstiaryError('token_invalid')
    if (suspended || !fresh) {
      const code = suspended ? 'token_invalid' : 'proof_replayed'
      await refuse(request, { clientId, agencyId: agency.id, channel: channelOf(jkt) }, code)
    }
    return { claims, agency, ...(jkt === undefined ? {} : { keyThumbprint: jkt }) }
  }

  return async (request, scopes) => {
    const { claims, agency, keyThumbprint } = await authenticate(request).catch((error) => {
      throw challenge(error, { origin })
    })
    const granted = scopesOf(claims)
    const missing = scopes.filter((scope) => !granted.includes(scope))
    const who = {
      agencyId: agency.id,
      clientId: claims.client_id,
      channel: channelOf(keyThumbprint),
    }
    if (missing.length > 0)
      await refuse(request, who, 'scope_missing').catch((error) => {
        throw challenge(error, { origin, scopes: missing })
      })
    return {
      ...who,
      sector: agency.sector,
      scopes: granted,
      ...(keyThumbprint === undefined ? {} : { keyThumbprint }),
      ...readPractitioner(request.headers['ostiary-practitioner']),
      requestId: request.id,
    }
  }
}

const channelOf = (keyThumbprint: string | undefined): Caller['channel'] =>
  keyThumbprint === undefined ? 'bearer' : 'sender_constrained'

const scopesOf = ({ scope }: AccessTokenClaims): string[] => scope?.split(' ') ?? []

/** Whom the call names, for the audit event; a header that cannot be read names nobody. */
function claimedPractitioner(request: FastifyRequest): { practitionerId?: string } {
  try {
    const named = readPractitioner(request.headers['ostiary-practitioner'])
    return named ? { practitionerId: named.practitionerId } : {}
  } catch {
    return {}
  }
}
