import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { currentKeyEpoch } from './key-epochs.ts'

/** Whose values the key protects: one person, or a case as a whole, at one controlling agency. */
export interface SubjectKeyOwner {
  readonly ownerId: string
  readonly agencyId: string
}

/** A subject key, wrapped under the key-encryption key of an epoch. */
export interface WrappedKey {
  readonly wrapped: Uint8Array
  readonly epoch: number
}

/** A subject key with its owner, as rotation goes through them. */
export interface SubjectKeyRow extends SubjectKeyOwner {
  readonly wrapped: Uint8Array
}

/** The key, or null when it never was or was destroyed. The app role sees its own agency's keys only. */
export async function readSubjectKey(
  tx: Tx,
  { ownerId, agencyId }: SubjectKeyOwner,
): Promise<WrappedKey | null> {
  const row = await tx
    .selectFrom('subject_key')
    .select(['wrapped', 'key_epoch'])
    .where('owner_id', '=', ownerId)
    .where('agency_id', '=', agencyId)
    .executeTakeFirst()
  return row ? { wrapped: row.wrapped, epoch: row.key_epoch } : null
}

/**
 * The owner's key, made on first use: `make` wraps a new one under the epoch that is current now. When
 * two transactions make one at once, the second waits for the first and gets that one's key. Written
 * with the transaction: a crash before the commit leaves none.
 */
export async function ensureSubjectKey(
  tx: Tx,
  owner: SubjectKeyOwner & { readonly caseId: string },
  make: (epoch: number) => Uint8Array,
): Promise<WrappedKey> {
  const existing = await readSubjectKey(tx, owner)
  if (existing) return existing
  const epoch = await currentKeyEpoch(tx)
  await tx
    .insertInto('subject_key')
    .values({
      owner_id: owner.ownerId,
      agency_id: owner.agencyId,
      case_id: owner.caseId,
      key_epoch: epoch,
      wrapped: Buffer.from(make(epoch)),
    })
    .onConflict((conflict) => conflict.columns(['owner_id', 'agency_id']).doNothing())
    .execute()
  const key = await readSubjectKey(tx, owner)
  if (!key) throw new Error('the subject key is not there')
  return key
}

/**
 * Up to `limit` keys of an epoch behind `after` in the order of their owners, locked for this
 * transaction. With `skipLocked` those that another transaction works on are left out, else waited for.
 */
export async function lockSubjectKeys(
  tx: Tx,
  epoch: number,
  page: {
    readonly after: SubjectKeyOwner | null
    readonly limit: number
    readonly skipLocked: boolean
  },
): Promise<SubjectKeyRow[]> {
  const { after, limit, skipLocked } = page
  let query = tx
    .selectFrom('subject_key')
    .select(['owner_id', 'agency_id', 'wrapped'])
    .where('key_epoch', '=', epoch)
    .orderBy('owner_id')
    .orderBy('agency_id')
    .limit(limit)
    .forUpdate()
  if (skipLocked) query = query.skipLocked()
  if (after)
    query = query.where(
      sql<boolean>`(owner_id, agency_id) > (${after.ownerId}::uuid, ${after.agencyId}::uuid)`,
    )
  const rows = await query.execute()
  return rows.map(({ owner_id: ownerId, agency_id: agencyId, wrapped }) => {
    return { ownerId, agencyId, wrapped }
  })
}

/** Puts the same keys under another epoch; the rows must be locked by this transaction. */
export async function replaceSubjectKeys(
  tx: Tx,
  toEpoch: number,
  keys: readonly SubjectKeyRow[],
): Promise<void> {
  if (keys.length === 0) return
  const owners = keys.map((key) => key.ownerId)
  const agencies = keys.map((key) => key.agencyId)
  const wrapped = keys.map((key) => Buffer.from(key.wrapped))
  await sql`
    update subject_key k set wrapped = n.wrapped, key_epoch = ${toEpoch}
    from unnest(${owners}::uuid[], ${agencies}::uuid[], ${wrapped}::bytea[]) as n(owner_id, agency_id, wrapped)
    where k.owner_id = n.owner_id and k.agency_id = n.agency_id`.execute(tx)
}
