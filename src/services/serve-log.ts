import { narrowBundle } from '../domain/log/bundle.ts'
import { narrowTile, parseTilePath, widthAt } from '../domain/log/tile.ts'
import type { Database } from '../storage/database.ts'
import type * as log from '../storage/log.ts'

/** The published log, for anybody: it holds salted commitments and padding, nothing of a case. */
export interface ServeLog {
  /** The published checkpoint, a note with its cosignatures; undefined before the first publication. */
  checkpoint(): Promise<string | undefined>
  /**
   * The bytes under a path such as `tile/0/x001/234.p/56` or `tile/entries/000`, which never change;
   * undefined where there is nothing, or nothing that wide, as of the newest checkpoint.
   */
  resource(path: string): Promise<Uint8Array | undefined>
}

/** Serves from the tables as the app role; nothing is kept, so every node shows the same. */
export function makeServeLog({
  db,
  storage,
}: {
  readonly db: Database
  readonly storage: Pick<typeof log, 'findPublishedCheckpoint' | 'findServed'>
}): ServeLog {
  return {
    checkpoint: async () => (await storage.findPublishedCheckpoint(db))?.note,
    async resource(path) {
      const named = parseTilePath(path)
      if (!named) return undefined
      const row = await storage.findServed(db, named)
      if (!row) return undefined
      const level = named.kind === 'tile' ? named.level : 0
      const published = widthAt(level, named.index, row.publishedSize)
      if (named.width > Math.min(published, row.width)) return undefined
      return named.kind === 'tile'
        ? narrowTile({ ...named, ...row }, named.width).bytes
        : narrowBundle({ ...named, ...row }, named.width).bytes
    },
  }
}
