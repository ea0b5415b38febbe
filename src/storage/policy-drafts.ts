/** Drafts of policy versions; row-level security shows each to whom it may concern (0011-policy-life.sql). */
import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** One document or suite as written: YAML, or the same as JSON. */
export type PackText = string | { readonly [member: string]: unknown }

/** Somebody who wrote on a draft. `key` is the thumbprint of the registered key (RFC 7638). */
export interface DraftAuthor {
  readonly agencyId: string
  readonly practitionerId: string
  readonly key: string | null
}

/** One draft as it is kept. */
export interface DraftEntry {
  readonly id: string
  readonly agencyId: string
  readonly authors: readonly DraftAuthor[]
  readonly reason: string | null
  readonly basedOn: number
  readonly reactivates: number | null
  readonly documents: readonly PackText[]
  readonly suites: readonly PackText[]
  readonly hash: string
  /** Counts the contents. */
  readonly revision: number
  /** Counts every change. */
  readonly version: number
  readonly state: 'open' | 'withdrawn' | 'activated'
  readonly openedAt: Date | null
  readonly openedRevision: number | null
  readonly commentUntil: Date | null
  /** Whether a victim support service was told of the opening. */
  readonly supportTold: boolean
  readonly activatedAs: number | null
  readonly createdAt: Date
  readonly changedAt: Date
}

/** The content of a draft. */
export type DraftContent = Pick<
  DraftEntry,
  'reason' | 'basedOn' | 'reactivates' | 'documents' | 'suites' | 'hash'
>

/** A draft without its texts, for lists. */
export type DraftHeading = Omit<DraftEntry, 'documents' | 'suites'>

const HEADING = [
  'id',
  'agency_id as agencyId',
  'authors',
  'reason',
  'based_on as basedOn',
  'reactivates',
  'hash',
  'revision',
  'version',
  'state',
  'opened_at as openedAt',
  'opened_revision as openedRevision',
  'comment_until as commentUntil',
  'support_told as supportTold',
  'activated_as as activatedAs',
  'created_at as createdAt',
  'changed_at as changedAt',
] as const

/** Adds a draft at revision 1. */
export async function insertDraft(
  tx: Tx,
  draft: DraftContent & Pick<DraftEntry, 'id' | 'agencyId' | 'authors' | 'createdAt'>,
): Promise<void> {
  await tx
    .insertInto('policy_draft')
    .values({
      id: draft.id,
      agency_id: draft.agencyId,
      authors: JSON.stringify(draft.authors),
      ...contentColumns(draft),
      opened_at: null,
      opened_revision: null,
      comment_until: null,
      activated_as: null,
      created_at: draft.createdAt,
      changed_at: draft.createdAt,
    })
    .execute()
}

/** One draft; undefined when there is none that the transaction's agency may see. */
export async function findDraft(tx: Tx, id: string): Promise<DraftEntry | undefined> {
  const row = await tx
    .selectFrom('policy_draft')
    .select([...HEADING, 'documents', 'suites'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row as DraftEntry | undefined
}

/** A page of drafts, newest first, without their texts. */
export function listDraftRows(
  tx: Tx,
  filter: {
    readonly state?: DraftEntry['state']
    readonly after?: { readonly at: Date; readonly id: string }
    readonly limit: number
  },
): Promise<DraftHeading[]> {
  let query = tx.selectFrom('policy_draft').select(HEADING)
  if (filter.state) query = query.where('state', '=', filter.state)
  if (filter.after) {
    const { at, id } = filter.after
    query = query.where(sql<boolean>`(created_at, id) < (${at}, ${id}::uuid)`)
  }
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(filter.limit).execute()
}

/** How many drafts of an agency are open. */
export async function countOpenDrafts(tx: Tx, agencyId: string): Promise<number> {
  const row = await tx
    .selectFrom('policy_draft')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('agency_id', '=', agencyId)
    .where('state', '=', 'open')
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** What a change of a draft sets besides its counters. */
export interface DraftChange {
  readonly at: Date
  /** A new content: a new revision, to which no earlier approval applies. */
  readonly content?: DraftContent & Pick<DraftEntry, 'authors'>
  readonly opened?: { readonly until: Date; readonly supportTold: boolean }
  readonly withdrawn?: true
}

/** Changes an open draft by compare-and-set on its version; false when another change was first. */
export async function changeDraft(
  tx: Tx,
  { id, version, revision }: Pick<DraftEntry, 'id' | 'version' | 'revision'>,
  { at, content, opened, withdrawn }: DraftChange,
): Promise<boolean> {
  const done = await tx
    .updateTable('policy_draft')
    .set({
      version: version + 1,
      changed_at: at,
      ...(content
        ? {
            ...contentColumns(content),
            authors: JSON.stringify(content.authors),
            revision: revision + 1,
          }
        : {}),
      ...(opened
        ? {
            opened_at: at,
            opened_revision: revision,
            comment_until: opened.until,
            support_told: opened.supportTold,
          }
        : {}),
      ...(withdrawn ? { state: 'withdrawn' as const } : {}),
    })
    .where('id', '=', id)
    .where('version', '=', version)
    .where('state', '=', 'open')
    .executeTakeFirst()
  return done.numUpdatedRows === 1n
}

function contentColumns(content: DraftContent) {
  return {
    reason: content.reason,
    based_on: content.basedOn,
    reactivates: content.reactivates,
    documents: JSON.stringify(content.documents),
    suites: JSON.stringify(content.suites),
    hash: content.hash,
  }
}
