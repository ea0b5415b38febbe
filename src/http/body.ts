import type { FastifyInstance, FastifyRequest } from 'fastify'
import { OstiaryError } from '../errors.ts'

/** Media types of bodies; which of them an operation takes is up to the contract. */
export const BODY_TYPES = ['application/json', 'application/merge-patch+json'] as const

/**
 * Parses JSON bodies and keeps their bytes for the fingerprint of `Idempotency-Key`. Refuses what
 * PostgreSQL or UTF-8 could not hold, and what could reach a prototype, as `malformed_json`.
 */
export function registerBodies(app: FastifyInstance): void {
  app.decorateRequest('rawBody', undefined)
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<Buffer>(
    [...BODY_TYPES],
    { parseAs: 'buffer' },
    (request, bytes, done) => {
      request.rawBody = bytes
      if (bytes.length === 0) return done(null, undefined)
      const text = decode(bytes)
      if (text === undefined) return done(new OstiaryError('malformed_json'))
      void parseJson(request, text, (error: Error | null, body?: unknown) => {
        if (error) return done(new OstiaryError('malformed_json'))
        if (SUSPECT.test(text) && !isStorable(body)) return done(new OstiaryError('malformed_json'))
        done(null, body)
      })
    },
  )
}

/**
 * Refuses a body of a media type that the operation does not take, before any of it is read.
 * `accepted` is empty where the contract has no body; then an empty JSON object still passes.
 */
export function requireMediaType(request: FastifyRequest, accepted: readonly string[]): void {
  const { 'content-encoding': encoding, 'content-type': type } = request.headers
  if (encoding !== undefined && encoding !== 'identity') {
    throw new OstiaryError('unsupported_media_type')
  }
  if (type === undefined) return
  const essence = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const allowed = accepted.length > 0 ? accepted : BODY_TYPES
  if (!allowed.includes(essence)) throw new OstiaryError('unsupported_media_type')
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Buffer): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Escapes that may stand for U+0000 or for half of a surrogate pair; rare, so worth a second look. */
const SUSPECT = /\\u(?:0000|d[89a-f])/i

/** Whether every string in it, names included, is well-formed Unicode without U+0000. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isStorable)
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorable(member))
}
