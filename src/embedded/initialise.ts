import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandAs } from './account.ts'
import type { Arrangement } from './arrange.ts'
import { makeOwned } from './ownership.ts'

const TIMEOUT_MS = 120_000
const DRAFT = 'data.draft-'

/** Enough for the disk to merge the journal commits; more gains little (997 files: 1 at a time 550 ms, 8: 150 ms). */
const SYNCS_AT_ONCE = 8

/**
 * Makes a new cluster as `folder/data`. It is made under another name and renamed when it is complete and on disk, so
 * what is called `data` is always whole; leftovers of a start that was killed are swept away.
 *
 * initdb's own last step syncs file by file and takes as long as the rest; it is left out and done here in parallel.
 * `durable: false` leaves it out altogether, for data that need not outlive the machine. `onUnderWay` is called when
 * initdb has been started.
 */
export async function initialise(
  folder: string,
  { account, binaries }: Arrangement,
  durable: boolean,
  onUnderWay: () => void,
): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(DRAFT)) await removeDraft(join(folder, name))
  }
  const draft = join(folder, `${DRAFT}${randomUUID()}`)
  await makeOwned(draft, account.owner)
  const args = [
    ...['-D', draft, '-U', 'postgres', '--encoding=UTF8'],
    ...['--locale-provider=builtin', '--locale=C.UTF-8'],
    // The socket's folder is open to one account alone, which is the check; nothing listens on TCP.
    ...['--auth-local=trust', '--auth-host=reject', '--no-sync', '--no-instructions'],
  ]
  const command = commandAs(account, binaries.initdb, args, binaries.libraries)
  try {
    const ended = promisify(execFile)(command.file, command.args, {
      ...command.options,
      timeout: TIMEOUT_MS,
    })
    onUnderWay()
    await ended
  } catch (cause) {
    await removeDraft(draft)
    const said = (cause as { stderr?: string }).stderr?.trim() ?? ''
    throw new Error(`initdb could not make ${join(folder, 'data')}: ${said}`, { cause })
  }
  if (durable) await syncTree(draft)
  await rename(draft, join(folder, 'data'))
  if (durable) await syncFile(folder)
}

async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))]
  const next = paths.values()
  const syncRest = async () => {
    for (const path of next) await syncFile(path)
  }
  await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, syncRest))
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** An initdb whose parent was killed may still be writing; what it leaves goes at the next start. */
async function removeDraft(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
}
