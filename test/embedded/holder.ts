import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { EmbeddedOptions, EmbeddedPostgres } from '../../src/embedded/start-embedded.ts'

/** Another process that uses a server: what it was given, and ways to end it. */
export type Holder = {
  child: ChildProcess
  server: Omit<EmbeddedPostgres, 'stop'>
  stop: () => Promise<void>
  kill: () => Promise<void>
}

const PROGRAM = fileURLToPath(new URL('hold.ts', import.meta.url))

/** Runs `hold.ts` without waiting for it. By way of env(1), which takes out what tap puts into NODE_OPTIONS: another account could not write where tap keeps its notes. */
export function spawnHolder(
  options: EmbeddedOptions,
  spawnOptions: SpawnOptions = {},
  program = PROGRAM,
): ChildProcess {
  const args = ['-u', 'NODE_OPTIONS', process.execPath, program, JSON.stringify(options)]
  return spawn('/usr/bin/env', args, {
    ...spawnOptions,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

/** Runs `hold.ts` until it has a server; throws with its message when it gets none. */
export async function startHolder(
  options: EmbeddedOptions,
  spawnOptions?: SpawnOptions,
  program?: string,
): Promise<Holder> {
  const child = spawnHolder(options, spawnOptions, program)
  const exited = once(child, 'exit')
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  const { value } = await lines.next()
  const said = JSON.parse(value ?? '{"error":"no word"}') as EmbeddedPostgres & { error?: string }
  if (said.error !== undefined) throw new Error(said.error)
  return {
    child,
    server: said,
    async stop() {
      child.stdin!.write('stop\n')
      await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
