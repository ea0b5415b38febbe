/**
 * Pages of a list (RFC 8288): an opaque cursor that belongs to one client, one operation and one
 * filter. Totals are never told, because they would count what the caller must not see.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { canonicalize, type Json } from '../domain/log/canonical.ts'
import { OstiaryError } from '../errors.ts'
import type { Call, Reply } from './call.ts'

/** What a list operation asks of storage: at most `limit` items, those behind `after`. */
export interface Page {
  readonly limit: number
  /** Position of the last item of the page before, as the use case named it. */
  readonly after?: string
}

/** Query of a list operation; both are in the contract, `limit` with its default. */
export interface PageQuery {
  readonly limit: number
  readonly cursor?: string
}

type ListCall = Call<unknown, unknown, PageQuery>

export interface Pages {
  /** Throws `invalid_cursor` for one that was altered or belongs elsewhere. */
  readonly read: (call: ListCall) => Page
  /**
   * The reply for one page. `last` is the position of its last item, given only when more may follow
   * (such as when the page is full); it is encrypted, so it may be a storage key.
   */
  readonly reply: (call: ListCall, items: readonly unknown[], last?: string) => Reply
}

const TAG_BYTES = 16
const NONCE_BYTES = 12

/**
 * Cursors under `key` (32 random bytes, the same on every node). The nonce is a pseudo-random
 * function of what it encrypts (as in RFC 5297), so equal pages have equal bytes.
 */
export function makePages(key: Uint8Array): Pages {
  const subkey = (name: string) => Buffer.from(hkdfSync('sha256', key, '', `cursor/${name}`, 32))
  const nonceKey = subkey('nonce')
  const cipherKey = subkey('cipher')

  function seal(position: string, context: string): string {
    const nonce = createHmac('sha256', nonceKey)
      .update(JSON.stringify([context, position]))
      .digest()
      .subarray(0, NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', cipherKey, nonce).setAAD(Buffer.from(context))
    const text = Buffer.concat([cipher.update(position, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url')
  }

  function open(cursor: string, context: string): string {
    const bytes = Buffer.from(cursor, 'base64url')
    try {
      const decipher = createDecipheriv('aes-256-gcm', cipherKey, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES))
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
      return Buffer.concat([text, decipher.final()]).toString('utf8')
    } catch {
      throw new OstiaryError('invalid_cursor')
    }
  }

  return {
    read: (call) => {
      const { limit, cursor } = call.query
      return cursor === undefined ? { limit } : { limit, after: open(cursor, contextOf(call)) }
    },
    reply: (call, items, last) => ({
      status: 200,
      body: { items },
      ...(last === undefined ? {} : { headers: linkTo(call, seal(last, contextOf(call))) }),
    }),
  }
}

/**
 * Whom and what a cursor belongs to; the size of the page may change on the way. Where the filter stands
 * in a body, the cursor belongs to that body.
 */
function contextOf({ caller, operationId, params, query, body }: ListCall): string {
  const filter = Object.entries(query)
    .filter(([name]) => name !== 'cursor' && name !== 'limit')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const owner = [caller.clientId, operationId, params, filter]
  return JSON.stringify(body === undefined ? owner : [...owner, canonicalize(body as Json)])
}

function linkTo(call: ListCall, cursor: string): Record<string, string> {
  const [path] = call.request.url.split('?', 1)
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(call.query)) {
    for (const one of [value].flat()) if (name !== 'cursor') query.append(name, String(one))
  }
  query.set('cursor', cursor)
  return { link: `<${path}?${query}>; rel="next"` }
}
