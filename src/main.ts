import { serve } from './cli/serve.ts'

// `npm start` is `ostiary serve`: listen, and stop gracefully when told to.
await serve()
