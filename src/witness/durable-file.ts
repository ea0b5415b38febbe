import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Where a write stood when it failed: before the new content took the place of the old, or after. */
export class WriteFailure extends Error {
  /** Whether the old content may be gone. */
  readonly replaced: boolean

  constructor(replaced: boolean, cause: unknown) {
    super('the file could not be written', { cause })
    this.name = 'WriteFailure'
    this.replaced = replaced
  }
}

/**
 * Replaces a file as a whole, readable for its owner alone: after a crash at any moment it holds the
 * old content or the new, and once this has resolved the new, also after a power failure.
 *
 * @throws WriteFailure
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  const draft = `${path}.new`
  try {
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new WriteFailure(false, cause)
  }
  try {
    await rename(draft, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    throw new WriteFailure(true, cause)
  }
}

/** Makes names in a folder durable. Windows has no such call, and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
