import { spawn } from 'node:child_process'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandAs } from './account.ts'
import type { Arrangement } from './arrange.ts'
import { isPostmaster, readPidFile, stopPostmaster } from './postmaster.ts'

/** What `launch` starts, and how long it may take until it accepts connections (a recovery included). */
export type Launch = {
  arrangement: Arrangement
  dataDirectory: string
  arguments: readonly string[]
  /** File that the server's messages are added to. */
  log: string
  readyWithinMs: number
}

const POLL_MS = 5
const LOG_LIMIT_BYTES = 16 * 1024 * 1024

/** How long backends may live on after their postmaster was killed; they end at their next wait. */
const ORPHANS_WITHIN_MS = 15_000

/**
 * Starts the server in a process group of its own and returns its process number once it accepts connections. It goes on
 * running when this process ends, in whatever way.
 *
 * @throws Error with the end of its log when it exits or is not ready in time; then it does not run.
 */
export async function launch(plan: Launch): Promise<number> {
  const patience = Date.now() + ORPHANS_WITHIN_MS
  while (true) {
    const outcome = await attempt(plan)
    if (typeof outcome === 'number') return outcome
    const orphans = outcome.includes('pre-existing shared memory block')
    if (!orphans || Date.now() > patience) {
      throw new Error(`PostgreSQL did not start on ${plan.dataDirectory}: ${outcome}`)
    }
    await sleep(100)
  }
}

/** The process number, or why it did not start. */
async function attempt(plan: Launch): Promise<number | string> {
  const { arrangement, dataDirectory } = plan
  await rotate(plan.log)
  const log = await open(plan.log, 'a', 0o600)
  const { size } = await log.stat()
  const { account, binaries } = arrangement
  const args = ['-D', dataDirectory, ...plan.arguments]
  const command = commandAs(account, binaries.postgres, args, binaries.libraries)

  let exit: string | undefined
  const child = spawn(command.file, command.args, {
    ...command.options,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  child.on('error', (error) => (exit = error.message))
  child.on('exit', (code, signal) => (exit ??= `exit ${signal ?? code}`))
  child.unref()
  await log.close()

  const deadline = Date.now() + plan.readyWithinMs
  while (exit === undefined) {
    const file = await readPidFile(dataDirectory)
    if (file && file.pid === child.pid && file.status === 'ready') return file.pid
    if (Date.now() > deadline) {
      exit = `not ready within ${plan.readyWithinMs} ms`
      if (file && file.pid === child.pid && isPostmaster(file))
        await stopPostmaster(dataDirectory, 10_000)
      else child.kill('SIGKILL')
    }
    await sleep(POLL_MS)
  }
  const said = (await readFile(plan.log)).subarray(size).toString().trim()
  return `${exit}; ${said.slice(-2_000)}`
}

/** One older log is kept. It holds start and stop, checkpoints and crashes; sessions' errors are not logged. */
async function rotate(log: string): Promise<void> {
  const size = await stat(log).then(
    (stats) => stats.size,
    () => 0,
  )
  if (size > LOG_LIMIT_BYTES) await rename(log, `${log}.1`)
}
