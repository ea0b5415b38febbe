/** The server of the demo: the real program in a process of its own, on a database that did not exist before. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../support/free-port.ts'
import { makeWatch, type Watch } from './watch.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface DemoServer {
  readonly origin: string
  /** Verifier key of its log. */
  readonly vkey: string
  /** Milliseconds from the start of the program, on a new database, to the first answered request. */
  readonly startedWithin: number
  /** Folder of its data. */
  readonly directory: string
  /** Who keeps watch on its log. */
  readonly watch: Watch
  /** Runs an `ostiary` command against the same database and reads its JSON. */
  command(...args: readonly string[]): Promise<Record<string, unknown>>
  /** Runs one for people, whatever comes of it. */
  tryCommand(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }>
  /** Ends the process and waits until it has ended; gives its exit code. */
  stop(): Promise<number | null>
  readonly process: ChildProcess
}

/** Starts `ostiary serve` in an emptied folder below `.ostiary`. Rejects when it does not come up. */
export async function startServer(): Promise<DemoServer> {
  const directory = join(ROOT, '.ostiary/demo')
  await claim(`${directory}.pid`)
  await rm(directory, { recursive: true, force: true })
  const watch = await makeWatch(join(directory, '../demo-witnesses'))
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const env = {
    ...process.env,
    OSTIARY_DATA_DIRECTORY: directory,
    OSTIARY_PORT: String(port),
    OSTIARY_PUBLIC_URL: origin,
    OSTIARY_METRICS_PORT: '0',
    OSTIARY_LOG_TICK: '1000',
    OSTIARY_WITNESSES: watch.lines,
    OSTIARY_WITNESS_QUORUM: '2',
    OSTIARY_LOG_LEVEL: 'error',
  }
  const command = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['src/cli/main.ts', ...args, '--json'],
      { cwd: ROOT, env },
    )
    return JSON.parse(stdout) as Record<string, unknown>
  }
  // The witnesses have to know the log's key, and the server where they are.
  await command('migrate')
  await watch.begin(String((await command('init'))['logVkey']))
  const began = performance.now()
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    // Ctrl-C reaches the demo, which then ends the server in its own order.
    detached: true,
  })
  await untilReady(child, origin)
  const startedWithin = performance.now() - began
  const vkey = (await (await fetch(`${origin}/log/vkey`)).text()).trim()
  return {
    origin,
    vkey,
    directory,
    watch,
    startedWithin,
    process: child,
    command,
    async tryCommand(...args) {
      const running = promisify(execFile)(process.execPath, ['src/cli/main.ts', ...args], {
        cwd: ROOT,
        env,
      })
      try {
        return { code: 0, text: (await running).stdout }
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
        return { code, text: `${stdout}${stderr}` }
      }
    },
    async stop() {
      await watch.end()
      return stop(child)
    },
  }
}

/** Two demos in one folder would take each other's data away. */
async function claim(file: string): Promise<void> {
  const other = Number(await readFile(file, 'utf8').catch(() => '0'))
  if (other > 0 && isAlive(other))
    throw new Error(`a demo runs already (process ${other}); end it first`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, String(process.pid))
  process.once('exit', () => rmSync(file, { force: true }))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function untilReady(child: ChildProcess, origin: string): Promise<void> {
  const until = performance.now() + 60_000
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`)
    const ready = await fetch(`${origin}/health/ready`).catch(() => undefined)
    if (ready?.ok) return
    await sleep(25)
  }
  await stop(child)
  throw new Error('the server did not come up within a minute')
}

function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code))
    child.kill('SIGTERM')
  })
}
