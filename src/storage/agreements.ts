/** Written agreements; row-level security shows them to their parties and to the operator. */
import { sql } from 'kysely'
import type { Purpose } from '../domain/case/vocabulary.ts'
import type { Tx } from './database.ts'

/** That a party said it is bound. */
export interface Acceptance {
  readonly agencyId: string
  readonly acceptedAt: Date
  readonly signatory: string | null
}

/**
 * One agreement as kept; accepted by every party, it holds from `validFrom` up to, not including, the
 * earlier of its two ends.
 */
export interface AgreementEntry {
  readonly id: string
  readonly title: string
  readonly parties: readonly string[]
  readonly purposes: readonly Purpose[]
  readonly validFrom: Date
  readonly validTo: Date
  readonly documentRef: string
  readonly signatories: readonly string[]
  readonly scope: string | null
  readonly terms: readonly string[]
  /** Changes of the sharing rules by one party need the approval of another. */
  readonly policyApproval: 'other_agency' | null
  readonly terminatedAt: Date | null
  /** In the order in which they came. */
  readonly acceptances: readonly Acceptance[]
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
  'scope',
  'terms',
  'policy_approval as policyApproval',
  'terminated_at as terminatedAt',
] as const

/** Acceptances of the agreement of the row; times as texts, as JSON has them. */
const ACCEPTANCES = sql<readonly { agencyId: string; at: string; signatory: string | null }[]>`(
  select coalesce(jsonb_agg(jsonb_build_object('agencyId', x.agency_id, 'at', x.accepted_at, 'signatory', x.signatory)
    order by x.accepted_at, x.agency_id <> agreement.created_by, x.agency_id), '[]')
  from agreement_acceptance x where x.agreement_id = agreement.id)`.as('accepted')

/** Adds an agreement. */
export async function insertAgreement(
  tx: Tx,
  agreement: Omit<AgreementEntry, 'terminatedAt' | 'acceptances'>,
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
      scope: agreement.scope,
      policy_approval: agreement.policyApproval,
      terms: JSON.stringify(agreement.terms),
      created_by: by.agencyId,
      created_at: by.at,
    })
    .execute()
}

/** One agreement; undefined when there is none that the transaction's agency may see. */
export async function findAgreement(tx: Tx, id: string): Promise<AgreementEntry | undefined> {
  const row = await selectAgreements(tx).where('id', '=', id).executeTakeFirst()
  return row && entryOf(row)
}

/** A page of agreements in the order of their ids. */
export async function listAgreementEntries(
  tx: Tx,
  filter: { readonly after?: string; readonly limit: number },
): Promise<AgreementEntry[]> {
  let query = selectAgreements(tx)
  if (filter.after !== undefined) query = query.where('id', '>', filter.after)
  const rows = await query.orderBy('id').limit(filter.limit).execute()
  return rows.map(entryOf)
}

const selectAgreements = (tx: Tx) => tx.selectFrom('agreement').select(COLUMNS).select(ACCEPTANCES)

function entryOf({
  accepted,
  ...row
}: Awaited<ReturnType<ReturnType<typeof selectAgreements>['executeTakeFirstOrThrow']>>) {
  const acceptances = accepted.map(({ at, ...rest }) => ({ ...rest, acceptedAt: new Date(at) }))
  return { ...row, acceptances }
}

/**
 * Notes that the transaction's agency accepts, once. Row-level security lets an agency speak for itself
 * alone, and only where it is a party.
 */
export async function insertAcceptance(
  tx: Tx,
  agreementId: string,
  { agencyId, acceptedAt, signatory }: Acceptance,
): Promise<void> {
  await tx
    .insertInto('agreement_acceptance')
    .values({
      agreement_id: agreementId,
      agency_id: agencyId,
      accepted_at: acceptedAt,
      signatory,
    })
    .execute()
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
