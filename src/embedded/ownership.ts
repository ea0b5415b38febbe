import { chmod, lchown, lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Makes sure that a folder is there, closed to all others (0700) and, with all in it, owned by `owner` (uid and gid). */
export async function makeOwned(folder: string, owner: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { uid, mode } = await lstat(folder)
  if ((mode & 0o777) !== 0o700) await chmod(folder, 0o700)
  // The account changes when a machine stops allowing user namespaces, or begins to.
  if (uid === owner) return
  for (const name of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, name), owner, owner)
  }
  // Last, so that a change of owner that was cut short is seen and done again.
  await lchown(folder, owner, owner)
}
