import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { OstiaryError } from '../errors.ts'

/** A key as the client sent it, and what tells its request from any other (architecture §7). */
export interface IdempotencyClaim {
  readonly clientId: string
  /** UUID in lower case. */
  readonly key: string
  /** SHA-256, 32 bytes; never the request itself. */
  readonly fingerprint: Uint8Array
}

const QUOTED_UUID = /^"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"$/i

/**
 * Reads `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a structured field string,
 * so the quotes are part of the syntax. Throws `idempotency_key_missing` or `idempotency_key_invalid`.
 */
export function readIdempotency(request: FastifyRequest, clientId: string): IdempotencyClaim {
  const header = request.headers['idempotency-key']
  if (header === undefined) throw new OstiaryError('idempotency_key_missing')
  const [, key] = (typeof header === 'string' && QUOTED_UUID.exec(header.trim())) || []
  if (!key) throw new OstiaryError('idempotency_key_invalid')
  return { clientId, key: key.toLowerCase(), fingerprint: fingerprintOf(request) }
}

/** SHA-256 over method, path with query, content type and body, each with its length in front. */
export function fingerprintOf({ method, url, headers, rawBody }: FastifyRequest): Uint8Array {
  const hash = createHash('sha256')
  for (const part of [method, url, headers['content-type'] ?? '', rawBody ?? '']) {
    const bytes = Buffer.from(part)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  return new Uint8Array(hash.digest())
}
