import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { WitnessFailure } from './failure.ts'

/** Holds a folder of state for one process; the system lets go of it when the process ends, however that comes. */
export interface StateLock {
  release(): void
}

/**
 * Takes the lock of a folder. It is one of the operating system's own, on a file (SQLite takes it, on
 * any system and between containers alike), so that nothing is left over from a process that was
 * killed, and nothing has to guess from process numbers whether another one still lives.
 *
 * @throws WitnessFailure while another process holds it, or when the folder was never made
 */
export function lockState(directory: string): StateLock {
  const path = join(directory, 'lock')
  if (!existsSync(path))
    throw new WitnessFailure(
      `${directory} holds no witness; make one with \`ostiary witness init\``,
    )
  return hold(path, directory)
}

/** Makes the lock's file, and takes it. For `ostiary witness init` alone. */
export function createStateLock(directory: string): StateLock {
  return hold(join(directory, 'lock'), directory)
}

function hold(path: string, directory: string): StateLock {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('begin exclusive')
  } catch (cause) {
    database.close()
    if ((cause as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw cause
    throw new WitnessFailure(`another process is working on ${directory}; stop that one first`, {
      cause,
    })
  }
  return { release: () => database.close() }
}

/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5
