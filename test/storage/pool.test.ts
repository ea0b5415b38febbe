import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import t from 'tap'
import { createPool } from '../../src/storage/pool.ts'
import { createTestDatabase, emptyTemplate } from '../support/database.ts'

const role = `pool_test_${process.pid}`
const { url, drop } = await createTestDatabase(emptyTemplate)
const owner = createPool({ url })
await owner.query(`create role ${role} nologin; create table secret (i int)`)
t.teardown(async () => {
  await owner.query(`drop role ${role}`)
  await owner.end()
  await drop()
})

t.test('every connection works as the role, from the first statement on', async (t) => {
  const pool = createPool({ url, role, max: 3 })
  t.teardown(() => pool.end())
  const clients = await Promise.all([1, 2, 3].map(() => pool.connect()))
  for (const client of clients) {
    const { rows } = await client.query('select current_user, session_user')
    t.strictSame(rows, [{ current_user: role, session_user: 'postgres' }])
    await t.rejects(client.query('table secret'), { code: '42501' })
    client.release()
  }
})

t.test('a role that does not exist, is no plain name or would be lost is refused', async (t) => {
  const pool = createPool({ url, role: 'nobody_of_that_name' })
  t.teardown(() => pool.end())
  await t.rejects(pool.query('select 1'), { message: /role "nobody_of_that_name" does not exist/ })
  t.throws(() => createPool({ url, role: 'a -c fsync=off' }), {
    message: /cannot be a database role/,
  })
  t.throws(() => createPool({ url: `${url}&options=-c%20x.y=1`, role }), { message: /`options`/ })
})

t.test('limits: defaults, and as given', async (t) => {
  const show = `select current_setting('statement_timeout') as statement,
    current_setting('lock_timeout') as lock,
    current_setting('idle_in_transaction_session_timeout') as idle,
    current_setting('application_name') as name`
  t.strictSame((await owner.query(show)).rows, [
    { statement: '30s', lock: '10s', idle: '30s', name: 'ostiary' },
  ])
  const pool = createPool({
    ...{ url, role, applicationName: 'probe' },
    ...{ statementTimeout: 50, lockTimeout: 0, idleInTransactionTimeout: 2_000 },
  })
  t.teardown(() => pool.end())
  t.strictSame((await pool.query(show)).rows, [
    { statement: '50ms', lock: '0', idle: '2s', name: 'probe' },
  ])
  await t.rejects(pool.query('select pg_sleep(5)'), { code: '57014' })
})

t.test(
  'each statement sees what was committed before it, whatever the database likes',
  async (t) => {
    await owner.query(
      `do $$ begin execute format('alter database %I set default_transaction_isolation = serializable', current_database()); end $$`,
    )
    for (const options of [{ url }, { url, role }]) {
      const pool = createPool(options)
      t.teardown(() => pool.end())
      const { rows } = await pool.query(`select current_setting('transaction_isolation') as level`)
      t.strictSame(rows, [{ level: 'read committed' }])
    }
  },
)

t.test('bigint stays exact, as a string', async (t) => {
  const { rows } = await owner.query('select 9007199254740993::bigint as n')
  t.strictSame(rows, [{ n: '9007199254740993' }])
})

t.test('a pipelined transaction goes out without waiting and keeps its order', async (t) => {
  const pool = createPool({ url, pipeline: true })
  t.teardown(() => pool.end())
  const client = await pool.connect()
  const results = await Promise.all([
    client.query('begin'),
    client.query(`select set_config('app.agency', 'a', true)`),
    client.query(`select current_setting('app.agency') as agency`),
    client.query('commit'),
  ])
  t.strictSame(results[2].rows, [{ agency: 'a' }])
  client.release()
})

t.test('a connection that breaks, idle or in use, does not end the process', async (t) => {
  const errors: Error[] = []
  const pool = createPool({ url, max: 2, onConnectionError: (error) => errors.push(error) })
  t.teardown(() => pool.end())
  const idle = await pool.connect()
  const used = await pool.connect()
  const pids = await Promise.all([idle, used].map((client) => backendOf(client)))
  idle.release()

  const inFlight = t.rejects(used.query('select pg_sleep(20)'))
  await owner.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [pids])
  await inFlight
  used.release(true)
  while (errors.length < 2) await sleep(5)
  t.strictSame((await pool.query('select 1 as one')).rows, [{ one: 1 }], 'the pool goes on')
})

async function backendOf(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]!.pid
}
