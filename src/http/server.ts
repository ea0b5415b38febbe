/** Door 1: the REST server, put together from its contract. Nothing here knows a use case. */
import { randomUUID } from 'node:crypto'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { OstiaryError } from '../errors.ts'
import { registerBodies } from './body.ts'
import type { Handlers, PublicHandlers } from './call.ts'
import type { Guard } from './caller.ts'
import { mountContract } from './contract.ts'
import type { Contract } from './document.ts'
import { type Limits, registerLimits } from './limits.ts'
import { requestLine } from './logging.ts'
import type { Metrics } from './metrics.ts'
import { makeMethodsAt } from './operations.ts'
import { answerClientError, registerProblems, sendProblem } from './problem.ts'
import { registerReference } from './reference.ts'
import { registerTimeGrid } from './time-grid.ts'

export interface ServerOptions {
  /** A pino logger made with `loggerOptions`. */
  readonly logger: FastifyBaseLogger
  readonly contract: Contract
  /** One per operation that asks for a caller. */
  readonly handlers: Handlers
  /** One per open operation, besides those for health, which are here. */
  readonly publicHandlers?: PublicHandlers
  /** Makes the guard, registering on the server what it needs. */
  readonly guard: (app: FastifyInstance) => Promise<Guard>
  /** What is served outside the contract: token server, public log. Each in a scope of its own. */
  readonly plugins?: readonly ((app: FastifyInstance) => Promise<void>)[]
  /** Whether database and audit log can be written now; false or a rejection means not ready. */
  readonly isReady: () => Promise<boolean>
  /** Names of what is not as it should be although requests can be answered; none where it is absent. */
  readonly degraded?: () => Promise<readonly string[]>
  readonly metrics: Metrics
  readonly limits: Limits
  /** Milliseconds of the time grid; 0 turns it off. */
  readonly timeGrid: number
  /** Whether `X-Forwarded-For` may be believed. */
  readonly trustProxy?: boolean
  /** Names that a pointer in a problem may show besides those of the contract: names of fields. */
  readonly names?: Iterable<string>
  /** Random UUIDs; tests pass their own. What a client calls its request never counts. */
  readonly newRequestId?: () => string
}

/** Longest body in bytes: 1 MiB. */
const BODY_LIMIT = 1_048_576

/** Builds the server, ready to listen or inject. Throws when contract and handlers do not fit. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { contract, newRequestId = () => randomUUID() } = options
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    genReqId: () => newRequestId(),
    bodyLimit: BODY_LIMIT,
    trustProxy: options.trustProxy ?? false,
    routerOptions: { maxParamLength: 100 },
    requestTimeout: 30_000,
    return503OnClosing: false,
    // These arise before any hook has run.
    frameworkErrors: (error, request, reply) => {
      void reply.header('request-id', request.id)
      sendProblem(error, request, reply)
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket, newRequestId()),
  })
  registerTimeGrid(app, options.timeGrid)
  registerEveryAnswer(app, options.metrics)
  registerProblems(app, makeMethodsAt(contract.resolved))
  registerBodies(app)
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    xFrameOptions: { action: 'deny' },
  })
  refuseWhileClosing(app)
  const counters = await registerLimits(app, options.limits)
  const guard = await options.guard(app)
  for (const plugin of options.plugins ?? []) await app.register(plugin)
  mountContract(app, {
    document: contract.resolved,
    handlers: options.handlers,
    publicHandlers: { ...healthHandlers(options), ...options.publicHandlers },
    guard,
    ...counters,
    ...(options.names && { names: options.names }),
  })
  registerReference(app, contract.bundled)
  await app.ready()
  return app
}

/** What holds for every answer: request id, no caching of anything personal, one log line, one figure. */
function registerEveryAnswer(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('request-id', request.id)
    if (!request.url.startsWith('/v1/')) return
    void reply.header('cache-control', 'no-store')
    void reply.header('vary', 'Authorization, DPoP, Ostiary-Practitioner')
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(requestLine(request, reply), 'request')
    const seconds = (performance.now() - request.arrivedAt) / 1000
    metrics.observe(request.routeOptions.config.operationId ?? 'none', reply.statusCode, seconds)
  })
}

/** Requests that still arrive on open connections during a stop are sent elsewhere. */
function refuseWhileClosing(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onRequest', async () => {
    if (closing) {
      throw new OstiaryError('not_ready', { headers: { connection: 'close', 'retry-after': '5' } })
    }
  })
}

function healthHandlers({
  isReady,
  degraded = async () => [],
}: Pick<ServerOptions, 'isReady' | 'degraded'>): PublicHandlers {
  const up = { status: 200, body: { status: 'up' }, headers: { 'cache-control': 'no-store' } }
  return {
    getLiveness: async () => up,
    getReadiness: async () => {
      const ready = await isReady().catch(() => false)
      if (!ready) throw new OstiaryError('not_ready', { headers: { 'retry-after': '5' } })
      const names = await degraded().catch(() => ['unknown'])
      return names.length === 0 ? up : { ...up, body: { status: 'degraded', degraded: names } }
    },
  }
}
