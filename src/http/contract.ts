/** Turns the contract into routes: what openapi.yaml says is checked here, and handlers never restate it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { OpenAPIV3_1 } from 'openapi-types'
import { mayActFor } from '../domain/case/parties.ts'
import { OstiaryError } from '../errors.ts'
import type { Caller } from '../services/caller.ts'
import { requireMediaType } from './body.ts'
import type { Call, Handlers, PublicHandler, PublicHandlers, Reply } from './call.ts'
import type { Guard } from './caller.ts'
import { isKnown, readIfMatch } from './conditional.ts'
import { readIdempotency } from './idempotency.ts'
import type { Counters } from './limits.ts'
import { needsHeader, type Operation, operationsOf, type Schema } from './operations.ts'
import { type Check, type CompileCheck, makeCompileCheck, namesIn } from './validation.ts'

export interface MountOptions extends Counters {
  /** Without `$ref`, as `loadContract` gives it. */
  readonly document: OpenAPIV3_1.Document
  readonly handlers: Handlers
  readonly publicHandlers: PublicHandlers
  readonly guard: Guard
  /** Names from outside the contract that a pointer may show, such as those of fields. */
  readonly names?: Iterable<string>
}

/**
 * Registers a route per operation. A request is checked in this order: who calls and whether they may
 * (401, 403), how often (429), media type (415), size and JSON (413, 400), `Idempotency-Key` and
 * `If-Match` (400, 428), then path, query and body by schema (400).
 * @throws {Error} for an operation without handler, a handler without operation, or a handler that
 *   expects a caller where the contract asks for none, and the reverse
 */
export function mountContract(app: FastifyInstance, options: MountOptions): void {
  const { document, handlers, publicHandlers } = options
  const operations = operationsOf(document).filter(({ external }) => !external)
  requireSame(operations, handlers, publicHandlers)
  const names = namesIn(document)
  for (const name of options.names ?? []) names.add(name)
  const compile = makeCompileCheck(names)
  app.decorateRequest('caller', undefined)
  for (const operation of operations) mount(app, operation, compile, options)
}

function requireSame(
  operations: readonly Operation[],
  handlers: Handlers,
  publicHandlers: PublicHandlers,
): void {
  const ids = operations.map(({ id }) => id)
  if (new Set(ids).size < ids.length) throw new Error('two operations share an operationId')
  for (const { id, scopes } of operations) {
    const [here, there] = scopes ? [handlers, publicHandlers] : [publicHandlers, handlers]
    if (Object.hasOwn(there, id)) throw new Error(`${id} is ${scopes ? 'not ' : ''}public`)
    if (!Object.hasOwn(here, id)) throw new Error(`operation ${id} has no handler`)
  }
  for (const id of [...Object.keys(handlers), ...Object.keys(publicHandlers)]) {
    if (!ids.includes(id)) throw new Error(`handler ${id} is for no operation of the contract`)
  }
}

function mount(
  app: FastifyInstance,
  operation: Operation,
  compile: CompileCheck,
  options: MountOptions,
): void {
  const { id, method, path, body, responses } = operation
  const readCall = callReader(operation, compile)
  const asksForPerson =
    operation.scopes?.includes('disclosures:write') === true && namesSubject(body?.schema)
  const carryOut = { ...options.publicHandlers, ...options.handlers }[id] as PublicHandler
  const schemas = [...responses].filter(([status, schema]) => schema && /^[2-5]\d\d$/.test(status))
  app.route({
    method: method.toUpperCase(),
    url: path.replace(/\{(\w+)\}/g, ':$1'),
    config: { operationId: id },
    // Serializers from these write what is declared and nothing else.
    ...(schemas.length > 0 ? { schema: { response: Object.fromEntries(schemas) } } : {}),
    onRequest: async (request) => {
      if (operation.scopes) await letIn(request, operation, operation.scopes, options)
      if (method !== 'get') requireMediaType(request, body?.types ?? [])
    },
    handler: async (request, reply) => {
      const call = readCall(request)
      if (asksForPerson) await options.countSubject(request)
      const result = await carryOut(call)
      if (!responses.has(String(result.status))) {
        throw new Error(`${id} has no answer ${result.status} in the contract`)
      }
      return send(result, request, reply)
    },
  })
}

const namesSubject = (schema: Schema | undefined): boolean =>
  Object.hasOwn((schema?.['properties'] ?? {}) as object, 'subjectId')

async function letIn(
  request: FastifyRequest,
  operation: Operation,
  scopes: readonly string[],
  { guard, countCall, countRefusal }: MountOptions,
): Promise<void> {
  try {
    request.caller = { ...(await guard(request, scopes)), operation: operation.id }
    // By sector and not by case, so that being held to the grid tells nothing of any case.
    if (mayActFor(request.caller.sector).includes('perpetrator')) request.onTimeGrid = true
  } catch (error) {
    // Only failed sign-ins: an outage or a missing scope is no attack.
    if (error instanceof OstiaryError && error.statusCode === 401) await countRefusal(request)
    throw error
  }
  await countCall(request, request.caller)
  if (needsHeader(operation, 'Ostiary-Practitioner') && !request.caller.practitionerId) {
    throw new OstiaryError('practitioner_header_missing')
  }
}

/** Makes the function that checks a request by contract and puts the call together. */
function callReader(operation: Operation, compile: CompileCheck) {
  const { id, scopes, body } = operation
  const asksKey = needsHeader(operation, 'Idempotency-Key')
  const asksMatch = needsHeader(operation, 'If-Match')
  const checkPath = compile('path', parameterSchema(operation, 'path'))
  const checkQuery = compile('query', parameterSchema(operation, 'query'))
  const checkBody = compile('body', body?.schema ?? NO_MEMBERS)

  return (request: FastifyRequest): Call => {
    const { caller } = request
    // A guard that lets nobody in and yet does not throw is broken; nothing may go on.
    if (scopes && !caller) throw new OstiaryError('token_missing')
    const claim = asksKey && { idempotency: readIdempotency(request, caller?.clientId ?? '') }
    const match = asksMatch && { ifMatch: readIfMatch(request.headers['if-match']) }
    pass(checkPath, request.params)
    pass(checkQuery, request.query)
    if (body?.required || request.body !== undefined) pass(checkBody, request.body)
    return {
      operationId: id,
      caller: caller as Caller,
      params: request.params,
      query: request.query,
      body: body && request.body,
      ...claim,
      ...match,
      requestId: request.id,
      holdToGrid: () => {
        request.onTimeGrid = true
      },
      request,
    }
  }
}

/** What an operation without a body takes as one: an empty object, which some clients always send. */
const NO_MEMBERS: Schema = { type: 'object', additionalProperties: false }

function pass(check: Check, data: unknown): void {
  const fault = check(data)
  if (fault) throw fault
}

function parameterSchema({ parameters }: Operation, where: 'path' | 'query'): Schema {
  const here = parameters.filter((parameter) => parameter.in === where)
  return {
    type: 'object',
    additionalProperties: false,
    required: here.filter(({ required }) => required).map(({ name }) => name),
    properties: Object.fromEntries(here.map(({ name, schema }) => [name, schema ?? {}])),
  }
}

function send(result: Reply, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, body, headers = {}, timeGrid } = result
  if (timeGrid) request.onTimeGrid = true
  void reply.headers(headers)
  const reading = request.method === 'GET' || request.method === 'HEAD'
  if (reading && headers['etag'] && isKnown(request.headers['if-none-match'], headers['etag'])) {
    return reply.code(304).send()
  }
  return reply.code(status).send(body)
}
