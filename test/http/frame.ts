import type { FastifyInstance, FastifyRequest } from 'fastify'
import { generateSync } from 'json-schema-faker'
import pino from 'pino'
import type { Handler, Handlers } from '../../src/http/call.ts'
import { type Contract, loadContract } from '../../src/http/document.ts'
import { loggerOptions } from '../../src/http/logging.ts'
import { makeMetrics, type Metrics } from '../../src/http/metrics.ts'
import { type Operation, operationsOf } from '../../src/http/operations.ts'
import { buildServer, type ServerOptions } from '../../src/http/server.ts'
import { OstiaryError } from '../../src/errors.ts'
import type { Caller } from '../../src/services/caller.ts'

export const ID = '0b9c6f4e-3a51-4d9e-9f57-1c2a7e5d8b41'
export const CALLER: Caller = {
  agencyId: '3f6e9d2c-7b1a-4c8d-9e5f-2a3b4c5d6e7f',
  clientId: 'lighthouse',
  sector: 'victim_support',
  scopes: [],
  keyThumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  channel: 'sender_constrained',
  practitionerId: '5f2c8e1a-9b7d-4c6e-8f5a-3b2c1d0e9f8a',
  role: 'partner_contact_worker',
  requestId: '12ab34cd-56ef-4789-9abc-def012345678',
}

/** A server over any contract, with a guard that lets in who says `DPoP in`, and its log at hand. */
export interface Frame {
  readonly app: FastifyInstance
  readonly metrics: Metrics
  /** Log lines so far, parsed. */
  readonly lines: () => Record<string, unknown>[]
  readonly logText: () => string
}

export async function frame(
  contract: Contract,
  handlers: Handlers,
  options: Partial<ServerOptions> = {},
): Promise<Frame> {
  const log: string[] = []
  const logger = pino(loggerOptions('trace'), { write: (line: string) => void log.push(line) })
  const metrics = options.metrics ?? makeMetrics({ collectDefault: false })
  const app = await buildServer({
    logger,
    contract,
    handlers,
    guard: async () => letInWhoSaysSo,
    isReady: async () => true,
    metrics,
    limits: { rateLimit: 0, subjectLimit: 0, failureLimit: 0, maxEventLoopDelay: 0 },
    timeGrid: 0,
    ...options,
  })
  return {
    app,
    metrics,
    lines: () => log.map((line) => JSON.parse(line) as Record<string, unknown>),
    logText: () => log.join(''),
  }
}

async function letInWhoSaysSo(
  { headers }: FastifyRequest,
  scopes: readonly string[],
): Promise<Caller> {
  if (headers.authorization !== 'DPoP in') throw new OstiaryError('token_missing')
  const { practitionerId, role, ...rest } = CALLER
  const acting = headers['ostiary-practitioner'] ? { practitionerId, role } : {}
  return { ...rest, ...acting, scopes } as Caller
}

/** Headers with which every operation can be called. */
export const SIGNED_IN = {
  authorization: 'DPoP in',
  'ostiary-practitioner': `${CALLER.practitionerId};role=${CALLER.role}`,
  'idempotency-key': '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
  'if-match': '"1"',
}

export const openapi = (): Promise<Contract> =>
  loadContract(new URL('../../openapi.yaml', import.meta.url))

/** Operations of a contract that the server serves by handlers of others. */
export const securedOperations = (contract: Contract): Operation[] =>
  operationsOf(contract.resolved).filter(({ scopes, external }) => scopes && !external)

/** The status with which an operation succeeds, and the schema of its body. */
export function success({ responses }: Operation) {
  const [status, schema] = [...responses].find(([code]) => /^2\d\d$/.test(code)) ?? [
    '204',
    undefined,
  ]
  return { status: Number(status), schema }
}

/** For every operation a handler that answers with something its schema allows. */
export function dummyHandlers(contract: Contract): Record<string, Handler> {
  const handlers = securedOperations(contract).map((operation): [string, Handler] => {
    const { status, schema } = success(operation)
    const body = schema && generateSync(schema, { seed: 1, alwaysFakeOptionals: true })
    return [operation.id, async () => ({ status, ...(schema ? { body } : {}) })]
  })
  return Object.fromEntries(handlers)
}

/** A path of the operation with ids in it, numbers where it asks for them, and the query that it cannot do without. */
export const concrete = ({ path, parameters }: Operation): string => {
  const needed = parameters
    .filter((one) => one.in === 'query' && one.required)
    .map(({ name, schema }) => `${name}=${(schema as { enum?: string[] }).enum?.[0] ?? ID}`)
  const concretePath = path.replace(/\{(\w+)\}/g, (_, name) => {
    const { schema } = parameters.find((one) => one.in === 'path' && one.name === name) ?? {}
    return (schema as { type?: string } | undefined)?.type === 'integer' ? '7' : ID
  })
  return needed.length > 0 ? `${concretePath}?${needed.join('&')}` : concretePath
}
