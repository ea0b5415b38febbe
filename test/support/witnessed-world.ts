/** A world whose log has witnesses, each a process of its own, and further servers on its database or on a copy of it. */
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import pg from 'pg'
import type { Test } from 'tap'
import { loadConfig } from '../../src/config.ts'
import { loggerOptions } from '../../src/http/logging.ts'
import { type Ostiary, wire } from '../../src/wire.ts'
import { AgencyClient, type Answer, type CallOptions } from './agency-client.ts'
import { freePort } from './free-port.ts'
import type { Fetch } from './independent-verifier.ts'
import { initWitness, startWitness, type WitnessProcess } from './witness-process.ts'
import { type Agency, startWorld, type World } from './world.ts'

/** One witness: its place is known before it runs. */
export interface TestWitness {
  readonly directory: string
  readonly vkey: string
  readonly url: string
  /** Starts it, for the log of this world. */
  start(): Promise<WitnessProcess>
  /** Kills it. */
  kill(): Promise<void>
  /** Freezes it, or has it go on: it accepts connections, and says nothing. */
  freeze(frozen: boolean): void
}

/** A server on some database, spoken to by the agencies of the world. */
export interface Server {
  readonly ostiary: Ostiary
  readonly address: string
  readonly logged: LogLines
  /** Reads its public log. */
  readonly fetch: Fetch
  /** The note at `/log/checkpoint`; undefined while there is none. */
  checkpoint(): Promise<string | undefined>
  call(agency: Agency, role: Role, method: string, path: string, o?: CallOptions): Promise<Answer>
  /** `/health/ready`. */
  ready(): Promise<{ status: string; degraded?: string[] }>
  close(): Promise<void>
}

type Role = Parameters<Agency['call']>[0]

export interface WitnessedWorld {
  readonly world: World
  readonly first: Server
  readonly vkey: string
  readonly witnesses: readonly TestWitness[]
  /** One more server, on the same database unless another is named. */
  serve(environment?: Environment, databaseUrl?: string): Promise<Server>
  /** Copies the database as it is now, which nobody may be using. */
  copyDatabase(): Promise<string>
}

export type Environment = Readonly<Record<string, string>>

/** What a server has logged, a parsed line each. */
export class LogLines extends Writable {
  readonly lines: Record<string, unknown>[] = []

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (const line of chunk.toString().split('\n').filter(Boolean))
      this.lines.push(JSON.parse(line) as Record<string, unknown>)
    done()
  }

  /** Those of background work with this code. */
  of(code: string): Record<string, unknown>[] {
    return this.lines.filter((line) => line['code'] === code && 'task' in line)
  }
}

/** Starts a world with so many witnesses, none of which runs yet. Everything ends with the test. */
export async function startWitnessedWorld(
  t: Test,
  count: number,
  environment: Environment,
): Promise<WitnessedWorld> {
  const folder = t.testdir({})
  const places = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const directory = join(folder, `witness-${i}`)
      const vkey = await initWitness(directory, `w${i}.witness.example`)
      return { directory, vkey, url: `http://127.0.0.1:${await freePort()}` }
    }),
  )
  const env: Environment = {
    OSTIARY_KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    OSTIARY_WITNESSES: places.map(({ vkey, url }) => `${vkey} ${url}`).join('\n'),
    ...environment,
  }
  const logged = new LogLines()
  const logger = pino(loggerOptions('info'), logged)
  const world = await startWorld({ environment: env, logger })
  let firstClosed = false
  t.teardown(() => (firstClosed ? dropDatabase(world.databaseUrl) : world.stop()))
  const vkey = world.ostiary.logVkey
  const clients = new Map<string, AgencyClient>()
  const server = (ostiary: Ostiary, address: string, lines: LogLines): Server => ({
    ...{ ostiary, address, logged: lines },
    fetch: (path) => fetchLog(address, path),
    checkpoint: async () => (await fetchLog(address, 'checkpoint'))?.toString(),
    async call(agency, role, method, path, options = {}) {
      const { clientId, privateJwk } = agency
      const at = `${clientId} ${address}`
      const reach = () => address
      const client =
        clients.get(at) ??
        (await AgencyClient.connect({ origin: world.origin, clientId, privateJwk, reach }))
      clients.set(at, client)
      const key = method === 'POST' ? { idempotencyKey: randomUUID() } : {}
      const practitioner = { id: agency.people.get(role)!.id, role }
      return client.call(method, path, { practitioner, ...key, ...options })
    },
    async ready() {
      return (await (await fetch(`${address}/health/ready`)).json()) as { status: string }
    },
    close: () => ostiary.close(),
  })
  return {
    world,
    vkey,
    first: {
      ...server(world.ostiary, world.address, logged),
      async close() {
        firstClosed = true
        await world.ostiary.close()
      },
    },
    witnesses: places.map((place) => witnessAt(t, place, vkey)),
    async serve(more = {}, databaseUrl = world.databaseUrl) {
      const lines = new LogLines()
      const ostiary = await wire(
        loadConfig({ ...BASE, ...env, ...more, DATABASE_URL: databaseUrl }),
        {
          runtime: { now: () => world.clock.now(), uuid: randomUUID, random: randomBytes },
          logger: pino(loggerOptions('info'), lines),
          workers: false,
        },
      )
      const closing = new Map<'closed', Promise<void>>()
      const close = () => {
        const closed = closing.get('closed') ?? ostiary.close()
        closing.set('closed', closed)
        return closed
      }
      t.teardown(close)
      return { ...server(ostiary, await ostiary.listen(), lines), close }
    },
    copyDatabase: () => copyDatabase(t, world.databaseUrl),
  }
}

/** What `startWorld` sets as well. */
const BASE: Environment = {
  OSTIARY_PORT: '0',
  OSTIARY_METRICS_PORT: '0',
  OSTIARY_PUBLIC_URL: 'http://127.0.0.1:8080',
  OSTIARY_RATE_LIMIT: '0',
  OSTIARY_SUBJECT_LIMIT: '0',
  OSTIARY_TIME_GRID: '0',
  OSTIARY_MAX_EVENT_LOOP_DELAY: '0',
}

function witnessAt(
  t: Test,
  place: Pick<TestWitness, 'directory' | 'vkey' | 'url'>,
  logVkey: string,
): TestWitness {
  // Owned by the returned object: the process under way.
  let running: WitnessProcess | undefined
  const kill = async () => {
    await running?.end('SIGKILL')
    running = undefined
  }
  t.teardown(kill)
  return {
    ...place,
    kill,
    freeze: (frozen) => running?.signal(frozen ? 'SIGSTOP' : 'SIGCONT'),
    async start() {
      running = await startWitness(place.directory, [logVkey], new URL(place.url).host)
      return running
    },
  }
}

async function fetchLog(address: string, path: string): Promise<Uint8Array | undefined> {
  const answer = await fetch(`${address}/log/${path}`)
  const body = Buffer.from(await answer.arrayBuffer())
  return answer.status === 200 ? body : undefined
}

async function copyDatabase(t: Test, url: string): Promise<string> {
  const name = `copy_${randomUUID().replaceAll('-', '')}`
  const original = new URL(url).pathname.slice(1)
  await administer(url, `create database ${name} template ${original} strategy file_copy`)
  const copy = new URL(url)
  copy.pathname = `/${name}`
  t.teardown(() => dropDatabase(copy.href))
  return copy.href
}

function dropDatabase(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  return administer(url, `drop database if exists ${name} with (force)`)
}

/** One statement beside the database of this URL. */
async function administer(url: string, statement: string): Promise<void> {
  const at = new URL(url)
  at.pathname = '/postgres'
  const admin = new pg.Client({ connectionString: at.href })
  await admin.connect()
  try {
    await admin.query(statement)
  } finally {
    await admin.end()
  }
}
