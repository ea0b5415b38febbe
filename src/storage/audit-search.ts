/**
 * Searching the index over the audit log. Rows are the reader's own by row-level security; every filter
 * is a range of an index that already lies in the order of the page, so a page costs what it holds.
 */
import { type RawBuilder, sql } from 'kysely'
import type { AuditView } from '../domain/audit/vocabulary.ts'
import type { Tx } from './database.ts'

/** A place in the list of events. */
export interface AuditPosition {
  readonly at: Date
  readonly id: string
  readonly view: AuditView
}

/** Any of these names; `keys` are their term keys, in any order. */
export interface AuditTerms {
  readonly names: readonly string[]
  readonly keys: readonly string[]
}

/** All that is given has to hold. */
export interface AuditFilter {
  readonly view?: AuditView
  readonly from?: Date
  /** Exclusive. */
  readonly to?: Date
  readonly subjectId?: string
  readonly caseId?: string
  readonly disclosureId?: string
  readonly requestId?: string
  readonly practitionerId?: string
  readonly role?: string
  readonly purpose?: string
  readonly outcome?: string
  /** Any of these. */
  readonly exceptions?: readonly string[]
  /** Any of these. */
  readonly types?: readonly string[]
  /** Named, asked for, answered or withheld. */
  readonly fields?: AuditTerms
  /** Of these a value left. */
  readonly released?: AuditTerms
  readonly rules?: AuditTerms
  readonly reasons?: AuditTerms
  readonly parties?: AuditTerms
}

/** Which part of the list. */
export interface AuditPage {
  readonly order: 'newest' | 'oldest'
  readonly after?: AuditPosition
  /** Only what the log had taken in before this leaf. */
  readonly beforeLeaf?: number
  readonly limit: number
}

/** One event as one reader may find it. */
export interface AuditEventRow {
  readonly event_id: string
  readonly at: Date
  readonly view: AuditView
  readonly type: string
  readonly agency_id: string | null
  readonly practitioner_id: string | null
  readonly role: string | null
  readonly case_id: string | null
  readonly subject_id: string | null
  readonly request_id: string | null
  readonly disclosure_id: string | null
  readonly purpose: string | null
  readonly outcome: string | null
  readonly exception: string | null
  readonly fields: readonly string[]
  readonly released: readonly string[]
  readonly rules: readonly string[]
  readonly reasons: readonly string[]
  readonly parties: readonly string[]
}

/** The reader as whom the transaction's agency searches: the authority of its country, or itself. */
export async function findAuditViewer(tx: Tx): Promise<string> {
  const { rows } = await sql<{ viewer: string }>`
    select coalesce(my_authority(), app_agency()) as viewer`.execute(tx)
  return rows[0]?.viewer ?? ''
}

/** Every reader of whole events; needs the owner's rights to be of use. */
export async function listAuthorityViewers(tx: Tx): Promise<string[]> {
  const { rows } = await sql<{ viewer: string }>`
    select distinct authority_viewer(country) as viewer from agency
    union select authority_viewer('')`.execute(tx)
  return rows.map(({ viewer }) => viewer)
}

/** The leaf up to which the index has come; 0 before its first batch. */
export async function findIndexedLeaf(tx: Tx): Promise<number> {
  const { rows } = await sql<{ next_leaf: string }>`
    select next_leaf from audit_view_cursor`.execute(tx)
  return Number(rows[0]?.next_leaf ?? 0)
}

/**
 * Has this transaction read in the order of the indexes, also where the planner has no figures yet, such
 * as after the index was filled anew: every page is a range of one of them, and nothing else is ever as
 * quick as that.
 */
export async function readInOrder(tx: Tx): Promise<void> {
  await sql`select set_config(name, 'off', true)
    from unnest(array['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin']) as name`.execute(
    tx,
  )
}

/** Events of some readers, at most `limit`, in the page's order. */
export async function listAuditEvents(
  tx: Tx,
  viewers: readonly string[],
  filter: AuditFilter,
  page: AuditPage,
): Promise<AuditEventRow[]> {
  await readInOrder(tx)
  const { rows } = await auditEventsQuery(viewers, filter, page).execute(tx)
  return rows
}

/** The statement of {@link listAuditEvents}, so that a test can have it explained. */
export function auditEventsQuery(
  viewers: readonly string[],
  filter: AuditFilter,
  page: AuditPage,
): RawBuilder<AuditEventRow> {
  const { path, rest } = pathOf(filter)
  const direction = page.order === 'newest' ? sql`desc` : sql`asc`
  const inOrder = (row: string) => {
    const [at, id, view] = ['at', 'event_id', 'view'].map((name) => sql.ref(`${row}.${name}`))
    return sql`order by ${at} ${direction}, ${id} ${direction}, ${view} ${direction} limit ${page.limit}`
  }
  const wanted = sql.join(
    [sql`true`, ...placeIn(page, path.row), ...conditions(rest, page)],
    sql` and `,
  )
  return sql<AuditEventRow>`
    select distinct on (v.at, v.event_id, v.view) v.event_id, v.at, v.view, v.type, v.agency_id,
      v.practitioner_id, v.role, v.case_id, v.subject_id, v.request_id, v.disclosure_id, v.purpose, v.outcome,
      v.exception, v.fields, v.released, v.rules, v.reasons, v.parties
    from unnest(${viewers}::uuid[]) as reader (id) ${path.values}
    cross join lateral (
      select v.* from ${path.from} and ${within(filter, path.row)} and ${wanted}
      ${inOrder(path.row)}) v
    ${inOrder('v')}`
}

/** By which index the rows are found: what it reads from, ending in a condition. */
interface Path {
  /** Alias of the table whose index gives the order. */
  readonly row: 'v' | 't'
  /** The values that are looked for, one range each. */
  readonly values: RawBuilder<unknown>
  readonly from: RawBuilder<unknown>
}

const COLUMNS = [
  ['disclosureId', 'disclosure_id', 'uuid'],
  ['requestId', 'request_id', 'uuid'],
  ['subjectId', 'subject_id', 'uuid'],
  ['caseId', 'case_id', 'uuid'],
  ['practitionerId', 'practitioner_id', 'uuid'],
  ['exceptions', 'exception', 'text'],
] as const
const TERMS = ['released', 'rules', 'reasons', 'fields', 'parties'] as const
const WIDE_COLUMNS = [
  ['types', 'type', 'text'],
  ['purpose', 'purpose', 'text'],
  ['role', 'role', 'text'],
  ['outcome', 'outcome', 'text'],
] as const

/** The filter that leaves least, as a rule, leads; the others are looked at row by row. */
function pathOf(filter: AuditFilter): { readonly path: Path; readonly rest: AuditFilter } {
  const column = COLUMNS.find(([name]) => filter[name] !== undefined)
  if (column) return { path: columnPath(column, filter), rest: without(filter, column[0]) }
  const term = TERMS.find((name) => filter[name] !== undefined)
  // The terms themselves are compared as well: two of them may have the same key.
  if (term) return { path: termPath(filter[term]?.keys ?? []), rest: filter }
  const wide = WIDE_COLUMNS.find(([name]) => filter[name] !== undefined)
  if (wide) return { path: columnPath(wide, filter), rest: without(filter, wide[0]) }
  const from = sql`audit_view v where v.viewer_id = reader.id`
  return { path: { row: 'v', values: sql``, from }, rest: filter }
}

function columnPath(
  [name, column, type]: (typeof COLUMNS)[number] | (typeof WIDE_COLUMNS)[number],
  filter: AuditFilter,
): Path {
  const values = [filter[name] ?? []].flat()
  return {
    row: 'v',
    values: sql`cross join unnest(${values}::${sql.raw(type)}[]) as wanted (value)`,
    from: sql`audit_view v where v.viewer_id = reader.id and ${sql.ref(`v.${column}`)} = wanted.value`,
  }
}

const termPath = (keys: readonly string[]): Path => ({
  row: 't',
  values: sql`cross join unnest(${keys}::bigint[]) as wanted (value)`,
  from: sql`audit_view_term t
    join audit_view v on v.viewer_id = t.viewer_id and v.at = t.at and v.event_id = t.event_id and v.view = t.view
    where t.viewer_id = reader.id and t.term = wanted.value`,
})

function without(filter: AuditFilter, name: keyof AuditFilter): AuditFilter {
  const { [name]: _, ...rest } = filter
  return rest
}

function within({ from, to }: AuditFilter, row: Path['row']): RawBuilder<unknown> {
  const at = sql.ref(`${row}.at`)
  const bounds = [...(from ? [sql`${at} >= ${from}`] : []), ...(to ? [sql`${at} < ${to}`] : [])]
  return sql.join([sql`true`, ...bounds], sql` and `)
}

/** Behind the last row of the page before. */
function placeIn({ after, order }: AuditPage, row: Path['row']): RawBuilder<unknown>[] {
  if (!after) return []
  const place = sql`(${sql.ref(`${row}.at`)}, ${sql.ref(`${row}.event_id`)}, ${sql.ref(`${row}.view`)})`
  const last = sql`(${after.at}::timestamptz, ${after.id}::uuid, ${after.view}::text)`
  return [order === 'newest' ? sql`${place} < ${last}` : sql`${place} > ${last}`]
}

function conditions(filter: AuditFilter, { beforeLeaf }: AuditPage): RawBuilder<unknown>[] {
  const same = [...COLUMNS, ...WIDE_COLUMNS].flatMap(([name, column, type]) => {
    const value = filter[name]
    if (value === undefined) return []
    return [sql`${sql.ref(`v.${column}`)} = any(${[value].flat()}::${sql.raw(type)}[])`]
  })
  const among = TERMS.flatMap((name) => {
    const terms = filter[name]
    const type = name === 'parties' ? sql`uuid[]` : sql`text[]`
    return terms ? [sql`${sql.ref(`v.${name}`)} && ${terms.names}::${type}`] : []
  })
  return [
    ...same,
    ...among,
    ...(filter.view === undefined ? [] : [sql`v.view = ${filter.view}`]),
    ...(beforeLeaf === undefined ? [] : [sql`v.leaf_index < ${beforeLeaf}`]),
  ]
}
