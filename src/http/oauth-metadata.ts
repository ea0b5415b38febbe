import { CLIENT_ALGORITHMS } from './dpop-proof.ts'

/** Authorization server metadata (RFC 8414): what the token server does, and nothing that it does not. */
export function serverMetadata(origin: string, scopes: readonly string[]) {
  return {
    issuer: origin,
    token_endpoint: `${origin}/oauth/token`,
    jwks_uri: `${origin}/oauth/jwks`,
    scopes_supported: scopes,
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
    dpop_signing_alg_values_supported: CLIENT_ALGORITHMS,
  }
}

/** Protected resource metadata (RFC 9728) of the API. */
export function resourceMetadata(
  origin: string,
  scopes: readonly string[],
  { allowBearer }: { allowBearer: boolean },
) {
  return {
    resource: `${origin}/v1`,
    authorization_servers: [origin],
    scopes_supported: scopes,
    bearer_methods_supported: allowBearer ? ['header'] : [],
    dpop_signing_alg_values_supported: CLIENT_ALGORITHMS,
    dpop_bound_access_tokens_required: !allowBearer,
  }
}
