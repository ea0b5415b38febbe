import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { identityOf, isRunning } from './process-identity.ts'

/**
 * Notes in `directory` that this process uses the server, and returns the name of the note for `leave`.
 *
 * One empty file per use, named after the process, so that a note left by a killed process can be told from a live one.
 * Callers hold the start lock, as they do for `leave` and `hasUsers`.
 */
export async function enter(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const name = `${identityOf(process.pid) ?? process.pid}.${randomUUID().slice(0, 8)}`
  await writeFile(join(directory, name), '', { mode: 0o600 })
  return name
}

/** Takes back a note of `enter`. */
export async function leave(directory: string, name: string): Promise<void> {
  await rm(join(directory, name), { force: true })
}

/** Whether a living process still uses the server; notes of the dead are swept away on the way. */
export async function hasUsers(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => [])
  const dead = names.filter((name) => !isRunning(name.replace(/\..*$/, '')))
  await Promise.all(dead.map((name) => leave(directory, name)))
  return dead.length < names.length
}
