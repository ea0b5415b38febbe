import type { ErrorEntry } from './errors.ts'

/** Refusals of a caller who has not shown who it is, or may not do this at all; part of `ERRORS`. */
export const ACCESS_ERRORS = {
  token_missing: {
    status: 401,
    title: 'Access token is missing',
    meaning: 'The call needs an access token in the header `Authorization`.',
  },
  token_invalid: {
    status: 401,
    title: 'Access token is not valid',
    meaning:
      'The access token is malformed, expired, not meant for this server or not signed by it.',
  },
  token_not_bound: {
    status: 401,
    title: 'Access token is not bound to a key',
    meaning: 'A plain bearer token was sent where only a DPoP-bound one is accepted.',
  },
  proof_missing: {
    status: 401,
    title: 'DPoP proof is missing',
    meaning: 'A DPoP-bound token needs exactly one header `DPoP`.',
  },
  proof_invalid: {
    status: 401,
    title: 'DPoP proof is not valid',
    meaning: 'The proof does not fit the request, the token, its key or the clock (RFC 9449).',
  },
  proof_replayed: {
    status: 401,
    title: 'DPoP proof was used before',
    meaning: 'Every proof is accepted once; make a new one for every request.',
  },
  use_dpop_nonce: {
    status: 401,
    title: 'DPoP nonce is needed',
    meaning: 'Repeat the request with a proof that holds the nonce from the header `DPoP-Nonce`.',
  },
  scope_missing: {
    status: 403,
    title: 'Scope is missing',
    meaning: 'The access token does not carry a scope that the operation needs.',
  },
  practitioner_not_recognised: {
    status: 403,
    title: 'Practitioner is not recognised',
    meaning:
      'The practitioner does not exist at this agency, is not active, or does not hold the role; the answer does not say which.',
  },
} as const satisfies Record<string, ErrorEntry>
