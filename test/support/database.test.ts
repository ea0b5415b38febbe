import t from 'tap'
import pg from 'pg'
import { createTestDatabase, emptyTemplate } from './database.ts'

t.test('clones made at once are separate databases with all migrations', async (t) => {
  const databases = await Promise.all([1, 2, 3].map(() => createTestDatabase()))
  const clients = databases.map(({ url }) => new pg.Client({ connectionString: url }))
  t.teardown(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await Promise.all(databases.map(({ drop }) => drop()))
  })
  await Promise.all(clients.map((client) => client.connect()))

  t.equal(new Set(databases.map(({ name }) => name)).size, 3)
  await clients[0]!.query('create table only_here (i int)')
  for (const [index, client] of clients.entries()) {
    const { rows } = await client.query<{ applied: number; here: boolean }>(`
      select count(*)::int as applied, to_regclass('only_here') is not null as here
      from schema_migration`)
    t.ok(rows[0]!.applied > 0)
    t.equal(rows[0]!.here, index === 0)
  }
})

t.test('drop removes the database although a session is open', async (t) => {
  const { url, name, drop } = await createTestDatabase(emptyTemplate)
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await drop()
  await t.rejects(client.query('select 1'))
  await t.rejects(new pg.Client({ connectionString: url }).connect(), {
    message: `database "${name}" does not exist`,
  })
})
