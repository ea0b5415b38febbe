/** What agencies say to a draft that is open for comment; nothing of it is ever changed or deleted. */
import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** One comment as it is kept. */
export interface CommentEntry {
  readonly id: string
  readonly draftId: string
  /** The content that it is about. */
  readonly revision: number
  readonly agencyId: string
  readonly practitionerId: string
  readonly text: string
  readonly at: Date
}

/** Adds a comment; row-level security refuses it where the draft is not open for comment. */
export async function insertComment(tx: Tx, comment: CommentEntry): Promise<void> {
  await tx
    .insertInto('policy_draft_comment')
    .values({
      id: comment.id,
      draft_id: comment.draftId,
      revision: comment.revision,
      agency_id: comment.agencyId,
      practitioner_id: comment.practitionerId,
      text: comment.text,
      created_at: comment.at,
    })
    .execute()
}

/** A page of the comments on one draft, the oldest first. */
export function listComments(
  tx: Tx,
  draftId: string,
  filter: { readonly after?: { readonly at: Date; readonly id: string }; readonly limit: number },
): Promise<CommentEntry[]> {
  let query = tx
    .selectFrom('policy_draft_comment')
    .select([
      'id',
      'draft_id as draftId',
      'revision',
      'agency_id as agencyId',
      'practitioner_id as practitionerId',
      'text',
      'created_at as at',
    ])
    .where('draft_id', '=', draftId)
  if (filter.after) {
    const { at, id } = filter.after
    query = query.where(sql<boolean>`(created_at, id) > (${at}, ${id}::uuid)`)
  }
  return query.orderBy('created_at').orderBy('id').limit(filter.limit).execute()
}

/** How many comments an agency has made on one draft. */
export async function countComments(tx: Tx, draftId: string, agencyId: string): Promise<number> {
  const row = await tx
    .selectFrom('policy_draft_comment')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('draft_id', '=', draftId)
    .where('agency_id', '=', agencyId)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Agencies that hear of drafts and versions: those that take part now and may read policies. */
export function listAgenciesToTell(
  tx: Tx,
): Promise<readonly { readonly id: string; readonly sector: string }[]> {
  return tx
    .selectFrom('agency')
    .select(['id', 'sector'])
    .where('suspended_at', 'is', null)
    .where(sql<boolean>`'policies:read' = any (scopes)`)
    .orderBy('id')
    .execute()
}
