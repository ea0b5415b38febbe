import { loadConfig } from '../config.ts'
import { reachDatabase } from '../wire/database-address.ts'

/** How long a stop may take before the process ends anyway, in milliseconds. */
const PATIENCE = 25_000

/**
 * Runs the server until SIGINT or SIGTERM: stops taking requests, finishes those under way, publishes
 * what waits for the log, closes the database, ends.
 */
export async function serve(): Promise<void> {
  const config = loadConfig()
  // A new database takes longest. The rest of the program is read while it is being made, and not
  // before another process is at that: reading leaves this one no time for anything else.
  const underWay = Promise.withResolvers<void>()
  const database = reachDatabase(config, underWay.resolve)
  await Promise.race([underWay.promise, database])
  // From here on handled by `wire`; it must not end the process before that is there.
  database.catch(() => {})
  const { wire } = await import('../wire.ts')
  const ostiary = await wire(config, { address: database })
  const address = await ostiary.listen().catch(async (error: unknown) => {
    await ostiary.close()
    throw error
  })
  if (process.stdout.isTTY)
    process.stdout.write(`Ostiary listens on ${address}; API reference at ${address}/docs\n`)
  const stop = (signal: string) => {
    ostiary.logger.info({ signal }, 'stopping')
    setTimeout(() => process.exit(1), PATIENCE).unref()
    ostiary.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
}
