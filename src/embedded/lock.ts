import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf, isRunning, processNamespace } from './process-identity.ts'

type Holder = { token: string; identity: string | undefined; namespace: string }

const POLL_MS = 15
const HEARTBEAT_MS = 5_000
const HEARTBEAT_LOST_MS = 30_000

/**
 * Runs `work` while holding the lock file at `path`, so that of several processes only one at a time starts or stops
 * the server of a directory. Waits up to `timeoutMs` for the holder, then throws.
 *
 * A lock whose holder has died is taken over: at once when the holder is known to be gone, after 30 s without a sign of
 * life when it runs in another container and cannot be looked up. Two processes that take over the same dead lock could,
 * for an instant, both believe they hold it; nothing is lost by that, because a new data directory appears by rename and
 * PostgreSQL itself refuses a second server on one directory. The lock saves the work, PostgreSQL guards the data.
 */
export async function withLock<T>(
  path: string,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const token = await acquire(path, timeoutMs)
  const heartbeat = setInterval(() => void touch(path), HEARTBEAT_MS)
  heartbeat.unref()
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    if ((await readHolder(path))?.token === token) await rm(path, { force: true })
  }
}

async function acquire(path: string, timeoutMs: number): Promise<string> {
  const deadline = Date.now() + timeoutMs
  const holder: Holder = {
    token: randomUUID(),
    identity: identityOf(process.pid),
    namespace: processNamespace(),
  }
  while (true) {
    try {
      await writeFile(path, JSON.stringify(holder), { flag: 'wx', mode: 0o600 })
      return holder.token
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const other = await readHolder(path)
    if (await isStale(path, other)) {
      await takeAway(path, other?.token)
      continue
    }
    if (Date.now() > deadline) {
      throw new Error(
        `another process (${other?.identity ?? 'unknown'}) has been starting or stopping PostgreSQL for ${timeoutMs} ms: ${path}`,
      )
    }
    await sleep(POLL_MS)
  }
}

/** A half-written lock has no holder yet; only its age can speak against it. */
async function isStale(path: string, holder: Holder | undefined): Promise<boolean> {
  if (holder?.identity && holder.namespace === processNamespace()) {
    return !isRunning(holder.identity)
  }
  const seen = await stat(path).catch(() => undefined)
  return seen !== undefined && Date.now() - seen.mtimeMs > HEARTBEAT_LOST_MS
}

/** Removes the lock that carries `token`; one that has meanwhile passed to a living process is put back. */
async function takeAway(path: string, token: string | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if ((await readHolder(aside))?.token !== token) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => {})
}
