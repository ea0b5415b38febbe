import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { nearestName } from '../domain/catalogue/edit-distance.ts'

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

/** The pack that is laid over nothing. */
export const DEFAULT_PACK_NAME = 'default'

/** A pack that is not on disk. */
export class UnknownPackError extends Error {
  constructor(name: string, packs: readonly string[]) {
    const nearest = nearestName(name, packs)
    const hint = nearest === null ? `there are ${packs.join(', ')}` : `did you mean \`${nearest}\`?`
    super(`no policy pack is called \`${name.slice(0, 60)}\`: ${hint}`)
    this.name = 'UnknownPackError'
  }
}

/**
 * Reads `*.yaml` of one folder, sorted by name: `*.test.yaml` are suites, the rest documents. Folders
 * below it (national packs) are left alone.
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

/**
 * Reads the pack `name`: the documents of `folder` and, laid over them, those of
 * `<folder>/national/<name>`. The suites are those of the pack alone, since a profile may change what
 * the default pack answers.
 *
 * @throws UnknownPackError when there is no such pack
 */
export async function readPolicyPack(folder: string, name: string): Promise<PolicyFiles> {
  const base = await readPolicyFiles(folder)
  if (name === DEFAULT_PACK_NAME) return base
  const packs = await listPacks(folder)
  // The name is one that the folder itself gave, so that it cannot lead out of it.
  const known = packs.find((pack) => pack === name)
  if (known === undefined) throw new UnknownPackError(name, packs)
  const own = await readPolicyFiles(join(folder, 'national', known))
  return { documents: [...base.documents, ...own.documents], suites: own.suites }
}

/** Names of the packs below `folder`, `default` first, the national ones sorted. */
export async function listPacks(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(folder, 'national'), { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return [DEFAULT_PACK_NAME, ...names.sort()]
}
