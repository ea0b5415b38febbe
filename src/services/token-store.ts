import type { Database } from '../storage/database.ts'
import type * as oidcPayloads from '../storage/oidc-payloads.ts'
import type * as replayGuard from '../storage/replay-guard.ts'
import type * as tokenClients from '../storage/token-clients.ts'

/** An agency as the token server sees it. */
export type TokenClient = tokenClients.TokenClient

/** Everything the token server reads and keeps. */
export interface TokenStore {
  /** The agency behind a client id, unless it is suspended. */
  findClient(clientId: string): Promise<TokenClient | undefined>
  /** True for exactly one of all the callers, on all nodes, that name this id before it expires. */
  once(id: string, expiresAt: Date): Promise<boolean>
  keep(kept: oidcPayloads.OidcPayload): Promise<void>
  find(
    model: string,
    key: oidcPayloads.OidcPayloadKey,
  ): Promise<{ payload: Record<string, unknown>; consumedAt?: Date } | undefined>
  consume(model: string, id: string): Promise<void>
  drop(model: string, id: string): Promise<void>
  dropGrant(model: string, grantId: string): Promise<void>
}

/**
 * Binds the token server's tables to one database. Time is the machine's own, as in the library that
 * writes the expiries.
 */
export function makeTokenStore({
  db,
  storage,
}: {
  db: Database
  storage: Pick<typeof tokenClients, 'findTokenClient'> &
    Pick<typeof replayGuard, 'rememberOnce'> &
    Omit<typeof oidcPayloads, 'deleteExpiredPayloads'>
}): TokenStore {
  return {
    findClient: (clientId) => storage.findTokenClient(db, clientId),
    once: (id, expiresAt) => storage.rememberOnce(db, { kind: 'oauth', id, expiresAt }),
    keep: (kept) => storage.keepPayload(db, kept),
    find: (model, key) => storage.findPayload(db, model, key, new Date()),
    consume: (model, id) => storage.consumePayload(db, model, id, new Date()),
    drop: (model, id) => storage.dropPayload(db, model, id),
    dropGrant: (model, grantId) => storage.dropPayloadsOfGrant(db, model, grantId),
  }
}
