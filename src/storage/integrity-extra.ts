/**
 * Rows of which no event tells: what somebody put there. Pages in the order of a key, for the worker
 * role, in a snapshot. Rows of the months whose events were retired are left out: nothing tells of them
 * any more.
 */
import { sql, type RawBuilder } from 'kysely'
import type { Tx } from './database.ts'

/** One page: keys of rows without an event, and where to go on; undefined at the end. */
export interface ExtraPage {
  readonly extra: readonly string[]
  readonly rows: number
  readonly next: string | undefined
}

/** A table that is paged, by name. */
export type PagedTable = keyof typeof PAGES

/** Tables in which a row needs an event, in the order in which they are walked. */
export const PAGED_TABLES = [
  'disclosure',
  'release_ledger',
  'record',
  'record_version',
  'consent',
  'agreement',
  'review_task',
  'policy_version',
] as const satisfies readonly PagedTable[]

/** Whether the month of a time was retired. */
const retired = (column: string) => sql`exists (select from audit_retired x
  where x.month = date_trunc('month', ${sql.ref(column)} at time zone 'UTC')::date)`

/**
 * Whether the public part of event `e` has this member with the text of a column: looked for in the
 * canonical text, since one that was tampered with may be no JSON any more.
 */
export const says = (member: string, column: string) =>
  sql`position(${`"${member}":"`} || ${sql.ref(column)} || '"' in e.public_part) > 0`

/** The same for a number. */
export const saysNumber = (member: string, column: string) =>
  sql`e.public_part ~ (${`"${member}":`} || ${sql.ref(column)} || '[,}]')`

/** Time as an event writes it. */
const iso = (column: string) =>
  sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

interface Page {
  /** Rows after a key (or from the first), with key and time, under the name `t`. */
  readonly rows: (after: string, limit: number) => RawBuilder<unknown>
  /** Whether an event tells of row `t`. */
  readonly told: RawBuilder<unknown>
  readonly first: string
}

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** Rows of a table whose key is one UUID. */
const byId = (columns: string, table: string) => (after: string, limit: number) => sql`
  select id::text as key, ${sql.raw(columns)} from ${sql.table(table)}
  where id > ${after}::uuid order by id limit ${limit}`

/** Rows of a table whose key is a UUID and something else. */
const byPair =
  (columns: string, table: string, [id, other, type]: readonly [string, string, string]) =>
  (after: string, limit: number) => {
    const [first = NO_ID, second = ''] = after.split('/', 2)
    return sql`
      select ${sql.ref(id)} || '/' || ${sql.ref(other)} as key, ${sql.raw(columns)} from ${sql.table(table)}
      where (${sql.ref(id)}, ${sql.ref(other)}) > (${first}::uuid, ${second}::${sql.raw(type)})
      order by ${sql.ref(id)}, ${sql.ref(other)} limit ${limit}`
  }

const PAGES = {
  disclosure: {
    first: NO_ID,
    rows: byId('event_id, decided_at', 'disclosure'),
    told: sql`${retired('t.decided_at')} or exists (select from audit_event e
      where e.id = t.event_id and e.at = t.decided_at and e.type in ('disclose.decided', 'disclose.previewed')
        and ${says('disclosureId', 't.key')})`,
  },
  release_ledger: {
    first: `${NO_ID}/${NO_ID}`,
    rows: byPair('disclosure_id', 'release_ledger', ['disclosure_id', 'record_id', 'uuid']),
    told: sql`exists (select from disclosure d where d.id = t.disclosure_id)`,
  },
  record: {
    first: NO_ID,
    rows: byId('version', 'record'),
    told: sql`exists (select from record_version v where v.record_id = t.key::uuid and v.version = t.version)
      and exists (select from record_version v where v.record_id = t.key::uuid and v.version = 1)`,
  },
  record_version: {
    first: `${NO_ID}/0`,
    rows: byPair('record_id, version, agency_id, created_at', 'record_version', [
      'record_id',
      'version',
      'integer',
    ]),
    told: sql`${retired('t.created_at')} or exists (select from audit_event e
      where e.agency_id = t.agency_id and e.at = t.created_at
        and e.type in ('collect.deposited', 'alter.amended', 'alter.verified', 'alter.contested')
        and ${says('recordId', 't.record_id')} and ${saysNumber('version', 't.version')})`,
  },
  consent: {
    first: NO_ID,
    rows: byId('subject_id, created_at, withdrawn_at', 'consent'),
    told: sql`${retired('t.created_at')} or (select count(*) from audit_event e
      where e.subject_id = t.subject_id and e.type in ('consent.recorded', 'consent.withdrawn')
        and ${says('consentId', 't.key')}
        and (e.type = 'consent.recorded' or t.withdrawn_at is not null)) = case when t.withdrawn_at is null then 1 else 2 end`,
  },
  agreement: {
    first: NO_ID,
    rows: byId('created_by, created_at, terminated_at, ended, parties', 'agreement'),
    told: sql`${retired('t.created_at')} or exists (select from audit_event e
      where e.agency_id = t.created_by and e.type = 'agreement.created'
        and ${says('agreementId', 't.key')})
      and case when t.terminated_at is null then not t.ended else exists (select from audit_event e
        where e.agency_id in (select unnest(t.parties) union select a.id from agency a where a.operator)
          and e.type = 'agreement.terminated' and ${says('agreementId', 't.key')}
          and position('"terminatedAt":"' || ${iso('t.terminated_at')} || '"' in e.public_part) > 0) end`,
  },
  review_task: {
    first: NO_ID,
    rows: byId(
      'disclosure_id, state, decided_at, decided_by, signature, note_sealed, note_key',
      'review_task',
    ),
    told: sql`exists (select from disclosure d where d.id = t.disclosure_id
      and (t.state in ('approved', 'refused') or num_nulls(t.decided_at, t.decided_by, t.signature, t.note_sealed, t.note_key) = 5)
      and (t.state = 'open' or ${retired('d.decided_at')} or exists (select from audit_event e
        where e.subject_id = d.subject_id and ${says('reviewId', 't.key')}
          and e.type = case when t.state = 'overdue' then 'review.overdue' else 'review.decided' end)))`,
  },
  policy_version: {
    first: '0',
    rows: (after: string, limit: number) => sql`
      select version::text as key, activated_by, created_at from policy_version
      where version > ${after}::integer order by version limit ${limit}`,
    // The first one is what `ostiary init` put in force.
    told: sql`t.key = '1' or ${retired('t.created_at')} or exists (select from audit_event e
      where (e.agency_id = (t.activated_by ->> 'agencyId')::uuid or t.activated_by is null and e.agency_id is null)
        and e.at = t.created_at and e.type = 'policy.activated'
        and ${saysNumber('version', 't.key')})`,
  },
} satisfies Record<string, Page>

/** The page of a table after a key; `undefined` begins. */
export async function listExtra(
  tx: Tx,
  table: PagedTable,
  after: string | undefined,
  limit: number,
): Promise<ExtraPage> {
  const { rows: page, told, first }: Page = PAGES[table]
  const { rows } = await sql<{ key: string; told: boolean }>`
    select t.key, coalesce((${told}), false) as told from (${page(after ?? first, limit)}) t`.execute(
    tx,
  )
  return {
    extra: rows.filter((row) => !row.told).map(({ key }) => key),
    rows: rows.length,
    next: rows.length < limit ? undefined : rows.at(-1)?.key,
  }
}
