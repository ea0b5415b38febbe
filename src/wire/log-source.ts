import type { Config } from '../config.ts'
import { makeLogKeys } from '../services/log-keys.ts'
import { makeServeLog } from '../services/serve-log.ts'
import * as log from '../storage/log.ts'
import * as logKeys from '../storage/log-keys.ts'
import { withAdministration } from './administration.ts'

/** The public log as a server with this database would serve it, without a server. */
export interface LogSource {
  /** What lies under a path below the log's prefix; undefined where there is nothing. */
  readonly read: (path: string) => Promise<Uint8Array | undefined>
  /** Every key that the log ever had. */
  readonly vkeys: readonly string[]
}

/** Reads the log of the configured database, with the owner's rights. */
export function withLogSource<Result>(
  config: Config,
  work: (source: LogSource) => Promise<Result>,
): Promise<Result> {
  return withAdministration(config, (administration) =>
    administration.withOwner(async (db, keyRing) => {
      const serve = makeServeLog({ db, storage: log })
      const keys = makeLogKeys({
        db,
        storage: logKeys,
        open: (secret, context) => keyRing.openSecret(secret, context),
      })
      const text = (note: string | undefined) =>
        note === undefined ? undefined : new TextEncoder().encode(note)
      const read = async (path: string) => {
        if (path === 'checkpoint') return text(await serve.checkpoint())
        if (path === 'vkey') return text(`${await keys.newest()}\n`)
        if (path === 'vkeys') return text(await keys.history())
        return serve.resource(path)
      }
      const vkeys = (await logKeys.listLogKeys(db)).map(({ vkey }) => vkey)
      return work({ read, vkeys })
    }),
  )
}
