/**
 * The server to compare with: the same framework, contract, token and proof check, admission and
 * idempotency, the same rows read and rows of the same number and size written, in as many round
 * trips and commits, and an answer of as many fields. What it leaves out is what the release gate is
 * for: finding the facts, deciding, opening, and making up what is written and answered. It answers
 * every request with what the real server answered once.
 *
 * It runs on a copy of the real server's database, in which it may read every row.
 */
import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import { loadConfig } from '../../src/config.ts'
import { loadCrypto } from '../../src/crypto/sodium.ts'
import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import { resolveRequested } from '../../src/domain/disclosure/requested.ts'
import { OstiaryError } from '../../src/errors.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'
import type { Call, Handlers } from '../../src/http/call.ts'
import { registerGuard } from '../../src/http/caller.ts'
import { loadContract } from '../../src/http/document.ts'
import { loggerOptions } from '../../src/http/logging.ts'
import { makeMetrics } from '../../src/http/metrics.ts'
import { operationsOf } from '../../src/http/operations.ts'
import { buildServer } from '../../src/http/server.ts'
import { makeAdmitCall } from '../../src/services/admit-call.ts'
import type { DisclosureRequest } from '../../src/services/disclose-fields.ts'
import { openTokenKeys } from '../../src/services/token-keys.ts'
import * as replayGuard from '../../src/storage/replay-guard.ts'
import * as serverKeys from '../../src/storage/server-keys.ts'
import { openPools } from '../../src/wire/database.ts'
import { keyEncryptionKeys, openCheckedKeyRing } from '../../src/wire/keys.ts'
import { PROGRAM_FOLDER } from '../../src/wire/program-folder.ts'
import { type Canned, readCanned, writeLikeARelease } from './base-write.ts'

const LOCKS = `select set_config('app.agency', $1::text, true),
  pg_try_advisory_xact_lock(hashtextextended('bench/' || $2::text || ':' || $3::text, 0)) as mine`
const SEEN =
  'select fingerprint, operation, resource_id from idempotency where client_id = $1 and key = $2'
const ROWS = `select v.record_id, v.version, r.type, r.subject_id, r.agency_id, v.fields, v.provenance, v.conditions,
    v.sealed, v.wrapped_key, v.sealed_flags, v.key_owner_id, k.wrapped as subject_key, k.key_epoch
  from record r
  join record_version v on v.record_id = r.id and v.version = r.version
  left join subject_key k on k.owner_id = v.key_owner_id and k.agency_id = v.agency_id
  where r.case_id = $1 and (r.subject_id = $2 or r.subject_id is null) and r.type = any ($3)
  order by r.created_at, r.id`

const config = loadConfig()
const logger = pino(loggerOptions(config.logLevel))
const [contract, crypto] = await Promise.all([
  loadContract(`${PROGRAM_FOLDER}openapi.yaml`),
  loadCrypto(),
])
const catalogue = buildCatalogue(loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`))
const url = config.databaseUrl
if (!url) throw new Error('the base server needs DATABASE_URL')
const pools = openPools({ app: url, worker: url }, () => {})
const keyRing = await openCheckedKeyRing(
  crypto,
  await keyEncryptionKeys(config, { create: false }),
  pools.app,
)
const tokenKeys = await openTokenKeys({
  db: pools.app,
  storage: serverKeys,
  open: (secret, context) => keyRing.openSecret(secret, context),
  onError: () => logger.error({ component: 'token-keys' }, 'keys could not be read'),
})
const admit = makeAdmitCall({ pool: pools.door, storage: replayGuard })
const canned = readCanned(
  JSON.parse(await readFile(process.env.BENCH_CANNED ?? '', 'utf8')) as Canned,
)

async function requestDisclosure({ caller, body, idempotency }: Call<DisclosureRequest>) {
  const requested = resolveRequested(catalogue, body.fields)
  if ('faults' in requested || !idempotency) throw new OstiaryError('unknown_field')
  const client = await pools.gate.connect()
  try {
    const { clientId } = caller
    const { key } = idempotency
    const [, locks, seen, rows] = await Promise.all([
      client.query('begin'),
      client.query<{ mine: boolean }>({
        name: 'base-locks',
        text: LOCKS,
        values: [caller.agencyId, clientId, key],
      }),
      client.query({ name: 'base-seen', text: SEEN, values: [clientId, key] }),
      client.query({
        name: 'base-rows',
        text: ROWS,
        values: [body.caseId, body.subjectId, requested.types],
      }),
    ])
    if (!locks.rows[0]?.mine || seen.rowCount !== 0)
      throw new OstiaryError('idempotency_key_reused')
    const recordVersions = Object.fromEntries(
      rows.rows.map(({ record_id: id, version }) => [String(id), Number(version)]),
    )
    const written = await writeLikeARelease(client, canned, {
      caller,
      request: body,
      idempotency,
      recordVersions,
    })
    client.release()
    return { status: 201, body: written }
  } catch (error) {
    await client.query('rollback').catch(() => {})
    client.release(true)
    throw error
  }
}

const elsewhere = async (): Promise<never> => {
  throw new OstiaryError('not_found')
}
const served = operationsOf(contract.resolved).filter(({ external }) => !external)
const handlers: Handlers = Object.fromEntries(
  served.filter(({ scopes }) => scopes).map(({ id }) => [id, elsewhere]),
)
const app = await buildServer({
  logger,
  contract,
  handlers: { ...handlers, requestDisclosure },
  guard: (server) =>
    registerGuard(server, {
      origin: config.publicUrl,
      keys: tokenKeys,
      admit,
      allowBearer: config.allowBearer,
      recordRefusal: elsewhere,
    }),
  isReady: async () => (await pools.door.query('select')).rowCount === 1,
  metrics: makeMetrics(),
  limits: config,
  timeGrid: config.timeGrid,
  names: catalogue.fields.map(({ name }) => name),
})
await app.listen({ host: config.host, port: config.port })

process.once('SIGTERM', () => {
  void (async () => {
    tokenKeys.close()
    await app.close()
    await pools.close()
    process.exit(0)
  })()
})
