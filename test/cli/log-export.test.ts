// The public log as static files: what any web server can serve, and anybody check.
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { directoryReader, httpReader, type Read } from '../../src/cli/log-reader.ts'
import { exportLog } from '../../src/cli/export-log.ts'
import { verifyLog } from '../../src/cli/verify-log.ts'
import { appendLeaves, EMPTY_EDGE, edgeRoot } from '../../src/domain/log/append.ts'
import { encodeBundle } from '../../src/domain/log/bundle.ts'
import { signCheckpoint } from '../../src/domain/log/checkpoint.ts'
import { leafHash } from '../../src/domain/log/hash.ts'
import { narrowTile, parseTilePath, widthAt } from '../../src/domain/log/tile.ts'
import { ED25519, formatVkey, verifierKey } from '../../src/domain/log/vkey.ts'
import { type Fetch, openHistory, readWholeLog } from '../support/independent-verifier.ts'
import { keptNode } from '../support/kept-log.ts'
import { serveFolder } from '../support/static-server.ts'

t.setTimeout(300_000)
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const { NODE_OPTIONS: _taps, ...outer } = process.env

/** Runs `ostiary …`. */
function ostiary(environment: object, ...args: readonly string[]) {
  return new Promise<{ code: number; stdout: string }>((resolve) => {
    const env = { ...outer, ...environment }
    execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout) =>
      resolve({ code: error ? Number(error.code) : 0, stdout }),
    )
  })
}

async function folderFor(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ostiary-export-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Every file below a folder, with when it was last written. */
async function filesOf(folder: string): Promise<Map<string, number>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names
    .filter((name) => name.isFile())
    .map((name) => join(name.parentPath, name.name))
  const times = await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs))
  return new Map(files.map((file, i) => [file.slice(folder.length + 1), times[i]!]))
}

/** Reads what a web server serves, by plain fetch. */
const fetchFrom =
  (url: string): Fetch =>
  async (path) => {
    const response = await fetch(`${url}/log/${path}`)
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined
  }

const key = { name: 'forged.example/log', seed: new Uint8Array(randomBytes(32)) }
const vkey = formatVkey(verifierKey(key, ED25519))

/** A log made of these entries, as it is served when it has `size` of them; `asked` counts what is read. */
function served(entries: readonly Uint8Array[], size: number) {
  const hashes = entries.slice(0, size).map(leafHash)
  const { edge, tiles } = appendLeaves(EMPTY_EDGE, hashes)
  const root = edgeRoot(edge)
  const byPlace = new Map(tiles.map((tile) => [`${tile.level}/${tile.index}`, tile]))
  const note = signCheckpoint({ origin: key.name, size, root, extensions: [] }, key)
  const asked: string[] = []
  const read: Read = (path) => {
    asked.push(path)
    if (path === 'checkpoint') return Promise.resolve(Buffer.from(note))
    const named = parseTilePath(path)
    if (!named) return Promise.resolve(undefined)
    const level = named.kind === 'tile' ? named.level : 0
    if (named.width > widthAt(level, named.index, size)) return Promise.resolve(undefined)
    if (named.kind === 'entries') {
      const first = named.index * 256
      return Promise.resolve(encodeBundle(entries.slice(first, first + named.width)))
    }
    const tile = byPlace.get(`${level}/${named.index}`)
    return Promise.resolve(tile && narrowTile(tile, named.width).bytes)
  }
  return { read, asked, note }
}

const randomEntries = (count: number) =>
  Array.from({ length: count }, () => new Uint8Array(randomBytes(64)))

t.test('from the database, served by a plain web server', async (t) => {
  const { node, keysOfNode, rotate, environment } = await keptNode(t)
  const folder = await folderFor(t)
  const sequence = node.sequencer({ keys: keysOfNode().forTick })

  const early = await ostiary(environment, 'log', 'export', folder)
  t.equal(early.code, 2, 'nothing is published yet')
  t.match(early.stdout, /NOT EXPORTED: checkpoint: the log has not published anything yet/)

  await node.addEvents(300)
  await sequence()
  const { vkey: second } = await rotate({ overlap: 3600 })
  await node.addEvents(200)
  await sequence()
  const first = await ostiary(environment, 'log', 'export', folder)
  t.equal(first.code, 0, first.stdout)
  t.match(first.stdout, /size +768 entries, 768 of them new/)
  t.match(first.stdout, /written +3 bundles and 4 tiles/)

  const web = await serveFolder(folder)
  t.teardown(web.close)
  for (const vkeys of [[node.vkey], [second], [node.vkey, second]])
    t.equal((await readWholeLog(fetchFrom(web.url), vkeys)).size, 768)
  const told = Buffer.from((await fetchFrom(web.url)('vkeys'))!).toString()
  t.same(
    openHistory(told, [node.vkey]).map(({ vkey }) => vkey),
    [node.vkey, second],
  )
  t.equal(Buffer.from((await fetchFrom(web.url)('vkey'))!).toString(), `${second}\n`)

  await node.addEvents(40)
  await sequence()
  const before = await filesOf(folder)
  t.equal((await ostiary(environment, 'log', 'export', folder, '--json')).code, 0)
  const after = await filesOf(folder)
  const changed = [...after.keys()].filter((file) => after.get(file) !== before.get(file))
  t.same(changed.sort(), [
    'checkpoint',
    'tile/0/003.p/64',
    'tile/entries/003.p/64',
    'vkey',
    'vkeys',
  ])
  t.ok(
    [...before.keys()].every((file) => after.has(file)),
    'nothing was taken away',
  )
  t.equal((await readWholeLog(fetchFrom(web.url), second)).size, 832)

  await t.test('a copy of the copy, from its URL', async (t) => {
    const copy = await folderFor(t)
    const { code, stdout } = await ostiary(
      {},
      ...['log', 'export', copy, '--from', web.url, '--vkey', node.vkey],
    )
    t.equal(code, 0, stdout)
    const [one, other] = [await filesOf(folder), await filesOf(copy)]
    const missing = [...one.keys()].filter((file) => !other.has(file))
    t.same(missing, [], 'but for partial tiles of an earlier size')
    const unchecked = await ostiary({}, 'log', 'export', copy, '--from', web.url)
    t.match(unchecked, { code: 0, stdout: /who signed it was not checked/ })
    const stranger = await ostiary({}, 'log', 'export', copy, '--from', web.url, '--vkey', vkey)
    t.match(stranger, { code: 1, stdout: /FAILED: checkpoint: is not signed by the key you gave/ })
    const down = await ostiary({}, 'log', 'export', copy, '--from', 'http://127.0.0.1:9')
    t.match(down, { code: 2, stdout: /NOT EXPORTED: checkpoint: could not be fetched/ })
  })
})

t.test('grows with its log, and holds exactly what is promised', async (t) => {
  const entries = randomEntries(70_000)
  const folder = await folderFor(t)
  for (const size of [1, 255, 256, 257, 700, 65_535, 65_536, 66_000, 70_000, 70_000]) {
    const { read, asked } = served(entries, size)
    const before = await exportLog({ read, directory: folder, trust: { vkey } })
    t.match(before, { ok: true, size })
    const log = directoryReader(folder)
    const report = await verifyLog({ read: log, vkey })
    t.match(report, { ok: true, size }, `of ${size}`)
    if (before.ok) {
      const bundles = size > before.before ? Math.ceil(size / 256) - (before.before >> 8) : 0
      t.equal(before.bundles, bundles, 'only what is new')
      t.equal(asked.filter((path) => path.startsWith('tile')).length, bundles)
    }
  }
  t.equal((await readWholeLog(directoryReader(folder), vkey)).size, 70_000)
  t.notOk((await readdir(folder)).includes('.drafts'))
})

t.test('what is not a continuation is not exported, and harms nothing', async (t) => {
  const entries = randomEntries(1500)
  const folder = await folderFor(t)
  await exportLog({ read: served(entries, 1000).read, directory: folder })
  const stays = async (name: string) =>
    t.match(
      await verifyLog({ read: directoryReader(folder), vkey }),
      { ok: true, size: 1000 },
      `after ${name} the export is what it was`,
    )
  const changed = (at: number) =>
    entries.map((entry, i) => (i === at ? new Uint8Array(randomBytes(64)) : entry))
  const longer = entries.with(1200, new Uint8Array(65))
  const whole = served(entries, 1500)
  const broken = (how: (bytes: Uint8Array) => Uint8Array | undefined): Read => {
    return async (path) => {
      const bytes = await whole.read(path)
      return bytes && path.startsWith('tile/entries/005') ? how(bytes) : bytes
    }
  }
  const otherNote: Read = (path) =>
    path === 'checkpoint' ? served(changed(3), 1500).read(path) : whole.read(path)
  const fork = served(changed(3), 1000)
  for (const [name, read, code] of [
    ['a fork before its edge', served(changed(3), 1500).read, 'root_differs'],
    ['a fork at its edge', served(changed(999), 1500).read, 'rewritten'],
    ['a fork of the same size', fork.read, 'two_trees'],
    ['another checkpoint', otherNote, 'root_differs'],
    ['an older log', served(entries, 900).read, 'shrunk'],
    ['a longer entry', served(longer, 1500).read, 'malformed_entry'],
    ['a bundle that is missing', broken(() => undefined), 'missing'],
    ['half a bundle', broken((bytes) => bytes.subarray(0, 1000)), 'malformed_bundle'],
    ['a flipped bit', broken((bytes) => bytes.with(500, bytes[500]! ^ 1)), 'root_differs'],
    ['a log that does not answer', () => Promise.reject(new Error('down')), 'unreachable'],
    ['an empty one', () => Promise.resolve(undefined), 'nothing_published'],
    ['something else', () => Promise.resolve(Buffer.from('<html>')), 'malformed_note'],
  ] as const) {
    t.match(await exportLog({ read, directory: folder }), { ok: false, code }, name)
    await stays(name)
  }
  const stranger = formatVkey(verifierKey({ ...key, seed: randomBytes(32) }, ED25519))
  t.match(await exportLog({ read: whole.read, directory: folder, trust: { vkey: stranger } }), {
    code: 'no_known_signature',
  })
  await stays('a stranger')

  for (const [name, damage] of [
    [
      'tile changed',
      (dir: string) => writeFile(join(dir, 'tile/0/003.p/232'), randomBytes(232 * 32)),
    ],
    ['tile cut', (dir: string) => writeFile(join(dir, 'tile/0/003.p/232'), randomBytes(31))],
    ['tile gone', (dir: string) => rm(join(dir, 'tile/1/000.p/3'))],
  ] as const) {
    const copy = await folderFor(t)
    await cp(folder, copy, { recursive: true })
    await damage(copy)
    t.match(
      await exportLog({ read: whole.read, directory: copy }),
      { code: 'export_damaged' },
      name,
    )
  }
  const other = await folderFor(t)
  await exportLog({ read: served(entries, 10).read, directory: other })
  const note = await readFile(join(other, 'checkpoint'), 'utf8')
  await writeFile(join(other, 'checkpoint'), note.replace(key.name, 'another.example/log'))
  t.match(await exportLog({ read: whole.read, directory: other }), { code: 'wrong_origin' })
  t.match(
    await exportLog({ read: whole.read, directory: folder }),
    { ok: true, size: 1500 },
    'at last',
  )
  t.match(await verifyLog({ read: directoryReader(folder), vkey }), { ok: true, size: 1500 })
})

t.test('an export that is killed leaves what was there before, or nothing', async (t) => {
  const source = await folderFor(t)
  const entries = randomEntries(40_000)
  await exportLog({ read: served(entries, 40_000).read, directory: source })
  const web = await serveFolder(source)
  t.teardown(web.close)
  t.equal((await readWholeLog(httpReader(web.url), vkey)).size, 40_000)

  const folder = await folderFor(t)
  /** Starts an export and kills it after so many milliseconds; whether it was too late. */
  const killed = (after: number) =>
    new Promise<boolean>((resolve) => {
      const args = [MAIN, 'log', 'export', folder, '--from', web.url, '--vkey', vkey]
      const child = spawn(process.execPath, args, { env: outer, stdio: 'ignore' })
      const timer = setTimeout(() => child.kill('SIGKILL'), after)
      child.once('exit', (code) => {
        clearTimeout(timer)
        resolve(code === 0)
      })
    })
  const state = async () => {
    const report = await verifyLog({ read: directoryReader(folder), vkey })
    if (!report.ok) t.equal(report.code, 'nothing_published', `killed: ${report.code}`)
    return report.ok ? report.size : 0
  }
  const began = performance.now()
  t.ok(await killed(100_000), 'the one that nobody kills')
  const whole = performance.now() - began
  await rm(folder, { recursive: true })
  let kills = 0
  for (let round = 1; round <= 6; round++) {
    if (await killed(whole * (0.4 + 0.08 * round))) break
    kills += 1
    await state()
  }
  t.ok(kills > 0, `${kills} kills`)
  t.ok(await killed(100_000))
  t.equal(await state(), 40_000)

  // The same while it grows: a folder of 1000 entries is brought up to all of them.
  await rm(folder, { recursive: true })
  await exportLog({ read: served(entries, 1000).read, directory: folder })
  for (let round = 1; round <= 4; round++) {
    await killed(whole * (0.5 + 0.1 * round))
    const size = await state()
    t.ok(size === 1000 || size === 40_000, `of ${size}`)
  }
  t.ok(await killed(100_000))
  t.equal(await state(), 40_000)
  t.comment(`${kills} kills of the first export`)
})
