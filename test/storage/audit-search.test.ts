// Searching 200,000 events: whatever the filter, a page is one range of an index, read no further than it is long.
import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect, sql } from 'kysely'
import t, { type Test } from 'tap'
import { termKey } from '../../src/domain/audit/term.ts'
import {
  type AuditFilter,
  type AuditPage,
  auditEventsQuery,
  listAuditEvents,
  readInOrder,
} from '../../src/storage/audit-search.ts'
import type { Database, Tables } from '../../src/storage/database.ts'
import { createPool } from '../../src/storage/pool.ts'
import { transactions } from '../../src/storage/transaction.ts'
import { createTestDatabase } from '../support/database.ts'

const ROWS = 200_000
const database = await createTestDatabase()
t.teardown(() => database.drop())
const connect = (role?: string): Database => {
  const pool = createPool({ url: database.url, ...(role ? { role } : {}), statementTimeout: 0 })
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}
const [app, owner] = [connect('ostiary_app'), connect()]
t.teardown(() => Promise.all([app.destroy(), owner.destroy()]))

const [big, small] = [randomUUID(), randomUUID()] as [string, string]
const id = (kind: string, number: number): string =>
  `${kind}0000000-0000-4000-8000-${String(number).padStart(12, '0')}`

// Three rows in four are the large agency's. What is rare stands at the far end: whoever reads by time until
// the page is full reads everything.
await sql`insert into audit_view
  select case when n % 4 = 0 then ${small}::uuid else ${big}::uuid end,
    '2026-01-01'::timestamptz + n * interval '1 minute', ('e0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
    'actor', n,
    case when n < 6 then 'erase.person_erased' when n % 5 = 0 then 'consult.case_viewed' else 'disclose.decided' end,
    ${big}::uuid, ('a0000000-0000-4000-8000-' || lpad((case when n < 6 then 999 else n % 50 end)::text, 12, '0'))::uuid,
    case when n < 6 then 'interpreter' else 'vss_advocate' end,
    ('c0000000-0000-4000-8000-' || lpad((case when n < 6 then 99999 else n % 1000 end)::text, 12, '0'))::uuid,
    ('b0000000-0000-4000-8000-' || lpad((case when n < 6 then 99999 else n % 2000 end)::text, 12, '0'))::uuid,
    ('f0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ('d0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
    case when n < 6 then 'research' else 'safety_urgent' end, case when n < 6 then 'review' else 'full' end,
    case when n < 6 then 'court_order' when n % 100 = 1 then 'break_glass' end,
    array['record_' || n % 20 || '.field_' || n % 8, case when n < 6 then 'rare.field' else 'common.field' end],
    case when n < 6 then array['rare.field'] else array['common.field'] end,
    case when n < 6 then array['RARE'] else array['F9'] end, case when n < 6 then array['rule_error'] else array['no_rule'] end,
    array[('90000000-0000-4000-8000-' || lpad((case when n < 6 then 99 else n % 10 end)::text, 12, '0'))::uuid], '{}'
  from generate_series(1, ${ROWS}) n`.execute(owner)
await sql`insert into audit_view_term
  select v.viewer_id, ('x' || encode(substring(sha256(convert_to(x.kind || E'\n' || x.name, 'UTF8')) for 8), 'hex'))::bit(64)::bigint,
    v.at, v.event_id, v.view
  from audit_view v
  cross join lateral (
    select 'field' as kind, unnest(v.fields) as name union all select 'released', unnest(v.released)
    union all select 'rule', unnest(v.rules) union all select 'reason', unnest(v.reasons)
    union all select 'agency', unnest(v.parties)::text) x`.execute(owner)

const terms = (kind: Parameters<typeof termKey>[0], ...names: string[]) => ({
  names,
  keys: names.map((name) => termKey(kind, name)),
})
const manyFields = Array.from({ length: 8 }, (_, i) => `record_${i}.field_${i}`)

/** Filters, common and rare alike, with how many rows the large agency has of them. */
const FILTERS: Readonly<Record<string, AuditFilter>> = {
  nothing: {},
  'a window of time': { from: new Date('2026-02-01'), to: new Date('2026-03-01') },
  'the distant past': { to: new Date('2026-01-01T01:00:00Z') },
  subject: { subjectId: id('b', 7) },
  case: { caseId: id('c', 7) },
  disclosure: { disclosureId: id('d', 7) },
  request: { requestId: id('f', 7) },
  practitioner: { practitionerId: id('a', 7) },
  'a rare practitioner': { practitionerId: id('a', 999) },
  role: { role: 'vss_advocate' },
  'a rare role': { role: 'interpreter' },
  purpose: { purpose: 'safety_urgent' },
  'a rare purpose': { purpose: 'research' },
  outcome: { outcome: 'full' },
  'a rare outcome': { outcome: 'review' },
  exception: { exceptions: ['break_glass', 'court_order', 'child_safety'] },
  'a rare exception': { exceptions: ['court_order'] },
  type: { types: ['consult.case_viewed'] },
  'a rare type': { types: ['erase.person_erased'] },
  'a class of types': {
    types: ['consult.case_viewed', 'consult.log_searched', 'erase.person_erased'],
  },
  field: { fields: terms('field', 'common.field') },
  'a rare field': { fields: terms('field', 'rare.field') },
  'a group of fields': { fields: terms('field', ...manyFields) },
  'a rare release': { released: terms('released', 'rare.field') },
  rule: { rules: terms('rule', 'F9') },
  'a rare rule': { rules: terms('rule', 'RARE') },
  'a rare reason': { reasons: terms('reason', 'rule_error') },
  agency: { parties: terms('agency', id('9', 3)) },
  'a rare agency': { parties: terms('agency', id('9', 99)) },
  'what there is none of': { rules: terms('rule', 'F404') },
  'subject and field': { subjectId: id('b', 7), fields: terms('field', 'common.field') },
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Shared Hit Blocks'?: number
  readonly Plans?: readonly Plan[]
}
const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)]

/** The plan as it was carried out for the large agency, as the server's own role. */
function planOf(filter: AuditFilter, page: AuditPage): Promise<Plan[]> {
  return transactions(app)(big, async (tx) => {
    await readInOrder(tx)
    const { rows } = await sql<{ 'QUERY PLAN': [{ Plan: Plan }] }>`
      explain (analyze, format json, timing off) ${auditEventsQuery([big], filter, page)}`.execute(
      tx,
    )
    return nodes(rows[0]!['QUERY PLAN'][0].Plan)
  })
}

const LIMIT = 50
const everyFilter = async (t: Test) => {
  const middle = { at: new Date('2026-03-01'), id: id('e', 1), view: 'actor' } as const
  for (const [name, filter] of Object.entries(FILTERS))
    for (const page of [
      { order: 'newest', limit: LIMIT },
      { order: 'newest', limit: LIMIT, after: middle },
      { order: 'oldest', limit: LIMIT, after: middle, beforeLeaf: ROWS },
    ] as const) {
      const plan = await planOf(filter, page)
      const reads = plan.filter((node) => node['Relation Name']?.startsWith('audit_view'))
      const text = `${name}, ${page.order}${'after' in page ? ' after' : ''}`
      t.ok(reads.length > 0, text)
      for (const read of reads) {
        t.match(read['Node Type'], /^Index (Only )?Scan$/, `${text}: ${read['Relation Name']}`)
        const touched =
          (read['Actual Rows'] + (read['Rows Removed by Filter'] ?? 0)) * read['Actual Loops']
        // One range for each value that is looked for.
        const ranges = Math.max(
          1,
          ...Object.values(filter).map((value: unknown) =>
            Array.isArray(value)
              ? value.length
              : ((value as { keys?: unknown[] })?.keys?.length ?? 1),
          ),
        )
        t.ok(touched <= LIMIT * ranges + 100, `${text}: ${read['Index Name']} read ${touched} rows`)
      }
    }
}

t.test('every filter is a range of an index, on a first page and on later ones', async (t) => {
  await t.test('as soon as the index was filled', everyFilter)
  for (const table of ['audit_view', 'audit_view_term'])
    await sql.raw(`vacuum analyze ${table}`).execute(owner)
  await t.test('with all figures of the planner', everyFilter)
})

t.test('an agency finds its own rows, whatever it asks for', async (t) => {
  const found = await transactions(app)(small, (tx) =>
    listAuditEvents(tx, [big, small], {}, { order: 'newest', limit: 200 }),
  )
  t.equal(found.length, 200)
  const { rows } = await sql<{ mine: number }>`
    select count(*)::int as mine from audit_view where viewer_id = ${small} and event_id = any(${found.map(
      ({ event_id }) => event_id,
    )}::uuid[])`.execute(owner)
  t.equal(rows[0]?.mine, 200)
  t.same(
    await transactions(app)(randomUUID(), (tx) =>
      listAuditEvents(tx, [big, small], {}, { order: 'newest', limit: 200 }),
    ),
    [],
  )
})

t.test('two terms under one key are told apart', async (t) => {
  const wrong = { names: ['F9'], keys: [termKey('rule', 'RARE')] }
  t.same(
    await transactions(app)(big, (tx) =>
      listAuditEvents(tx, [big], { rules: wrong }, { order: 'newest', limit: 50 }),
    ),
    [],
  )
})
