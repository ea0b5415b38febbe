import { compactVerify, importJWK } from 'jose'

const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519']

/**
 * The JSON object under a compact JWS (RFC 7515) if it verifies under a person's registered public
 * key; undefined for anything else. Headers that bring a key of their own are not listened to.
 */
export async function verifyPersonSignature(
  jwk: Record<string, unknown>,
  jws: string,
): Promise<Record<string, unknown> | undefined> {
  try {
    const algorithm = jwk['kty'] === 'OKP' ? 'EdDSA' : 'ES256'
    const key = await importJWK(jwk, algorithm)
    const { payload } = await compactVerify(jws, key, { algorithms: ALGORITHMS })
    const signed: unknown = JSON.parse(new TextDecoder().decode(payload))
    return typeof signed === 'object' && signed !== null
      ? (signed as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
