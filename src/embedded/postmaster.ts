import { access, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findData, socketDirectories, socketIn, type Place } from './place.ts'
import { probe } from './probe.ts'
import { commandLineOf, identityOf, isRunning } from './process-identity.ts'

/** First lines of postmaster.pid (PostgreSQL's pidfile.h). */
export type PidFile = { pid: number; data: string; status: string }

/** What is known of the server of a place. `pid` is 0 when its process cannot be seen from here (another container). */
export type Sighting =
  | { state: 'ready'; pid: number; socketDirectory: string }
  | { state: 'busy'; pid: number }
  | { state: 'none' }

/** Larger than any process number Linux gives (PID_MAX_LIMIT is 2^22). */
const NOBODYS_PID = 2_147_483_647

/**
 * Looks for a living server of this place: by its socket, then by the process postmaster.pid names.
 *
 * @throws Error when a server runs for this data under the path it had before it was moved.
 */
export async function look(place: Place): Promise<Sighting> {
  const data = await findData(place)
  if (!data) return { state: 'none' }
  const file = await readPidFile(data.path)
  const pid = file && isPostmaster(file) ? file.pid : 0

  for (const socketDirectory of socketDirectories(place)) {
    const answer = await probe(socketIn(socketDirectory))
    if (answer === 'ready') return { state: 'ready', pid, socketDirectory }
    if (answer === 'busy') return { state: 'busy', pid }
  }
  if (!file || pid === 0) return { state: 'none' }
  if (file.data === data.path) return { state: 'busy', pid }
  // A copy of the directory of a living server has its postmaster.pid; the original is still where that says.
  if (await exists(join(file.data, 'PG_VERSION'))) return { state: 'none' }
  throw new Error(
    `${data.path} was moved from ${file.data} while its PostgreSQL ran; stop process ${pid} first (kill -INT ${pid})`,
  )
}

/** Reads postmaster.pid; `undefined` when there is none or it is not complete yet. */
export async function readPidFile(data: string): Promise<PidFile | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const lines = text.split('\n')
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0 || !lines[1]) return undefined
  return { pid, data: lines[1], status: lines[7]?.trim() ?? '' }
}

/** Whether the process a postmaster.pid names is a PostgreSQL started on the data it names, not a later owner of the number. */
export function isPostmaster({ pid, data }: PidFile): boolean {
  const [program, ...args] = commandLineOf(pid)
  return program !== undefined && basename(program) === 'postgres' && args.includes(data)
}

/**
 * Makes postmaster.pid harmless when its process is gone and the number is in use all the same, which PostgreSQL would
 * take for a living server: another process has got it since, or nobody has reaped the one that was killed (its parent
 * is busy; in a container without an init, nobody ever does). The file stays: its shared memory key still keeps a start away from orphaned backends.
 * Call only when `look` found none, under the start lock.
 */
export async function disarmPidFile(data: string): Promise<void> {
  const file = await readPidFile(data)
  if (!file || !isTaken(file.pid)) return
  const path = join(data, 'postmaster.pid')
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace(/^\d+/, String(NOBODYS_PID)))
}

/** Whether a process number is in use, as PostgreSQL asks it. */
function isTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Removes what a killed server left in its socket directory; same conditions as `disarmPidFile`. */
export async function removeDeadSocket(socketDirectory: string): Promise<void> {
  const path = socketIn(socketDirectory)
  await rm(path, { force: true })
  await rm(`${path}.lock`, { force: true })
}

/**
 * Stops a server: fast (sessions are ended, a checkpoint is written), and after `patienceMs` at once, which costs a
 * recovery at the next start but no committed row. PostgreSQL 18.4 needs the second when the first reaches it while it
 * starts anew after the crash of a backend. Does nothing when no server runs; when it returns, the process is gone.
 */
export async function stopPostmaster(data: string, patienceMs: number): Promise<void> {
  const file = await readPidFile(data)
  const identity = file && isPostmaster(file) ? identityOf(file.pid) : undefined
  if (!file || !identity) return
  for (const [signal, wait] of [
    ['SIGINT', patienceMs],
    ['SIGQUIT', 10_000],
  ] as const) {
    process.kill(file.pid, signal)
    const deadline = Date.now() + wait
    while (Date.now() < deadline) {
      if (!isRunning(identity)) return
      await sleep(5)
    }
  }
  throw new Error(`PostgreSQL (process ${file.pid}) does not stop`)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
