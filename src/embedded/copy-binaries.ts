import { chmod, cp, lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { binariesIn, linkLibraries, type Binaries } from './binaries.ts'

/**
 * Copies the package to /var/tmp, where every account can enter (60 MB, once per version).
 *
 * @throws Error when a folder of that name is there that somebody else could have filled.
 */
export async function copyBinaries({ root, version }: Binaries): Promise<Binaries> {
  const uid = process.geteuid?.() ?? 0
  const target = `/var/tmp/ostiary-postgresql-${version}-${uid}`
  if (!(await lstat(target).catch(() => undefined))) {
    const draft = await mkdtemp(`${target}.`)
    try {
      await cp(join(root, 'native'), join(draft, 'native'), {
        recursive: true,
        verbatimSymlinks: true,
      })
      await linkLibraries(draft)
      await openToAll(draft)
      await rename(draft, target)
    } catch (error) {
      await rm(draft, { recursive: true, force: true })
      // Somebody else of this account was faster: then its copy serves as well.
      if (!(await lstat(target).catch(() => undefined))) throw error
    }
  }
  const stats = await lstat(target)
  if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & 0o022) !== 0) {
    throw new Error(`${target} is not a folder of this account alone; remove it`)
  }
  return binariesIn(target, version)
}

/** The installer's umask may have closed the originals to others. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const program = entry.isDirectory() || entry.parentPath.endsWith('/bin')
    await chmod(join(entry.parentPath, entry.name), program ? 0o755 : 0o644)
  }
}
