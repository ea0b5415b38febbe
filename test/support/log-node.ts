import { randomBytes, randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { signKeyHistory } from '../../src/domain/log/key-history.ts'
import { ED25519, formatVkey, type NoteKey, verifierKey } from '../../src/domain/log/vkey.ts'
import { makeRecordEvent, type Receipt, type RecordEvent } from '../../src/services/record-event.ts'
import type { Runtime } from '../../src/services/runtime.ts'
import {
  makeSequenceLog,
  type SequenceLog,
  type SequencerDependencies,
} from '../../src/services/sequence-log.ts'
import { fixedLogKey, type LogKeys } from '../../src/services/log-keys.ts'
import { makeServeLog, type ServeLog } from '../../src/services/serve-log.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import type { Database, Tables } from '../../src/storage/database.ts'
import * as log from '../../src/storage/log.ts'
import * as logAppend from '../../src/storage/log-append.ts'
import { createPool } from '../../src/storage/pool.ts'
import { transactions, type Transact } from '../../src/storage/transaction.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import type { Fetch } from './independent-verifier.ts'

/** A database with the log's parts over it, each under its own role. */
export type LogNode = {
  database: TestDatabase
  app: Database
  worker: Database
  /** The login of migrations, a superuser here. */
  owner: Database
  vkey: string
  /** The log's own key. */
  key: NoteKey
  /** What the log tells of its key. */
  keys: Pick<LogKeys, 'newest' | 'history'>
  /** With which its ticks are anchored. */
  anchorKey: Uint8Array
  runtime: Runtime
  transact: Transact
  recordEvent: RecordEvent
  serve: ServeLog
  /** Reads the served log, as a door would. */
  fetch: Fetch
  /** A sequencer of its own, on connections of its own if asked; parts may be replaced. */
  sequencer: (parts?: Partial<SequencerDependencies>) => SequenceLog
  /** Another worker's connections, ended with the rest. */
  anotherWorker: () => Database
  /** Writes events of one agency, in one transaction. */
  addEvents: (count: number, agencyId?: string) => Promise<Receipt[]>
  close: () => Promise<void>
}

export const ORIGIN = 'exchange.example/log'

/** A key that signs from the start and without an end. */
const periodOf = (vkey: string) => {
  const open = { untilSize: null, untilTime: null, compromised: false }
  return { vkey, fromSize: 0, fromTime: new Date(0), ...open }
}

/** Makes a node on a new database. */
export async function startLogNode(): Promise<LogNode> {
  const database = await createTestDatabase()
  const open: Database[] = []
  const connect = (role?: string) => {
    const pool = createPool({ url: database.url, ...(role ? { role } : {}), max: 4 })
    const db: Database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
    open.push(db)
    return db
  }
  const [app, worker, owner] = [connect('ostiary_app'), connect('ostiary_worker'), connect()]
  const runtime: Runtime = { now: () => new Date(), uuid: randomUUID, random: randomBytes }
  const key = { name: ORIGIN, seed: new Uint8Array(randomBytes(32)) }
  const anchorKey = new Uint8Array(randomBytes(32))
  const vkey = formatVkey(verifierKey(key, ED25519))
  const recordEvent = makeRecordEvent({ storage: auditEvents, runtime, origin: ORIGIN })
  const transact = transactions(app)
  const serve = makeServeLog({ db: app, storage: log })
  return {
    database,
    app,
    worker,
    owner,
    vkey,
    keys: {
      newest: () => Promise.resolve(vkey),
      history: () => Promise.resolve(signKeyHistory(ORIGIN, [periodOf(vkey)], [key])),
    },
    key,
    anchorKey,
    runtime,
    transact,
    recordEvent,
    serve,
    fetch: async (path) => {
      if (path !== 'checkpoint') return serve.resource(path)
      const note = await serve.checkpoint()
      return note === undefined ? undefined : Buffer.from(note)
    },
    sequencer: (parts = {}) =>
      makeSequenceLog({
        db: worker,
        storage: { log, append: logAppend },
        runtime,
        keys: fixedLogKey(key),
        anchorKey,
        batch: 4,
        ...parts,
      }),
    anotherWorker: () => connect('ostiary_worker'),
    addEvents: (count, agencyId = randomUUID()) =>
      transact(agencyId, async (tx) => {
        const receipts: Receipt[] = []
        for (let i = 0; i < count; i++)
          receipts.push(
            await recordEvent(tx, {
              type: 'consult.case_viewed',
              agencyId,
              public: { number: i },
              private: { hidden: i },
            }),
          )
        return receipts
      }),
    async close() {
      await Promise.all(open.map((db) => db.destroy()))
      await database.drop()
    },
  }
}

/** Does something as somebody who has switched the triggers off: what an attacker on the database host can do. */
export async function tamper(owner: Database, statement: string): Promise<void> {
  await owner.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx)
    const { numAffectedRows } = await sql.raw(statement).execute(tx)
    if (numAffectedRows === 0n) throw new Error('nothing was tampered with')
  })
}
