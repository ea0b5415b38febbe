import type pg from 'pg'
import { PATH, prepareRequests, type Prepared } from './load.ts'
import type { Side, Stage } from './stage.ts'
import { EXPECTED } from './world.ts'

/** What one side does for a number of requests sent one after the other. */
export interface Work {
  /** Rows added, by table. */
  readonly rows: Readonly<Record<string, number>>
  /** Bytes of what was written about the decisions. */
  readonly written: number
  /** Bytes of all answers. */
  readonly answered: number
}

/** How far apart two sizes may lie; ids and times are new each time. */
const TOLERANCE = 0.05

const TABLES = [
  'replay_guard',
  'audit_event',
  'audit_salt',
  'disclosure',
  'release_ledger',
  'released_fields',
  'idempotency',
  'review_task',
  'notice',
  'subject_key',
] as const

/**
 * Sends the same number of requests to both sides and compares what they answered and wrote.
 *
 * @throws Error that lists every difference
 */
export async function checkSameWork(
  stage: Stage,
  requests: number,
): Promise<{ readonly full: Work; readonly base: Work }> {
  const { full, base } = stage
  const faults: string[] = []
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes', 'commit_delay']) {
    const [here, there] = [await setting(full.database, name), await setting(base.database, name)]
    if (here !== there) faults.push(`${name} is ${here} for the server and ${there} for the base`)
    if (name !== 'commit_delay' && here !== 'on') faults.push(`${name} is ${here}`)
  }
  const works = {
    full: await workOf(stage, full, requests, faults),
    base: await workOf(stage, base, requests, faults),
  }
  for (const table of [...TABLES, 'log'])
    if (works.full.rows[table] !== works.base.rows[table])
      faults.push(
        `${table}: ${works.full.rows[table]} rows by the server, ${works.base.rows[table]} by the base`,
      )
  for (const what of ['written', 'answered'] as const) {
    const [here, there] = [works.full[what], works.base[what]]
    if (!(Math.abs(here / there - 1) <= TOLERANCE))
      faults.push(`bytes ${what}: ${here} by the server, ${there} by the base`)
  }
  if (faults.length > 0) throw new Error(`not the same work:\n${faults.join('\n')}`)
  return works
}

async function workOf(
  { world, origin }: Stage,
  { server, database }: Side,
  requests: number,
  faults: string[],
): Promise<Work> {
  const prepared = await prepareRequests(world, origin, requests)
  const before = await written(database)
  let answered = 0
  for (const request of prepared) {
    const { text, found } = await ask(server.origin, request)
    answered += Buffer.byteLength(text)
    faults.push(...found)
  }
  const after = await written(database)
  return {
    rows: Object.fromEntries(
      Object.entries(after.rows).map(([table, count]) => [
        table,
        count - (before.rows[table] ?? 0),
      ]),
    ),
    written: after.bytes - before.bytes,
    answered,
  }
}

async function ask(origin: string, { headers, body }: Prepared) {
  const response = await fetch(origin + PATH, { method: 'POST', headers, body })
  const text = await response.text()
  if (response.status !== 201) return { text, found: [`${origin} answered ${response.status}`] }
  const { fields } = JSON.parse(text) as { fields: readonly { outcome: string; value?: unknown }[] }
  const released = fields.filter(({ value }) => value !== undefined).length
  const right = fields.length === EXPECTED.entries && released === EXPECTED.released
  return {
    text,
    found: right
      ? []
      : [`${origin} gave ${released} values in ${fields.length} entries, not as expected`],
  }
}

async function written(database: pg.Client) {
  const counts = TABLES.map((table) => `(select count(*) from ${table})::integer as ${table}`)
  const { rows } = await database.query<Record<string, number>>(`select ${counts.join()},
    ((select count(*) from log_pending) + (select count(*) from log_position))::integer as log,
    (select coalesce(sum(octet_length(public_part) + octet_length(private_part)), 0) from audit_event)::integer
      + (select coalesce(sum(octet_length(facts) + octet_length(record_versions::text)
          + octet_length(requested::text)), 0) from disclosure)::integer
      + (select coalesce(sum(octet_length(fields::text)), 0) from release_ledger)::integer as bytes`)
  const { bytes = 0, ...counted } = rows[0] ?? {}
  return { rows: counted, bytes }
}

async function setting(database: pg.Client, name: string): Promise<string> {
  const { rows } = await database.query<{ setting: string }>(
    'select setting from pg_settings where name = $1',
    [name],
  )
  return rows[0]?.setting ?? ''
}
