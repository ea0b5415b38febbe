import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** A text of the pack and the file that it came from. */
export interface PolicyFile {
  /** Path as it should be shown in faults. */
  readonly file: string
  readonly text: string
}

/** The pack on disk: what decides, and the tests that stand beside it. */
export interface PolicyFiles {
  readonly documents: readonly PolicyFile[]
  readonly suites: readonly PolicyFile[]
}

/**
 * Reads `*.yaml` of one folder, sorted by name: `*.test.yaml` are suites, the rest documents. Folders
 * below it (national profiles) are read by their own call.
 *
 * @throws Error of `node:fs` when the folder or a file cannot be read; nothing is skipped
 */
export async function readPolicyFiles(folder: string): Promise<PolicyFiles> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.yaml'))
    .map((entry) => entry.name)
    .sort()
  const files = await Promise.all(
    names.map(async (name) => ({
      file: join(basename(folder), name),
      text: await readFile(join(folder, name), 'utf8'),
    })),
  )
  return {
    documents: files.filter(({ file }) => !file.endsWith('.test.yaml')),
    suites: files.filter(({ file }) => file.endsWith('.test.yaml')),
  }
}
