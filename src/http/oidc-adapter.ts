import type { Adapter, AdapterFactory, AdapterPayload, AllClientMetadata } from 'oidc-provider'
import type { TokenClient, TokenStore } from '../services/token-store.ts'
import type { CLIENT_ALGORITHMS } from './dpop-proof.ts'

/** Seconds for which something is kept that the library gives no end. */
const LONGEST_KEEP = 30 * 24 * 3600

/** What the token server needs to know of the place in which it stands. */
export interface ClientPolicy {
  /** Every scope there is; others in an agency's row are left out. */
  readonly scopes: readonly string[]
  /** Whether tokens may be given out that are bound to no key. */
  readonly allowBearer: boolean
}

/**
 * Storage for oidc-provider. Clients are agencies, read anew every time, so that a suspension holds
 * at once; everything else is kept as the library hands it over.
 */
export function oidcAdapter(store: TokenStore, policy: ClientPolicy): AdapterFactory {
  return (model) => {
    if (model === 'Client') return clientAdapter(store, policy)
    // Replays are refused in one insert (see token-provider.ts). Should the library ever take its own way of
    // looking first and writing later, which two nodes can pass together, it must fail and not pass.
    if (model === 'ReplayDetection') return UNUSABLE
    return payloadAdapter(store, model)
  }
}

function clientAdapter(store: TokenStore, policy: ClientPolicy): Adapter {
  return {
    ...UNUSABLE,
    async find(id) {
      const client = await store.findClient(id)
      return client && clientMetadata(client, policy)
    },
  }
}

/** An agency as client metadata (RFC 7591) of the only kind there is: a machine with keys of its own. */
function clientMetadata(client: TokenClient, { scopes, allowBearer }: ClientPolicy) {
  const scope = client.scopes.filter((name) => scopes.includes(name)).join(' ')
  return {
    client_id: client.clientId,
    token_endpoint_auth_method: 'private_key_jwt',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    jwks: { keys: client.jwks.keys.flatMap(verificationKey) },
    // The library takes no empty list. Without one it would grant anything: `settleScope` is what refuses.
    ...(scope && { scope }),
    dpop_bound_access_tokens: !allowBearer,
    agency_id: client.agencyId,
  } satisfies AllClientMetadata
}

/** The public members of a key that can sign assertions, its algorithm fixed; nothing for other keys. */
function verificationKey(jwk: Record<string, unknown>): {
  kty: 'EC' | 'OKP'
  alg: (typeof CLIENT_ALGORITHMS)[number]
  [member: string]: string
}[] {
  const { kty, crv, x, y, kid, use } = jwk
  if (use !== undefined && use !== 'sig') return []
  const name: { kid?: string } = typeof kid === 'string' ? { kid } : {}
  if (typeof x !== 'string') return []
  if (kty === 'EC' && crv === 'P-256' && typeof y === 'string')
    return [{ kty, crv, x, y, use: 'sig', alg: 'ES256', ...name }]
  if (kty === 'OKP' && crv === 'Ed25519')
    return [{ kty, crv, x, use: 'sig', alg: 'Ed25519', ...name }]
  return []
}

function payloadAdapter(store: TokenStore, model: string): Adapter {
  const find = async (key: Parameters<TokenStore['find']>[1]) => {
    const kept = await store.find(model, key)
    if (!kept) return undefined
    const consumed = kept.consumedAt && { consumed: Math.floor(kept.consumedAt.getTime() / 1000) }
    return { ...kept.payload, ...consumed } as AdapterPayload
  }
  return {
    find: (id) => find({ id }),
    findByUid: (uid) => find({ uid }),
    findByUserCode: (userCode) => find({ userCode }),
    upsert: (id, payload, expiresIn = LONGEST_KEEP) =>
      store.keep({
        model,
        id,
        payload: { ...payload },
        ...(payload.grantId === undefined ? {} : { grantId: payload.grantId }),
        ...(payload.uid === undefined ? {} : { uid: payload.uid }),
        ...(payload.userCode === undefined ? {} : { userCode: payload.userCode }),
        expiresAt: new Date(Date.now() + expiresIn * 1000),
      }),
    consume: (id) => store.consume(model, id),
    destroy: (id) => store.drop(model, id),
    revokeByGrantId: (grantId) => store.dropGrant(model, grantId),
  }
}

async function refuse(): Promise<never> {
  throw new Error('the token server may not do this to its storage')
}

const UNUSABLE: Adapter = {
  find: refuse,
  findByUid: refuse,
  findByUserCode: refuse,
  upsert: refuse,
  consume: refuse,
  destroy: refuse,
  revokeByGrantId: refuse,
}
