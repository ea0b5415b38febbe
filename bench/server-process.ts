import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'

/** Folder of the repository, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

const READY_WITHIN_MS = 60_000
const STOP_WITHIN_MS = 20_000

/** A server in a process of its own. */
export interface ServerProcess {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  readonly port: number
  readonly pid: number
  /** From its start to its first answer, in seconds. */
  readonly startedIn: number
  stop(): Promise<void>
}

export interface ServerProcessOptions {
  /** Script under the repository's folder. */
  readonly script: string
  readonly port: number
  /** All that it gets besides PATH and HOME. */
  readonly environment: Readonly<Record<string, string>>
  /** Options for Node itself. */
  readonly node?: readonly string[]
  /** Between two looks whether it answers yet, in milliseconds. */
  readonly every?: number
  readonly signal: AbortSignal
}

/**
 * Starts a server and waits until `/health/ready` answers with 200, which it does only once the
 * database can be written. Its standard output, the log, is thrown away.
 *
 * @throws Error with the end of its standard error when it ends before that, or takes too long
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { script, port, environment, node = [], every = 10, signal } = options
  const origin = `http://127.0.0.1:${port}`
  const begin = performance.now()
  const child = spawn(process.execPath, [...node, script], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let told = ''
  child.stderr.on('data', (chunk: Buffer) => {
    told = (told + chunk.toString()).slice(-4000)
  })
  try {
    while (!(await answers(`${origin}/health/ready`))) {
      signal.throwIfAborted()
      if (hasEnded(child)) throw new Error(`${script} ended before it answered:\n${told}`)
      if (performance.now() - begin > READY_WITHIN_MS)
        throw new Error(`${script} has not answered for a minute:\n${told}`)
      await sleep(every)
    }
  } catch (error) {
    await end(child)
    throw error
  }
  const startedIn = (performance.now() - begin) / 1000
  return { origin, port, pid: child.pid ?? 0, startedIn, stop: () => end(child) }
}

/** A TCP port that is free on loopback now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was free')
  return address.port
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { headers: { connection: 'close' } }).catch(() => undefined)
  await response?.arrayBuffer()
  return response?.status === 200
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

/** Asks it to stop, and insists when it does not. */
async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await ended
  clearTimeout(insist)
}
