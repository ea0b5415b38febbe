/** A server with a life behind it, and the self-check over its database with the server's own keys. */
import { randomBytes } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import { loadConfig } from '../../src/config.ts'
import { loadCrypto } from '../../src/crypto/sodium.ts'
import type { Finding } from '../../src/domain/integrity/finding.ts'
import { CYCLE_START, checkSlice, type CyclePlace } from '../../src/services/check-integrity.ts'
import type { CheckMemory } from '../../src/services/check-log.ts'
import type { CheckRowsDependencies } from '../../src/services/check-rows.ts'
import { openServerSecret } from '../../src/services/initialise.ts'
import { makeLogKeys } from '../../src/services/log-keys.ts'
import type { Database, Tables, Tx } from '../../src/storage/database.ts'
import * as extra from '../../src/storage/integrity-extra.ts'
import * as integrityLog from '../../src/storage/integrity-log.ts'
import * as losses from '../../src/storage/integrity-losses.ts'
import * as rows from '../../src/storage/integrity-rows.ts'
import * as log from '../../src/storage/log.ts'
import * as logKeys from '../../src/storage/log-keys.ts'
import { createPool } from '../../src/storage/pool.ts'
import * as serverKeys from '../../src/storage/server-keys.ts'
import { type KeyRing, openKeyRing } from '../../src/vault/key-ring.ts'
import { type Administration, withAdministration } from '../../src/wire/administration.ts'
import { fakeRuntime, startWorld, type World, type WorldOptions } from '../support/world.ts'

export interface CheckedWorld {
  readonly world: World
  readonly keyRing: KeyRing
  /** The login of migrations, a superuser here. */
  readonly owner: Database
  readonly worker: Database
  /** What the self-check works with, on any connection. */
  readonly deps: CheckRowsDependencies
  /** For a process beside the server. */
  readonly environment: Readonly<Record<string, string>>
  /** Does something with the owner's rights, as a command would. */
  administer<Result>(work: (administration: Administration) => Promise<Result>): Promise<Result>
  /** A whole cycle in one transaction; nothing is written. */
  check(tx: Tx, memory?: CheckMemory): Promise<Finding[]>
  stop(): Promise<void>
}

/** Starts a world whose key-encryption key the test knows. */
export async function startCheckedWorld(options: WorldOptions = {}): Promise<CheckedWorld> {
  const key = randomBytes(32)
  const world = await startWorld({
    ...options,
    environment: {
      ...options.environment,
      OSTIARY_KEY_ENCRYPTION_KEY: key.toString('base64'),
      OSTIARY_SELF_CHECK_INTERVAL: '0',
    },
  })
  const environment = {
    DATABASE_URL: world.databaseUrl,
    OSTIARY_KEY_ENCRYPTION_KEY: key.toString('base64'),
    OSTIARY_PUBLIC_URL: world.origin,
  }
  const config = loadConfig(environment)
  const keys = new Map([[1, new Uint8Array(key)]])
  const keyRing = openKeyRing(await loadCrypto(), { keys, currentEpoch: 1 })
  const connect = (role?: string): Database =>
    new Kysely<Tables>({
      dialect: new PostgresDialect({
        pool: createPool({ url: world.databaseUrl, max: 4, ...(role ? { role } : {}) }),
      }),
    })
  const owner = connect()
  const worker = connect('ostiary_worker')
  const anchor = await openServerSecret({ db: worker, keyRing, storage: serverKeys }, 'anchor')
  const deps: CheckRowsDependencies = {
    storage: { log, integrityLog, rows, losses, extra },
    // Anew for each tick: what was read before must not hide what was changed.
    keys: (tx) =>
      makeLogKeys({
        db: worker,
        storage: logKeys,
        open: (secret, context) => keyRing.openSecret(secret, context),
      }).forTick(tx),
    anchorKey: anchor.secret,
  }
  return {
    world,
    keyRing,
    owner,
    worker,
    deps,
    environment,
    administer: (work) => withAdministration(config, work, fakeRuntime(world.clock).runtime),
    async check(tx, memory = {}) {
      const findings: Finding[] = []
      for (let place: CyclePlace | undefined = CYCLE_START; place;) {
        const slice: Awaited<ReturnType<typeof checkSlice>> = await checkSlice(
          deps,
          tx,
          place,
          memory,
        )
        findings.push(...slice.findings)
        place = slice.next
      }
      return findings
    },
    async stop() {
      await owner.destroy()
      await worker.destroy()
      keyRing.close()
      await world.stop()
    },
  }
}
