/** Every failure leaves as a problem (RFC 9457) with a code of the table, and nothing else. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorCode, ERRORS, OstiaryError } from '../errors.ts'

const MEDIA_TYPE = 'application/problem+json'

/** What Fastify and its plugins call what we call otherwise. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_BAD_URL: 'malformed_request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
  FST_ERR_NOT_FOUND: 'no_such_route',
}

/** The problem that an error is to its caller; what it was for us stays in `cause`. */
export function asOstiaryError(error: unknown): OstiaryError {
  if (error instanceof OstiaryError) return error
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown }
  const known = typeof code === 'string' ? FASTIFY_CODES[code] : undefined
  if (known) return new OstiaryError(known, { cause: error })
  if (isDatabaseAway(error)) {
    return new OstiaryError('audit_unavailable', { cause: error, headers: { 'retry-after': '5' } })
  }
  if (isInTheWay(code)) {
    return new OstiaryError('overloaded', { cause: error, headers: { 'retry-after': '1' } })
  }
  const theirs = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
  return new OstiaryError(theirs ? 'malformed_request' : 'internal_error', { cause: error })
}

/** Without the database nothing can be logged, so nothing is released: 503, not 500. */
function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, syscall } = error as { code?: unknown; syscall?: unknown }
  if (syscall === 'connect') return true
  // SQLSTATE classes 08 (connection), 57P (shutdown), 53 (no resources), 58030 (input and output), XX (a
  // fault of the database's own, such as a file that may not grow),
  // a database that may only be read, and transactions that lay idle for too long; pg itself gives
  // no code.
  if (typeof code === 'string') {
    return /^(08\w{3}|57P0\d|53\w{3}|58030|25006|XX\w{3}|25P0[34]|ECONNRESET|EPIPE|ETIMEDOUT)$/.test(
      code,
    )
  }
  return /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered|Client was closed)/.test(
    error.message,
  )
}

/**
 * Whether the database gave up what it may well do the next time: SQLSTATE lock_not_available,
 * query_canceled (a time limit), deadlock_detected, serialization_failure.
 */
const isInTheWay = (code: unknown): boolean =>
  typeof code === 'string' && ['55P03', '57014', '40P01', '40001'].includes(code)

/** Sends the problem for an error; 5xx are logged by class and code. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = asOstiaryError(error)
  if (problem.timeGrid) request.onTimeGrid = true
  if (problem.statusCode >= 500) {
    request.log.error({ err: problem, code: problem.code }, 'request failed')
  }
  const { status } = ERRORS[problem.code]
  if (status === 401 && !('www-authenticate' in problem.headers)) {
    reply.header('www-authenticate', 'DPoP')
  }
  void reply
    .code(status)
    .headers(problem.headers)
    .header('cache-control', 'no-store')
    .header('content-type', MEDIA_TYPE)
    .send(JSON.stringify(problemBody(problem, request.id)))
}

function problemBody({ code, detail, errors }: OstiaryError, requestId: string) {
  const { status, title } = ERRORS[code]
  return {
    type: `urn:ostiary:error:${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    instance: `urn:uuid:${requestId}`,
    ...(errors === undefined ? {} : { errors }),
  }
}

/**
 * Makes problems of everything that fails below the contract. `methodsAt` tells which methods a path
 * has, so that a wrong method gets 405 with `Allow`, and an unknown path 404.
 */
export function registerProblems(
  app: FastifyInstance,
  methodsAt: (path: string) => readonly string[],
): void {
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(request.url.split('?', 1)[0] ?? '')
    if (methods.length === 0) return sendProblem(new OstiaryError('no_such_route'), request, reply)
    const headers = { allow: methods.join(', ') }
    return sendProblem(new OstiaryError('method_not_allowed', { headers }), request, reply)
  })
}

const SOCKET_CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** Answers what is not even HTTP, on the bare socket. */
export function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
  requestId: string,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) {
    const code = SOCKET_CODES[error.code ?? ''] ?? 'malformed_request'
    const body = JSON.stringify(problemBody(new OstiaryError(code), requestId))
    const { status } = ERRORS[code]
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${MEDIA_TYPE}\r\n` +
        `Cache-Control: no-store\r\nConnection: close\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  }
  socket.destroy(error)
}
