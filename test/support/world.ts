/**
 * A whole world for tests and for the demo: a real server over a real database, reached over HTTP by
 * agencies with keys of their own, and the invented case of Ana, Marko and Lea.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { loadConfig } from '../../src/config.ts'
import type { ActsFor, PractitionerRole, Sector } from '../../src/domain/case/vocabulary.ts'
import type { Runtime } from '../../src/services/runtime.ts'
import { withAdministration } from '../../src/wire/administration.ts'
import { type Ostiary, wire } from '../../src/wire.ts'
import { AgencyClient, type Answer, type CallOptions } from './agency-client.ts'
import { createTestDatabase } from './database.ts'

/** The agencies of the scenarios, with whom they act for in the case. */
export const CAST = {
  police: { name: 'Police of Lakeside', sector: 'police', actsFor: 'all', public: true },
  prosecution: {
    name: 'Prosecution Lakeside',
    sector: 'prosecution',
    actsFor: 'all',
    public: true,
  },
  programme: {
    name: 'Change Path',
    sector: 'perpetrator_programme',
    actsFor: 'perpetrator',
    public: false,
  },
  support: { name: 'Lighthouse', sector: 'victim_support', actsFor: 'victim', public: false },
  childProtection: {
    name: 'Child Protection Lakeside',
    sector: 'child_protection',
    actsFor: 'child',
    public: true,
  },
  hospital: { name: 'Lakeside Hospital', sector: 'hospital', actsFor: 'victim', public: true },
} as const satisfies Record<string, Member>
export type AgencyName = keyof typeof CAST

interface Member {
  readonly name: string
  readonly sector: Sector
  readonly actsFor: ActsFor
  readonly public: boolean
}

/** A clock that stands still until it is told to move. */
export interface FakeClock {
  now(): Date
  set(at: string | Date): void
  advance(milliseconds: number): void
}

/** A practitioner with the private half of the registered key. */
export interface Person {
  readonly id: string
  readonly roles: readonly PractitionerRole[]
  readonly privateJwk: JWK
}

/** An agency that has been onboarded. */
export interface Agency {
  readonly id: string
  readonly clientId: string
  readonly sector: Sector
  readonly privateJwk: JWK
  readonly client: AgencyClient
  /** By the role that they were made for. */
  readonly people: ReadonlyMap<PractitionerRole, Person>
  /** Calls the API as the person who holds this role; a key is sent wherever a body is posted. */
  call(role: PractitionerRole, method: string, path: string, options?: CallOptions): Promise<Answer>
}

export interface World {
  readonly ostiary: Ostiary
  /** Public origin, as issuer and in proofs. */
  readonly origin: string
  /** Where the server really listens. */
  readonly address: string
  readonly databaseUrl: string
  readonly clock: FakeClock
  /** Begins ids and salts anew, so that two worlds go on alike after having differed. */
  reseed(seed: number): void
  readonly operator: Agency
  /** Adds an agency through the public API, with practitioners in these roles. */
  onboard(
    member: Member & { parentId?: string },
    roles: readonly PractitionerRole[],
  ): Promise<Agency>
  stop(): Promise<void>
}

export interface WorldOptions {
  /** Standing time of the world; default: the scenarios' evening. */
  readonly at?: string
  /** Makes ids and salts repeatable, for worlds that are compared byte by byte. */
  readonly seed?: number
  readonly environment?: Readonly<Record<string, string>>
  /** Lines of the server's log, for tests that search them. */
  readonly logger?: NonNullable<Parameters<typeof wire>[1]>['logger']
}

/** 16 Nov 2026, 20:00: two hours after Marko left the programme. */
export const EVENING = '2026-11-16T20:00:00.000Z'

/** Starts a world on a database of its own; workers are off, the clock stands still. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const database = await createTestDatabase()
  const clock = fakeClock(options.at ?? EVENING)
  const { runtime, reseed } = fakeRuntime(clock, options.seed)
  const origin = 'http://127.0.0.1:8080'
  const config = loadConfig({
    DATABASE_URL: database.url,
    OSTIARY_KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    OSTIARY_PORT: '0',
    OSTIARY_METRICS_PORT: '0',
    OSTIARY_PUBLIC_URL: origin,
    OSTIARY_LOG_LEVEL: process.env['OSTIARY_TEST_LOG_LEVEL'] ?? 'silent',
    OSTIARY_RATE_LIMIT: '0',
    OSTIARY_SUBJECT_LIMIT: '0',
    OSTIARY_TIME_GRID: '0',
    // Test machines are busy; overload has tests of its own.
    OSTIARY_MAX_EVENT_LOOP_DELAY: '0',
    ...options.environment,
  })
  const operatorKey = await makeKey()
  const made = await withAdministration(
    config,
    async (administration) => {
      await administration.initialise()
      return administration.createOperator(
        {
          name: 'Ostiary Lakeside',
          sector: 'coordination_body',
          country: 'SI',
          public: true,
          phases: [],
          competentAuthority: false,
          jwks: { keys: [operatorKey.publicJwk as Record<string, unknown>] },
        },
        {
          localId: 'admin',
          roles: ['system_admin', 'org_admin'],
          jwk: operatorKey.publicJwk as Record<string, unknown>,
        },
      )
    },
    runtime,
  )
  const ostiary = await wire(config, {
    runtime,
    workers: false,
    ...(options.logger ? { logger: options.logger } : {}),
  })
  const address = await ostiary.listen()
  const connect = (clientId: string, privateJwk: JWK) =>
    AgencyClient.connect({ origin, clientId, privateJwk, reach: () => address })
  const operator = operatorOf(
    { ...made, privateJwk: operatorKey.privateJwk },
    await connect(made.clientId, operatorKey.privateJwk),
  )
  return {
    ostiary,
    origin,
    address,
    databaseUrl: database.url,
    clock,
    reseed,
    operator,
    onboard: (member, roles) => onboard(operator, connect, member, roles),
    async stop() {
      await ostiary.close()
      await database.drop()
    },
  }
}

/** Adds an agency through the public API, as the operator would, with practitioners in these roles. */
export async function onboard(
  operator: Agency,
  connect: (clientId: string, privateJwk: JWK) => Promise<AgencyClient>,
  member: Member & { parentId?: string },
  roles: readonly PractitionerRole[],
): Promise<Agency> {
  const { privateJwk, publicJwk } = await makeKey()
  const created = await expectStatus(
    201,
    operator.call('system_admin', 'POST', '/v1/agencies', {
      body: {
        name: member.name,
        sector: member.sector,
        country: 'SI',
        public: member.public,
        phases: [],
        competentAuthority: ['police', 'prosecution', 'court', 'probation'].includes(member.sector),
        ...(member.public ? {} : { nationalAuthorisationRef: 'authorisation 12/2026' }),
        ...(member.parentId ? { parentId: member.parentId } : {}),
        jwks: { keys: [publicJwk] },
        contacts: [],
      },
    }),
  )
  const { id, clientId } = created.body as { id: string; clientId: string }
  const client = await connect(clientId, privateJwk)
  const people = new Map<PractitionerRole, Person>()
  for (const role of roles) {
    const key = await makeKey()
    const answer = await expectStatus(
      201,
      client.call('POST', `/v1/agencies/${id}/practitioners`, {
        body: {
          localId: `${role}-1`,
          roles: [role],
          trainings: [
            { code: 'data_protection', at: '2026-02-01' },
            { code: 'gbv_basic', at: '2026-02-01' },
          ],
          jwk: key.publicJwk,
        },
        idempotencyKey: randomUUID(),
      }),
    )
    people.set(role, { id: answer.body.id, roles: [role], privateJwk: key.privateJwk })
  }
  return agencyOf({ id, clientId, sector: member.sector }, privateJwk, client, people)
}

/** The operator, as `ostiary admin create` makes it: one key for tokens and signatures. */
export function operatorOf(
  made: { agencyId: string; practitionerId: string; clientId: string; privateJwk: JWK },
  client: AgencyClient,
): Agency {
  const { agencyId, practitionerId, clientId, privateJwk } = made
  const admin: Person = { id: practitionerId, roles: ['system_admin', 'org_admin'], privateJwk }
  return agencyOf(
    { id: agencyId, clientId, sector: 'coordination_body' },
    privateJwk,
    client,
    new Map([
      ['system_admin', admin],
      ['org_admin', admin],
    ]),
  )
}

function agencyOf(
  agency: { id: string; clientId: string; sector: Sector },
  privateJwk: JWK,
  client: AgencyClient,
  people: ReadonlyMap<PractitionerRole, Person>,
): Agency {
  return {
    ...agency,
    privateJwk,
    client,
    people,
    call(role, method, path, options = {}) {
      const person = people.get(role)
      if (!person) throw new Error(`nobody of ${agency.sector} holds the role ${role}`)
      const key = method === 'POST' ? { idempotencyKey: randomUUID() } : {}
      return client.call(method, path, {
        practitioner: { id: person.id, role },
        ...key,
        ...options,
      })
    },
  }
}

/** The answer, if it has the status that the step needs; else an error that shows the problem. */
export async function expectStatus(status: number, calling: Promise<Answer>): Promise<Answer> {
  const answer = await calling
  if (answer.status !== status)
    throw new Error(`expected ${status}, got ${answer.status}: ${answer.text}`)
  return answer
}

/** A fresh ES256 key pair as JWKs. */
export async function makeKey(): Promise<{ privateJwk: JWK; publicJwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const common = { alg: 'ES256', use: 'sig', kid: randomUUID() }
  return {
    privateJwk: { ...(await exportJWK(privateKey)), ...common },
    publicJwk: { ...(await exportJWK(publicKey)), ...common },
  }
}

/** A clock that stands at `at`. */
export function fakeClock(at: string): FakeClock {
  let now = new Date(at)
  return {
    now: () => new Date(now),
    set: (to) => void (now = new Date(to)),
    advance: (milliseconds) => void (now = new Date(now.getTime() + milliseconds)),
  }
}

/** Time from the clock; ids and salts from chance, or repeatable ones from a seed. */
export function fakeRuntime(
  clock: FakeClock,
  seed?: number,
): { runtime: Runtime; reseed: (seed: number) => void } {
  // Ids and salts are drawn apart, so that a log that needs more padding does not change the ids.
  const streams = (from: number) => ({
    ids: mulberry32(from),
    salts: mulberry32(from ^ 0x5a5a5a5a),
  })
  let drawn = seed === undefined ? undefined : streams(seed)
  const bytesOf = (count: number, draw: () => number): Uint8Array =>
    Uint8Array.from({ length: count }, () => draw() * 256)
  const uuid = (): string => {
    if (!drawn) return randomUUID()
    const bytes = bytesOf(16, drawn.ids)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const hex = Buffer.from(bytes).toString('hex')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  const random = (count: number): Uint8Array =>
    drawn ? bytesOf(count, drawn.salts) : randomBytes(count)
  return {
    runtime: { now: () => clock.now(), uuid, random },
    reseed: (to) => void (drawn = streams(to)),
  }
}

/** Small pseudo-random generator (public domain, T. Ettinger); for tests only. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
