/** Who approved which content of a draft; nothing of it is ever changed or deleted. */
import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** One approval as it is kept: enough to verify it again later, whatever key is registered then. */
export interface ApprovalEntry {
  readonly draftId: string
  readonly revision: number
  readonly agencyId: string
  readonly practitionerId: string
  /** Of the content. */
  readonly hash: string
  /** Of the differences that the approver was shown. */
  readonly diffHash: string
  /** Compact JWS. */
  readonly signature: string
  readonly jwk: Readonly<Record<string, unknown>>
  readonly at: Date
}

/** Adds an approval; false when this person has approved this revision already. */
export async function insertApproval(tx: Tx, approval: ApprovalEntry): Promise<boolean> {
  const done = await tx
    .insertInto('policy_approval')
    .values({
      draft_id: approval.draftId,
      revision: approval.revision,
      agency_id: approval.agencyId,
      practitioner_id: approval.practitionerId,
      hash: approval.hash,
      diff_hash: approval.diffHash,
      signature: approval.signature,
      jwk: JSON.stringify(approval.jwk),
      created_at: approval.at,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return done.numInsertedOrUpdatedRows === 1n
}

/** Approvals of drafts, of whatever revision, the oldest first. */
export async function listApprovals(
  tx: Tx,
  draftIds: readonly string[],
): Promise<readonly ApprovalEntry[]> {
  if (draftIds.length === 0) return []
  return tx
    .selectFrom('policy_approval')
    .select([
      'draft_id as draftId',
      'revision',
      'agency_id as agencyId',
      'practitioner_id as practitionerId',
      'hash',
      'diff_hash as diffHash',
      'signature',
      'jwk',
      'created_at as at',
    ])
    .where('draft_id', 'in', [...draftIds])
    .orderBy('created_at')
    .orderBy('practitioner_id')
    .execute()
}

/** Who approved the draft, whatever revision, and still may approve: by person, agency and key. */
export async function standingApprovers(tx: Tx, draftId: string): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ practitioner_id: string }>`
    select practitioner_id from standing_approvers(${draftId}::uuid)`.execute(tx)
  return new Set(rows.map((row) => row.practitioner_id))
}

/**
 * For each agreement in force that binds one of these agencies to have changes approved elsewhere: the
 * agencies that may.
 */
export async function approversByAgreement(
  tx: Tx,
  agencyIds: readonly string[],
  at: Date,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { rows } = await sql<{ agreement_id: string; agency_id: string | null }>`
    select * from policy_approvers(${[...agencyIds]}::uuid[], ${at})`.execute(tx)
  const agreements = new Map<string, Set<string>>()
  for (const { agreement_id: id, agency_id: agencyId } of rows) {
    const approvers = agreements.get(id) ?? new Set<string>()
    if (agencyId !== null) approvers.add(agencyId)
    agreements.set(id, approvers)
  }
  return agreements
}
