/**
 * One node of several over one database: the use cases on connections of their own, as another process
 * would have them, but without a door. What its connections say to the database can be tampered with.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import { pino } from 'pino'
import { loadCrypto } from '../../src/crypto/sodium.ts'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import { loggerOptions } from '../../src/http/logging.ts'
import { makeActing } from '../../src/services/acting.ts'
import type { Caller } from '../../src/services/caller.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import { makeRequirePractitioner } from '../../src/services/require-practitioner.ts'
import type { Runtime } from '../../src/services/runtime.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import type { Database, Tables } from '../../src/storage/database.ts'
import { createPool } from '../../src/storage/pool.ts'
import * as practitioners from '../../src/storage/practitioners.ts'
import { transactions } from '../../src/storage/transaction.ts'
import { parseKeyEncryptionKeys } from '../../src/vault/key-file.ts'
import { openVault } from '../../src/vault/vault.ts'
import { wireCaseServices } from '../../src/wire/cases.ts'
import { openCheckedKeyRing } from '../../src/wire/keys.ts'
import { wireReleaseGate } from '../../src/wire/release-gate.ts'
import { realCatalogue } from '../support/catalogue.ts'
import type { Agency } from '../support/world.ts'
import { type Tamper, tampered } from './tampered-pool.ts'

/** The use cases of one node. */
export type Node = Awaited<ReturnType<typeof openNode>>

export interface NodeOptions {
  readonly url: string
  /** As in OSTIARY_KEY_ENCRYPTION_KEY. */
  readonly key: string
  readonly now: () => Date
  /** What is put wrong on purpose on the way of a disclosure, or of everything else. */
  readonly tamper?: { readonly gate?: Tamper; readonly app?: Tamper }
}

/** Opens a node on a database that is in use; `close` ends its connections. */
export async function openNode({ url, key, now, tamper = {} }: NodeOptions) {
  const pool = (pipeline: boolean, how?: Tamper) =>
    tampered(createPool({ url, role: 'ostiary_app', max: 4, pipeline }), how)
  const gate = pool(true, tamper.gate)
  const app: Database = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: pool(false, tamper.app) }),
  })
  const runtime: Runtime = { now, uuid: () => randomUUID(), random: (count) => randomBytes(count) }
  const crypto = await loadCrypto()
  const keyRing = await openCheckedKeyRing(crypto, parseKeyEncryptionKeys(key), app)
  const transact = transactions(app)
  const origin = 'races.example/log'
  const recordEvent = makeRecordEvent({ storage: auditEvents, runtime, origin })
  const requirePractitioner = makeRequirePractitioner({ storage: practitioners })
  const acting = makeActing({ transact, requirePractitioner, recordEvent })
  const vault = openVault(crypto, keyRing)
  const catalogue = realCatalogue()
  const parts = { transact, acting, requirePractitioner, recordEvent, catalogue, vault, runtime }
  const { discloseFields, followPolicy } = await wireReleaseGate({
    ...parts,
    // The other pools are not asked for anything.
    pools: { app, gate, door: gate, worker: app, close: async () => {} },
    crypto,
    origin,
    logger: pino(loggerOptions('silent')),
    tick: 10_000,
    demandWitnesses: async () => {},
  })
  return {
    ...wireCaseServices(parts),
    discloseFields,
    followPolicy,
    async close() {
      keyRing.close()
      await Promise.all([gate.end(), app.destroy()])
    },
  }
}

/** One call by the person of an agency who holds this role, as the door would hand it on. */
export function callerOf(agency: Agency, role: PractitionerRole): Caller {
  const { id: agencyId, clientId, sector, people } = agency
  const person = people.get(role)
  if (!person) throw new Error(`nobody of ${sector} holds the role ${role}`)
  return {
    ...{ agencyId, clientId, sector, scopes: [], channel: 'sender_constrained' },
    practitionerId: person.id,
    role,
    requestId: randomUUID(),
  }
}

/** An idempotency key that nobody used before. */
export const freshKey = () => ({ key: randomUUID(), fingerprint: randomBytes(32) })
