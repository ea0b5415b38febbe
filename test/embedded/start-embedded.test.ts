import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { commandLineOf, identityOf } from '../../src/embedded/process-identity.ts'
import {
  startEmbedded,
  type EmbeddedOptions,
  type EmbeddedPostgres,
} from '../../src/embedded/start-embedded.ts'
import { makeTestFolder, removeTestFolder } from '../support/cluster.ts'
import { spawnHolder, startHolder, type Holder } from './holder.ts'

/** Appears in statements, parameters and errors, and must appear in no log. */
const SECRET = 'Lea-lives-in-Lipova-7'

/** All folders of this file; removed at its end, since a file system is slow to allot what was freed a moment ago. */
const root = await makeTestFolder()
t.teardown(() => removeTestFolder(root))

/** A directory in which no server ever ran. */
const emptyDirectory = (): string => join(root, randomUUID().slice(0, 8))

/** A directory with the data of a new server, as a copy: initdb takes a second of the processor's time. */
async function seededDirectory(): Promise<string> {
  const directory = emptyDirectory()
  await cp(join(root, 'seed', 'data'), join(directory, 'data'), { recursive: true })
  return directory
}

/** A server of this process that is stopped at the end of the test if it was not before. */
async function startFor(t: Test, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const server = await startEmbedded(options)
  t.teardown(() => server.stop())
  return server
}

/** A process of its own that uses the server; killed at the end of the test if it is still there. */
async function holdFor(t: Test, options: EmbeddedOptions): Promise<Holder> {
  const holder = await startHolder(options)
  t.teardown(() => holder.kill())
  return holder
}

async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

const count = async (url: string): Promise<number> =>
  (await query<{ n: number }>(url, 'select count(*)::int as n from kept'))[0]!.n

const running = (pid: number): boolean => identityOf(pid) !== undefined

t.test('cold start, then warm start', async (t) => {
  const directory = join(root, 'seed')
  const server = await startFor(t, { directory })

  t.equal(server.attached, false)
  const [row] = await query(
    server.url,
    `select current_setting('server_version') as version, current_setting('fsync') as fsync,
       current_setting('full_page_writes') as pages, current_setting('data_checksums') as checksums,
       current_setting('TimeZone') as zone, current_setting('max_connections') as connections,
       datlocprovider as provider, datlocale as locale, pg_encoding_to_char(encoding) as encoding
     from pg_database where datname = current_database()`,
  )
  t.strictSame(row, {
    ...{ version: '18.4', fsync: 'on', pages: 'on', checksums: 'on', zone: 'UTC' },
    ...{ connections: '100', provider: 'b', locale: 'C.UTF-8', encoding: 'UTF8' },
  })

  for (const folder of [server.socketDirectory, server.dataDirectory]) {
    t.equal((await stat(folder)).mode & 0o777, 0o700, `${folder} is closed to others`)
  }
  t.equal((await stat(join(directory, 'postgres.log'))).mode & 0o777, 0o600)
  const processGroup = (await readFile(`/proc/${server.pid}/stat`, 'utf8'))
    .split(') ')[1]!
    .split(' ')[2]
  t.equal(Number(processGroup), server.pid, 'Ctrl-C in the terminal does not reach it')

  await query(server.url, 'create table warm as select 1 as i')
  await Promise.all([server.stop(), server.stop()])
  t.notOk(running(server.pid))
  const again = await startFor(t, { directory })
  t.equal(again.attached, false)
  t.strictSame(await query(again.url, 'table warm'), [{ i: 1 }])
  await again.stop()
})

t.test('listens on no TCP port, whatever the settings say', async (t) => {
  const directory = await seededDirectory()
  const server = await startFor(t, { directory, fsync: false, settings: { listen_addresses: '*' } })

  const held = new Set<string>()
  for (const fd of await readdir(`/proc/${server.pid}/fd`)) {
    const target = await readlink(`/proc/${server.pid}/fd/${fd}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode) held.add(inode)
  }
  const inodes = async (table: string, column: number) =>
    (await readFile(`/proc/net/${table}`, 'utf8'))
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/)[column] ?? '')
      .filter((inode) => held.has(inode))
  t.equal((await inodes('unix', 6)).length, 1, 'one Unix socket')
  t.strictSame([...(await inodes('tcp', 9)), ...(await inodes('tcp6', 9))], [])
})

t.test('no value gets into the log, not even by a crash', async (t) => {
  const directory = await seededDirectory()
  const { url } = await startFor(t, {
    directory,
    fsync: false,
    settings: { log_statement: 'all', log_min_messages: 'debug1', log_min_duration_statement: '0' },
  })

  await query(
    url,
    `create table kept (id uuid, name text unique); insert into kept values (null, '${SECRET}')`,
  )
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await t.rejects(client.query(`insert into kept values (null, '${SECRET}')`), { code: '23505' })
  await t.rejects(client.query('select $1::uuid', [SECRET]), { code: '22P02' })
  await t.rejects(client.query(`do $$ begin raise exception '${SECRET}'; end $$`), {
    code: 'P0001',
  })
  await client.query(`do $$ begin raise warning '${SECRET}'; end $$`)
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const crashed = t.rejects(client.query(`select pg_sleep(20), '${SECRET}'`))
  await sleep(100)
  process.kill(rows[0]!.pid, 'SIGKILL')
  await crashed
  // A shutdown that arrives while it recovers hangs (PostgreSQL 18.4); that is not what is tested here.
  while (!(await query(url, 'select 1').catch(() => undefined))) await sleep(20)

  const log = await readFile(join(directory, 'postgres.log'), 'utf8')
  t.match(log, /was terminated by signal 9/, 'the crash itself is in the log')
  t.notMatch(log, SECRET)
})

t.test('a second process attaches, and the last one out stops the server', async (t) => {
  const directory = await seededDirectory()
  const first = await startFor(t, { directory, fsync: false })
  const second = await holdFor(t, { directory })
  t.equal(second.server.attached, true)
  t.equal(second.server.pid, first.pid)
  t.equal(second.server.url, first.url)
  await second.stop()
  t.ok(running(first.pid), 'a guest that leaves does not stop it')

  const third = await holdFor(t, { directory })
  await first.stop()
  t.ok(running(first.pid), 'nor does the one who started it, while another uses it')
  await query(third.server.url, 'select 1')
  await third.stop()
  t.notOk(running(first.pid))
})

t.test(
  'after kill -9 of the parent the next start attaches and no acknowledged row is lost',
  async (t) => {
    const directory = await seededDirectory()
    const parent = await holdFor(t, { directory })
    await query(parent.server.url, 'create table kept (i int)')
    let acknowledged = 0
    const client = new pg.Client({ connectionString: parent.server.url })
    client.on('error', () => {})
    await client.connect()
    for (; acknowledged < 40; acknowledged++) {
      if (acknowledged === 20) await parent.kill()
      await client.query('insert into kept values (1)')
    }
    await client.end()

    const next = await startFor(t, { directory })
    t.equal(next.attached, true)
    t.equal(next.pid, parent.server.pid)
    t.equal(await count(next.url), acknowledged)
    await next.stop()
    t.notOk(running(next.pid), 'nobody else uses it, so it stops')
  },
)

t.test(
  'after kill -9 of the server under writers it recovers, and no acknowledged row is lost',
  async (t) => {
    const directory = await seededDirectory()
    const server = await startFor(t, { directory })
    await query(server.url, 'create table kept (i int)')
    let acknowledged = 0
    const writers = [1, 2, 3, 4].map(async () => {
      const client = new pg.Client({ connectionString: server.url })
      client.on('error', () => {})
      await client.connect()
      while (true) {
        await client.query('insert into kept values (1)')
        acknowledged++
      }
    })
    const ended = Promise.allSettled(writers)
    await sleep(300)
    // The postmaster alone: its orphaned backends may live on for a moment, and the next start has to wait for them.
    process.kill(server.pid, 'SIGKILL')
    const next = await startFor(t, { directory })
    await ended

    t.equal(next.attached, false)
    t.not(next.pid, server.pid)
    t.ok(acknowledged > 0)
    const found = await count(next.url)
    t.ok(found >= acknowledged, `${found} rows found, ${acknowledged} acknowledged`)
  },
)

t.test(
  'of three processes that start on an empty directory at once, one initialises',
  async (t) => {
    const directory = await seededDirectory()
    const holders = await Promise.all([1, 2, 3].map(() => holdFor(t, { directory, fsync: false })))

    t.strictSame(holders.map(({ server }) => server.attached).sort(), [false, true, true])
    t.equal(new Set(holders.map(({ server }) => server.pid)).size, 1)
    const log = await readFile(join(directory, 'postgres.log'), 'utf8')
    t.equal(log.match(/starting PostgreSQL/g)?.length, 1)
    t.strictSame((await readdir(directory)).sort(), ['data', 'postgres.log', 'socket', 'users'])
    await Promise.all(holders.map((holder) => holder.stop()))
    t.notOk(running(holders[0]!.server.pid))
  },
)

t.test('a start that was killed while it initialised does not stand in the way', async (t) => {
  const directory = emptyDirectory()
  const child = spawnHolder({ directory })
  const draft = async () =>
    (await readdir(directory).catch(() => [])).find((name) => name.startsWith('data.draft-'))
  while (!(await draft())) await sleep(5)
  await sleep(50)
  child.kill('SIGKILL')
  await once(child, 'exit')

  const server = await startFor(t, { directory, fsync: false })
  t.equal(server.attached, false)
  await query(server.url, 'select 1')
})

t.test(
  'a postmaster.pid whose number now belongs to another process is seen through',
  async (t) => {
    const directory = await seededDirectory()
    const first = await startFor(t, { directory, fsync: false })
    const pidFile = join(first.dataDirectory, 'postmaster.pid')
    const written = await readFile(pidFile, 'utf8')
    await first.stop()
    await writeFile(pidFile, written.replace(/^\d+/, String(process.pid)))

    const second = await startFor(t, { directory, fsync: false })
    t.equal(second.attached, false)
    t.match(commandLineOf(second.pid)[0], /postgres$/)
  },
)

t.test('a killed server whose parent has not reaped it does not stand in the way', async (t) => {
  const directory = await seededDirectory()
  const parent = await holdFor(t, { directory, fsync: false })
  const { pid } = parent.server
  // It cannot take note of what happens to its child: that stays a number in use, as in a container without an init.
  parent.child.kill('SIGSTOP')
  process.kill(pid, 'SIGKILL')
  while (running(pid)) await sleep(5)
  t.doesNotThrow(() => process.kill(pid, 0), 'the number is still taken')

  const next = await startFor(t, { directory, fsync: false })
  t.equal(next.attached, false)
  await query(next.url, 'select 1')
})

t.test('a path too long for a socket', async (t) => {
  const directory = join(emptyDirectory(), 'x'.repeat(60), 'y'.repeat(60))
  const server = await startFor(t, { directory, fsync: false })
  t.teardown(() => rm(dirname(server.socketDirectory), { recursive: true, force: true }))
  t.notOk(server.socketDirectory.startsWith(directory))
  t.ok(server.dataDirectory.startsWith(directory))
  await query(server.url, 'select 1')
  t.equal((await startFor(t, { directory })).attached, true)
})

t.test('a copy of a used directory is a server of its own, a moved one is the same', async (t) => {
  const directory = await seededDirectory()
  const original = await startFor(t, { directory, fsync: false })
  await query(original.url, 'create table kept as select 1 as i; checkpoint')
  const copy = `${directory}-copy`
  await cp(directory, copy, { recursive: true, filter: (path) => !path.includes('.s.PGSQL') })
  const copied = await startFor(t, { directory: copy, fsync: false })
  t.equal(copied.attached, false)
  t.not(copied.pid, original.pid)
  await query(copied.url, 'drop table kept')
  t.equal(await count(original.url), 1)

  const moved = `${directory}-moved`
  await rename(directory, moved)
  const found = await startFor(t, { directory: moved })
  t.equal(found.attached, true)
  t.equal(found.pid, original.pid)
  t.equal(await count(found.url), 1)
  await rename(moved, directory)
})

t.test('settings are passed on, and one that PostgreSQL refuses is named', async (t) => {
  const directory = await seededDirectory()
  await t.rejects(
    startEmbedded({ directory, fsync: false, settings: { shared_buffers: 'many' } }),
    {
      message: /invalid value for parameter "shared_buffers"/,
    },
  )
  const server = await startFor(t, { directory, fsync: false, settings: { max_connections: '7' } })
  t.strictSame(await query(server.url, 'show max_connections'), [{ max_connections: '7' }])
})
