/** A PostgreSQL that keeps its promises (fsync), and logs in databases of their own on it. */
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { ED25519, formatVkey, verifierKey } from '../../src/domain/log/vkey.ts'
import { startEmbedded } from '../../src/embedded/start-embedded.ts'
import { fixedLogKey } from '../../src/services/log-keys.ts'
import { makeRecordTogether, type RecordAlone } from '../../src/services/record-together.ts'
import type { Runtime } from '../../src/services/runtime.ts'
import { makeSequenceLog, type SequenceLog } from '../../src/services/sequence-log.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import type { Database, Tables } from '../../src/storage/database.ts'
import * as log from '../../src/storage/log.ts'
import * as logAppend from '../../src/storage/log-append.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { createPool } from '../../src/storage/pool.ts'
import { type Transact, transactions } from '../../src/storage/transaction.ts'
import { makeTestFolder, removeTestFolder } from '../../test/support/cluster.ts'
import { ROOT } from '../server-process.ts'

export const ORIGIN = 'bench.example/log'
export const RUNTIME: Runtime = {
  now: () => new Date(),
  uuid: () => randomUUID(),
  random: (count) => randomBytes(count),
}

/** One log with the server's own parts over it, each under its own role. */
export interface LogPlace {
  readonly url: string
  readonly vkey: string
  readonly app: Database
  readonly worker: Database
  readonly owner: Database
  readonly transact: Transact
  readonly recordAlone: RecordAlone
  /** Sequencer with so many entries per tick. */
  sequencer(batch: number): SequenceLog
}

/** Where all of a run's logs are; `end` stops and removes it. */
export interface Stage {
  open(name: string): Promise<LogPlace>
  end(): Promise<void>
}

/** Starts it; when that fails nothing of it is left. */
export async function openStage(): Promise<Stage> {
  const folder = await makeTestFolder()
  const closing: (() => Promise<unknown>)[] = [() => removeTestFolder(folder)]
  const end = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const postgres = await startEmbedded({
      directory: join(folder, 'postgres'),
      settings: { shared_buffers: '256MB', max_wal_size: '2GB' },
    })
    closing.push(() => postgres.stop())
    const open = async (name: string): Promise<LogPlace> => {
      const admin = new pg.Client({ connectionString: postgres.url })
      await admin.connect()
      await admin.query(`create database ${name}`)
      await admin.end()
      const url = new URL(postgres.url)
      url.pathname = `/${name}`
      await migrate(url.href, `${ROOT}migrations`)
      return place(url.href, (step) => closing.push(step))
    }
    return { open, end }
  } catch (error) {
    await end()
    throw error
  }
}

function place(url: string, onEnd: (step: () => Promise<unknown>) => void): LogPlace {
  const connect = (role?: string): Database => {
    const pool = createPool({ url, ...(role ? { role } : {}), max: 8, statementTimeout: 0 })
    const db: Database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
    onEnd(() => db.destroy())
    return db
  }
  const [app, worker, owner] = [connect('ostiary_app'), connect('ostiary_worker'), connect()]
  const key = { name: ORIGIN, seed: new Uint8Array(randomBytes(32)) }
  const anchorKey = new Uint8Array(randomBytes(32))
  const shared = { db: worker, runtime: RUNTIME }
  return {
    ...{ url, app, worker, owner },
    vkey: formatVkey(verifierKey(key, ED25519)),
    transact: transactions(app),
    recordAlone: makeRecordTogether({ ...shared, storage: auditEvents, origin: ORIGIN }),
    sequencer: (batch) =>
      makeSequenceLog({
        ...shared,
        storage: { log, append: logAppend },
        keys: fixedLogKey(key),
        anchorKey,
        batch,
      }),
  }
}

/** An event as long as most are, about 350 bytes in each part. */
export const statement = (agencyId: string) => ({
  type: 'consult.case_viewed' as const,
  agencyId,
  practitionerId: randomUUID(),
  caseId: randomUUID(),
  requestId: randomUUID(),
  public: { purpose: 'audit_compliance', persons: [randomUUID(), randomUUID()] },
  private: { members: [randomUUID(), randomUUID()] },
})

/** Entries that one tick appends while a log is grown; the last of them leaves the size that is wanted. */
const GROWTH = 65_536
/** Real events in each of these ticks; the rest of a tick is padding, as it would be. */
const REAL = 200

/** A log of `leaves` entries (a power of two), grown by its own ticks; ids of the real events among them. */
export async function grow(
  place: LogPlace,
  { leaves, agencyId }: { readonly leaves: number; readonly agencyId: string },
  signal: AbortSignal,
): Promise<string[]> {
  const batch = Math.min(GROWTH, leaves)
  const tick = place.sequencer(batch)
  const ids: string[] = []
  for (let size = 0; size < leaves; size += batch) {
    signal.throwIfAborted()
    const written = Array.from({ length: REAL }, () => place.recordAlone(statement(agencyId)))
    ids.push(...(await Promise.all(written)).map(({ eventId }) => eventId))
    const done = await tick()
    if (done.state !== 'published') throw new Error(`the log did not grow: ${done.state}`)
  }
  return ids
}

/**
 * Rows of `audit_event`, `audit_salt` and `log_position` for all leaves that have none, so that looking
 * one up costs what it does in a full table. What they say is short and opens no entry.
 */
export async function fillTables(place: LogPlace, leaves: number): Promise<void> {
  await sql`create temp table filling as
    select gen_random_uuid() as id, n as leaf,
      date_trunc('month', now()) + random() * (now() - date_trunc('month', now())) as at
    from generate_series(0, ${leaves - 1}::bigint) n
    where not exists (select from log_position p where p.leaf_index = n)`.execute(place.owner)
  await sql`insert into log_position select id, leaf from filling`.execute(place.owner)
  await sql`insert into audit_salt select id, sha256(uuid_send(id)), sha256(uuid_send(id)) from filling`.execute(
    place.owner,
  )
  await sql`insert into audit_event (id, at, type, agency_id, public_part, private_part)
    select id, at, 'consult.case_viewed', gen_random_uuid(), id::text, id::text
    from filling`.execute(place.owner)
  await sql`analyze`.execute(place.owner)
}
