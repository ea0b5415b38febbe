/** What was erased or retired by rule, so that the self-check does not take it for a theft. */
import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** A month of audit events that was retired. */
export interface RetiredMonth {
  readonly month: string
  /** Null when it held no event. */
  readonly firstLeaf: number | null
  readonly lastLeaf: number | null
  /** Events of other months in between. */
  readonly others: readonly string[]
}

/** Every month that was retired. */
export async function listRetired(tx: Tx): Promise<RetiredMonth[]> {
  const { rows } = await sql<{
    month: string
    first_leaf: string | null
    last_leaf: string | null
    others: string[]
  }>`select month::text, first_leaf, last_leaf, others from audit_retired order by month`.execute(
    tx,
  )
  return rows.map((row) => ({
    month: row.month,
    firstLeaf: row.first_leaf === null ? null : Number(row.first_leaf),
    lastLeaf: row.last_leaf === null ? null : Number(row.last_leaf),
    others: row.others,
  }))
}

/** Those of these events whose salts are listed as destroyed. */
export async function findDestroyed(tx: Tx, eventIds: readonly string[]): Promise<Set<string>> {
  if (eventIds.length === 0) return new Set()
  const { rows } = await sql<{ event_id: string }>`
    select event_id from audit_salt_destroyed where event_id = any(${eventIds}::uuid[])`.execute(tx)
  return new Set(rows.map((row) => row.event_id))
}

/** A list of losses, and whether the event that it names vouches for exactly that. */
export interface Loss {
  readonly table: string
  readonly row: string
  readonly eventId: string
  readonly vouched: boolean
}

/** SHA-256 over ids in order, each followed by a line feed, in base64 (domain/log/event-digest). */
const digestOver = (ids: string) => sql`encode(sha256(convert_to(coalesce(
  string_agg(${sql.raw(ids)}::text || E'\\n', '' order by ${sql.raw(ids)}), ''), 'UTF8')), 'base64')`

/** Erasures after one, by the event that made them, in order. */
export async function listErasures(tx: Tx, after: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select erased_by as id from audit_salt_destroyed where erased_by > ${after}::uuid
    union select erased_by from subject_key_destroyed where erased_by > ${after}::uuid
    union select erased_by from record_version_erased where erased_by > ${after}::uuid
    order by id limit ${limit}`.execute(tx)
  return rows.map(({ id }) => id)
}

/** Erasures by their events: whether what is listed under each is just what the event says. */
export async function findErasures(tx: Tx, eventIds: readonly string[]): Promise<Loss[]> {
  const { rows } = await sql<Loss>`
    select 'audit_salt_destroyed' as table, page.id::text as row, page.id::text as "eventId",
      coalesce((select position('"digest":"' || (
          select ${digestOver('d.event_id')} from audit_salt_destroyed d where d.erased_by = page.id) || '"' in e.public_part) > 0
        and not exists (select from audit_salt_destroyed d where d.erased_by = page.id and d.at <> e.at)
        and exists (select from subject_key_destroyed k where k.erased_by = page.id and k.at = e.at
          and k.owner_id = e.subject_id and k.agency_id = e.agency_id)
        and e.public_part ~ ('"versions":' || (select count(*) from record_version_erased v
          where v.erased_by = page.id and v.agency_id = e.agency_id) || '[,}]')
        from audit_event e where e.id = page.id and e.type = 'erase.person_erased' limit 1), false) as vouched
    from unnest(${eventIds}::uuid[]) as page (id) order by page.id`.execute(tx)
  return rows
}

/** Retired months, each with whether its event vouches for just the events that are gone. */
export async function listRetirements(tx: Tx): Promise<Loss[]> {
  const { rows } = await sql<Loss>`
    select 'audit_retired' as table, r.month::text as row, r.retired_by::text as "eventId",
      coalesce((select position('"digest":"' || r.digest || '"' in e.public_part) > 0
        and position('"month":"' || to_char(r.month, 'YYYY-MM') || '"' in e.public_part) > 0
        and r.month = date_trunc('month', r.month) and r.partition = 'audit_event_' || to_char(r.month, 'YYYYMM')
        and e.public_part ~ ('"firstLeaf":' || coalesce(r.first_leaf::text, 'null') || '[,}]')
        and e.public_part ~ ('"lastLeaf":' || coalesce(r.last_leaf::text, 'null') || '[,}]')
        and cardinality(r.others) = (select count(*) from log_position p where p.event_id = any (r.others)
          and p.leaf_index between r.first_leaf and r.last_leaf)
        and (r.archive_sha256 is null or position('"archiveSha256":"' || r.archive_sha256 || '"' in e.public_part) > 0)
        and r.digest = (select ${digestOver('p.event_id')} from log_position p
          where p.leaf_index between r.first_leaf and r.last_leaf and p.event_id <> all (r.others))
        and r.events = (select count(*) from log_position p
          where p.leaf_index between r.first_leaf and r.last_leaf and p.event_id <> all (r.others))
        from audit_event e where e.id = r.retired_by and e.type = 'erase.audit_retired' limit 1), false) as vouched
    from audit_retired r order by r.month`.execute(tx)
  return rows
}
