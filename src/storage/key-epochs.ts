import type { Database, Tx } from './database.ts'

/** An epoch of the key-encryption key. The key itself is not in the database. */
export interface KeyEpoch {
  readonly epoch: number
  /** By which a process recognises that it holds a wrong key. */
  readonly checkValue: Uint8Array
  readonly retired: boolean
}

/** All epochs, the oldest first. */
export async function listKeyEpochs(db: Database): Promise<KeyEpoch[]> {
  const rows = await db.selectFrom('key_epoch').selectAll().orderBy('epoch').execute()
  return rows.map(({ epoch, check_value: checkValue, retired_at: retiredAt }) => {
    return { epoch, checkValue, retired: retiredAt !== null }
  })
}

/**
 * The epoch under which new keys are wrapped, as this statement sees it. Whoever wraps under it and
 * commits too late, after it was retired, is refused by the database (SQLSTATE 40001) and tries again.
 *
 * @throws Error when there is none: the server was not initialised
 */
export async function currentKeyEpoch(tx: Tx): Promise<number> {
  const row = await tx
    .selectFrom('key_epoch')
    .select('epoch')
    .where('retired_at', 'is', null)
    .orderBy('epoch', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!row) throw new Error('there is no epoch of the key-encryption key')
  return row.epoch
}

/**
 * Makes an epoch known, and current if it is the highest. From the commit on, every node wraps new
 * keys under it, so every node must have its key by then. Does nothing for an epoch that is known.
 */
export async function insertKeyEpoch(
  tx: Tx,
  { epoch, checkValue }: { readonly epoch: number; readonly checkValue: Uint8Array },
): Promise<void> {
  await tx
    .insertInto('key_epoch')
    .values({ epoch, check_value: Buffer.from(checkValue), retired_at: null })
    .onConflict((conflict) => conflict.column('epoch').doNothing())
    .execute()
}

/**
 * Waits until no open transaction has wrapped anything under the epoch, and holds off new ones until
 * this transaction ends. What the later statements of this transaction see is then all there is.
 */
export async function lockKeyEpoch(tx: Tx, epoch: number): Promise<void> {
  await tx
    .selectFrom('key_epoch')
    .select('epoch')
    .where('epoch', '=', epoch)
    .forUpdate()
    .executeTakeFirstOrThrow()
}

/** Closes an epoch for good. Only under `lockKeyEpoch`, and when nothing is wrapped under it any more. */
export async function retireKeyEpoch(tx: Tx, epoch: number, at: Date): Promise<void> {
  await tx
    .updateTable('key_epoch')
    .set({ retired_at: at })
    .where('epoch', '=', epoch)
    .where('retired_at', 'is', null)
    .execute()
}
