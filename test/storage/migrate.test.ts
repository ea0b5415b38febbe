import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { migrate } from '../../src/storage/migrate.ts'
import { createTestDatabase, emptyTemplate } from '../support/database.ts'

/** An empty database and a folder of migrations to apply to it. */
async function setUp(t: Test, files: Record<string, string>) {
  const database = await createTestDatabase(emptyTemplate)
  t.teardown(() => database.drop())
  const folder = t.testdir(files)
  const query = async (text: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }
  return { url: database.url, folder, query }
}

t.test('applies what is missing, in order, and once', async (t) => {
  const { url, folder, query } = await setUp(t, {
    '0002-b.sql': 'alter table a add column b int; create table c (i int)',
    '0001-a.sql': 'create table a (i int)',
    'README.md': 'not a migration',
  })
  t.strictSame(await migrate(url, folder), ['0001-a.sql', '0002-b.sql'])
  t.strictSame(await migrate(url, folder), [])
  await writeFile(join(folder, '0003-c.sql'), 'drop table c')
  t.strictSame(await migrate(url, folder), ['0003-c.sql'])
  t.strictSame(await query('table a'), [])
  t.strictSame(await query(`select name, length(sha256) from schema_migration order by name`), [
    { name: '0001-a.sql', length: 32 },
    { name: '0002-b.sql', length: 32 },
    { name: '0003-c.sql', length: 32 },
  ])
})

t.test('a file that fails leaves nothing of itself, and is named with its line', async (t) => {
  const { url, folder, query } = await setUp(t, {
    '0001-a.sql': 'create table a (i int)',
    '0002-b.sql': 'create table b (i int);\n\ncreate tabel c (i int);\n',
  })
  await t.rejects(migrate(url, folder), {
    message: 'migration `0002-b.sql` failed in line 3: syntax error at or near "tabel"',
  })
  t.strictSame(await query('select name from schema_migration'), [{ name: '0001-a.sql' }])
  t.strictSame(await query(`select to_regclass('b') as b`), [{ b: null }])

  await writeFile(join(folder, '0002-b.sql'), 'create table b (i int)')
  t.strictSame(await migrate(url, folder), ['0002-b.sql'], 'once mended, it goes on from there')
})

t.test('refuses a history that is not its own', async (t) => {
  const { url, folder } = await setUp(t, { '0002-a.sql': 'create table a (i int)' })
  const file = join(folder, '0002-a.sql')
  await migrate(url, folder)

  await writeFile(file, 'create table a (i bigint)')
  await t.rejects(migrate(url, folder), { message: /`0002-a.sql` was changed after/ })
  await rename(file, join(folder, '0002-z.sql'))
  await t.rejects(migrate(url, folder), { message: /`0002-a.sql`, which is not in the folder/ })
  await rm(join(folder, '0002-z.sql'))
  await writeFile(file, 'create table a (i int)')
  await writeFile(join(folder, '0001-late.sql'), 'select 1')
  await t.rejects(migrate(url, folder), { message: /`0001-late.sql` comes before `0002-a.sql`/ })
})

t.test('refuses names it cannot order', async (t) => {
  const { url, folder } = await setUp(t, { '0001-a.sql': '', '0001-b.sql': '' })
  await t.rejects(migrate(url, folder), { message: 'two migrations have the number 0001' })
  const other = join(folder, 'other')
  await mkdir(other)
  await writeFile(join(other, '1-a.sql'), '')
  await t.rejects(migrate(url, other), { message: /`1-a.sql` is not named NNNN-name.sql/ })
  await t.rejects(migrate(url, join(folder, 'nowhere')), { code: 'ENOENT' })
})

t.test('several at once on one database: one applies', async (t) => {
  const { url, folder } = await setUp(t, {
    '0001-a.sql': 'create table a (i int); select pg_sleep(0.1)',
  })
  const applied = await Promise.all([1, 2, 3].map(() => migrate(url, folder)))
  t.strictSame(applied.flat(), ['0001-a.sql'])
})

t.test('several at once on databases that share their roles', async (t) => {
  const role = `race_${process.pid}`
  const files = {
    '0001-role.sql': `
      do $$ begin
        if not exists (select from pg_roles where rolname = '${role}') then
          perform pg_sleep(0.1);
          create role ${role};
        end if;
      end $$;
      grant ${role} to current_user;
      alter role ${role} set lock_timeout = 1000;`,
  }
  const places = await Promise.all([1, 2, 3, 4].map(() => setUp(t, files)))
  const applied = await Promise.all(places.map(({ url, folder }) => migrate(url, folder)))
  t.strictSame(
    applied,
    places.map(() => ['0001-role.sql']),
  )
  await places[0]!.query(`drop role ${role}`)
})
