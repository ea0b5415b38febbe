/** Verifies a whole log in a process of its own and prints what that took; arguments: database, vkey. */
import { Kysely, PostgresDialect } from 'kysely'
import { verifyLog } from '../../src/cli/verify-log.ts'
import { makeServeLog } from '../../src/services/serve-log.ts'
import type { Tables } from '../../src/storage/database.ts'
import * as log from '../../src/storage/log.ts'
import { createPool } from '../../src/storage/pool.ts'

const [url = '', vkey = ''] = process.argv.slice(2)
const pool = createPool({ url, role: 'ostiary_app', max: 8 })
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
const serve = makeServeLog({ db, storage: log })
const start = performance.now()
const report = await verifyLog({
  vkey,
  read: async (path) => {
    if (path !== 'checkpoint') return serve.resource(path)
    const note = await serve.checkpoint()
    return note === undefined ? undefined : Buffer.from(note)
  },
})
const seconds = (performance.now() - start) / 1000
await db.destroy()
if (!report.ok) throw new Error(`the log does not verify: ${report.code} at ${report.at}`)
const megabytes = process.resourceUsage().maxRSS / 1024
process.stdout.write(JSON.stringify({ entries: report.size, seconds, megabytes }))
