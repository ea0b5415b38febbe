import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as idempotency from '../storage/idempotency.ts'
import type { IdempotencyClaim } from '../storage/idempotency.ts'

/**
 * Makes what the request asks for, at most once per key: a repeated request gets what the first one
 * made. Key and resource are committed together.
 *
 * Throws `idempotency_key_in_progress` while another transaction works under the key, and
 * `idempotency_key_reused` when it belongs to another request.
 */
export async function once<Result>(
  tx: Tx,
  storage: Pick<typeof idempotency, 'claimKey' | 'storeKey'>,
  { operation, claim }: { readonly operation: string; readonly claim: IdempotencyClaim },
  work: {
    readonly make: () => Promise<{ readonly id: string; readonly result: Result }>
    /** What to answer when the resource is there already. */
    readonly again: (id: string) => Promise<Result>
  },
): Promise<Result> {
  const earlier = await storage.claimKey(tx, claim)
  if (earlier === 'busy') throw new OstiaryError('idempotency_key_in_progress')
  if (earlier !== 'free') {
    const same = Buffer.from(earlier.fingerprint).equals(claim.fingerprint)
    if (!same || earlier.operation !== operation) throw new OstiaryError('idempotency_key_reused')
    return work.again(earlier.resourceId)
  }
  const { id, result } = await work.make()
  await storage.storeKey(tx, claim, operation, id)
  return result
}
