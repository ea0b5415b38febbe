import { failureText } from './cli/failure.ts'
import { serve } from './cli/serve.ts'

// `npm start` is `ostiary serve`: listen, and stop gracefully when told to.
try {
  await serve()
} catch (error) {
  process.stderr.write(`${failureText(error)}\n`)
  // What was opened before the failure (a database that was started) must not keep the process.
  process.exit(1)
}
