import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { PractitionerRole, Sector } from '../../src/domain/case/vocabulary.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { makeActing } from '../../src/services/acting.ts'
import type { Caller } from '../../src/services/caller.ts'
import { compilePack, parsePack } from '../../src/services/policy-versions.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import { type AgencyRegistration, entryOf } from '../../src/services/register-agency.ts'
import { makeRequirePractitioner } from '../../src/services/require-practitioner.ts'
import * as agencies from '../../src/storage/agencies.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import type { Database, Tables } from '../../src/storage/database.ts'
import { insertKeyEpoch } from '../../src/storage/key-epochs.ts'
import { activatePolicy } from '../../src/storage/policies.ts'
import { createPool } from '../../src/storage/pool.ts'
import * as practitioners from '../../src/storage/practitioners.ts'
import { type Transact, transactions } from '../../src/storage/transaction.ts'
import { wireCaseServices } from '../../src/wire/cases.ts'
import { realCatalogue } from '../support/catalogue.ts'
import { createTestDatabase } from '../support/database.ts'
import { forgeKey } from '../support/forge.ts'
import { testVault } from '../support/vault.ts'

/** An agency with a client of its own. */
export interface TestAgency {
  readonly id: string
  readonly clientId: string
  readonly sector: Sector
  /** The agency's software, with nobody named. */
  readonly software: Caller
  /** A new practitioner in one role, acting. */
  as(role: PractitionerRole): Promise<Caller>
}

/** The use cases over a database of their own, with the default policies in force. */
export interface World {
  readonly services: ReturnType<typeof wireCaseServices>
  readonly catalogue: ReturnType<typeof realCatalogue>
  readonly vault: Awaited<ReturnType<typeof testVault>>['vault']
  /** With the rights of the owner. */
  readonly owner: Database
  /** As the app role, for one agency. */
  readonly transact: Transact
  readonly operator: TestAgency
  /** Sets the clock; it stands still between calls. */
  at(time: string): void
  now(): Date
  agency(sector: Sector, more?: Partial<AgencyRegistration>): Promise<TestAgency>
  /** Events that were written since the last call, oldest first. */
  events(): Promise<WorldEvent[]>
  /** Everything that every table holds, as text. */
  dump(): Promise<string>
  end(): Promise<void>
}

export interface WorldEvent {
  readonly type: string
  readonly agencyId: string | null
  readonly caseId: string | null
  readonly subjectId: string | null
  readonly public: Record<string, unknown>
  readonly private: Record<string, unknown>
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase()
  const owner = kysely(createPool({ url: database.url, max: 3 }))
  const app = kysely(createPool({ url: database.url, role: 'ostiary_app', max: 8 }))
  const catalogue = realCatalogue()
  const { vault, keyRing } = await testVault()
  let clock = new Date('2026-11-16T09:00:00Z')
  const runtime = {
    now: () => new Date(clock),
    uuid: () => randomUUID(),
    random: (bytes: number) => new Uint8Array(randomBytes(bytes)),
  }
  const files = await readPolicyFiles(join(import.meta.dirname, '../../policies'))
  const documents = parsePack(files.documents)
  const { hash } = compilePack(documents, catalogue)
  await owner.transaction().execute(async (tx) => {
    await insertKeyEpoch(tx, { epoch: 1, checkValue: keyRing.checkValue(1) })
    await activatePolicy(tx, { hash, documents }, clock)
  })

  const transact = transactions(app)
  const recordEvent = makeRecordEvent({ storage: auditEvents, runtime, origin: 'log.example' })
  const requirePractitioner = makeRequirePractitioner({ storage: practitioners })
  const acting = makeActing({ transact, requirePractitioner, recordEvent })
  const parts = { transact, acting, requirePractitioner, recordEvent, catalogue, vault, runtime }
  const services = wireCaseServices(parts)

  const operatorEntry = entryOf(await registration('coordination_body'), runtime, clock)
  await owner
    .transaction()
    .execute((tx) => agencies.insertAgency(tx, { ...operatorEntry, operator: true }))
  const operator = testAgency(services, operatorEntry)
  const seen = new Set<string>()
  return {
    services,
    catalogue,
    vault,
    owner,
    transact,
    operator,
    at: (time) => (clock = new Date(time)),
    now: () => new Date(clock),
    async agency(sector, more = {}) {
      const stated = { ...(await registration(sector)), ...more }
      const { agency } = await services.registerAgency(operator.software, stated)
      return testAgency(services, { ...agency, clientId: agency.clientId! })
    },
    async events() {
      const rows = await owner
        .selectFrom('audit_event as e')
        .innerJoin('log_pending as l', 'l.event_id', 'e.id')
        .selectAll('e')
        .orderBy('l.seq')
        .execute()
      const fresh = rows.filter(({ id }) => !seen.has(id))
      for (const { id } of fresh) seen.add(id)
      return fresh.map((row) => ({
        type: row.type,
        agencyId: row.agency_id,
        caseId: row.case_id,
        subjectId: row.subject_id,
        public: JSON.parse(row.public_part) as Record<string, unknown>,
        private: JSON.parse(row.private_part) as Record<string, unknown>,
      }))
    },
    dump: () => dumpTables(database.url),
    async end() {
      await app.destroy()
      await owner.destroy()
      await database.drop()
    },
  }
}

const kysely = (pool: pg.Pool): Database =>
  new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })

async function registration(sector: Sector): Promise<AgencyRegistration> {
  const { publicJwk } = await forgeKey()
  return {
    name: `Invented ${sector} ${randomUUID()}`,
    sector,
    country: 'SI',
    public: false,
    phases: [2],
    competentAuthority: sector === 'police' || sector === 'prosecution',
    jwks: { keys: [{ ...publicJwk }] },
  }
}

function testAgency(
  services: World['services'],
  { id, clientId, sector }: Pick<TestAgency, 'id' | 'clientId' | 'sector'>,
): TestAgency {
  const software: Caller = {
    agencyId: id,
    clientId,
    sector,
    scopes: [],
    channel: 'sender_constrained',
    requestId: randomUUID(),
  }
  return {
    id,
    clientId,
    sector,
    software,
    async as(role) {
      const { practitioner } = await services.registerPractitioner(software, id, {
        localId: `${role}-${randomUUID()}`,
        roles: [role],
      })
      return { ...software, practitionerId: practitioner.id, role }
    },
  }
}

async function dumpTables(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
    )
    const texts = []
    for (const { name } of tables) {
      const { rows } = await client.query(`select * from ${name}`)
      // Bytes both as text and as they are shown, so that nothing hides in an encoding.
      for (const row of rows)
        for (const value of Object.values(row))
          texts.push(Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value))
    }
    return texts.join('\n')
  } finally {
    await client.end()
  }
}

/** A fresh idempotency claim of a caller; the same text gives the same fingerprint. */
export function claimOf(caller: Caller, text: string = randomUUID()) {
  const key = randomUUID()
  return { clientId: caller.clientId, key, fingerprint: new Uint8Array(Buffer.from(text)) }
}
