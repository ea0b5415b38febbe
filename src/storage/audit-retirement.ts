/**
 * Retiring whole months of audit events. Everything here needs the owner's rights and belongs to one
 * transaction per month: a crash leaves the month as it was, or gone with all that says so.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'

/** A month, `YYYY-MM`, in UTC. */
export type Month = string

const partitionOf = (month: Month): string => {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) throw new RangeError('not a month')
  return `audit_event_${month.replace('-', '')}`
}

/** Months that have a partition of their own, the oldest first. */
export async function listAuditMonths(db: Database): Promise<Month[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'audit_event'::regclass and c.relname ~ '^audit_event_[0-9]{6}$'
    order by c.relname`.execute(db)
  return rows.map(({ name }) => `${name.slice(-6, -2)}-${name.slice(-2)}`)
}

/**
 * Makes this transaction the only one that retires anything, and keeps the month's events as they are
 * until it ends; they can be read meanwhile. Takes as long as it takes: no time limit on statements.
 */
export async function holdMonth(tx: Tx, month: Month): Promise<void> {
  await sql`set local statement_timeout = 0`.execute(tx)
  await sql`select pg_advisory_xact_lock(hashtextextended('ostiary/retire', 0))`.execute(tx)
  await sql`lock table ${sql.table(partitionOf(month))} in share mode`.execute(tx)
}

/** What of a month is not over yet; all 0 where nothing stands against retiring it. */
export interface Unfinished {
  /** Events that the log has not taken in. */
  readonly unsequenced: number
  readonly reviews: number
  readonly duties: number
  readonly verifications: number
}

/** Counts what was begun in that month and waits for somebody. */
export async function countUnfinished(tx: Tx, month: Month): Promise<Unfinished> {
  const within = (column: string) =>
    sql`${sql.ref(column)} >= ${`${month}-01`}::timestamp at time zone 'UTC'
      and ${sql.ref(column)} < (${`${month}-01`}::timestamp + interval '1 month') at time zone 'UTC'`
  const { rows } = await sql<Unfinished>`select
    (select count(*)::integer from ${sql.table(partitionOf(month))} e
      where not exists (select from log_position p where p.event_id = e.id)) as unsequenced,
    (select count(*)::integer from review_task t join disclosure d on d.id = t.disclosure_id
      where t.state in ('open', 'overdue') and ${within('d.decided_at')}) as reviews,
    (select count(*)::integer from duty where state = 'open' and ${within('created_at')}) as duties,
    (select count(*)::integer from verification_request
      where answered_at is null and ${within('created_at')}) as verifications`.execute(tx)
  return rows[0] ?? { unsequenced: 0, reviews: 0, duties: 0, verifications: 0 }
}

/** One event with all that opens it; the salts are null where an erasure destroyed them. */
export interface ArchivedEvent {
  readonly id: string
  readonly at: Date
  readonly type: string
  readonly leafIndex: number
  readonly publicPart: string
  readonly privatePart: string
  readonly publicSalt: Buffer | null
  readonly privateSalt: Buffer | null
}

const PAGE = 2000

/** The events of a month in ascending order of their ids, in pages. */
export async function* readMonth(tx: Tx, month: Month): AsyncGenerator<readonly ArchivedEvent[]> {
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const { rows } = await sql<Omit<ArchivedEvent, 'leafIndex'> & { leafIndex: string }>`
      select e.id, e.at, e.type, p.leaf_index as "leafIndex", e.public_part as "publicPart",
        e.private_part as "privatePart", s.public_salt as "publicSalt", s.private_salt as "privateSalt"
      from ${sql.table(partitionOf(month))} e
      join log_position p on p.event_id = e.id
      left join audit_salt s on s.event_id = e.id
      where e.id > ${after} order by e.id limit ${PAGE}`.execute(tx)
    const last = rows.at(-1)
    if (!last) return
    yield rows.map((row) => ({ ...row, leafIndex: Number(row.leafIndex) }))
    after = last.id
  }
}

/** Ids of events of other months among the leaves from `first` to `last`. */
export async function listOthers(
  tx: Tx,
  month: Month,
  first: number,
  last: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select p.event_id as id from log_position p
    where p.leaf_index between ${first} and ${last}
      and not exists (select from ${sql.table(partitionOf(month))} e where e.id = p.event_id)
    order by p.event_id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** A retired month, as it stays known. */
export interface RetiredMonth {
  readonly month: Month
  readonly events: number
  readonly firstLeaf: number | null
  readonly lastLeaf: number | null
  readonly others: readonly string[]
  /** As `eventDigest` makes it of the ids. */
  readonly digest: string
  readonly archiveSha256: string | null
  /** Event `erase.audit_retired` of this transaction. */
  readonly retiredBy: string
}

/** Times that the tables are waited for before the attempt is given up; two seconds each. */
const ATTEMPTS = 10

/**
 * Writes down what is retired, then takes it away: salts, index rows, and the partition itself, which
 * is detached and dropped. The last step needs the events' table for itself for a moment. It waits for
 * that in short turns, so that nothing that is to be logged waits long behind it.
 *
 * @throws lock_not_available (SQLSTATE 55P03) when it did not get it
 */
export async function retireMonth(tx: Tx, retired: RetiredMonth): Promise<void> {
  const { month, firstLeaf, lastLeaf, others, digest, archiveSha256, retiredBy } = retired
  const name = partitionOf(month)
  const partition = sql.table(name)
  const start = sql`${`${month}-01`}::timestamp at time zone 'UTC'`
  const end = sql`(${`${month}-01`}::timestamp + interval '1 month') at time zone 'UTC'`
  await sql`insert into audit_retired (month, partition, events, first_leaf, last_leaf, others, digest, archive_sha256, retired_by)
    values (${`${month}-01`}, ${name}, ${retired.events}, ${firstLeaf}, ${lastLeaf}, ${others}::uuid[],
      ${digest}, ${archiveSha256}, ${retiredBy})`.execute(tx)
  await sql`delete from audit_salt s using ${partition} e where s.event_id = e.id`.execute(tx)
  for (const index of ['audit_view', 'audit_view_term'])
    await sql`delete from ${sql.table(index)} v where v.at >= ${start} and v.at < ${end}
      and exists (select from ${partition} e where e.id = v.event_id)`.execute(tx)
  await sql`set local lock_timeout = '2s'`.execute(tx)
  for (let attempt = 1; ; attempt++) {
    await sql`savepoint detach`.execute(tx)
    try {
      await sql`alter table audit_event detach partition ${partition}`.execute(tx)
      break
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03' || attempt === ATTEMPTS) throw error
      await sql`rollback to savepoint detach`.execute(tx)
      await sleep(200)
    }
  }
  await sql`drop table ${partition}`.execute(tx)
}
