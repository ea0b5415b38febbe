import { createHash } from 'node:crypto'
import { type CryptoKey, importJWK, type JWTHeaderParameters, jwtVerify } from 'jose'

/** Signature algorithms accepted in proofs and client assertions (RFC 9864 names). */
export const CLIENT_ALGORITHMS = ['ES256', 'Ed25519'] as const

/** Seconds around now in which the `iat` of a proof must lie. */
export const PROOF_WINDOW = { past: 60, future: 5 } as const

/** Seconds for which a proof is remembered beyond its window: nodes' clocks differ. */
const MEMORY_MARGIN = 60

/** What a proof has to fit (RFC 9449 §4.3). */
export interface ProofContext {
  readonly method: string
  /** Public URL of the request, without query and fragment. */
  readonly url: string
  readonly accessToken: string
  /** Thumbprint in the `cnf` of the access token. */
  readonly keyThumbprint: string
}

/** A proof that fits; whether it was used before is for the database to say. */
export interface FittingProof {
  /** Hash over key and `jti`, under which the proof is remembered. */
  readonly id: string
  readonly expiresAt: Date
}

/** Checks one DPoP proof. Rejects with an error that holds nothing of the proof when it does not fit. */
export type CheckProof = (proof: string, context: ProofContext) => Promise<FittingProof>

/**
 * Checker with a bounded memory of imported keys, by thumbprint: a client makes its proofs with the
 * same key for a long time. A key comes in only when a valid token is bound to it.
 */
export function makeCheckProof({ maxKeys = 1000 } = {}): CheckProof {
  const keys = new Map<string, CryptoKey>()

  async function keyOf(header: JWTHeaderParameters, expected: string): Promise<CryptoKey> {
    const jwk = publicPart(header)
    const thumbprint = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url')
    if (thumbprint !== expected) throw new ProofFault('the key is not the one of the token')
    const known = keys.get(thumbprint)
    if (known) return known
    const key = await importJWK({ ...jwk }, header.alg)
    if (key instanceof Uint8Array) throw new ProofFault('the key is symmetric')
    if (keys.size >= maxKeys) keys.delete(keys.keys().next().value ?? '')
    keys.set(thumbprint, key)
    return key
  }

  return async (proof, context) => {
    const { payload } = await jwtVerify(proof, (header) => keyOf(header, context.keyThumbprint), {
      typ: 'dpop+jwt',
      algorithms: [...CLIENT_ALGORITHMS],
    })
    const now = Date.now() / 1000
    const { htm, htu, iat, ath, jti } = payload
    if (htm !== context.method) throw new ProofFault('htm does not fit')
    if (typeof htu !== 'string' || !isSameTarget(htu, context.url))
      throw new ProofFault('htu does not fit')
    if (typeof iat !== 'number' || iat < now - PROOF_WINDOW.past || iat > now + PROOF_WINDOW.future)
      throw new ProofFault('iat is outside the window')
    if (ath !== createHash('sha256').update(context.accessToken).digest('base64url'))
      throw new ProofFault('ath does not fit')
    if (typeof jti !== 'string' || jti === '') throw new ProofFault('jti is missing')
    return {
      id: createHash('sha256').update(`${context.keyThumbprint}.${jti}`).digest('base64url'),
      expiresAt: new Date((iat + PROOF_WINDOW.past + MEMORY_MARGIN) * 1000),
    }
  }
}

class ProofFault extends Error {}

/** The required members in lexical order (RFC 7638 §3.2) of a public key that fits the algorithm. */
function publicPart({ alg, jwk }: JWTHeaderParameters): Readonly<Record<string, string>> {
  if (typeof jwk !== 'object' || jwk === null) throw new ProofFault('jwk is missing')
  const { kty, crv, x, y } = jwk
  if ('d' in jwk || 'k' in jwk) throw new ProofFault('jwk has a private part')
  if (typeof x !== 'string') throw new ProofFault('jwk has no point')
  if (alg === 'ES256' && kty === 'EC' && crv === 'P-256' && typeof y === 'string')
    return { crv, kty, x, y }
  if (alg === 'Ed25519' && kty === 'OKP' && crv === 'Ed25519') return { crv, kty, x }
  throw new ProofFault('jwk does not fit alg')
}

/** RFC 9449 §4.3, check 9: equal after normalisation, whatever query and fragment say. */
function isSameTarget(htu: string, url: string): boolean {
  if (htu === url) return true
  const target = URL.parse(htu)
  if (!target) return false
  target.search = ''
  target.hash = ''
  return target.href === URL.parse(url)?.href
}
