/** Connections that say something else than they were told to, so that a test can be seen to fail. */
import type pg from 'pg'

/** One query as it was asked for, and how to send any. */
export type Tamper = (
  query: { readonly name: string | undefined; readonly text: string },
  send: (text?: string, name?: string) => Promise<pg.QueryResult>,
) => Promise<pg.QueryResult>

/** The pool itself without a tamper; else one whose every query goes through it. */
export function tampered(pool: pg.Pool, tamper: Tamper | undefined): pg.Pool {
  if (!tamper) return pool
  return replacing(pool, 'connect', async () => {
    const client = await pool.connect()
    const query = (asked: string | pg.QueryConfig, values?: unknown[]) => {
      const config: pg.QueryConfig =
        typeof asked === 'string' ? { text: asked, ...(values ? { values } : {}) } : asked
      const send = (text = config.text, name = config.name) =>
        client.query({
          text,
          ...(name === undefined ? {} : { name }),
          ...(config.values ? { values: config.values } : {}),
        })
      return tamper({ name: config.name, text: config.text }, send)
    }
    return replacing(client, 'query', query)
  })
}

/** The object with one member replaced. */
function replacing<Whole extends object>(whole: Whole, name: string, by: unknown): Whole {
  return new Proxy(whole, {
    get(target, asked) {
      if (asked === name) return by
      const value: unknown = Reflect.get(target, asked, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

const unlocked = (text: string): string =>
  // Takes and gives a bigint as well.
  text.replaceAll(/pg_advisory_xact_lock(_shared)?\(/g, 'abs(')

/** Takes no locks at all. */
export const WITHOUT_LOCKS: Tamper = ({ text }, send) => send(unlocked(text))

/** One snapshot for the whole transaction: it is older than the locks. */
export const ONE_SNAPSHOT: Tamper = ({ text }, send) =>
  send(text === 'begin' ? 'begin isolation level repeatable read' : text)

/** Reads the facts and takes the locks only then. */
export function factsFirst(): Tamper {
  let locking: (() => Promise<unknown>) | undefined
  return ({ name, text }, send) => {
    if (name === 'gate-locks') {
      locking = () => send(text, 'gate-locks-late')
      return send(unlocked(text))
    }
    const sent = send()
    // On one pipelining connection everything after waits until they were granted.
    if (name === 'gate-values') locking?.().catch(() => {})
    return sent
  }
}
