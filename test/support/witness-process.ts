/** The witness program in a process of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
const PROGRAM = 'src/cli/main.ts'

/** No variable of a server reaches the witness: it must not need any. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(OSTIARY_|DATABASE_URL|NODE_OPTIONS)/.test(name),
    ),
  )
}

export interface WitnessProcess {
  readonly url: string
  readonly vkey: string
  /** What it has told its operator so far. */
  told(): string
  /** Sends an add-checkpoint body. */
  add(
    body: string | Uint8Array<ArrayBuffer>,
  ): Promise<{ status: number; type: string; body: string }>
  signal(signal: NodeJS.Signals): void
  /** Its exit code, once it has ended by itself. */
  readonly exited: Promise<number | null>
  /** Ends it with this signal; gives the exit code, null after a kill. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Makes a witness in an empty folder; gives its verifier key. */
export async function initWitness(directory: string, name: string): Promise<string> {
  const made = await runWitness('init', '--state', directory, '--name', name, '--json')
  return (JSON.parse(made.stdout) as { vkey: string }).vkey
}

/** Runs a command of the witness to its end. */
export const runWitness = (...args: readonly string[]) => runOstiary('witness', ...args)

/** Runs a command that needs no server's settings to its end. */
export async function runOstiary(
  ...args: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const running = promisify(execFile)(process.execPath, [PROGRAM, ...args], {
    cwd: ROOT,
    env: environment(),
    timeout: 30_000,
  })
  try {
    return { code: 0, ...(await running) }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

/** Starts the witness of a folder, and waits until it listens. */
export async function startWitness(
  directory: string,
  vkeys: readonly string[],
  listen = '127.0.0.1:0',
  more: readonly string[] = [],
): Promise<WitnessProcess> {
  const args = ['witness', 'serve', '--state', directory, '--listen', listen, ...more]
  const child = spawn(process.execPath, [PROGRAM, ...args, '--log', ...vkeys], {
    cwd: ROOT,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  let out = ''
  const listening = Promise.withResolvers<RegExpExecArray>()
  const read = (chunk: Buffer) => {
    out += chunk.toString()
    const found = /Z (\S+) listens on (\S+)\n/.exec(out)
    if (found) listening.resolve(found)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  child.once('exit', (code) => listening.reject(new Error(`the witness ended (${code}): ${out}`)))
  const [, vkey = '', url = ''] = await listening.promise
  return {
    url,
    vkey,
    told: () => out,
    signal: (signal) => void child.kill(signal),
    exited,
    async add(body) {
      const answer = await fetch(`${url}/add-checkpoint`, {
        method: 'POST',
        body,
        signal: AbortSignal.timeout(20_000),
      })
      const type = answer.headers.get('content-type') ?? ''
      return { status: answer.status, type, body: await answer.text() }
    },
    end: (signal = 'SIGTERM') => ended(child, signal),
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = (await exited) as [number | null]
  return code
}
