/** What a request leaves: rows by table, and its events in the audit log. */
import pg from 'pg'
import type { Answer } from './agency-client.ts'

/** Tables of the machinery, which say nothing about a case: what was used once, tokens, keys, the published log. */
const MACHINERY = [
  'replay_guard',
  'oidc_payload',
  'server_key',
  'log_tile',
  'log_bundle',
  'log_position',
  'log_checkpoint',
]

export type RowCounts = Readonly<Record<string, number>>

/** What one request came to. */
export interface Audited {
  readonly answer: Answer
  /** Status and problem code, such as `404 not_found`. */
  readonly said: string
  /** Events that bear the id of the request; columns as stored. */
  readonly events: readonly Record<string, unknown>[]
  /** Rows more or less, by table. */
  readonly written: RowCounts
}

/** Refused for want of authority: one event is written, and nothing else. */
export const ONE_EVENT: RowCounts = { audit_event: 1, audit_salt: 1, log_pending: 1 }

/** Looks at a server's database past the server. */
export interface Inspector {
  readonly db: pg.Client
  /** Sends a request and tells what came of it. Nothing else may be under way. */
  audited(call: () => Promise<Answer>): Promise<Audited>
  end(): Promise<void>
}

/** Connects; tables that come later are not seen. */
export async function inspect(databaseUrl: string): Promise<Inspector> {
  const db = new pg.Client({ connectionString: databaseUrl })
  await db.connect()
  const { rows: tables } = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname <> all ($1) order by 1`,
    [MACHINERY],
  )
  const counts = tables.map(({ name }) => `'${name}', (select count(*)::int from "${name}")`)
  const query = `select json_build_object(${counts.join(', ')}) as counts`
  async function count(): Promise<RowCounts> {
    const { rows } = await db.query<{ counts: RowCounts }>(query)
    if (!rows[0]) throw new Error('nothing was counted')
    return rows[0].counts
  }
  return {
    db,
    async audited(call) {
      const before = await count()
      const answer = await call()
      const { rows: events } = await db.query<Record<string, unknown>>(
        'select type, agency_id, practitioner_id, case_id, subject_id from audit_event where request_id = $1',
        [answer.headers.get('request-id')],
      )
      const written = difference(before, await count())
      return { answer, events, written, said: saidBy(answer) }
    },
    end: () => db.end(),
  }
}

/** Status, and code where it is a problem. */
export function saidBy({ status, body }: Answer): string {
  return body?.code === undefined ? String(status) : `${status} ${body.code}`
}

/** All that a client can tell of an answer, but for what names the request. */
export function shapeOf(answer: Answer | undefined): unknown {
  const { instance: _, ...body } = (answer?.body ?? {}) as Record<string, unknown>
  const headers = [...(answer?.headers ?? [])].filter(
    ([name]) => !['date', 'request-id'].includes(name),
  )
  return { status: answer?.status, body, headers }
}

function difference(before: RowCounts, after: RowCounts): RowCounts {
  const changed = Object.entries(after).filter(([name, count]) => count !== before[name])
  return Object.fromEntries(changed.map(([name, count]) => [name, count - (before[name] ?? 0)]))
}
