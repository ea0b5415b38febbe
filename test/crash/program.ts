/** The real program in a process of its own, on the database that comes with npm, to be killed and started again. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type EmbeddedPostgres, startEmbedded } from '../../src/embedded/start-embedded.ts'
import { freePort } from '../support/free-port.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Longest wait for a server that starts, in milliseconds. */
const PATIENCE = 60_000

export interface Program {
  readonly origin: string
  /** Starts the server and waits until it is ready. */
  start(): Promise<void>
  /** Waits until the server that runs is ready. */
  ready(): Promise<void>
  /** Process id of the server that runs, or ran last. */
  processId(): number
  /** Kills the server, and nothing else. */
  kill(): Promise<void>
  /** Has the server stand still (SIGSTOP), or go on (SIGCONT). */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Kills the postmaster of its database; what else belongs to that has to find out. */
  killDatabase(): Promise<void>
  /** Starts its database again if it does not run, as another process that uses it would. */
  reviveDatabase(): Promise<void>
  /** For the superuser of its database. */
  readonly databaseUrl: string
  /** Folder of its database cluster. */
  readonly clusterDirectory: string
  /** Process id of its postmaster. */
  postmaster(): Promise<number>
  /** Ends the server as its operator would; gives its exit code. */
  stop(): Promise<number | null>
  /** Runs an `ostiary` command beside it and reads its JSON. */
  command(...args: readonly string[]): Promise<Record<string, unknown>>
  /** Kills whatever still runs. */
  end(): Promise<void>
}

export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Told every line of the server's log. */
  readonly onLine?: (line: string) => void
}

/** Starts the program for the first time, with its data in an empty folder. */
export async function startProgram(
  directory: string,
  { environment = {}, onLine }: ProgramOptions = {},
): Promise<Program> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const { NODE_OPTIONS: _taps, ...outer } = process.env
  const env = {
    ...outer,
    OSTIARY_DATA_DIRECTORY: directory,
    // The program is read from disk at every start; compiled, that takes a third less.
    NODE_COMPILE_CACHE: join(directory, '..', 'compiled'),
    OSTIARY_PORT: String(port),
    OSTIARY_METRICS_PORT: '0',
    // Often, so that a kill hits publications as well.
    OSTIARY_LOG_TICK: '100',
    OSTIARY_LOG_LEVEL: 'fatal',
    OSTIARY_RATE_LIMIT: '0',
    OSTIARY_SUBJECT_LIMIT: '0',
    OSTIARY_FAILURE_LIMIT: '0',
    OSTIARY_TIME_GRID: '0',
    OSTIARY_MAX_EVENT_LOOP_DELAY: '0',
    ...environment,
  }
  // Owned by the functions below: the process under way.
  let child: ChildProcess | undefined
  const postgres = { directory: join(directory, 'postgres') }
  const attach = (): Promise<EmbeddedPostgres> => startEmbedded(postgres)

  async function untilReady(): Promise<void> {
    const until = performance.now() + PATIENCE
    while (performance.now() < until) {
      if (child?.exitCode !== null) throw new Error(`the server ended: ${child?.exitCode}`)
      const ready = await fetch(`${origin}/health/ready`).catch(() => undefined)
      await ready?.body?.cancel()
      if (ready?.ok) return
      await sleep(20)
    }
    throw new Error('the server did not become ready')
  }
  async function start(): Promise<void> {
    child = spawn(process.execPath, ['src/main.ts'], {
      cwd: ROOT,
      env,
      stdio: ['ignore', onLine ? 'pipe' : 'ignore', 'inherit'],
    })
    if (onLine && child.stdout) createInterface({ input: child.stdout }).on('line', onLine)
    await untilReady()
  }
  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return null
    const exited = once(child, 'exit')
    child.kill(signal)
    const [code] = (await exited) as [number | null]
    return code
  }
  // A test that ends in whatever way leaves no server behind.
  process.once('exit', () => child?.kill('SIGKILL'))

  await start()
  const beside = await attach()
  async function postmaster(): Promise<number> {
    const file = await readFile(join(beside.dataDirectory, 'postmaster.pid'), 'utf8')
    return Number(file.split('\n', 1)[0])
  }
  return {
    origin,
    start,
    ready: untilReady,
    databaseUrl: beside.url,
    clusterDirectory: beside.dataDirectory,
    postmaster,
    processId: () => child?.pid ?? 0,
    async kill() {
      await end('SIGKILL')
    },
    signal(signal) {
      child?.kill(signal)
    },
    async killDatabase() {
      process.kill(await postmaster(), 'SIGKILL')
    },
    async reviveDatabase() {
      // The server still counts as one that uses it, so that letting go does not stop it.
      const again = await attach()
      await again.stop()
    },
    stop: () => end('SIGTERM'),
    async command(...args) {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['src/cli/main.ts', ...args, '--json'],
        { cwd: ROOT, env },
      )
      return JSON.parse(stdout) as Record<string, unknown>
    },
    async end() {
      await end('SIGKILL')
      await beside.stop()
    },
  }
}
