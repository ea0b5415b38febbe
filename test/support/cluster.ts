import { randomUUID } from 'node:crypto'
import { glob, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { stopPostmaster } from '../../src/embedded/postmaster.ts'
import { identityOf, isRunning } from '../../src/embedded/process-identity.ts'
import { startEmbedded } from '../../src/embedded/start-embedded.ts'

const PARENT = '/var/tmp'
const PREFIX = 'ostiary-test-'

/** A PostgreSQL for tests: nothing in it outlives `stop`, which removes its files as well. */
export type TestCluster = { url: string; stop: () => Promise<void> }

/** Starts a cluster of this process's own, without any care for durability, after sweeping what killed runs left. */
export async function startTestCluster(): Promise<TestCluster> {
  await sweepTestFolders()
  const directory = await makeTestFolder()
  try {
    const server = await startEmbedded({
      directory: join(directory, 'postgres'),
      fsync: false,
      settings: { full_page_writes: 'off', synchronous_commit: 'off', autovacuum: 'off' },
    })
    const stop = async () => {
      await server.stop()
      await removeTestFolder(directory)
    }
    return { url: server.url, stop }
  } catch (error) {
    await removeTestFolder(directory)
    throw error
  }
}

/**
 * Makes an empty folder that every account can enter and that is known as this process's, so that a later run can remove
 * it, and stop the servers in it, if this process is killed.
 */
export async function makeTestFolder(): Promise<string> {
  const folder = join(PARENT, `${PREFIX}${identityOf(process.pid)}.${randomUUID().slice(0, 8)}`)
  await mkdir(folder, { mode: 0o755 })
  return folder
}

/** Stops the servers whose data is anywhere in a folder of `makeTestFolder`, and removes it. */
export async function removeTestFolder(folder: string): Promise<void> {
  for await (const file of glob('**/postmaster.pid', { cwd: folder })) {
    await stopPostmaster(dirname(join(folder, file)), 2_000)
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}

async function sweepTestFolders(): Promise<void> {
  for (const name of await readdir(PARENT)) {
    if (!name.startsWith(PREFIX)) continue
    const owner = name.slice(PREFIX.length).replace(/\..*$/, '')
    // Another account's leftovers are that account's to sweep.
    if (!isRunning(owner)) await removeTestFolder(join(PARENT, name)).catch(() => {})
  }
}
