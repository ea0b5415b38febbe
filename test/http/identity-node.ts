import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import type { Pool } from 'pg'
import { loadCrypto } from '../../src/crypto/sodium.ts'
import { type RecordRefusal, registerGuard } from '../../src/http/caller.ts'
import { loggerOptions } from '../../src/http/logging.ts'
import { sendProblem } from '../../src/http/problem.ts'
import { tokenServer } from '../../src/http/token-server.ts'
import { makeAdmitCall } from '../../src/services/admit-call.ts'
import {
  createTokenKey,
  type OpenSecret,
  rotateTokenKey,
  sealingContext,
} from '../../src/services/server-keys.ts'
import type { RecordSignIn, SignIn } from '../../src/services/record-sign-in.ts'
import { openTokenKeys } from '../../src/services/token-keys.ts'
import { makeTokenStore } from '../../src/services/token-store.ts'
import type { Database, Tables } from '../../src/storage/database.ts'
import { insertKeyEpoch } from '../../src/storage/key-epochs.ts'
import * as oidcPayloads from '../../src/storage/oidc-payloads.ts'
import { createPool } from '../../src/storage/pool.ts'
import * as replayGuard from '../../src/storage/replay-guard.ts'
import * as serverKeys from '../../src/storage/server-keys.ts'
import * as tokenClients from '../../src/storage/token-clients.ts'
import { type KeyRing, openKeyRing } from '../../src/vault/key-ring.ts'
import { createTestDatabase } from '../support/database.ts'
import { type ForgeKey, forgeKey } from '../support/forge.ts'

/** Origin under which all nodes of a world stand; where they really listen is another matter. */
export const ORIGIN = 'https://exchange.example'
export const SCOPES = ['cases:read', 'cases:write', 'disclosures:write']

/** A database with token keys and agencies, on which nodes can be started. */
export interface World {
  /** With the rights of the owner. */
  readonly owner: Database
  readonly refusals: Parameters<RecordRefusal>[0][]
  /** What the token servers wrote down. */
  readonly signIns: SignIn[]
  addAgency(scopes?: readonly string[]): Promise<Agency>
  rotate(options: { delay?: number; compromised?: boolean }): Promise<string>
  /** A published token key whose private half the test holds; it never signs by itself. */
  plantTokenKey(): Promise<ForgeKey>
  startNode(options?: { allowBearer?: boolean; poll?: number; logFails?: boolean }): Promise<Node>
  end(): Promise<void>
}

export interface Agency {
  readonly id: string
  readonly clientId: string
  readonly key: ForgeKey
}

/** One server process's worth of the door. `url` is where it listens. */
export interface Node {
  readonly url: string
  readonly logLines: string[]
  readonly db: Database
  readonly pool: Pool
  reloadKeys(): Promise<void>
  stop(): Promise<void>
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase()
  const ownerPool = createPool({ url: database.url, max: 2 })
  const owner = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: ownerPool }) })
  const { sealSecret: seal, openSecret: open } = await createKeyRing(owner)
  const now = () => new Date()
  await owner.transaction().execute((tx) => createTokenKey(tx, { storage: serverKeys, seal }))
  const nodes: Node[] = []
  const refusals: World['refusals'] = []
  const signIns: SignIn[] = []
  return {
    owner,
    refusals,
    signIns,
    addAgency: (scopes = SCOPES) => addAgency(owner, scopes),
    async rotate(options) {
      const { kid } = await owner
        .transaction()
        .execute((tx) => rotateTokenKey(tx, { storage: serverKeys, seal, ...options }))
      return kid
    },
    async plantTokenKey() {
      const key = await forgeKey()
      const plain = Buffer.from(JSON.stringify(key.privateJwk))
      const { sealed, epoch } = seal(plain, sealingContext(key.thumbprint))
      const row = {
        purpose: 'token',
        keyEpoch: epoch,
        createdAt: now(),
        sealedPrivate: sealed,
      } as const
      const never = new Date('9999-01-01')
      await owner.transaction().execute((tx) =>
        serverKeys.insertServerKey(tx, {
          ...row,
          kid: key.thumbprint,
          publicKey: { ...key.publicJwk },
          signsFrom: never,
          signsUntil: never,
          publishedUntil: null,
        }),
      )
      return key
    },
    async startNode(options = {}) {
      const recordRefusal: RecordRefusal = async (refusal) => void refusals.push(refusal)
      const recordSignIn: RecordSignIn = async (signIn) => {
        if (options.logFails) throw new Error('the log is away')
        signIns.push(signIn)
      }
      const doors = { recordRefusal, recordSignIn }
      const node = await startNode({ url: database.url, open, ...doors, ...options })
      nodes.push(node)
      return node
    },
    async end() {
      await Promise.all(nodes.map((node) => node.stop()))
      await owner.destroy()
      await database.drop()
    },
  }
}

/** Keys of the server under a random key-encryption key, which the database knows as epoch 1. */
async function createKeyRing(owner: Database): Promise<KeyRing> {
  const crypto = await loadCrypto()
  const keys = new Map([[1, crypto.generateKey()]])
  const ring = openKeyRing(crypto, { keys, currentEpoch: 1 })
  await owner
    .transaction()
    .execute((tx) => insertKeyEpoch(tx, { epoch: 1, checkValue: ring.checkValue(1) }))
  return ring
}

async function addAgency(db: Database, scopes: readonly string[]): Promise<Agency> {
  const id = randomUUID()
  const key = await forgeKey()
  await db
    .insertInto('agency')
    .values({
      id,
      client_id: `agency-${id}`,
      name: 'Invented police of Lakeside',
      sector: 'police',
      country: 'SI',
      public: true,
      phases: [],
      competent_authority: true,
      jwks: JSON.stringify({ keys: [key.publicJwk] }),
      contacts: '[]',
      scopes: [...scopes],
    })
    .execute()
  return { id, clientId: `agency-${id}`, key }
}

async function startNode({
  url,
  open,
  recordRefusal,
  recordSignIn,
  allowBearer = false,
  poll = 2000,
}: {
  url: string
  open: OpenSecret
  recordRefusal: RecordRefusal
  recordSignIn: RecordSignIn
  allowBearer?: boolean
  poll?: number
}): Promise<Node> {
  const pool = createPool({ url, role: 'ostiary_app', max: 5, pipeline: true })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  const logLines: string[] = []
  const app = Fastify({
    logger: {
      ...loggerOptions('trace'),
      stream: { write: (line: string) => void logLines.push(line) },
    },
    genReqId: () => randomUUID(),
    forceCloseConnections: true,
  })
  app.setErrorHandler(sendProblem)
  const keys = await openTokenKeys({
    db,
    storage: serverKeys,
    open,
    pollMilliseconds: poll,
    onError: () => {},
  })
  const store = makeTokenStore({
    db,
    storage: { ...tokenClients, ...replayGuard, ...oidcPayloads },
  })
  const guard = await registerGuard(app, {
    origin: ORIGIN,
    keys,
    admit: makeAdmitCall({ pool, storage: replayGuard }),
    allowBearer,
    recordRefusal,
  })
  await app.register(tokenServer, {
    ...{ origin: ORIGIN, scopes: SCOPES, keys, store, allowBearer },
    recordSignIn,
  })
  for (const method of ['GET', 'POST'] as const)
    app.route({
      method,
      url: '/v1/whoami',
      handler: (request) => guard(request, method === 'POST' ? ['cases:write'] : ['cases:read']),
    })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    logLines,
    db,
    pool,
    reloadKeys: () => keys.reload(),
    async stop() {
      keys.close()
      await app.close()
      await db.destroy()
    },
  }
}
