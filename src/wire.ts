/** The one composition root: configuration in, a server out. `cli`, `main` and the tests start here. */
import type { FastifyInstance } from 'fastify'
import { type Logger, pino } from 'pino'
import type { Config } from './config.ts'
import { loadCrypto } from './crypto/sodium.ts'
import { buildCatalogue } from './domain/catalogue/catalogue.ts'
import { loadRecordSchemas } from './files/schemas.ts'
import { loadContract } from './http/document.ts'
import { loggerOptions } from './http/logging.ts'
import { buildMetricsServer, makeMetrics } from './http/metrics.ts'
import type { Runtime } from './services/runtime.ts'
import { administer } from './wire/administration.ts'
import { openPools } from './wire/database.ts'
import { type DatabaseAddress, reachDatabase } from './wire/database-address.ts'
import { readFirstPolicy } from './wire/first-policy.ts'
import { keyEncryptionKeys, openCheckedKeyRing } from './wire/keys.ts'
import { PROGRAM_FOLDER } from './wire/program-folder.ts'
import { RUNTIME } from './wire/runtime.ts'
import { wireServer } from './wire/server.ts'

/** A server that is ready to listen. */
export interface Ostiary {
  readonly app: FastifyInstance
  readonly logger: Logger
  /** Verifier key of the log, for whoever wants to check it from outside. */
  readonly logVkey: string
  /** Opens the ports and starts the workers; gives the API's own address. */
  listen(): Promise<string>
  /** Publishes the log now, besides its tick. */
  publish(): Promise<void>
  /** Runs the clocks once, as of the runtime's now. */
  runClocks(): Promise<void>
  /** Stops workers, requests and pools, in this order. */
  close(): Promise<void>
}

/** What tests replace; a server in use leaves it all as it is. */
export interface WireOptions {
  readonly runtime?: Runtime
  readonly logger?: Logger
  /** `false` leaves publication and clocks to `publish` and `runClocks`. */
  readonly workers?: boolean
  /** The database, where its start was asked for already; the server then closes it. */
  readonly address?: Promise<DatabaseAddress>
}

/**
 * Puts a server together. On the embedded database it also migrates and initialises, so that a first
 * start needs nothing else; any other database must have been prepared by `ostiary migrate` and
 * `ostiary init`.
 *
 * @throws Error that says what is missing or does not fit; nothing is left open then
 */
export async function wire(config: Config, options: WireOptions = {}): Promise<Ostiary> {
  const reaching = options.address ?? reachDatabase(config)
  try {
    const [address, files] = await Promise.all([reaching, readFiles(config)])
    return await wireOn(config, options, address, files)
  } catch (error) {
    await reaching.then((address) => address.close()).catch(() => {})
    throw error
  }
}

/** What does not need the database: read, parsed and compiled while it starts. */
async function readFiles(config: Config) {
  const [contract, crypto] = await Promise.all([
    loadContract(`${PROGRAM_FOLDER}openapi.yaml`),
    loadCrypto(),
  ])
  const catalogue = buildCatalogue(loadRecordSchemas(`${PROGRAM_FOLDER}schemas/records`))
  const policy =
    config.databaseUrl === undefined
      ? await readFirstPolicy(catalogue, config.policyPack)
      : undefined
  return { contract, crypto, catalogue, policy }
}

async function wireOn(
  config: Config,
  options: WireOptions,
  address: DatabaseAddress,
  { contract, crypto, catalogue, policy }: Awaited<ReturnType<typeof readFiles>>,
): Promise<Ostiary> {
  const runtime = options.runtime ?? RUNTIME
  const logger = options.logger ?? pino(loggerOptions(config.logLevel))
  const pools = openPools(address, (error) =>
    logger.warn({ component: 'database', errorClass: error.name }, 'a connection broke'),
  )
  try {
    if (policy) await administer(config, { address, crypto, catalogue, runtime }).prepare(policy)
    const keys = await keyEncryptionKeys(config, { create: false })
    const keyRing = await openCheckedKeyRing(crypto, keys, pools.app)
    const metrics = makeMetrics()
    const server = await wireServer({
      config,
      runtime,
      logger,
      contract,
      crypto,
      catalogue,
      pools,
      keyRing,
      metrics,
    })
    const metricsServer = config.metricsPort === 0 ? undefined : buildMetricsServer(metrics)
    return {
      app: server.app,
      logger,
      logVkey: server.logVkey,
      publish: server.publish,
      runClocks: server.runClocks,
      async listen() {
        await server.recordStart()
        const own = await server.app.listen({ host: config.host, port: config.port })
        await metricsServer?.listen({ host: config.host, port: config.metricsPort })
        if (options.workers !== false) server.startWorkers()
        logger.info({ address: own }, 'listening')
        return own
      },
      async close() {
        await server.stopWorkers()
        await server.app.close()
        await metricsServer?.close()
        server.close()
        keyRing.close()
        await pools.close()
        await address.close()
      },
    }
  } catch (error) {
    await pools.close()
    throw error
  }
}
