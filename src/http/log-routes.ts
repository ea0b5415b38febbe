import type { FastifyInstance } from 'fastify'
import { OstiaryError } from '../errors.ts'
import type { ServeLog } from '../services/serve-log.ts'

/** What the log's routes serve. */
export interface LogRouteOptions {
  readonly log: ServeLog
  /** Verifier key of the log (c2sp.org/signed-note). */
  readonly vkey: string
}

/** Seconds for which a checkpoint may be kept; "a few at most", says c2sp.org/tlog-tiles. */
const CHECKPOINT_AGE = 2

/** For what never changes: the width is part of the path. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

const TEXT = 'text/plain; charset=utf-8'

/**
 * Fastify plugin: the public log under `/log`, as c2sp.org/tlog-tiles lays it out. Open to everybody
 * and cacheable. What is not there yet, or never will be, gets one and the same 404, which nobody
 * may keep.
 */
export function logRoutes({ log, vkey }: LogRouteOptions): (app: FastifyInstance) => Promise<void> {
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
    app.get('/log/vkey', async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=3600').type(TEXT).send(`${vkey}\n`),
    )

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
