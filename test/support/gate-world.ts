/**
 * The release gate alone: real composition over a real database, without a door. Agencies, case and
 * records are put in by SQL and vault, so that a test can bring about what no use case would.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { pino } from 'pino'
import { loadCrypto } from '../../src/crypto/sodium.ts'
import { deriveFlags } from '../../src/domain/catalogue/flags.ts'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import type { StoredField, StoredProvenance } from '../../src/domain/case/stored-record.ts'
import type {
  ActsFor,
  PersonRole,
  PractitionerRole,
  Purpose,
  Sector,
} from '../../src/domain/case/vocabulary.ts'
import type { Json } from '../../src/domain/log/canonical.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import type { DisclosureServices } from '../../src/http/routes/disclosures.ts'
import { loggerOptions } from '../../src/http/logging.ts'
import { type Acting, makeActing } from '../../src/services/acting.ts'
import type { Caller } from '../../src/services/caller.ts'
import type { DisclosureRequest } from '../../src/services/disclose-fields.ts'
import { makeAcknowledgeNotice, makeListNotices } from '../../src/services/notices.ts'
import { compilePack, parsePack } from '../../src/services/policy-versions.ts'
import { makeRecordEvent, type RecordEvent } from '../../src/services/record-event.ts'
import { makeRequirePractitioner } from '../../src/services/require-practitioner.ts'
import type { Runtime } from '../../src/services/runtime.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import type { Database, Tables, Tx } from '../../src/storage/database.ts'
import { insertKeyEpoch } from '../../src/storage/key-epochs.ts'
import { lockExclusive, type Lockable } from '../../src/storage/locks.ts'
import * as notices from '../../src/storage/notices.ts'
import { activatePolicy } from '../../src/storage/policies.ts'
import * as practitioners from '../../src/storage/practitioners.ts'
import { type Transact, transactions } from '../../src/storage/transaction.ts'
import type { KeyRing } from '../../src/vault/key-ring.ts'
import { openKeyRing } from '../../src/vault/key-ring.ts'
import { openVault, type Vault } from '../../src/vault/vault.ts'
import { openPools, type Pools } from '../../src/wire/database.ts'
import { wireReleaseGate } from '../../src/wire/release-gate.ts'
import { realCatalogue } from './catalogue.ts'
import { createTestDatabase } from './database.ts'
import { EVENING, fakeClock, type FakeClock, fakeRuntime } from './world.ts'

/** An agency with one practitioner for each role asked for. */
export interface GateAgency {
  readonly id: string
  readonly clientId: string
  readonly sector: Sector
  readonly people: ReadonlyMap<PractitionerRole, string>
  as(role: PractitionerRole, channel?: Caller['channel']): Caller
}

/** Where a value comes from, in few words; times default to now. */
export interface Origin {
  readonly informant: string
  readonly by?: string
  readonly kind?: 'fact' | 'assessment' | 'statement'
  readonly collectedAt?: string
  readonly verifiedAt?: string
}

export interface GateDeposit {
  readonly type: string
  /** Null for the case as a whole. */
  readonly about: string | null
  readonly fields: Readonly<Record<string, Json>>
  readonly from: Origin
  /** By field name. */
  readonly fieldFrom?: Readonly<Record<string, Origin>>
  readonly conditions?: readonly string[]
}

export interface GateWorld {
  readonly services: DisclosureServices
  readonly acting: Acting
  readonly transact: Transact
  readonly recordEvent: RecordEvent
  readonly listNotices: ReturnType<typeof makeListNotices>
  readonly acknowledgeNotice: ReturnType<typeof makeAcknowledgeNotice>
  readonly catalogue: Catalogue
  readonly vault: Vault
  readonly keyRing: KeyRing
  readonly pools: Pools
  readonly clock: FakeClock
  readonly runtime: Runtime
  readonly url: string
  readonly ids: { caseId: string; ana: string; marko: string; lea: string }
  /** As the superuser: sees and does all. */
  sql<Row extends pg.QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
  /** As the app role for one agency. */
  asApp<Row extends pg.QueryResultRow = Record<string, unknown>>(
    agencyId: string,
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
  /** A transaction of the owner that holds locks exclusively until it is ended. */
  stop(names: readonly Lockable[], work: (tx: Tx) => Promise<void>): Promise<void>
  agency(
    sector: Sector,
    roles: readonly PractitionerRole[],
    actsFor: ActsFor | null,
  ): Promise<GateAgency>
  person(roles: readonly PersonRole[], broughtBy: GateAgency): Promise<string>
  deposit(by: GateAgency, record: GateDeposit): Promise<string>
  /** A version of a record whose values stay, with the state of one field changed. */
  mark(recordId: string, field: string, state: 'contested' | 'restricted' | 'clear'): Promise<void>
  consent(given: {
    readonly by: string
    readonly recordedBy: GateAgency
    readonly to: GateAgency
    readonly purpose: Purpose
    readonly fields: readonly string[]
  }): Promise<string>
  activate(pack: string | 'default'): Promise<number>
  /** Another process over the same database. */
  another(): Promise<DisclosureServices>
  /** What one agency asks, with an idempotency key of its own unless one is given. */
  ask(
    caller: Caller,
    request: Partial<DisclosureRequest> & Pick<DisclosureRequest, 'purpose' | 'fields'>,
    options?: { readonly key?: string; readonly fingerprint?: string },
  ): ReturnType<DisclosureServices['discloseFields']>
  close(): Promise<void>
}

export interface GateWorldOptions {
  /** Policy documents as YAML, or the default pack. */
  readonly pack?: string | 'default'
  readonly seed?: number
  readonly at?: string
  /** Epochs of the key-encryption key; the first one is current. */
  readonly epochs?: readonly number[]
  readonly wrapVault?: (vault: Vault) => Vault
}

const DEFAULT_PACK = join(import.meta.dirname, '../../policies')

/** Opens a world with the case of Ana, Marko and Lea at an authority, and nobody else in it. */
export async function startGateWorld(options: GateWorldOptions = {}): Promise<GateWorld> {
  const database = await createTestDatabase()
  const clock = fakeClock(options.at ?? EVENING)
  const { runtime } = fakeRuntime(clock, options.seed)
  const catalogue = realCatalogue()
  const crypto = await loadCrypto()
  const epochs = options.epochs ?? [1]
  const keys = new Map(epochs.map((epoch) => [epoch, new Uint8Array(randomBytes(32))]))
  const keyRing = openKeyRing(crypto, { keys, currentEpoch: epochs[0] ?? 1 })
  const real = openVault(crypto, keyRing)
  const vault = options.wrapVault ? options.wrapVault(real) : real
  const ownerPool = new pg.Pool({ connectionString: database.url, max: 8 })
  ownerPool.on('error', () => {})
  const owner: Database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: ownerPool }) })
  const pools = openPools({ app: database.url, worker: database.url }, () => {})
  const transact = transactions(pools.app)
  const origin = 'test.example/log'
  const recordEvent = makeRecordEvent({ storage: auditEvents, runtime, origin })
  const requirePractitioner = makeRequirePractitioner({ storage: practitioners })
  const acting = makeActing({ transact, requirePractitioner, recordEvent })
  await owner.transaction().execute((tx) =>
    insertKeyEpoch(tx, {
      epoch: keyRing.currentEpoch,
      checkValue: keyRing.checkValue(keyRing.currentEpoch),
    }),
  )
  async function activate(pack: string | 'default'): Promise<number> {
    const files =
      pack === 'default'
        ? (await readPolicyFiles(DEFAULT_PACK)).documents
        : [{ file: 'test.yaml', text: pack }]
    const documents = parsePack(files)
    const { hash } = compilePack(documents, catalogue)
    return owner
      .transaction()
      .execute((tx) => activatePolicy(tx, { hash, documents }, runtime.now()))
  }
  await activate(options.pack ?? 'default')
  const logger = pino(loggerOptions('silent'))
  const compose = () =>
    wireReleaseGate({
      pools,
      transact,
      acting,
      recordEvent,
      catalogue,
      crypto,
      vault,
      runtime,
      origin,
      logger,
      tick: 10_000,
      demandWitnesses: async () => {},
    })
  const services = await compose()
  const sql = async <Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> => (await ownerPool.query<Row>(text, [...values])).rows
  const asApp = async <Row extends pg.QueryResultRow>(
    agencyId: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> => {
    const client = await ownerPool.connect()
    try {
      await client.query('begin')
      await client.query('set local role ostiary_app')
      await client.query("select set_config('app.agency', $1, true)", [agencyId])
      const { rows } = await client.query<Row>(text, [...values])
      await client.query('commit')
      return rows
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }

  async function agency(
    sector: Sector,
    roles: readonly PractitionerRole[],
    actsFor: ActsFor | null,
  ): Promise<GateAgency> {
    const id = runtime.uuid()
    const clientId = runtime.uuid()
    const people = new Map(roles.map((role) => [role, runtime.uuid()]))
    const competent = ['police', 'prosecution', 'court', 'probation'].includes(sector)
    await sql(
      `insert into agency (id, client_id, name, sector, country, public, competent_authority, national_authorisation_ref, jwks, scopes, created_at)
       values ($1, $2, $3, $3, 'SI', true, $4, 'ref', '{"keys":[]}', '{}', $5)`,
      [id, clientId, sector, competent, clock.now()],
    )
    for (const [role, person] of people)
      await sql(
        `insert into practitioner (id, agency_id, local_id, roles, trainings, created_at) values ($1, $2, $3, $4, $5, $6)`,
        [
          person,
          id,
          role,
          [role],
          JSON.stringify([
            { code: 'data_protection', at: '2026-02-01' },
            { code: 'gbv_basic', at: '2026-02-01' },
          ]),
          clock.now(),
        ],
      )
    if (actsFor)
      await sql(
        'insert into case_member (case_id, agency_id, acts_for, added_by, since) values ($1, $2, $3, $2, $4)',
        [ids.caseId, id, actsFor, clock.now()],
      )
    return {
      id,
      clientId,
      sector,
      people,
      as(role, channel = 'sender_constrained') {
        const practitionerId = people.get(role)
        if (!practitionerId) throw new Error(`nobody there is a ${role}`)
        return {
          agencyId: id,
          sector,
          clientId,
          scopes: [],
          channel,
          practitionerId,
          role,
          requestId: runtime.uuid(),
        }
      },
    }
  }

  async function person(roles: readonly PersonRole[], broughtBy: GateAgency): Promise<string> {
    const id = runtime.uuid()
    await sql(
      'insert into case_person (id, case_id, roles, brought_by, created_at) values ($1, $2, $3, $4, $5)',
      [id, ids.caseId, roles, broughtBy.id, clock.now()],
    )
    return id
  }

  async function subjectKey(ownerId: string, agencyId: string) {
    const made = real.createSubjectKey({ ownerId, agencyId }, keyRing.currentEpoch)
    await sql(
      `insert into subject_key (owner_id, agency_id, case_id, key_epoch, wrapped) values ($1, $2, $3, $4, $5)
       on conflict do nothing`,
      [ownerId, agencyId, ids.caseId, keyRing.currentEpoch, made],
    )
    const [row] = await sql<{ wrapped: Buffer; key_epoch: number }>(
      'select wrapped, key_epoch from subject_key where owner_id = $1 and agency_id = $2',
      [ownerId, agencyId],
    )
    if (!row) throw new Error('no subject key')
    return { wrapped: row.wrapped, epoch: row.key_epoch }
  }

  let deposits = 0
  async function deposit(by: GateAgency, record: GateDeposit): Promise<string> {
    // Records come in the order of their deposits, though the clock stands still.
    const createdAt = new Date(clock.now().getTime() + deposits++)
    const { type, about, fields, from, fieldFrom = {}, conditions = [] } = record
    const definition = catalogue.recordsByType[type]
    if (!definition) throw new Error(`there is no record type ${type}`)
    const recordId = runtime.uuid()
    const ownerId = about ?? ids.caseId
    const key = await subjectKey(ownerId, by.id)
    const raises = definition.fields.some(({ flags }) => flags.length > 0)
    const flags = Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        deriveFlags(definition, { [name]: value }),
      ]),
    )
    const sealed = real.sealRecord(
      { recordId, caseId: ids.caseId, agencyId: by.id, ownerId, version: 1, subjectKey: key },
      fields,
      raises ? flags : undefined,
    )
    const origins: StoredProvenance[] = []
    const stored: StoredField[] = sealed.fields.map((field) => {
      const { by: toldBy, kind = 'fact', ...origin } = fieldFrom[field.name] ?? from
      const provenance = {
        collectedAt: clock.now().toISOString(),
        ...origin,
        kind,
        ...(toldBy ? { informantPersonId: toldBy } : {}),
      } as StoredProvenance
      return { ...field, provenance: origins.push(provenance) - 1 }
    })
    await sql(
      'insert into record (id, case_id, agency_id, subject_id, type, version, created_at) values ($1, $2, $3, $4, $5, 1, $6)',
      [recordId, ids.caseId, by.id, about, type, createdAt],
    )
    await sql(
      `insert into record_version (record_id, version, case_id, agency_id, subject_id, change, key_owner_id, wrapped_key, sealed, fields, provenance, sealed_flags, conditions, created_at)
       values ($1, 1, $2, $3, $4, 'deposit', $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        recordId,
        ids.caseId,
        by.id,
        about,
        ownerId,
        sealed.wrappedKey,
        sealed.sealed,
        JSON.stringify(stored),
        JSON.stringify(origins),
        sealed.sealedFlags,
        conditions,
        clock.now(),
      ],
    )
    return recordId
  }

  async function mark(recordId: string, name: string, state: 'contested' | 'restricted' | 'clear') {
    const [row] = await sql<{ fields: StoredField[]; version: number }>(
      'select v.fields, v.version from record r join record_version v on v.record_id = r.id and v.version = r.version where r.id = $1',
      [recordId],
    )
    if (!row) throw new Error('no such record')
    const fields = row.fields.map((field) => {
      if (field.name !== name) return field
      const { contested: _c, restricted: _r, ...rest } = field
      return state === 'clear' ? rest : { ...rest, [state]: true }
    })
    const change = state === 'restricted' ? 'restrict' : 'contest'
    await sql(
      `with next as (
         insert into record_version (record_id, version, case_id, agency_id, subject_id, change, key_owner_id, wrapped_key, sealed, fields, provenance, sealed_flags, conditions, created_at)
         select record_id, version + 1, case_id, agency_id, subject_id, $3, key_owner_id, wrapped_key, sealed, $2, provenance, sealed_flags, conditions, created_at
         from record_version where record_id = $1 and version = $4)
       update record set version = version + 1 where id = $1`,
      [recordId, JSON.stringify(fields), change, row.version],
    )
  }

  const ids = { caseId: runtime.uuid(), ana: '', marko: '', lea: '' }
  const founder: GateAgency = await (async () => {
    const id = runtime.uuid()
    await sql(
      `insert into agency (id, client_id, name, sector, country, public, jwks, scopes, operator, created_at)
       values ($1, $1::uuid::text, 'founder', 'coordination_body', 'SI', true, '{"keys":[]}', '{}', true, $2)`,
      [id, clock.now()],
    )
    await sql('insert into case_file (id, created_by, created_at) values ($1, $2, $3)', [
      ids.caseId,
      id,
      clock.now(),
    ])
    return { id } as GateAgency
  })()
  ids.ana = await person(['victim'], founder)
  ids.marko = await person(['perpetrator_alleged'], founder)
  ids.lea = await person(['child_witness'], founder)

  const noticeParts = { acting, storage: notices, recordEvent, runtime }
  return {
    services,
    acting,
    transact,
    recordEvent,
    listNotices: makeListNotices(noticeParts),
    acknowledgeNotice: makeAcknowledgeNotice(noticeParts),
    catalogue,
    vault,
    keyRing,
    pools,
    clock,
    runtime,
    url: database.url,
    ids,
    sql,
    asApp,
    stop: (names, work) =>
      owner.transaction().execute(async (tx) => {
        await lockExclusive(tx, names)
        await work(tx)
      }),
    agency,
    person,
    deposit,
    mark,
    async consent({ by, recordedBy, to, purpose, fields }) {
      const id = runtime.uuid()
      const items = [{ purpose, recipient: { agencyId: to.id }, fields }]
      await sql(
        `insert into consent (id, case_id, subject_id, recorded_by, items, explicit, language, notice_version, evidence_ref, circumstances, given_at, expires_at)
         values ($1, $2, $3, $4, $5, true, 'sl', '1', 'e', '{}', $6, $7)`,
        [
          id,
          ids.caseId,
          by,
          recordedBy.id,
          JSON.stringify(items),
          clock.now(),
          new Date(clock.now().getTime() + 180 * 86_400_000),
        ],
      )
      return id
    },
    activate,
    another: compose,
    ask: (caller, request, { key = randomUUID(), fingerprint } = {}) =>
      services.discloseFields(
        caller,
        { caseId: ids.caseId, subjectId: ids.marko, ...request },
        {
          kind: 'disclosure',
          idempotency: {
            key,
            fingerprint: Buffer.from(
              (fingerprint ?? JSON.stringify(request)).padEnd(32).slice(0, 32),
            ),
          },
        },
      ),
    async close() {
      await pools.close()
      await owner.destroy()
      await database.drop()
    },
  }
}
