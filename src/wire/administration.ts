import type { Config } from '../config.ts'
import { type Crypto, loadCrypto } from '../crypto/sodium.ts'
import { buildCatalogue } from '../domain/catalogue/catalogue.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import { loadRecordSchemas } from '../files/schemas.ts'
import { loadContract } from '../http/document.ts'
import { scopesOf } from '../http/operations.ts'
import { type AddedAgency, type FirstPractitioner, makeAddAgency } from '../services/add-agency.ts'
import { type Initialised, makeInitialise } from '../services/initialise.ts'
import { byCommand, makeRecordEvent } from '../services/record-event.ts'
import type { AgencyRegistration } from '../services/register-agency.ts'
import { makeRotateKeyEncryptionKey, type Rotation } from '../services/rotate-key-encryption-key.ts'
import type { Runtime } from '../services/runtime.ts'
import { type LogKeyRotation, rotateLogKey } from '../services/rotate-log-key.ts'
import { rotateTokenKey } from '../services/server-keys.ts'
import * as agencies from '../storage/agencies.ts'
import * as auditEvents from '../storage/audit-events.ts'
import type { Database } from '../storage/database.ts'
import * as keyEpochs from '../storage/key-epochs.ts'
import * as log from '../storage/log.ts'
import * as logKeys from '../storage/log-keys.ts'
import { migrate } from '../storage/migrate.ts'
import * as policies from '../storage/policies.ts'
import * as practitioners from '../storage/practitioner-register.ts'
import * as serverKeys from '../storage/server-keys.ts'
import * as subjectKeys from '../storage/subject-keys.ts'
import type { KeyRing } from '../vault/key-ring.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'
import { RUNTIME } from './runtime.ts'
import { runningProgram } from './running-program.ts'
import { openOwner } from './database.ts'
import { type DatabaseAddress, reachDatabase } from './database-address.ts'
import { type FirstPolicy, readFirstPolicy } from './first-policy.ts'
import { ownersIntegrity, type WiredIntegrity } from './integrity.ts'
import { keyEncryptionKeys, openCheckedKeyRing } from './keys.ts'

/** SQLSTATE of a table that is not there. */
const UNDEFINED_TABLE = '42P01'

/** Milliseconds for which a rotation waits for transactions under way; storage ends longer ones. */
const SETTLE = 30_000

/** What is done to a database with its owner's rights, by commands and by the embedded first start. */
export interface Administration {
  /** Applies what is new of `migrations/`; names what was applied. */
  migrate(): Promise<string[]>
  /** Makes keys and the first policy version where they are missing. */
  initialise(): Promise<Initialised>
  /** Both, for the embedded database, where nobody else will do it; with the policies already read. */
  prepare(policy: FirstPolicy): Promise<void>
  /** The operator with its first practitioner; its software may do whatever the API knows. */
  createOperator(
    registration: Omit<AgencyRegistration, 'scopes'>,
    first: FirstPractitioner,
  ): Promise<Required<AddedAgency>>
  /** An agency beside the API. */
  addAgency(registration: AgencyRegistration, first?: FirstPractitioner): Promise<AddedAgency>
  /** A new token key; with `compromised` the old ones end at once. */
  rotateTokenKey(compromised: boolean): Promise<{ kid: string; signsFrom: Date }>
  /** A new key of the log; see `rotateLogKey`. */
  rotateLogKey(options: {
    readonly overlap?: number
    readonly compromised?: boolean
  }): Promise<LogKeyRotation>
  /** Makes the epoch current and re-wraps what lies under earlier ones. */
  rotateKeyEncryptionKey(epoch: number): Promise<Rotation>
  /** Runs `work` with the self-check, with the owner's rights. */
  withIntegrity<Result>(work: (integrity: WiredIntegrity) => Promise<Result>): Promise<Result>
  /** Runs `work` with the owner's connection and the key ring. */
  withOwner<Result>(work: (db: Database, keyRing: KeyRing) => Promise<Result>): Promise<Result>
}

export interface AdministrationParts {
  readonly address: DatabaseAddress
  readonly crypto: Crypto
  readonly catalogue: Catalogue
  readonly runtime: Runtime
}

type DropFirst<List extends readonly unknown[]> = List extends [unknown, ...infer Rest]
  ? Rest
  : never

/** Administration of the database at `address`. */
export function administer(config: Config, parts: AdministrationParts): Administration {
  const { address, crypto, catalogue, runtime } = parts
  const recordEvent = makeRecordEvent({ storage: auditEvents, runtime, origin: config.logOrigin })

  async function migrateAll(): Promise<string[]> {
    const applied = await migrate(address.owner, `${PROGRAM_FOLDER}migrations`)
    if (applied.length === 0) return applied
    const db = openOwner(address)
    try {
      const { version } = await runningProgram()
      await db.transaction().execute((tx) =>
        recordEvent(tx, {
          ...{ ...byCommand('migrate'), type: 'database.migrated' },
          public: { applied, version },
          private: {},
        }),
      )
    } finally {
      await db.destroy()
    }
    return applied
  }

  async function withOwner<Result>(
    work: (db: Database, keyRing: KeyRing) => Promise<Result>,
  ): Promise<Result> {
    const db = openOwner(address)
    try {
      // A new key is of no use where keys lie under another one already.
      const create = (await keyEpochs.listKeyEpochs(db)).length === 0
      const keys = await keyEncryptionKeys(config, { create })
      const keyRing = await openCheckedKeyRing(crypto, keys, db)
      return await work(db, keyRing).finally(() => keyRing.close())
    } finally {
      await db.destroy()
    }
  }

  async function initialise(policy?: FirstPolicy): Promise<Initialised> {
    const first = policy ?? (await readFirstPolicy(catalogue, config.policyPack))
    return withOwner((db, keyRing) =>
      makeInitialise({
        db,
        keyRing,
        storage: { epochs: keyEpochs, keys: serverKeys, logKeys, policies },
        origin: config.logOrigin,
        recordEvent,
        runtime,
      })(first),
    )
  }

  const addAgency = makeAddAgency({
    agencies,
    practitioners,
    recordEvent,
    runtime,
  })
  const add = (...[registration, more]: DropFirst<Parameters<typeof addAgency>>) =>
    withOwner((db) => db.transaction().execute((tx) => addAgency(tx, registration, more)))

  return {
    migrate: migrateAll,
    initialise: () => initialise(),
    async prepare(policy) {
      await migrateAll()
      await initialise(policy)
    },
    createOperator: async (registration, first) => {
      const { resolved } = await loadContract(`${PROGRAM_FOLDER}openapi.yaml`)
      const operator = { ...registration, scopes: scopesOf(resolved) }
      const added = await add(operator, { operator: true, first })
      return { ...added, practitionerId: added.practitionerId ?? '' }
    },
    addAgency: (registration, first) => add(registration, first ? { first } : {}),
    rotateTokenKey: (compromised) =>
      withOwner((db, keyRing) =>
        db.transaction().execute(async (tx) => {
          const rotated = await rotateTokenKey(tx, {
            storage: serverKeys,
            seal: (plain, context) => keyRing.sealSecret(plain, context),
            compromised,
          })
          await recordEvent(tx, {
            ...{ ...byCommand('keys rotate token'), type: 'key.rotated' },
            public: {
              purpose: 'token',
              kid: rotated.kid,
              signsFrom: rotated.signsFrom.toISOString(),
            },
            private: { compromised },
          })
          return rotated
        }),
      ),
    rotateLogKey: (options) =>
      withOwner((db, keyRing) =>
        db.transaction().execute((tx) =>
          rotateLogKey(
            tx,
            {
              storage: { log, logKeys, serverKeys },
              seal: (plain, context) => keyRing.sealSecret(plain, context),
              recordEvent,
              runtime,
            },
            options,
          ),
        ),
      ),
    rotateKeyEncryptionKey: (epoch) =>
      withOwner((db, keyRing) =>
        makeRotateKeyEncryptionKey({
          db,
          storage: { epochs: keyEpochs, subjectKeys, serverKeys },
          keyRing,
          recordEvent,
          runtime,
          // Longer than any transaction that still wraps under the epoch that was current before.
          settle: () => new Promise((resolve) => setTimeout(resolve, SETTLE)),
        })(epoch),
      ),
    withIntegrity: (work) =>
      withOwner(async (db, keyRing) =>
        work(await ownersIntegrity(db, keyRing, { runtime, origin: config.logOrigin })),
      ),
    withOwner,
  }
}

/** Reaches the configured database for one command, and lets go of it afterwards. */
export async function withAdministration<Result>(
  config: Config,
  work: (administration: Administration) => Promise<Result>,
  runtime: Runtime = RUNTIME,
): Promise<Result> {
  const [address, crypto] = await Promise.all([reachDatabase(config), loadCrypto()])
  try {
    const catalogue = buildCatalogue(loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`))
    return await work(administer(config, { address, crypto, catalogue, runtime }))
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNDEFINED_TABLE) throw error
    throw new Error(
      'the database is not prepared: run `ostiary migrate`, then `ostiary init` (a server on the embedded database does both when it starts)',
    )
  } finally {
    await address.close()
  }
}
