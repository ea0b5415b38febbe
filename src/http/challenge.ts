import { type ErrorCode, OstiaryError } from '../errors.ts'
import { CLIENT_ALGORITHMS } from './dpop-proof.ts'

/** OAuth error codes for `WWW-Authenticate` (RFC 6750 §3.1, RFC 9449 §7.1); none where no credentials came. */
const OAUTH_ERRORS: Partial<Record<ErrorCode, string>> = {
  token_invalid: 'invalid_token',
  token_not_bound: 'invalid_token',
  proof_missing: 'invalid_dpop_proof',
  proof_invalid: 'invalid_dpop_proof',
  proof_replayed: 'invalid_dpop_proof',
  scope_missing: 'insufficient_scope',
}

/**
 * The same error with the challenge that tells a client how to do better: scheme, algorithms, and
 * where the resource metadata is (RFC 9728 §5.1). Other errors pass unchanged.
 */
export function challenge(
  error: unknown,
  { origin, scopes }: { origin: string; scopes?: readonly string[] },
): unknown {
  if (!(error instanceof OstiaryError)) return error
  const { code, cause } = error
  if (code !== 'token_missing' && !(code in OAUTH_ERRORS)) return error
  const oauthError = OAUTH_ERRORS[code]
  const parameters = [
    ...(oauthError ? [`error="${oauthError}"`] : []),
    ...(scopes ? [`scope="${scopes.join(' ')}"`] : []),
    `algs="${CLIENT_ALGORITHMS.join(' ')}"`,
    `resource_metadata="${origin}/.well-known/oauth-protected-resource/v1"`,
  ]
  const headers = { 'www-authenticate': `DPoP ${parameters.join(', ')}` }
  return new OstiaryError(code, { headers, cause })
}
