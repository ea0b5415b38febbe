/** What the contract and the table of events say of the audit events of one request, held against the rows. */
import type { Test } from 'tap'
import pg from 'pg'
import type { OpenAPIV3_1 } from 'openapi-types'
import { EVENT_SHAPES } from '../../src/domain/log/event-shapes.ts'
import { EVENT_TYPES, type EventType } from '../../src/domain/log/event.ts'
import type { Answer } from './agency-client.ts'

/** One event as the owner of the database reads it. */
export interface StoredEvent {
  readonly id: string
  readonly type: EventType
  readonly public: Readonly<Record<string, unknown>>
  readonly private: Readonly<Record<string, unknown>>
  readonly texts: readonly string[]
  readonly columns: Readonly<Record<string, unknown>>
}

/** What `x-audit-event` says of one operation. */
export interface DeclaredEvents {
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly public: boolean
  readonly types: readonly EventType[]
  /** Why it writes none. */
  readonly none?: string
}

/** Types that every operation may write when it turns somebody away. */
export function alwaysDeclared(document: OpenAPIV3_1.Document): readonly EventType[] {
  return (document as { 'x-audit-event-always'?: EventType[] })['x-audit-event-always'] ?? []
}

/** Reads the extension of every operation; throws where it is missing or names what is no event. */
export function declaredEvents(document: OpenAPIV3_1.Document): DeclaredEvents[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
      const operation = item?.[method]
      if (!operation) return []
      const said = (operation as { 'x-audit-event'?: EventType[] | { none: string } })[
        'x-audit-event'
      ]
      const id = operation.operationId ?? ''
      if (said === undefined) throw new Error(`${id} does not say which audit events it writes`)
      const types = Array.isArray(said) ? said : []
      if (Array.isArray(said) ? said.length === 0 : !/^\S.{9,}$/.test(said.none))
        throw new Error(`${id} gives no reason to write none`)
      for (const type of types)
        if (!EVENT_TYPES.includes(type)) throw new Error(`${id} names ${type}, which is no event`)
      const security = operation.security ?? document.security ?? []
      const about = { operation: id, method, path, types, public: security.length === 0 }
      return [Array.isArray(said) ? about : { ...about, none: said.none }]
    }),
  )
}

const COLUMNS = 'id, type, agency_id, practitioner_id, case_id, subject_id, request_id'

/** Reads events past the server. */
export async function eventReader(databaseUrl: string) {
  const db = new pg.Client({ connectionString: databaseUrl })
  await db.connect()
  const read = async (where: string, values: readonly unknown[]): Promise<StoredEvent[]> => {
    const { rows } = await db.query<Record<string, string>>(
      `select ${COLUMNS}, public_part, private_part from audit_event where ${where} order by at, id`,
      [...values],
    )
    return rows.map(({ public_part: told = '', private_part: kept = '', ...columns }) => ({
      id: columns['id'] ?? '',
      type: columns['type'] as EventType,
      public: JSON.parse(told) as Record<string, unknown>,
      private: JSON.parse(kept) as Record<string, unknown>,
      texts: [told, kept],
      columns,
    }))
  }
  return {
    db,
    ofRequest: ({ headers }: Answer) => read('request_id = $1', [headers.get('request-id')]),
    all: () => read('true', []),
    end: () => db.end(),
  }
}

/** Header members that each way in leaves. */
const ACTORS: Readonly<Record<string, readonly string[]>> = {
  sender_constrained: ['agencyId', 'clientId', 'operation', 'requestId'],
  bearer: ['agencyId', 'clientId', 'operation', 'requestId'],
  command_line: ['operation'],
  worker: ['operation'],
}

/** Types whose writer may be nobody known: then there is no channel. */
const OF_STRANGERS: readonly EventType[] = [
  'signin.token_refused',
  'signin.refusals_counted',
  'authority.limited',
]

/** Holds one event to its shape: exactly the members that the table names, in the part that it names. */
export function checkShape(t: Test, event: StoredEvent): void {
  const shape = EVENT_SHAPES[event.type]
  const name = `${event.type} by ${String(headerOf(event)['operation'])}`
  const header = headerOf(event)
  t.same(event.private['event'], header, `${name}: one header in both parts`)
  for (const part of ['public', 'private'] as const) {
    const members = Object.keys(event[part]).filter((member) => member !== 'event')
    const missing = shape[part].filter((member) => !members.includes(member))
    const foreign = members.filter(
      (member) => !shape[part].includes(member) && !shape.sometimes?.includes(member),
    )
    t.same({ missing, foreign }, { missing: [], foreign: [] }, `${name}: ${part} part`)
  }
  const { id, at, type, result, channel } = header
  t.same([id, type], [event.id, event.type], name)
  t.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, `${name}: time`)
  const refused = Object.hasOwn(event.public, 'refused')
  const results = refused ? ['refused'] : ['done', 'full', 'partial', 'none', 'review']
  t.ok(results.includes(String(result)), `${name}: result`)
  if (channel === undefined)
    t.ok(OF_STRANGERS.includes(event.type), `${name}: somebody known did it`)
  const actor = ACTORS[String(channel)] ?? []
  for (const member of [...actor, ...shape.about])
    t.ok(typeof header[member] === 'string', `${name}: ${member}`)
  const columns = {
    agency_id: header['agencyId'] ?? null,
    practitioner_id: header['practitionerId'] ?? null,
    case_id: header['caseId'] ?? null,
    subject_id: header['subjectId'] ?? null,
    request_id: header['requestId'] ?? null,
  }
  t.match(event.columns, columns, `${name}: columns say the same`)
}

/** The part that is repeated in both. */
export const headerOf = (event: StoredEvent): Readonly<Record<string, unknown>> =>
  event.public['event'] as Record<string, unknown>
