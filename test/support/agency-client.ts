import { type CryptoKey, importJWK, type JWK } from 'jose'
import * as oauth from 'openid-client'

/** Who signs in, and where. */
export interface AgencyClientOptions {
  /** Public origin of the server, as in its configuration. */
  readonly origin: string
  readonly clientId: string
  /** The agency's private key, ES256 or Ed25519; `kid` if it registered several. */
  readonly privateJwk: JWK
  /** Scopes to ask for; by default all that the agency has. */
  readonly scopes?: readonly string[]
  /** Where the server is really reached, if not at its origin; asked anew for every request. */
  readonly reach?: () => string
}

export interface CallOptions {
  readonly body?: unknown
  /** Who acts: sent as `Ostiary-Practitioner`. */
  readonly practitioner?: { readonly id: string; readonly role: string }
  /** UUID; sent in quotes. */
  readonly idempotencyKey?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One answer, read to its end. `body` is parsed JSON, or undefined where there is none. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // Tests look into answers of every shape; a type for each would be the contract over again.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any
}

/** Seconds before its end at which a token is no longer used. */
const SPARE = 10

/**
 * An agency's own software, made of a library that is not ours: `private_key_jwt`, DPoP-bound tokens
 * (kept until they expire), a fresh proof for every call.
 */
export class AgencyClient {
  readonly options: AgencyClientOptions
  /** Key pair of the proofs, made anew for each client. */
  readonly proofKeys: oauth.CryptoKeyPair
  readonly #config: oauth.Configuration
  readonly #dpop: oauth.DPoPHandle
  #token: { value: string; until: number } | undefined

  private constructor(
    options: AgencyClientOptions,
    config: oauth.Configuration,
    proofKeys: oauth.CryptoKeyPair,
  ) {
    this.options = options
    this.proofKeys = proofKeys
    this.#config = config
    this.#dpop = oauth.getDPoPHandle(config, proofKeys)
  }

  /** Reads the server's metadata. No token is asked for before the first call. */
  static async connect(options: AgencyClientOptions): Promise<AgencyClient> {
    const { kid, ...jwk } = options.privateJwk
    const key = (await importJWK(jwk, jwk.crv === 'Ed25519' ? 'Ed25519' : 'ES256')) as CryptoKey
    const config = await oauth.discovery(
      new URL(options.origin),
      options.clientId,
      {},
      oauth.PrivateKeyJwt(kid === undefined ? key : { key, kid }),
      {
        algorithm: 'oauth2',
        execute: [oauth.allowInsecureRequests],
        // The check of a whole policy pack takes its time where many tests run at once.
        timeout: 150,
        [oauth.customFetch]: fetchVia(options),
      },
    )
    const proofKeys = await oauth.randomDPoPKeyPair('ES256', { extractable: true })
    return new AgencyClient(options, config, proofKeys)
  }

  /** The access token in use; a new one when there is none or it is about to expire. */
  async token(): Promise<string> {
    const now = Date.now() / 1000
    if (this.#token && this.#token.until > now) return this.#token.value
    const { access_token: value, expires_in: life = 0 } = await this.grant()
    this.#token = { value, until: now + life - SPARE }
    return value
  }

  /** Asks for a token, whatever is kept. Rejects with the library's error (`error`, `status`). */
  grant(parameters: Record<string, string> = {}): Promise<oauth.TokenEndpointResponse> {
    const { scopes, origin } = this.options
    const usual = { resource: `${origin}/v1`, ...(scopes && { scope: scopes.join(' ') }) }
    return oauth.clientCredentialsGrant(
      this.#config,
      { ...usual, ...parameters },
      { DPoP: this.#dpop },
    )
  }

  /** Throws the token away, so that the next call gets a new one. */
  forget(): void {
    this.#token = undefined
  }

  /** Calls the API; `path` begins with a slash. Answers of any status are returned, none thrown. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    return readAnswer(await this.begin(method, path, options))
  }

  /** The same, with an answer that is still to be read. */
  async begin(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const { body, practitioner, idempotencyKey } = options
    const headers = new Headers(options.headers)
    if (body !== undefined && !headers.has('content-type'))
      headers.set('content-type', 'application/json')
    if (practitioner)
      headers.set('ostiary-practitioner', `${practitioner.id};role=${practitioner.role}`)
    if (idempotencyKey) headers.set('idempotency-key', `"${idempotencyKey}"`)
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const url = new URL(this.options.origin + path)
    const token = await this.token()
    return oauth
      .fetchProtectedResource(this.#config, token, url, method, sent, headers, {
        DPoP: this.#dpop,
      })
      .catch((error: unknown) => {
        // The library throws where an answer carries `WWW-Authenticate`; for a test it is an answer.
        if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response
        throw error
      })
  }
}

/** Reads an answer to its end. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
  const body: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
  return { status: response.status, headers: response.headers, text, body }
}

function fetchVia({ origin, reach }: AgencyClientOptions): oauth.CustomFetch {
  return (url, options) =>
    fetch(reach ? url.replace(origin, reach()) : url, options as unknown as RequestInit)
}
