/** A witness on the network: https://c2sp.org/tlog-witness, "HTTP Interface". */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { formatStoredSize, SIZE_TYPE } from '../domain/log/add-checkpoint.ts'
import { originHash, type WatchedLog } from '../domain/log/witness.ts'
import {
  type Added,
  type AddCheckpoint,
  makeAddCheckpoint,
  MOST_WAITING,
} from './add-checkpoint.ts'
import { WitnessFailure } from './failure.ts'
import type { WitnessState } from './state.ts'

/** What a witness is served from. */
export interface WitnessServerParts {
  readonly state: WitnessState
  readonly logs: ReadonlyMap<string, WatchedLog>
  /** One line for the person who runs it. */
  readonly tell: (line: string) => void
  /** Called once, when the witness must not go on. */
  readonly stop: (failure: WitnessFailure) => void
  /** PEM texts; absent for a witness behind a proxy or a tunnel. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** Longest body in bytes: a proof, and a note with sixteen signatures of the largest kind. */
export const MOST_BODY_BYTES = 128 * 1024

const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  // Longer than the usual tick, and not much: others want connections too.
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
} as const

/** Connections at once. */
const MOST_CONNECTIONS = 128

const TEXT = 'text/plain; charset=utf-8'

/** An answer without its connection. */
interface Reply {
  readonly status: number
  readonly body: string
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Makes the server; the caller listens and closes. */
export function makeWitnessServer({ state, logs, tell, stop, tls }: WitnessServerParts): Server {
  const add = makeAddCheckpoint(state, logs)
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    void replyTo(request, { state, add, tell })
      .catch((error: unknown): Reply => {
        tell('FAILED: a checkpoint could not be stored; nothing was cosigned')
        if (error instanceof WitnessFailure) stop(error)
        return { status: 500, body: 'the checkpoint could not be stored\n' }
      })
      .then((reply) => send(request, response, reply))
  }
  const server = tls ? createTlsServer({ ...LIMITS, ...tls }, answer) : createServer(LIMITS, answer)
  server.maxConnections = MOST_CONNECTIONS
  return server
}

interface Handling {
  readonly state: WitnessState
  readonly add: AddCheckpoint & { readonly waiting: () => number }
  readonly tell: (line: string) => void
}

async function replyTo(
  request: IncomingMessage,
  { state, add, tell }: Handling,
): Promise<Reply | undefined> {
  const [path = ''] = (request.url ?? '').split('?', 1)
  if (path === '/add-checkpoint') {
    if (request.method !== 'POST') return notAllowed('POST')
    if (add.waiting() >= MOST_WAITING)
      return { status: 503, body: 'too much to do\n', headers: { 'retry-after': '1' } }
    const body = await bodyOf(request)
    if (body === 'broken') return undefined
    if (body === 'too_large') return { status: 413, body: 'the request is too large\n' }
    const added = await add(body)
    tell(added.told)
    return replyOf(added)
  }
  const [, hash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? []
  if (hash === undefined) return NOT_FOUND
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD')
  const kept = state.all().find(({ checkpoint }) => originHash(checkpoint.origin) === hash)
  if (!kept) return NOT_FOUND
  return { status: 200, body: kept.note, headers: { 'cache-control': 'public, max-age=5' } }
}

const NOT_FOUND: Reply = { status: 404, body: 'there is nothing\n' }

const notAllowed = (allow: string): Reply => ({
  status: 405,
  body: 'not by this method\n',
  headers: { allow },
})

function replyOf({ decision, cosignatures }: Added): Reply {
  if (decision.status === 200) return { status: 200, body: cosignatures }
  if (decision.status === 409)
    return { status: 409, type: SIZE_TYPE, body: formatStoredSize(decision.storedSize) }
  return { status: decision.status, body: `${decision.reason}\n` }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array | 'too_large' | 'broken'> {
  if (Number(request.headers['content-length'] ?? 0) > MOST_BODY_BYTES) return 'too_large'
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > MOST_BODY_BYTES) return 'too_large'
      chunks.push(chunk)
    }
  } catch {
    // Whoever sent it is gone.
    return 'broken'
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply | undefined): void {
  if (!reply || response.destroyed) return
  const unread = !request.complete
  response.writeHead(reply.status, {
    'content-type': reply.type ?? TEXT,
    'content-length': Buffer.byteLength(reply.body),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    ...reply.headers,
    // What was not read must not be taken for the next request.
    ...(unread ? { connection: 'close' } : {}),
  })
  response.end(request.method === 'HEAD' ? '' : reply.body)
  if (unread) response.once('finish', () => request.destroy())
}
