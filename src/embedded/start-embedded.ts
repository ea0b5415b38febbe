import { lstat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { arrange, type Arrangement } from './arrange.ts'
import { findBinaries } from './binaries.ts'
import { initialise } from './initialise.ts'
import { launch } from './launch.ts'
import { withLock } from './lock.ts'
import { makeOwned } from './ownership.ts'
import { findData, makeAside, placeIn, PORT, socketDirectories, type Place } from './place.ts'
import {
  disarmPidFile,
  isPostmaster,
  look,
  removeDeadSocket,
  stopPostmaster,
} from './postmaster.ts'
import { settingArguments } from './settings.ts'
import { enter, hasUsers, leave } from './users.ts'

/** How to start. */
export type EmbeddedOptions = {
  /** Folder of the server's own: data, socket, log. Created if missing; nothing else belongs in it. */
  directory: string
  /** `false` only for data that may be lost with the machine (tests). Default `true`. */
  fsync?: boolean
  /** Further server settings, by name, as on PostgreSQL's command line; listening and logging cannot be changed. */
  settings?: Readonly<Record<string, string>>
  /** Root only: `false` never tries a user namespace. Default `true`. */
  namespaces?: boolean
  /**
   * Called once another program is at work, if it comes to that: whoever has something to do that blocks this process
   * loses nothing by doing it now. Called more than once.
   */
  onUnderWay?: () => void
}

/** A running server. */
export type EmbeddedPostgres = {
  /** `postgres:///postgres?host=<socket directory>&user=postgres&port=…`, for pg and for libpq; the superuser's. */
  url: string
  socketDirectory: string
  port: number
  /** Whether it ran already. `fsync` and `settings` of this call then have no effect. */
  attached: boolean
  /** Process number of the postmaster; 0 when it runs in another container and cannot be seen. */
  pid: number
  dataDirectory: string
  /**
   * Gives the server back, and stops it if no other living process uses it. Who started it does not matter: a server
   * outlives a starter that was killed, and the last one out stops it. Repeated calls do nothing more.
   */
  stop: () => Promise<void>
}

const READY_WITHIN_MS = 120_000
/** A checkpoint of the buffers takes a second or two. */
const STOP_PATIENCE_MS = 20_000
/** Longer than a start or stop that another process is busy with may take. */
const LOCK_WITHIN_MS = 200_000

/**
 * Starts the PostgreSQL that comes with npm on `directory`, or attaches to the one that already runs there; of several
 * processes that call this at once, one initialises and starts, the others attach.
 *
 * It listens on a Unix socket only, in a folder closed to other accounts (that is the whole access check). It is in a
 * process group of its own, so that Ctrl-C reaches this process alone, which can finish its work before `stop`. Rows
 * are durable once committed (with `fsync`), whatever is killed.
 *
 * @throws Error when there are no binaries for this platform, no account can run them, the data is in another account's
 * hands or was moved while in use, or the server does not come up (with the end of its log).
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const place = await placeIn(options.directory)
  return withLock(place.lock, LOCK_WITHIN_MS, async () => {
    const user = await enter(place.users)
    try {
      const running = await attach(place)
      const server = running ?? (await start(place, options))
      return handle(place, user, server, running !== undefined)
    } catch (error) {
      await leave(place.users, user)
      throw error
    }
  })
}

type Server = { pid: number; socketDirectory: string; dataDirectory: string }

function handle(place: Place, user: string, server: Server, attached: boolean): EmbeddedPostgres {
  const query = new URLSearchParams({
    host: server.socketDirectory,
    user: 'postgres',
    port: String(PORT),
  })
  let stopped: Promise<void> | undefined
  return {
    ...server,
    url: `postgres:///postgres?${query}`,
    port: PORT,
    attached,
    stop: () => (stopped ??= release(place, user, server)),
  }
}

/** The server that runs already, waiting for one that is just coming up or going down; `undefined` when none runs. */
async function attach(place: Place): Promise<Server | undefined> {
  const deadline = Date.now() + READY_WITHIN_MS
  while (true) {
    const seen = await look(place)
    if (seen.state === 'none') return undefined
    if (seen.state === 'ready') {
      const { pid, socketDirectory } = seen
      const data = await findData(place)
      return { pid, socketDirectory, dataDirectory: data?.path ?? '' }
    }
    if (Date.now() > deadline) {
      throw new Error(
        `PostgreSQL of ${place.directory} (process ${seen.pid}) runs but takes no connections; stop it and try again`,
      )
    }
    await sleep(10)
  }
}

async function start(place: Place, options: EmbeddedOptions): Promise<Server> {
  const fsync = options.fsync ?? true
  const onUnderWay = options.onUnderWay ?? (() => {})
  const found = await findData(place)
  const arrangement = await arrange(
    await findBinaries(place.libraries),
    found?.aside ? '/var/tmp' : place.directory,
    options.namespaces ?? true,
  )
  const aside = found?.aside ?? !arrangement.reachesFolder
  if (found) await refuseForeign(found.path, found.aside, arrangement)
  if (aside) await makeAside(place)
  const dataDirectory = join(aside ? place.aside : place.directory, 'data')
  if (!found) await initialiseIn(place, arrangement, aside, fsync, onUnderWay)
  await makeOwned(dataDirectory, arrangement.account.owner)
  await disarmPidFile(dataDirectory)

  const socketDirectory = await makeSocketDirectory(place, arrangement, aside)
  const pid = await launch({
    ...{ arrangement, dataDirectory, log: place.log, readyWithinMs: READY_WITHIN_MS },
    arguments: settingArguments({
      ...options.settings,
      fsync: fsync ? 'on' : 'off',
      port: String(PORT),
      unix_socket_directories: socketDirectory,
    }),
  })
  return { pid, socketDirectory, dataDirectory }
}

async function initialiseIn(
  place: Place,
  arrangement: Arrangement,
  aside: boolean,
  durable: boolean,
  onUnderWay: () => void,
): Promise<void> {
  if (!aside) return initialise(place.directory, arrangement, durable, onUnderWay)
  await initialise(place.aside, arrangement, durable, onUnderWay)
  await symlink(join(place.aside, 'data'), join(place.directory, 'data'))
}

async function makeSocketDirectory(
  place: Place,
  { account }: Arrangement,
  aside: boolean,
): Promise<string> {
  const candidates = socketDirectories(place)
  const chosen = candidates[aside ? candidates.length - 1 : 0]!
  if (chosen.startsWith(place.aside)) await makeAside(place)
  await makeOwned(chosen, account.owner)
  await removeDeadSocket(chosen)
  return chosen
}

/** Data of another account is not taken over: that account could not start it any more, and would not know why. */
async function refuseForeign(
  data: string,
  aside: boolean,
  { account, reachesFolder }: Arrangement,
): Promise<void> {
  const { uid } = await lstat(data)
  const ours = account.kind === 'own' ? [account.owner] : [0, 65_534]
  if (!ours.includes(uid)) {
    throw new Error(`${data} belongs to uid ${uid}; start as that account, or change the owner`)
  }
  if (!aside && !reachesFolder) {
    throw new Error(
      `PostgreSQL cannot run as root, and uid 65534 cannot enter ${data} any more; make the folders above it passable (chmod o+x)`,
    )
  }
}

async function release(place: Place, user: string, server: Server): Promise<void> {
  const gone = await lstat(place.directory).then(
    () => false,
    () => true,
  )
  if (gone) return stopOrphan(server)
  await withLock(place.lock, LOCK_WITHIN_MS, async () => {
    await leave(place.users, user)
    if (await hasUsers(place.users)) return
    await stopPostmaster(server.dataDirectory, STOP_PATIENCE_MS)
  })
}

/** Somebody removed the directory under the running server: nothing is left to protect. */
function stopOrphan({ pid, dataDirectory }: Server): void {
  if (isPostmaster({ pid, data: dataDirectory, status: '' })) process.kill(pid, 'SIGQUIT')
}
