import { createInterface } from 'node:readline'
import { startEmbedded, type EmbeddedOptions } from '../../src/embedded/start-embedded.ts'

/**
 * A process of its own that starts a server with the options given as JSON, prints what it got (or `{"error"}`) as one
 * line of JSON, and on the line `stop` stops it, prints `stopped` and ends.
 */
const options = JSON.parse(process.argv[2] ?? '{}') as EmbeddedOptions
try {
  const server = await startEmbedded(options)
  console.log(JSON.stringify(server))
  for await (const line of createInterface(process.stdin)) {
    if (line !== 'stop') continue
    await server.stop()
    console.log('stopped')
    break
  }
  process.exit(0)
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message }))
  process.exit(1)
}
