import { createConnection } from 'node:net'

/** `busy`: starting up, recovering or shutting down. `absent`: nobody listens. */
export type Answer = 'ready' | 'busy' | 'absent'

const TIMEOUT_MS = 2_000

/** SQLSTATE of a server that does not accept connections at the moment (cannot_connect_now). */
const CANNOT_CONNECT_NOW = '57P03'

/**
 * Asks the server behind a Unix socket whether it takes connections, as pg_isready does: with a start-up message, since
 * the socket alone is there before recovery is over (PostgreSQL documentation, "Message Formats").
 */
export async function probe(socketPath: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath)
    const settle = (answer: Answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(TIMEOUT_MS, () => settle('busy'))
    socket.on('error', () => settle('absent'))
    socket.on('connect', () => socket.write(startupMessage()))
    socket.on('data', (reply) => {
      const refused = reply[0] === 'E'.charCodeAt(0)
      settle(refused && reply.includes(`C${CANNOT_CONNECT_NOW}\0`) ? 'busy' : 'ready')
    })
    // The server hung up without a word: it is going down.
    socket.on('end', () => settle('busy'))
  })
}

/** int32 length, int32 protocol version 3.0, then name and value pairs, each ending in zero, and a last zero. */
function startupMessage(): Buffer {
  const body = Buffer.from('user\0postgres\0database\0postgres\0\0')
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + body.length, 0)
  head.writeInt32BE(3 << 16, 4)
  return Buffer.concat([head, body])
}
