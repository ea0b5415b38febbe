/**
 * Runs one tick of the log and kills itself, without a chance to clean up, at one step of it. A process of its own: what
 * it leaves behind is what `kill -9` leaves. Arguments: one JSON of `DyingTick`.
 */
import { randomBytes } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { fixedLogKey } from '../../src/services/log-keys.ts'
import { makeSequenceLog } from '../../src/services/sequence-log.ts'
import type { Tables, Tx } from '../../src/storage/database.ts'
import * as log from '../../src/storage/log.ts'
import * as logAppend from '../../src/storage/log-append.ts'
import { createPool } from '../../src/storage/pool.ts'

/** What to do, and where to die. Byte strings in hexadecimal. */
export interface DyingTick {
  readonly url: string
  readonly name: string
  readonly seed: string
  readonly anchorKey: string
  /** A function of `storage/log-append.ts`, or `commit`. */
  readonly step: string
  readonly when: 'before' | 'after'
}

const { url, name, seed, anchorKey, step, when } = JSON.parse(process.argv[2] ?? '') as DyingTick

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  // Nothing runs any more; only for the case that the signal takes a moment.
  return new Promise(() => {})
}

const append = Object.fromEntries(
  Object.entries(logAppend).map(([name, run]) => [
    name,
    async (tx: Tx, ...rest: unknown[]) => {
      if (name === step && when === 'before') await die()
      const result = await (run as (tx: Tx, ...rest: unknown[]) => Promise<unknown>)(tx, ...rest)
      if (name === step && when === 'after') await die()
      return result
    },
  ]),
) as unknown as typeof logAppend

const pool = createPool({ url, role: 'ostiary_worker', max: 1 })
if (step === 'commit')
  pool.on('connect', (client: pg.PoolClient) => {
    const send = client.query.bind(client) as (...args: unknown[]) => unknown
    client.query = ((...args: unknown[]) => {
      const [first] = args
      const text = typeof first === 'string' ? first : (first as { text?: string }).text
      if (text !== 'commit') return send(...args)
      if (when === 'before') return die()
      const sent = send(...args)
      // On its way, unanswered.
      setImmediate(() => void die())
      return sent
    }) as typeof client.query
  })

await makeSequenceLog({
  db: new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }),
  storage: { log, append },
  runtime: { random: (count) => new Uint8Array(randomBytes(count)) },
  keys: fixedLogKey({ name, seed: new Uint8Array(Buffer.from(seed, 'hex')) }),
  anchorKey: new Uint8Array(Buffer.from(anchorKey, 'hex')),
  batch: 4,
})()
// Reached only if the step was never taken.
process.exit(3)
