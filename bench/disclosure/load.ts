/**
 * A bounded load generator: so many requests, made beforehand, over so many connections, each of
 * which asks again as soon as it has been answered. It does nothing while it measures but write
 * bytes, count those that come back and look at the clock, since it shares its processors with the
 * servers.
 */
import { createHash, KeyObject, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { exportJWK } from 'jose'
import type { World } from './world.ts'

/** What one round gave. */
export interface Round {
  /** Requests answered per second. */
  readonly perSecond: number
  /** Time to answer of each request, in milliseconds. */
  readonly latencies: Float64Array
  /** Smallest and largest body, in bytes. */
  readonly bytes: { readonly least: number; readonly most: number }
}

/** Where a disclosure is asked for. */
export const PATH = '/v1/disclosures'

/** Longest round in milliseconds; a server that does not keep up is a failure of the run. */
const LONGEST_ROUND_MS = 50_000

/** A request that can be sent once. */
export interface Prepared {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Makes requests for disclosures, each with its own proof (valid for a minute), its own
 * `Idempotency-Key`, and the next case in turn. Tokens are asked for now, proofs are signed now.
 */
export async function prepareRequests(
  world: World,
  origin: string,
  count: number,
): Promise<Prepared[]> {
  const { requester, practitioner, cases, fields } = world
  const token = await requester.token()
  const makeProof = await proofMaker(world, origin + PATH, token)
  return Array.from({ length: count }, (_, index) => ({
    headers: {
      authorization: `DPoP ${token}`,
      dpop: makeProof(),
      'ostiary-practitioner': `${practitioner.id};role=${practitioner.role}`,
      'idempotency-key': `"${randomUUID()}"`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ ...cases[index % cases.length], purpose: 'referral', fields }),
  }))
}

/** What is sent for a request, byte by byte. */
export function bytesOf({ headers, body }: Prepared): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const head = [`POST ${PATH} HTTP/1.1`, 'host: 127.0.0.1', ...lines]
  return Buffer.from(
    `${head.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

async function proofMaker({ requester }: World, url: string, token: string): Promise<() => string> {
  const { privateKey, publicKey } = requester.proofKeys
  const key = KeyObject.from(privateKey)
  const { kty, crv, x, y } = await exportJWK(publicKey)
  const header = encode({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } })
  const ath = createHash('sha256').update(token).digest('base64url')
  const iat = Math.floor(Date.now() / 1000)
  return () => {
    const claims = encode({ jti: randomUUID(), htm: 'POST', htu: url, iat, ath })
    const text = `${header}.${claims}`
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
    return `${text}.${signature.toString('base64url')}`
  }
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/**
 * Sends all requests to a port on loopback.
 *
 * @throws Error when one is answered by anything but 201, a connection breaks, or it takes too long
 */
export async function drive(
  port: number,
  requests: readonly Buffer[],
  connections: number,
  signal: AbortSignal,
): Promise<Round> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_ROUND_MS)])
  const tally: Tally = {
    requests,
    next: 0,
    latencies: new Float64Array(requests.length),
    bytes: { least: Number.POSITIVE_INFINITY, most: 0 },
  }
  try {
    const begin = performance.now()
    await Promise.all(sockets.map((socket) => askInTurn(socket, tally, limit)))
    const seconds = (performance.now() - begin) / 1000
    const { latencies, bytes } = tally
    return { perSecond: requests.length / seconds, latencies, bytes }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

interface Tally {
  readonly requests: readonly Buffer[]
  next: number
  readonly latencies: Float64Array
  readonly bytes: { least: number; most: number }
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** One connection's part of the round: takes the next request that nobody has sent yet. */
function askInTurn(socket: Socket, tally: Tally, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let current = -1
    let sentAt = 0
    let head: Buffer = Buffer.alloc(0)
    /** Bytes of the body still to come; negative while the head is not complete. */
    let missing = -1

    const fail = (why: unknown) => reject(why instanceof Error ? why : new Error(String(why)))
    const send = () => {
      current = tally.next++
      const request = tally.requests[current]
      if (!request) return resolve()
      missing = -1
      sentAt = performance.now()
      socket.write(request)
    }
    const finish = () => {
      tally.latencies[current] = performance.now() - sentAt
      send()
    }
    const readHead = (chunk: Buffer) => {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      const text = head.toString('latin1', 0, end)
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1])
      if (!text.startsWith('HTTP/1.1 201 ') || !(length > 0))
        return fail(new Error(`unexpected answer:\n${head.toString().slice(0, 1500)}`))
      tally.bytes.least = Math.min(tally.bytes.least, length)
      tally.bytes.most = Math.max(tally.bytes.most, length)
      missing = length - (head.length - end - 4)
      head = Buffer.alloc(0)
    }
    socket.on('data', (chunk: Buffer) => {
      if (missing < 0) readHead(chunk)
      else missing -= chunk.length
      if (missing === 0) finish()
    })
    socket.once('error', fail)
    socket.once('close', () => fail(new Error('the server closed a connection')))
    signal.addEventListener('abort', () => fail(signal.reason), { once: true })
    send()
  })
}
