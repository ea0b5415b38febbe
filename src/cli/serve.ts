import { loadConfig } from '../config.ts'
import { wire } from '../wire.ts'

/** How long a stop may take before the process ends anyway, in milliseconds. */
const PATIENCE = 25_000

/**
 * Runs the server until SIGINT or SIGTERM: stops taking requests, finishes those under way, publishes
 * what waits for the log, closes the database, ends.
 */
export async function serve(): Promise<void> {
  const config = loadConfig()
  const ostiary = await wire(config)
  const address = await ostiary.listen()
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
