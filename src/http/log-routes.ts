import type { FastifyInstance } from 'fastify'
import { OstiaryError } from '../errors.ts'
import type { LogKeys } from '../services/log-keys.ts'
import type { ServeLog } from '../services/serve-log.ts'

/** What the log's routes serve. */
export interface LogRouteOptions {
  readonly log: ServeLog
  /** Verifier keys of the log (c2sp.org/signed-note): the newest, and their signed history. */
  readonly keys: Pick<LogKeys, 'newest' | 'history'>
}

/** Seconds for which a checkpoint may be kept; "a few at most", says c2sp.org/tlog-tiles. */
const CHECKPOINT_AGE = 2

/** Seconds for which the keys may be kept: a rotation overlaps for longer, and an urgent one cannot wait. */
const KEY_AGE = 60

/** For what never changes: the width is part of the path. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

const TEXT = 'text/plain; charset=utf-8'

/**
 * Fastify plugin: the public log under `/log`, as c2sp.org/tlog-tiles lays it out. Open to everybody
 * and cacheable. What is not there yet, or never will be, gets one and the same 404, which nobody
 * may keep.
 */
export function logRoutes({ log, keys }: LogRouteOptions): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    app.get('/log/checkpoint', async (_request, reply) => {
      const note = await log.checkpoint()
      if (note === undefined) throw new OstiaryError('not_found')
      return reply
        .header('cache-control', `public, max-age=${CHECKPOINT_AGE}`)
        .type(TEXT)
        .send(note)
    })

    // Where to find it, not why to trust it: verifiers get the key by another way.
    app.get('/log/vkey', async (_request, reply) => {
      const vkey = await keys.newest()
      return reply
        .header('cache-control', `public, max-age=${KEY_AGE}`)
        .type(TEXT)
        .send(`${vkey}\n`)
    })

    // Signed by every key in it that is still held: whoever knows one of them learns the others.
    app.get('/log/vkeys', async (_request, reply) => {
      const note = await keys.history()
      return reply.header('cache-control', `public, max-age=${KEY_AGE}`).type(TEXT).send(note)
    })

    app.get('/log/tile/*', async (request, reply) => {
      // The path as sent: decoded, one tile would have many spellings, and caches many copies.
      const [path = ''] = request.url.split('?', 1)
      const bytes = await log.resource(path.slice('/log/'.length))
      if (!bytes) throw new OstiaryError('not_found')
      return reply
        .header('cache-control', IMMUTABLE)
        .type('application/octet-stream')
        .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    })
  }
}
