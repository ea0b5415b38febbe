import pg from 'pg'

/** How to connect. Times are in milliseconds; 0 switches a limit off. */
export type PoolOptions = {
  /** `postgres://…`, also over a Unix socket (`postgres:///db?host=/dir`). */
  url: string
  /** Database role every connection works as, from its first statement on. The login must be a member of it. */
  role?: string
  /** Most connections at once. Default 10. */
  max?: number
  /** Sends queries without waiting for the answer to the one before; see pg's `pipeline`. Default `false`. */
  pipeline?: boolean
  /** Name in pg_stat_activity. Default `ostiary`. */
  applicationName?: string
  /** Longest statement. Default 30 s. */
  statementTimeout?: number
  /** Longest wait for a lock; shorter than the statement's, so that the error says what it was. Default 10 s. */
  lockTimeout?: number
  /** Longest pause inside a transaction, which holds locks while nobody works. Default 30 s. */
  idleInTransactionTimeout?: number
  /** Longest wait for a connection. Default 10 s. */
  connectionTimeout?: number
  /** Told when a connection breaks, idle or in use; the query in flight fails besides. Default: nothing is done. */
  onConnectionError?: (error: Error) => void
}

const ROLE_NAME = /^[a-z_][a-z0-9_]{0,62}$/

/**
 * Whatever the database's own default: where one snapshot served a whole transaction, it would be
 * older than the locks, and what is read under them stale.
 */
const ISOLATION = '-c default_transaction_isolation=read\\ committed'

/**
 * Makes a pool of connections; none is opened before the first query. The caller ends it.
 *
 * The role travels in the connection's start-up options, so there is no moment and no failed `set role` in which a
 * statement runs with the login's own rights. `bigint` arrives as a string (no loss), as pg does by default.
 *
 * @throws Error for a role that is not a plain lower-case name, or a URL that has start-up options of its own.
 */
export function createPool(options: PoolOptions): pg.Pool {
  const ignore = options.onConnectionError ?? (() => {})
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    pipeline: options.pipeline ?? false,
    application_name: options.applicationName ?? 'ostiary',
    statement_timeout: options.statementTimeout ?? 30_000,
    lock_timeout: options.lockTimeout ?? 10_000,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeout ?? 30_000,
    connectionTimeoutMillis: options.connectionTimeout ?? 10_000,
    ...startUpOptions(options),
  })
  // Without listeners a dying server ends this process: the pool emits 'error' for idle connections, and each client
  // for itself while it is checked out.
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  return pool
}

function startUpOptions({ url, role }: PoolOptions): { options: string } {
  // pg lets the URL's options win over ours.
  if (role === undefined) return { options: ISOLATION }
  if (!ROLE_NAME.test(role)) throw new Error(`\`${role}\` cannot be a database role here`)
  if (/[?&]options=/.test(url)) throw new Error('a database URL with `options` cannot take a role')
  return { options: `-c role=${role} ${ISOLATION}` }
}
