import { sql } from 'kysely'
import type { Tx } from './database.ts'
import type { Position } from './disclosures.ts'
import type { NoticeRow } from './gate-write.ts'

/** Tells agencies something; part of the transaction that caused it. */
export async function insertNotices(
  tx: Tx,
  notices: readonly NoticeRow[],
  at: Date,
): Promise<void> {
  if (notices.length === 0) return
  await tx
    .insertInto('notice')
    .values(
      notices.map((notice) => ({
        id: notice.id,
        agency_id: notice.agencyId,
        role: notice.role,
        type: notice.type,
        urgency: notice.urgency,
        refs: JSON.stringify(notice.refs),
        due_at: notice.dueAt ?? null,
        // To the millisecond, as a page's end names its place in the list.
        created_at: at,
      })),
    )
    .execute()
}

/** Notices to the agency for this role or for anybody, newest first. */
export function listNoticeRows(
  tx: Tx,
  filter: { role: string; acknowledged?: boolean; after?: Position; limit: number },
) {
  let query = tx
    .selectFrom('notice')
    .selectAll()
    .where((eb) => eb.or([eb('role', 'is', null), eb('role', '=', filter.role)]))
  if (filter.acknowledged !== undefined)
    query = query.where('acknowledged_at', filter.acknowledged ? 'is not' : 'is', null)
  if (filter.after) {
    const { at, id } = filter.after
    query = query.where(sql<boolean>`(created_at, id) < (${at}, ${id}::uuid)`)
  }
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(filter.limit).execute()
}

/** Acknowledges a notice; undefined when it is not this agency's and role's. Repeating it changes nothing. */
export function acknowledge(
  tx: Tx,
  id: string,
  by: { readonly practitionerId: string; readonly role: string; readonly at: Date },
) {
  return tx
    .updateTable('notice')
    .set({
      acknowledged_at: sql<Date>`coalesce(acknowledged_at, ${by.at})`,
      acknowledged_by: sql<string>`coalesce(acknowledged_by, ${by.practitionerId}::uuid)`,
    })
    .where('id', '=', id)
    .where((eb) => eb.or([eb('role', 'is', null), eb('role', '=', by.role)]))
    .returningAll()
    .executeTakeFirst()
}
