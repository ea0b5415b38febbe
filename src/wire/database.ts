import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import type { Database, Tables } from '../storage/database.ts'
import { createPool } from '../storage/pool.ts'
import type { DatabaseAddress } from './database-address.ts'

/** The pools of one server process, each under its least role. */
export interface Pools {
  /** One agency's rows, by row-level security. */
  readonly app: Database
  /** The same role, pipelining: for the release gate alone. */
  readonly gate: pg.Pool
  /** The door's own small pool, so that admission never waits behind use cases. */
  readonly door: pg.Pool
  readonly worker: Database
  close(): Promise<void>
}

/** Opens the pools; no connection is made before the first query. `onError` is told of broken connections. */
export function openPools(
  address: Pick<DatabaseAddress, 'app' | 'worker'>,
  onError: (error: Error) => void,
): Pools {
  const pool = (role: string, url: string, max: number, pipeline = false) =>
    createPool({ url, role, max, pipeline, applicationName: role, onConnectionError: onError })
  const gate = pool('ostiary_app', address.app, 16, true)
  const door = pool('ostiary_app', address.app, 4)
  const app = kysely(pool('ostiary_app', address.app, 16))
  const worker = kysely(pool('ostiary_worker', address.worker, 4))
  return {
    app,
    gate,
    door,
    worker,
    async close() {
      await Promise.all([app.destroy(), worker.destroy(), gate.end(), door.end()])
    },
  }
}

/** A connection with the owner's rights, for migration, initialisation and key changes. */
export function openOwner(address: Pick<DatabaseAddress, 'owner'>): Database {
  return kysely(createPool({ url: address.owner, max: 2, applicationName: 'ostiary_owner' }))
}

const kysely = (pool: pg.Pool): Database =>
  new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
