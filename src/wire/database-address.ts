/** Where the database is. Kept apart from what talks to it, so that it can be started before that is read. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { startEmbedded } from '../embedded/start-embedded.ts'

/** Where the database is, by role; the embedded one lets its superuser take each role. */
export interface DatabaseAddress {
  readonly app: string
  readonly worker: string
  readonly owner: string
  /** Whether it is the one that comes with npm: then the server initialises it by itself. */
  readonly embedded: boolean
  close(): Promise<void>
}

/**
 * The configured database, or the embedded one in the data directory, which is started. `onUnderWay` is
 * called when that takes long and goes on without this process.
 */
export async function reachDatabase(
  config: Config,
  onUnderWay?: () => void,
): Promise<DatabaseAddress> {
  const { databaseUrl, workerDatabaseUrl, migrationDatabaseUrl } = config
  if (databaseUrl !== undefined)
    return {
      app: databaseUrl,
      worker: workerDatabaseUrl ?? databaseUrl,
      owner: migrationDatabaseUrl ?? databaseUrl,
      embedded: false,
      close: async () => {},
    }
  const { url, stop } = await startEmbedded({
    directory: join(config.dataDirectory, 'postgres'),
    ...(onUnderWay && { onUnderWay }),
  })
  return { app: url, worker: url, owner: url, embedded: true, close: stop }
}
