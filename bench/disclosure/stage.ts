import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../../src/embedded/start-embedded.ts'
import { makeTestFolder, removeTestFolder } from '../../test/support/cluster.ts'
import type { RunOptions } from '../run.ts'
import { freePort, type ServerProcess, startServerProcess } from '../server-process.ts'
import type { Canned } from './base-write.ts'
import { buildWorld, type World } from './world.ts'

/** One of the two servers, and a superuser's connection to its database. */
export interface Side {
  readonly server: ServerProcess
  readonly database: pg.Client
  readonly databaseName: string
}

/** Both servers up, on databases of one PostgreSQL that keeps its promises (fsync). */
export interface Stage {
  readonly world: World
  /** Public origin of both: proofs are made for it. */
  readonly origin: string
  readonly full: Side
  readonly base: Side
  /** Stops and removes everything. */
  end(): Promise<void>
}

/** Cases in the world; more than connections, so that no two requests meet at one case. */
const CASES = 40
/** The one that a cluster comes with. */
const FULL_DATABASE = 'postgres'
const BASE_DATABASE = 'base'

/**
 * How the servers are set up. The log is published oftener than by default (500 ms instead of 10 s),
 * so that nearly all of what that costs falls into the rounds of the server that does it. Limits are
 * counted but never reached.
 */
const ENVIRONMENT = {
  OSTIARY_METRICS_PORT: '0',
  OSTIARY_LOG_TICK: '500',
  OSTIARY_RATE_LIMIT: '10000000',
  OSTIARY_SUBJECT_LIMIT: '10000000',
} as const

/** Sets everything up; when that fails, nothing of it is left. */
export async function setStage({ profile, say, signal }: RunOptions): Promise<Stage> {
  const undo: (() => Promise<unknown>)[] = []
  const end = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const folder = await makeTestFolder()
    undo.push(() => removeTestFolder(folder))
    // Held here, so that it outlives the restart of the server.
    const postgres = await startEmbedded({ directory: join(folder, 'postgres') })
    undo.push(() => postgres.stop())
    const [port, basePort] = [await freePort(), await freePort()]
    const origin = `http://127.0.0.1:${port}`
    const environment = {
      ...ENVIRONMENT,
      OSTIARY_DATA_DIRECTORY: folder,
      OSTIARY_PORT: String(port),
      OSTIARY_PUBLIC_URL: origin,
    }
    const cannedFile = join(folder, 'canned.json')
    const baseUrl = inDatabase(postgres.url, BASE_DATABASE)
    const node = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
    const start = async (script: string, more: Readonly<Record<string, string>> = {}) => {
      const options = { script, environment: { ...environment, ...more }, node, signal }
      const listens = more.OSTIARY_PORT === undefined ? port : basePort
      const server = await startServerProcess({ ...options, port: listens })
      undo.push(() => server.stop())
      return server
    }

    say('building the world over HTTP')
    const first = await startServerProcess({ script: 'src/main.ts', port, environment, signal })
    undo.push(() => first.stop())
    const world = await buildWorld(origin, environment, CASES)
    const answers = await releaseEach(world)
    await first.stop()
    await copyDatabase(postgres.url, cannedFile, answers)

    const connectTo = async (url: string) => {
      const client = await openClient(url)
      undo.push(() => client.end())
      return client
    }
    const databases = { full: await connectTo(postgres.url), base: await connectTo(baseUrl) }
    const full = await start('src/main.ts')
    const base = await start('bench/disclosure/base-server.ts', {
      OSTIARY_PORT: String(basePort),
      DATABASE_URL: baseUrl,
      BENCH_CANNED: cannedFile,
    })
    say('both servers are up')
    return {
      world,
      origin,
      full: { server: full, database: databases.full, databaseName: FULL_DATABASE },
      base: { server: base, database: databases.base, databaseName: BASE_DATABASE },
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

type Answer = Canned['answer'] & { readonly receipt: { readonly eventId: string } }

/** One release of each case, so that what is written only the first time has been written. */
async function releaseEach(world: World): Promise<Answer[]> {
  const { requester, practitioner, cases, fields } = world
  const answers: Answer[] = []
  for (const about of cases) {
    const { status, body, text } = await requester.call('POST', '/v1/disclosures', {
      body: { ...about, purpose: 'referral', fields },
      practitioner,
      idempotencyKey: randomUUID(),
    })
    if (status !== 201) throw new Error(`the first disclosure answered ${status}: ${text}`)
    answers.push(body as Answer)
  }
  return answers
}

/**
 * Copies the database for the base server, which may read every row of it, and writes down what the
 * last release left behind.
 */
async function copyDatabase(url: string, cannedFile: string, answers: readonly Answer[]) {
  const client = await openClient(url)
  try {
    const answer = answers.at(-1)
    if (!answer) throw new Error('nothing was disclosed')
    const { rows: events } = await client.query<{
      public_part: string
      private_part: string
      fact_bytes: number
    }>(
      `select e.public_part, e.private_part, octet_length(d.facts) as fact_bytes
       from audit_event e join disclosure d on d.event_id = e.id where e.id = $1`,
      [answer.receipt.eventId],
    )
    const { rows: ledger } = await client.query<Canned['ledger'][number]>(
      'select l.* from release_ledger l join disclosure d on d.id = l.disclosure_id where d.event_id = $1',
      [answer.receipt.eventId],
    )
    const [event] = events
    if (!event) throw new Error('a disclosure has no event')
    const { public_part: publicPart, private_part: privatePart, fact_bytes: factBytes } = event
    const canned: Canned = { answer, publicPart, privatePart, factBytes, ledger }
    await writeFile(cannedFile, JSON.stringify(canned))
    await client.query(`create database ${BASE_DATABASE} template ${FULL_DATABASE}`)
  } finally {
    await client.end()
  }
  const base = await openClient(inDatabase(url, BASE_DATABASE))
  try {
    for (const table of ['record', 'record_version', 'subject_key'])
      await base.query(`create policy bench on ${table} for select to ostiary_app using (true)`)
  } finally {
    await base.end()
  }
}

async function openClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

function inDatabase(url: string, name: string): string {
  const other = new URL(url)
  other.pathname = `/${name}`
  return other.href
}
