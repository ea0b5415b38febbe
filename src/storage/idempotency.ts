import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** A key as the client sent it, with the fingerprint of the request that it came with. */
export interface IdempotencyClaim {
  readonly clientId: string
  /** UUID. */
  readonly key: string
  /** SHA-256 over method, path, content type and body. */
  readonly fingerprint: Uint8Array
}

/** What an earlier request under the same key made. */
export interface EarlierRequest {
  readonly fingerprint: Uint8Array
  readonly operation: string
  readonly resourceId: string
}

/**
 * Takes the key for this transaction. `busy` when another transaction holds it right now. The key
 * itself is stored with what the request made, in the same commit: a crash leaves neither.
 */
export async function claimKey(
  tx: Tx,
  claim: IdempotencyClaim,
): Promise<'busy' | 'free' | EarlierRequest> {
  const name = `idempotency:${claim.clientId}:${claim.key}`
  const { rows } = await sql<{ taken: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('ostiary/' || ${name}::text, 0)) as taken`.execute(
    tx,
  )
  if (!rows[0]?.taken) return 'busy'
  const earlier = await tx
    .selectFrom('idempotency')
    .select(['fingerprint', 'operation', 'resource_id'])
    .where('client_id', '=', claim.clientId)
    .where('key', '=', claim.key)
    .executeTakeFirst()
  if (!earlier) return 'free'
  const { fingerprint, operation, resource_id: resourceId } = earlier
  return { fingerprint, operation, resourceId }
}

/** Stores what the request made; part of the transaction that made it. */
export async function storeKey(
  tx: Tx,
  claim: IdempotencyClaim,
  operation: string,
  resourceId: string,
): Promise<void> {
  await tx
    .insertInto('idempotency')
    .values({
      client_id: claim.clientId,
      key: claim.key,
      fingerprint: Buffer.from(claim.fingerprint),
      operation,
      resource_id: resourceId,
    })
    .execute()
}

/** Forgets keys older than the time for which they are kept (72 h). Returns how many. */
export async function deleteOldKeys(tx: Tx, before: Date): Promise<bigint> {
  const done = await tx
    .deleteFrom('idempotency')
    .where('created_at', '<', before)
    .executeTakeFirst()
  return done.numDeletedRows
}
