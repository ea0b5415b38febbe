/** Requests to look at values again, from the side of the source that answers them. */
import type { Tx } from './database.ts'

/** A request that is not answered yet. */
export interface OpenVerification {
  readonly id: string
  readonly disclosureId: string
  readonly requestedBy: string
  /** Field ids, `record_type.field`. */
  readonly fields: readonly string[]
  readonly createdAt: Date
}

/** Open requests about a record of the transaction's agency, oldest first. */
export function listOpenVerifications(tx: Tx, recordId: string): Promise<OpenVerification[]> {
  return tx
    .selectFrom('verification_request')
    .select([
      'id',
      'disclosure_id as disclosureId',
      'requested_by as requestedBy',
      'fields',
      'created_at as createdAt',
    ])
    .where('record_id', '=', recordId)
    .where('answered_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

/** Notes that requests were answered; those that somebody else answered meanwhile stay as they are. */
export async function markAnswered(tx: Tx, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return
  await tx
    .updateTable('verification_request')
    .set({ answered_at: at })
    .where('id', 'in', [...ids])
    .where('answered_at', 'is', null)
    .execute()
}
