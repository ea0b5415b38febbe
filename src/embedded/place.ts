import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * The files of one embedded server.
 *
 * Everything lies in `directory`, with two exceptions that go to `aside`, a folder of ours under /var/tmp: the socket,
 * when its path would be too long for the kernel, and data and socket when the account that PostgreSQL must run under
 * cannot reach `directory` (then `directory/data` is a link to the data).
 */
export type Place = {
  directory: string
  aside: string
  lock: string
  users: string
  log: string
  libraries: string
}

/** PostgreSQL names its socket after the port; nothing listens on a port here, so one number does for all. */
export const PORT = 5432

/** sockaddr_un holds 108 bytes with the closing zero (unix(7)). */
const SOCKET_PATH_LIMIT = 107

/**
 * Creates `directory` if it is missing and names the files in it. What others must not read in it is closed one by one
 * (data, socket and users 0700, log 0600); root's has to be passable, since PostgreSQL does not run as root.
 */
export async function placeIn(directory: string): Promise<Place> {
  await mkdir(dirname(directory), { recursive: true })
  const passable = process.geteuid?.() === 0 ? 0o711 : 0o700
  await mkdir(directory, { mode: passable }).catch(acceptExisting)
  const { mode } = await stat(directory)
  if ((mode & passable) !== passable) await chmod(directory, mode | passable)
  const real = await realpath(directory)
  const key = createHash('sha256').update(real).digest('hex').slice(0, 16)
  return {
    directory: real,
    aside: `/var/tmp/ostiary-${process.geteuid?.() ?? 0}-${key}`,
    lock: join(real, 'start.lock'),
    users: join(real, 'users'),
    log: join(real, 'postgres.log'),
    libraries: join(real, 'lib'),
  }
}

/** Path of the socket file in a socket directory. */
export function socketIn(socketDirectory: string): string {
  return join(socketDirectory, `.s.PGSQL.${PORT}`)
}

/** Where this server's socket can be, likeliest first. Never read from a file, so that a copied directory cannot point to its original's server. */
export function socketDirectories(place: Place): string[] {
  const inPlace = join(place.directory, 'socket')
  const fits = Buffer.byteLength(socketIn(inPlace)) <= SOCKET_PATH_LIMIT
  return fits ? [inPlace, join(place.aside, 'socket')] : [join(place.aside, 'socket')]
}

/**
 * Where the cluster is: its real path, and whether that is in `directory` or aside; `undefined` before the first start.
 *
 * @throws Error when `directory/data` is a link and what it links to is gone or not this directory's own. An empty
 * cluster in its stead would look like lost cases.
 */
export async function findData(
  place: Place,
): Promise<{ path: string; aside: boolean } | undefined> {
  const entry = join(place.directory, 'data')
  const stats = await lstat(entry).catch(() => undefined)
  if (!stats) return undefined
  if (!stats.isSymbolicLink()) return { path: entry, aside: false }
  const target = await readlink(entry)
  if (target !== join(place.aside, 'data')) {
    throw new Error(`${entry} links to ${target}, the data of another directory`)
  }
  if (!(await lstat(join(target, 'PG_VERSION')).catch(() => undefined))) {
    throw new Error(
      `the data of ${place.directory} was in ${target} and is gone; restore it, or remove ${entry} to begin anew`,
    )
  }
  return { path: target, aside: true }
}

/**
 * Creates the folder aside, or checks the one that is there: /var/tmp is everybody's, and whoever made this folder
 * before us could put a server of his own in it.
 *
 * @throws Error when it is not a folder that we own alone.
 */
export async function makeAside(place: Place): Promise<void> {
  await mkdir(place.aside, { mode: 0o711 }).catch(acceptExisting)
  const stats = await lstat(place.aside)
  if (!stats.isDirectory() || stats.uid !== process.geteuid?.() || (stats.mode & 0o022) !== 0) {
    throw new Error(`${place.aside} is not a folder of this account alone; remove it`)
  }
}

function acceptExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
