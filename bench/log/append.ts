/** Durable appends: the server's ways, each against one INSERT commit per event. */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { OstiaryError } from '../../src/errors.ts'
import { sealStatement } from '../../src/services/record-event.ts'
import { commitStatements } from '../../src/storage/gate-write.ts'
import { createPool } from '../../src/storage/pool.ts'
import { compared } from '../measure.ts'
import type { RunOptions } from '../run.ts'
import { type LogPlace, RUNTIME, type Stage, statement } from './place.ts'

/** Callers that each append again as soon as they were answered: many, as on a server under load, and fewer. */
const CALLERS = [128, 32] as const
/** As many as the server's pools have. */
const CONNECTIONS = 16
const EVENTS = 4000
const ROUNDS = 5
const TICK = 500
const LOAD = { events: EVENTS, callers: 32, isLogged: true } as const

type Append = () => Promise<unknown>

export async function appendCase(
  stage: Stage,
  { rounds = ROUNDS, print, say, signal }: RunOptions,
): Promise<void> {
  const place = await stage.open('append')
  const pools: pg.Pool[] = []
  const pool = (role?: string, pipeline = false): pg.Pool => {
    const made = createPool({
      url: place.url,
      ...(role ? { role } : {}),
      max: CONNECTIONS,
      pipeline,
    })
    pools.push(made)
    return made
  }
  try {
    const [base, gate] = [await oneInsert(pool()), inTransaction(pool('ostiary_app', true))]
    const ways = { base, together: () => place.recordAlone(statement(randomUUID())), gate }
    for (const append of Object.values(ways)) await round(place, append, { ...LOAD, signal })
    for (const callers of CALLERS) {
      const speeds = { base: [] as number[], together: [] as number[], gate: [] as number[] }
      for (let i = 0; i < rounds; i++) {
        const order = (['base', 'together', 'gate'] as const).map((_, j, all) => all[(i + j) % 3]!)
        for (const way of order)
          speeds[way].push(
            await round(place, ways[way], { ...LOAD, callers, signal, isLogged: way !== 'base' }),
          )
        const told = Object.entries(speeds).map(
          ([way, all]) => `${way} ${all.at(-1)?.toFixed(0)}/s`,
        )
        say(`append, ${callers} callers, ${i + 1}: ${told.join(', ')}`)
      }
      const line = { bench: 'log', unit: 'durable appends/s' } as const
      const isMain = callers === CALLERS[0]
      const name = isMain ? 'append' : `append, ${callers} callers`
      print(
        compared(
          { ...line, case: name, goal: isMain ? '>= 1.2' : 'told' },
          speeds.together,
          speeds.base,
        ),
      )
      print(
        compared(
          { ...line, case: `${name}, each in a transaction of its own`, goal: 'told' },
          speeds.gate,
          speeds.base,
        ),
      )
    }
  } finally {
    await Promise.all(pools.map((one) => one.end()))
  }
}

/** Appends per second. Ticks integrate what the server's ways append beside it, in the same process. */
async function round(
  place: LogPlace,
  append: Append,
  load: {
    readonly events: number
    readonly callers: number
    readonly isLogged: boolean
    readonly signal: AbortSignal
  },
): Promise<number> {
  const { events, callers, isLogged, signal } = load
  const tick = isLogged ? place.sequencer(4) : undefined
  const start = performance.now()
  const timer = tick && setInterval(() => void tick().catch(() => {}), TICK)
  let left = events
  const caller = async () => {
    while (left-- > 0) {
      signal.throwIfAborted()
      await append()
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const speed = (events * 1000) / (performance.now() - start)
  clearInterval(timer)
  // What still waits is not the next round's, nor is a tick under way.
  if (tick) while ((await tick()).state === 'skipped');
  return speed
}

/** The plain way: a row with the same texts and one index, committed by itself. */
async function oneInsert(pool: pg.Pool): Promise<Append> {
  await pool.query(`create table plain_event (id uuid primary key, at timestamptz not null, type text not null,
    agency_id uuid, practitioner_id uuid, case_id uuid, subject_id uuid, request_id uuid,
    public_part text not null, private_part text not null)`)
  return () => {
    const { header, publicText, privateText } = sealed()
    const { id, at, type, agencyId, practitionerId, caseId, requestId } = header
    const who = [agencyId, practitionerId, caseId, null, requestId]
    return pool.query({
      name: 'plain',
      text: 'insert into plain_event values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
      values: [id, at, type, ...who, publicText, privateText],
    })
  }
}

/** As the release gate writes its event: begin, agency, event with salts and entry, commit, in one round trip. */
function inTransaction(pool: pg.Pool): Append {
  return async () => {
    const event = sealed()
    const client = await pool.connect()
    try {
      const results = await Promise.all([
        client.query('begin'),
        client.query("select set_config('app.agency', $1, true)", [event.header.agencyId]),
        ...commitStatements({ event }).map((one) => client.query(one)),
        client.query('commit'),
      ])
      if (results.at(-1)?.command !== 'COMMIT') throw new OstiaryError('audit_unavailable')
    } finally {
      client.release()
    }
  }
}

const sealed = () => sealStatement(RUNTIME, statement(randomUUID()))
