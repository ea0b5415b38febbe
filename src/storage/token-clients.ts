import type { Database } from './database.ts'

/** An agency as the token server sees it. */
export interface TokenClient {
  readonly agencyId: string
  readonly clientId: string
  /** Public keys with which it signs its assertions, as registered. */
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] }
  readonly scopes: readonly string[]
}

/** The agency behind a client id; nothing when there is none or it is suspended at this moment. */
export async function findTokenClient(
  db: Database,
  clientId: string,
): Promise<TokenClient | undefined> {
  const row = await db
    .selectFrom('agency')
    .select(['id', 'client_id', 'jwks', 'scopes'])
    .where('client_id', '=', clientId)
    .where('suspended_at', 'is', null)
    .executeTakeFirst()
  return row && { agencyId: row.id, clientId: row.client_id, jwks: row.jwks, scopes: row.scopes }
}
