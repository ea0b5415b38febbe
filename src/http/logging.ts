/**
 * What the log may hold. A line is made of the keys below, with plain short values, and of a message
 * that is a constant in the code. Everything else is dropped here, so that no careless call can log
 * a URL, a body, a value, or the message of an error that repeats one.
 */
import type { LoggerOptions } from 'pino'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Every key that a log line may have, with what it says. */
export const LOG_KEYS = {
  level: 'severity, as a number',
  time: 'milliseconds since the epoch',
  msg: 'a constant of the code',
  requestId: 'random UUID of the request',
  method: 'HTTP method',
  route: 'route template of the contract, never the path itself',
  operationId: 'operation of the contract',
  status: 'HTTP status',
  ms: 'duration in whole milliseconds',
  agencyId: 'agency that called',
  clientId: 'OAuth client that called',
  code: 'stable code of a problem, or of a library',
  errorClass: 'class of an error',
  errorCode: 'code of an error: ours, SQLSTATE, or of the system',
  causeClass: 'class of the error behind it',
  causeCode: 'code of the error behind it',
  frames: 'where it was thrown: functions and lines of code',
  component: 'part of the server',
  address: 'own address',
  port: 'own port',
  signal: 'signal that stops the process',
  count: 'how many',
  treeSize: 'entries in the transparency log',
  task: 'name of a background task',
  eventId: 'audit event',
  disclosureId: 'disclosure',
  incidentId: 'integrity incident',
  witness: 'name of a witness of the log',
  rule: 'id of a policy rule',
  version: 'of the server, of policies, or of the schema',
} as const

const ALLOWED: ReadonlySet<string> = new Set(Object.keys(LOG_KEYS))
const LONGEST = 500

/** Options for pino, for every logger of the process. */
export function loggerOptions(level: string): LoggerOptions {
  return {
    level,
    // Neither process id nor host name: they say nothing and the host name may say too much.
    base: null,
    formatters: { log: onlyAllowed },
    hooks: {
      // Child loggers add their own keys past the formatter, so the finished line is looked at too.
      streamWrite: withoutOthers,
      logMethod(args, method) {
        method.apply(this, tidy(args) as Parameters<typeof method>)
      },
    },
  }
}

/** The line that every request leaves. */
export function requestLine(request: FastifyRequest, reply: FastifyReply) {
  const { method, routeOptions, caller, arrivedAt } = request
  return {
    method,
    // A path that is in no route may hold anything.
    route: routeOptions.url ?? 'none',
    operationId: routeOptions.config.operationId,
    status: reply.statusCode,
    ms: Math.round(performance.now() - arrivedAt),
    agencyId: caller?.agencyId,
    clientId: caller?.clientId,
  }
}

/** Messages are constants: no interpolation, and never the message of an error. */
function tidy(args: readonly unknown[]): unknown[] {
  const [first, second] = args
  if (typeof first === 'string') return [first]
  const content = first instanceof Error ? { err: first } : first
  return [content, typeof second === 'string' ? second : 'no message']
}

function onlyAllowed(content: object): Record<string, unknown> {
  const { err, ...rest } = content as { err?: unknown } & Record<string, unknown>
  const all = err === undefined ? rest : { ...rest, ...errorKeys(err) }
  return Object.fromEntries(
    Object.entries(all).filter(([key, value]) => ALLOWED.has(key) && isPlain(value)),
  )
}

function withoutOthers(line: string): string {
  const content = JSON.parse(line) as object
  if (Object.keys(content).every((key) => ALLOWED.has(key))) return line
  return `${JSON.stringify(onlyAllowed(content))}\n`
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= LONGEST
  return typeof value === 'number' || typeof value === 'boolean'
}

function errorKeys(error: unknown): Record<string, string | undefined> {
  const cause = error instanceof Error ? error.cause : undefined
  return {
    errorClass: classOf(error),
    errorCode: codeOf(error),
    ...(cause === undefined ? {} : { causeClass: classOf(cause), causeCode: codeOf(cause) }),
    frames: framesOf(cause instanceof Error ? cause : error),
  }
}

function classOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return /^\w{1,60}$/.test(error.constructor.name) ? error.constructor.name : 'Error'
}

/** Codes are short words; anything longer is no code. */
function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : undefined
}

/** Function, file and line of the innermost frames; the message in front of the stack is cut off. */
function framesOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return undefined
  const { message, stack } = error
  const frames = stack.slice(Math.max(0, stack.indexOf(message)) + message.length).match(FRAME)
  return frames
    ?.slice(0, 4)
    .map((frame) => frame.replace('(', '').replace(/file:.*\/(src|test|node_modules)\//, '$1/'))
    .join(' < ')
    .slice(0, LONGEST)
}

const FRAME = /(?<=^ {4}at )(?:[\w.<> ]+ \()?(?:file|node):[\w./@:+-]+(?=\)?$)/gm
