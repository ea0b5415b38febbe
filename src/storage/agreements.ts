/** Written agreements; row-level security shows them to their parties and to the operator. */
import type { Purpose } from '../domain/case/vocabulary.ts'
import type { Tx } from './database.ts'

/** One agreement as kept; it holds from `validFrom` up to, not including, the earlier of its two ends. */
export interface AgreementEntry {
  readonly id: string
  readonly title: string
  readonly parties: readonly string[]
  readonly purposes: readonly Purpose[]
  readonly validFrom: Date
  readonly validTo: Date
  readonly documentRef: string
  readonly signatories: readonly string[]
  readonly terminatedAt: Date | null
}

const COLUMNS = [
  'id',
  'title',
  'parties',
  'purposes',
  'valid_from as validFrom',
  'valid_to as validTo',
  'document_ref as documentRef',
  'signatories',
  'terminated_at as terminatedAt',
] as const

/** Adds an agreement. */
export async function insertAgreement(
  tx: Tx,
  agreement: Omit<AgreementEntry, 'terminatedAt'>,
  by: { readonly agencyId: string; readonly at: Date },
): Promise<void> {
  await tx
    .insertInto('agreement')
    .values({
      id: agreement.id,
      title: agreement.title,
      parties: [...agreement.parties],
      purposes: [...agreement.purposes],
      valid_from: agreement.validFrom,
      valid_to: agreement.validTo,
      document_ref: agreement.documentRef,
      signatories: JSON.stringify(agreement.signatories),
      created_by: by.agencyId,
      created_at: by.at,
    })
    .execute()
}

/** One agreement; undefined when there is none that the transaction's agency may see. */
export function findAgreement(tx: Tx, id: string): Promise<AgreementEntry | undefined> {
  return tx.selectFrom('agreement').select(COLUMNS).where('id', '=', id).executeTakeFirst()
}

/** A page of agreements in the order of their ids. */
export function listAgreementEntries(
  tx: Tx,
  filter: { readonly after?: string; readonly limit: number },
): Promise<AgreementEntry[]> {
  let query = tx.selectFrom('agreement').select(COLUMNS)
  if (filter.after !== undefined) query = query.where('id', '>', filter.after)
  return query.orderBy('id').limit(filter.limit).execute()
}

/**
 * Sets the early end; `now` when it has come: then no decision rests on the agreement once this has
 * committed. Run it under the exclusive locks of all parties.
 */
export async function endAgreement(
  tx: Tx,
  id: string,
  end: { readonly at: Date; readonly now: boolean; readonly reason: string | null },
): Promise<void> {
  await tx
    .updateTable('agreement')
    .set((eb) => ({
      terminated_at: end.at,
      ended: end.now,
      termination_reason: end.reason,
      version: eb('version', '+', 1),
    }))
    .where('id', '=', id)
    .execute()
}
