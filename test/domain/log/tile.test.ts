import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { appendLeaves, EMPTY_EDGE, edgeRoot } from '../../../src/domain/log/append.ts'
import { DEFAULT_BATCH, paddedCount, shuffleBatch } from '../../../src/domain/log/batch.ts'
import {
  appendEntries,
  type Bundle,
  bundleForAppend,
  decodeBundle,
  encodeBundle,
  narrowBundle,
} from '../../../src/domain/log/bundle.ts'
import { leafHash } from '../../../src/domain/log/hash.ts'
import {
  nextBundle,
  replayBundle,
  replayMatches,
  startReplay,
} from '../../../src/domain/log/replay.ts'
import {
  bundlePath,
  bundlesOf,
  narrowTile,
  parseTilePath,
  tileFrom,
  tilePath,
  type TileRef,
  tilesOf,
  widthAt,
} from '../../../src/domain/log/tile.ts'
import vectors from '../../vectors/log.json' with { type: 'json' }
import { MerkleOracle } from './merkle-oracle.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

t.test('paths of tiles and bundles, the examples of the specification among them', async (t) => {
  for (const [path, resource] of Object.entries({
    'tile/0/000': { kind: 'tile', level: 0, index: 0, width: 256 },
    'tile/0/000.p/1': { kind: 'tile', level: 0, index: 0, width: 1 },
    'tile/1/255.p/255': { kind: 'tile', level: 1, index: 255, width: 255 },
    'tile/2/x001/000': { kind: 'tile', level: 2, index: 1000, width: 256 },
    'tile/63/x001/x234/067.p/17': { kind: 'tile', level: 63, index: 1234067, width: 17 },
    'tile/entries/000.p/8': { kind: 'entries', index: 0, width: 8 },
    'tile/entries/x001/x234/067': { kind: 'entries', index: 1234067, width: 256 },
    'tile/0/x009/x007/x199/x254/x740/991': {
      kind: 'tile',
      level: 0,
      index: Number.MAX_SAFE_INTEGER,
      width: 256,
    },
  })) {
    t.same(parseTilePath(path), resource, path)
    const ref = resource as TileRef & { kind: string }
    t.equal(ref.kind === 'tile' ? tilePath(ref) : bundlePath(ref), path)
  }
  for (const path of [
    '',
    'tile',
    'tile/0',
    'tile/0/',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/0',
    'tile/0/0000',
    'tile/00/000',
    'tile/-1/000',
    'tile/64/000',
    'tile/1e1/000',
    'tile/x/000',
    'tile/0/x000',
    'tile/0/001/000',
    'tile/0/x000/001',
    'tile/0/X001/000',
    'tile/0/x1/000',
    'tile/0/x009/x007/x199/x254/x740/992',
    'tile/0/x001/x000/x000/x000/x000/x000/000',
    'tile/0/000.p',
    'tile/0/000.p/',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/300',
    'tile/0/000.p/-1',
    'tile/0/000.p/1.p/1',
    'tile/0/000.p/1 ',
    'tile/0/000\n',
    'tile/0/../0/000',
    'tile/0/%300',
    'tile/0/٠٠٠',
    'tile/Entries/000',
    'tile/entries',
    'tile/entries/000.P/1',
    'checkpoint',
  ]) {
    t.equal(parseTilePath(path), undefined, JSON.stringify(path))
  }
  for (const ref of [
    { level: 0, index: -1, width: 1 },
    { level: 0, index: 2 ** 53, width: 1 },
    { level: 0, index: 0, width: 0 },
    { level: 0, index: 0, width: 257 },
  ]) {
    t.throws(() => tilePath(ref), RangeError)
  }
  fc.assert(
    fc.property(
      fc.nat(63),
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      fc.integer({ min: 1, max: 256 }),
      (level, index, width) => {
        const tile = { level, index, width }
        const [a, b] = [parseTilePath(tilePath(tile)), parseTilePath(bundlePath(tile))]
        return a?.kind === 'tile' && a.level === level && a.index === index && a.width === width
          ? b?.kind === 'entries' && b.index === index && b.width === width
          : false
      },
    ),
  )
})

t.test('widths per level: the specification’s examples', async (t) => {
  const perLevel = (size: number) => {
    const levels: Record<number, [full: number, partial: number]> = {}
    for (const { level, width } of tilesOf(size)) {
      const [full, partial] = levels[level] ?? [0, 0]
      levels[level] = width === 256 ? [full + 1, partial] : [full, partial + width]
    }
    return Object.values(levels)
  }
  t.same(perLevel(0), [])
  t.same(perLevel(1), [[0, 1]])
  t.same(perLevel(255), [[0, 255]])
  t.same(perLevel(256), [
    [1, 0],
    [0, 1],
  ])
  t.same(perLevel(257), [
    [1, 1],
    [0, 1],
  ])
  t.same(perLevel(65536), [
    [256, 0],
    [1, 0],
    [0, 1],
  ])
  t.same(perLevel(70000), [
    [273, 112],
    [1, 17],
    [0, 1],
  ])
  t.same(
    [...bundlesOf(513)].map(({ width }) => width),
    [256, 256, 1],
  )
  t.equal(widthAt(0, 1, 256), 0, 'no tile beyond the tree')
  t.equal(widthAt(0, 1000, 256), 0)
  t.equal(widthAt(3, 0, 70000), 0)
})

t.test('tiles from outside, and narrower versions of them', async (t) => {
  const ref = { level: 0, index: 3, width: 3 }
  const bytes = new Uint8Array(96).map((_, i) => i)
  const tile = tileFrom(ref, bytes)
  t.ok(tile)
  t.equal(tileFrom(ref, bytes.subarray(1)), undefined)
  t.equal(tileFrom({ ...ref, width: 2 }, bytes), undefined)
  t.same(narrowTile(tile!, 2), { level: 0, index: 3, width: 2, bytes: bytes.slice(0, 64) })
  t.throws(() => narrowTile(tile!, 4), RangeError)
})

t.test('entry bundles', async (t) => {
  const inputs = vectors.merkle.leafInputsHex.map(unhex)
  t.equal(hex(encodeBundle(inputs)), vectors.entryBundleHex)
  const bundle = unhex(vectors.entryBundleHex)
  t.same(decodeBundle(bundle, 8)?.map(hex), vectors.merkle.leafInputsHex)
  t.equal(decodeBundle(bundle, 7), undefined, 'something after the last entry')
  t.equal(decodeBundle(bundle, 9), undefined, 'an entry short')
  for (let cut = 0; cut < bundle.length; cut++) {
    if (decodeBundle(bundle.subarray(0, cut), 8)) t.fail(`read a bundle cut to ${cut} bytes`)
  }
  const longest = new Uint8Array(65535).fill(1)
  t.same(decodeBundle(encodeBundle([longest]), 1), [longest])
  t.throws(() => encodeBundle([new Uint8Array(65536)]), RangeError)
  t.throws(() => encodeBundle([]), RangeError)
  t.throws(() => encodeBundle(Array.from({ length: 257 }, () => longest)), RangeError)
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 }),
      (entries) => {
        const read = decodeBundle(encodeBundle(entries), entries.length)
        return read?.map(hex).join() === entries.map(hex).join()
      },
    ),
    { numRuns: 30 },
  )
})

t.test('entry bundles grown in batches are those encoded at once', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 8 }), (counts) => {
      const rows = new Map<number, Bundle>()
      const all: Uint8Array[] = []
      for (const count of counts) {
        const batch = Array.from({ length: count }, (_, i) =>
          leafHash(Buffer.from(`${all.length + i}`)),
        )
        const ref = bundleForAppend(all.length)
        for (const bundle of appendEntries(all.length, ref && rows.get(ref.index), batch)) {
          rows.set(bundle.index, bundle)
        }
        all.push(...batch)
      }
      const wanted = [...bundlesOf(all.length)]
      return (
        wanted.length === rows.size &&
        wanted.every(({ index, width }) => {
          const bytes = encodeBundle(all.slice(index * 256, index * 256 + width))
          return hex(bytes) === hex(rows.get(index)!.bytes) && rows.get(index)!.width === width
        })
      )
    }),
    { numRuns: 60 },
  )
  const bundle = { index: 0, width: 8, bytes: unhex(vectors.entryBundleHex) }
  const three = narrowBundle(bundle, 3)
  t.same(three, { index: 0, width: 3, bytes: bundle.bytes.slice(0, 8) })
  t.throws(() => narrowBundle(bundle, 9), RangeError)
  t.throws(() => narrowBundle({ ...bundle, width: 7 }, 3), RangeError)
  t.throws(() => appendEntries(8, undefined, []), RangeError)
  t.throws(() => appendEntries(8, three, []), RangeError)
  t.throws(() => appendEntries(0, bundle, []), RangeError)
  t.throws(() => appendEntries(8, { ...bundle, bytes: bundle.bytes.slice(1) }, []), RangeError)
  t.same(appendEntries(8, bundle, []), [], 'nothing changes')
})

/** A log as its readers see it: bytes under paths. */
function publish(entries: readonly Uint8Array[]) {
  const { edge, tiles } = appendLeaves(EMPTY_EDGE, entries.map(leafHash))
  const files = new Map(tiles.map((tile) => [tilePath(tile), tile.bytes]))
  for (const bundle of bundlesOf(entries.length)) {
    const first = bundle.index * 256
    files.set(bundlePath(bundle), encodeBundle(entries.slice(first, first + bundle.width)))
  }
  return { size: entries.length, files, edge, root: edgeRoot(edge) }
}

t.test('replaying a log from outside', async (t) => {
  const entries = Array.from({ length: 1100 }, (_, i) => leafHash(Buffer.from(String(i))))
  const oracle = new MerkleOracle(entries)

  const read = (log: ReturnType<typeof publish>, from = EMPTY_EDGE) => {
    let replay = startReplay(log.size, from)
    const seen: Uint8Array[] = []
    const checked: string[] = []
    for (let next = nextBundle(replay); next; next = nextBundle(replay)) {
      const step = replayBundle(replay, log.files.get(bundlePath(next))!)
      if (!step.ok) return { failed: step.reason, seen, checked }
      t.equal(step.value.first, from.size + seen.length)
      seen.push(...step.value.entries)
      for (const tile of step.value.tiles) {
        checked.push(tilePath(tile))
        if (hex(log.files.get(tilePath(tile))!) !== hex(tile.bytes)) {
          return { failed: 'tile', seen, checked }
        }
      }
      replay = step.value.replay
    }
    return { failed: replayMatches(replay, log.root) ? undefined : 'root', seen, checked, replay }
  }

  for (const size of [0, 1, 8, 255, 256, 257, 512, 1100]) {
    const log = publish(entries.slice(0, size))
    t.equal(hex(log.root), oracle.mth(0, size))
    const result = read(log)
    t.equal(result.failed, undefined, `${size} entries`)
    t.equal(result.seen.length, size)
    t.same([...result.checked].sort(), [...tilesOf(size)].map(tilePath).sort(), 'each tile once')
  }

  t.test('and going on where it stopped', async (t) => {
    for (const size of [1, 200, 256, 300, 1000, 1100]) {
      const old = read(publish(entries.slice(0, size)))
      const result = read(publish(entries), old.replay!.edge)
      t.equal(result.failed, undefined, `from ${size}`)
      t.equal(result.seen.length, 1100 - size)
    }
    const { edge } = read(publish(entries.slice(0, 300))).replay!
    const altered = entries.with(299, leafHash(Buffer.from('altered')))
    t.equal(read(publish(altered), edge).failed, 'rewritten')
    const earlier = entries.with(10, leafHash(Buffer.from('altered')))
    t.equal(read(publish(earlier), edge).failed, 'tile', 'what is not read again shows above')
    t.throws(() => startReplay(299, edge), RangeError, 'the log shrank')
    t.throws(() => startReplay(2 ** 53), RangeError)
    t.throws(() => replayBundle(startReplay(300, edge), new Uint8Array(0)), RangeError)
  })

  t.test('and every altered byte is found', async (t) => {
    const honest = publish(entries.slice(0, 300))
    for (const [path, bytes] of honest.files) {
      for (const at of [0, 31, bytes.length >> 1, bytes.length - 1]) {
        const forged = bytes.slice()
        forged[at]! ^= 0x80
        const files = new Map(honest.files).set(path, forged)
        t.ok(read({ ...honest, files }).failed, `${path} byte ${at}`)
      }
      const files = new Map(honest.files).set(path, bytes.slice(0, -1))
      t.ok(read({ ...honest, files }).failed, `${path} cut`)
    }
    t.equal(read({ ...honest, root: leafHash(Uint8Array.of(1)) }).failed, 'root')
    t.notOk(replayMatches(startReplay(300), honest.root), 'nothing read yet')
    const half = publish(entries.slice(0, 200))
    t.notOk(replayMatches(startReplay(300, half.edge), half.root), 'not all read')
  })
})

t.test('batches: how many entries a tick appends', async (t) => {
  t.same(
    [0, 1, 3, 4, 5, 8, 9, 16, 17, 1000].map((pending) => paddedCount(pending)),
    [4, 4, 4, 4, 8, 8, 16, 16, 32, 1024],
  )
  t.equal(DEFAULT_BATCH, 4)
  t.same(
    [0, 6, 7, 9].map((pending) => paddedCount(pending, 6)),
    [6, 6, 8, 16],
  )
  t.same(
    [0, 1, 2, 3].map((pending) => paddedCount(pending, 1)),
    [1, 1, 2, 4],
  )
  for (const [pending, batch] of [
    [-1, 4],
    [0.5, 4],
    [NaN, 4],
    [1, 0],
    [1, 2.5],
  ] as const) {
    t.throws(() => paddedCount(pending, batch), RangeError)
  }
  fc.assert(
    fc.property(fc.nat(5000), fc.integer({ min: 1, max: 300 }), (pending, batch) => {
      const count = paddedCount(pending, batch)
      return count >= pending && count >= batch && (count === batch || count < 2 * pending)
    }),
  )
})

t.test('batches: the place of an entry does not tell when it came', async (t) => {
  const items = Array.from({ length: 4 }, (_, i) => ({ id: i, entry: leafHash(Uint8Array.of(i)) }))
  const seed = leafHash(Buffer.from('seed'))
  const ids = (list: readonly { id: number }[]) => list.map(({ id }) => id)
  t.same(ids(shuffleBatch(items, seed)).sort(), [0, 1, 2, 3], 'a permutation')
  t.same(
    ids(shuffleBatch(items, seed)),
    ids(shuffleBatch(items.toReversed(), seed)),
    'order of arrival is lost',
  )
  const rounds = 4000
  const places = [0, 0, 0, 0]
  for (let round = 0; round < rounds; round++) {
    const at = ids(shuffleBatch(items, randomBytes(32))).indexOf(0)
    places[at]!++
  }
  // Each place has 1000 expected, standard deviation 27; 200 is beyond seven of them.
  for (const count of places) t.ok(Math.abs(count - rounds / 4) < 200, `${count} of ${rounds}`)
})
