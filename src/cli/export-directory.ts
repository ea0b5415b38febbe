/** The folder of an exported log: laid out as c2sp.org/tlog-tiles serves it, for any web server. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from '../witness/durable-file.ts'

/** Writes into the folder of an export. */
export interface ExportDirectory {
  /**
   * Puts a file under a path as a whole: whoever reads it, at any moment and after any crash, finds
   * what was there before or all of this.
   */
  write(path: string, bytes: Uint8Array): Promise<void>
  /** Makes what was written durable; to be called before the file that promises it. */
  settle(): Promise<void>
  /** Removes what an interrupted run may have left of its own; nothing that was ever served. */
  tidy(): Promise<void>
}

/** Where files lie until they are whole: outside every path that the layout knows. */
const DRAFTS = '.drafts'

/** Opens the folder, which is made when it is not there. One export at a time may write into it. */
export async function openExportDirectory(directory: string): Promise<ExportDirectory> {
  const drafts = join(directory, DRAFTS)
  await rm(drafts, { recursive: true, force: true })
  await mkdir(drafts, { recursive: true })
  // Owned by the returned object: folders in which names are not yet durable.
  const touched = new Set<string>()

  return {
    async write(path, bytes) {
      const draft = join(drafts, randomBytes(8).toString('hex'))
      const file = await open(draft, 'wx', 0o644)
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      const target = join(directory, path)
      if (!touched.has(dirname(target))) await mkdir(dirname(target), { recursive: true })
      await rename(draft, target)
      touched.add(dirname(target))
    },
    async settle() {
      const folders = [...touched, directory]
      touched.clear()
      for (const folder of folders) await syncFolder(folder)
    },
    tidy: () => rm(drafts, { recursive: true, force: true }),
  }
}
