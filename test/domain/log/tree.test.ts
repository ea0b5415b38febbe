import fc from 'fast-check'
import t from 'tap'
import {
  appendLeaves,
  type Edge,
  edgeAt,
  edgeRoot,
  EMPTY_EDGE,
  tilesForAppend,
} from '../../../src/domain/log/append.ts'
import { emptyRoot, leafHash, nodeHash } from '../../../src/domain/log/hash.ts'
import { narrowTile, type Tile, type TileRef, tilesOf } from '../../../src/domain/log/tile.ts'
import {
  consistencyProof,
  inclusionProof,
  rootAt,
  tilesForConsistency,
  tilesForInclusion,
  tilesForRoot,
} from '../../../src/domain/log/tree.ts'
import { verifyConsistency, verifyInclusion } from '../../../src/domain/log/verify.ts'
import vectors from '../../vectors/log.json' with { type: 'json' }
import { MerkleOracle, sha256Hex } from './merkle-oracle.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => new Uint8Array(Buffer.from(`entry ${i}`)))
const flip = (bytes: Uint8Array, bit: number) => {
  const copy = bytes.slice()
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

/** A table (level, index, width, bytes) that keeps the widest version of each tile and hands out only what is asked for. */
class TileTable {
  readonly rows = new Map<string, Tile>()
  size = 0

  append(entries: readonly Uint8Array[]): Edge {
    const edge = edgeAt(this.size, this.read(tilesForAppend(this.size)))
    const growth = appendLeaves(edge, entries.map(leafHash))
    for (const tile of growth.tiles) this.rows.set(`${tile.level}/${tile.index}`, tile)
    this.size = growth.edge.size
    return growth.edge
  }

  /** As a database driver would: Buffers, cut from larger ones. */
  read(refs: readonly TileRef[]): Tile[] {
    return refs.map(({ level, index, width }) => {
      const row = this.rows.get(`${level}/${index}`)
      if (!row || row.width < width) throw new Error(`no tile ${level}/${index} of width ${width}`)
      const padded = Buffer.concat([Buffer.from('##'), row.bytes, Buffer.from('##')])
      return { ...row, bytes: padded.subarray(2, -2) }
    })
  }
}

const LEAVES = 2_000
const entries = numbered(LEAVES)
const oracle = new MerkleOracle(entries)
const table = new TileTable()
table.append(entries)

t.test('published vectors of transparency-dev/merkle', async (t) => {
  const { leafInputsHex, leafHashesHex, rootsHex, inclusion, consistency } = vectors.merkle
  const inputs = leafInputsHex.map(unhex)
  t.equal(hex(leafHash(Buffer.from('L123456'))), vectors.merkle.rfc6962Hash.leafL123456)
  t.equal(
    hex(nodeHash(Buffer.from('N123'), Buffer.from('N456'))),
    vectors.merkle.rfc6962Hash.nodeN123N456,
  )
  t.same(
    inputs.map((input) => hex(leafHash(input))),
    leafHashesHex,
  )
  t.equal(hex(emptyRoot()), rootsHex[0])

  const store = new TileTable()
  store.append(inputs)
  t.equal(
    sha256Hex(store.read([{ level: 0, index: 0, width: 8 }])[0]!.bytes),
    vectors.leafTileOf8Sha256Hex,
  )
  for (const [size, root] of rootsHex.entries()) {
    t.equal(hex(rootAt(size, store.read(tilesForRoot(size)))), root, `root of ${size}`)
  }
  for (const { index, size, proofHex } of inclusion) {
    const proof = inclusionProof(index, size, store.read(tilesForInclusion(index, size)))
    t.same(proof.map(hex), proofHex, `inclusion of ${index} in ${size}`)
    const claim = { leafIndex: index, treeSize: size, inclusion: proofHex.map(unhex) }
    const leaf = unhex(leafHashesHex[index]!)
    t.ok(verifyInclusion({ ...claim, leafHash: leaf, root: unhex(rootsHex[size]!) }))
  }
  for (const { from, to, proofHex } of consistency) {
    const proof = consistencyProof(from, to, store.read(tilesForConsistency(from, to)))
    t.same(proof.map(hex), proofHex, `consistency of ${from} with ${to}`)
    t.ok(
      verifyConsistency({
        fromSize: from,
        fromRoot: unhex(rootsHex[from]!),
        toSize: to,
        toRoot: unhex(rootsHex[to]!),
        consistency: proofHex.map(unhex),
      }),
    )
  }
})

t.test('roots of every size to 2,000 are those of the definition', async (t) => {
  for (let size = 0; size <= LEAVES; size++) {
    const needed = tilesForRoot(size)
    if (needed.length > 2) t.fail(`the root of ${size} asks for ${needed.length} tiles`)
    if (hex(rootAt(size, table.read(needed))) !== oracle.mth(0, size)) t.fail(`root of ${size}`)
  }
  t.equal(hex(rootAt(LEAVES, table.read(tilesForRoot(LEAVES)))), oracle.mth(0, LEAVES))
})

const sizeAndIndex = fc
  .integer({ min: 1, max: LEAVES })
  .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })))

t.test(
  'inclusion proofs equal PATH, verify, and stop verifying when anything is changed',
  async (t) => {
    fc.assert(
      fc.property(sizeAndIndex, fc.nat(), fc.nat(), ([size, index], which, bit) => {
        const proof = inclusionProof(index, size, table.read(tilesForInclusion(index, size)))
        if (proof.map(hex).join() !== oracle.path(index, size).join()) return false
        const claim = {
          leafIndex: index,
          treeSize: size,
          leafHash: leafHash(entries[index]!),
          inclusion: proof,
          root: unhex(oracle.mth(0, size)),
        }
        const wrong = [
          { ...claim, leafIndex: (index + 1) % size },
          { ...claim, leafIndex: size },
          { ...claim, leafIndex: -1 },
          { ...claim, leafIndex: index + 0.5 },
          { ...claim, treeSize: size * 2 + 1 },
          { ...claim, treeSize: index },
          { ...claim, treeSize: NaN },
          { ...claim, leafHash: flip(claim.leafHash, bit % 256) },
          { ...claim, leafHash: claim.leafHash.slice(1) },
          { ...claim, root: flip(claim.root, bit % 256) },
          { ...claim, root: emptyRoot() },
          { ...claim, inclusion: [...proof, claim.root] },
          { ...claim, inclusion: [claim.leafHash, ...proof] },
          { ...claim, inclusion: [...proof, new Uint8Array(0)] },
        ]
        if (size === 1) wrong.shift()
        if (proof.length > 0) {
          const at = which % proof.length
          wrong.push({ ...claim, inclusion: proof.slice(0, -1) })
          wrong.push({ ...claim, inclusion: proof.slice(1) })
          wrong.push({ ...claim, inclusion: proof.with(at, flip(proof[at]!, bit % 256)) })
          wrong.push({ ...claim, inclusion: proof.with(at, proof[at]!.slice(0, 31)) })
        }
        return verifyInclusion(claim) && !wrong.some(verifyInclusion)
      }),
      { numRuns: 400 },
    )
    t.pass('400 pairs of index and size')
  },
)

t.test(
  'consistency proofs equal PROOF, verify, and stop verifying when anything is changed',
  async (t) => {
    const twoSizes = fc
      .tuple(fc.integer({ min: 1, max: LEAVES }), fc.integer({ min: 1, max: LEAVES }))
      .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)])
    fc.assert(
      fc.property(twoSizes, fc.nat(), fc.nat(), ([from, to], which, bit) => {
        const proof = consistencyProof(from, to, table.read(tilesForConsistency(from, to)))
        if (proof.map(hex).join() !== oracle.proof(from, to).join()) return false
        const claim = {
          fromSize: from,
          fromRoot: unhex(oracle.mth(0, from)),
          toSize: to,
          toRoot: unhex(oracle.mth(0, to)),
          consistency: proof,
        }
        const wrong = [
          { ...claim, fromRoot: flip(claim.fromRoot, bit % 256) },
          { ...claim, toRoot: flip(claim.toRoot, bit % 256) },
          { ...claim, fromSize: to, toSize: from + (from === to ? 1 : 0) },
          { ...claim, fromSize: 0 },
          { ...claim, fromSize: -1 },
          { ...claim, toSize: to + 0.5 },
          { ...claim, toSize: to * 2 + 1 },
          { ...claim, consistency: [...proof, claim.toRoot] },
          { ...claim, consistency: [claim.fromRoot, ...proof] },
        ]
        if (proof.length > 0) {
          const at = which % proof.length
          wrong.push({ ...claim, fromRoot: claim.toRoot, toRoot: claim.fromRoot })
          wrong.push({ ...claim, consistency: [] })
          wrong.push({ ...claim, consistency: proof.slice(0, -1) })
          wrong.push({ ...claim, consistency: proof.slice(1) })
          wrong.push({ ...claim, consistency: proof.with(at, flip(proof[at]!, bit % 256)) })
          wrong.push({ ...claim, consistency: proof.with(at, proof[at]!.slice(0, 31)) })
        }
        return verifyConsistency(claim) && !wrong.some(verifyConsistency)
      }),
      { numRuns: 400 },
    )
    const fromEmpty = { fromSize: 0, toSize: 5, toRoot: unhex(oracle.mth(0, 5)), consistency: [] }
    t.same(consistencyProof(0, 5, []), [])
    t.ok(verifyConsistency({ ...fromEmpty, fromRoot: emptyRoot() }))
    t.notOk(verifyConsistency({ ...fromEmpty, fromRoot: unhex(oracle.mth(0, 1)) }))
    t.notOk(verifyConsistency({ ...fromEmpty, fromRoot: emptyRoot(), consistency: [emptyRoot()] }))
  },
)

t.test('paths that go on above the root prove nothing, even if they lead somewhere', async (t) => {
  const above = unhex(oracle.mth(0, 7))
  const leaf = leafHash(entries[0]!)
  const one = { leafIndex: 0, treeSize: 1, leafHash: leaf, inclusion: [above] }
  t.notOk(verifyInclusion({ ...one, root: nodeHash(above, leaf) }))
  t.notOk(verifyInclusion({ ...one, root: nodeHash(leaf, above) }))
  const claim = {
    fromSize: 3,
    fromRoot: unhex(oracle.mth(0, 3)),
    toSize: 4,
    toRoot: unhex(oracle.mth(0, 4)),
    consistency: oracle.proof(3, 4).map(unhex),
  }
  t.ok(verifyConsistency(claim))
  t.notOk(
    verifyConsistency({
      ...claim,
      fromRoot: nodeHash(above, claim.fromRoot),
      toRoot: nodeHash(above, claim.toRoot),
      consistency: [...claim.consistency, above],
    }),
  )
})

t.test('a tree grown in batches is the tree computed at once', async (t) => {
  const batches = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(batches, (counts) => {
      const all = numbered(counts.reduce((sum, count) => sum + count, 0))
      const reference = new MerkleOracle(all)
      const grown = new TileTable()
      for (const count of counts) {
        const edge = grown.append(all.slice(grown.size, grown.size + count))
        if (hex(edgeRoot(edge)) !== reference.mth(0, grown.size)) return false
      }
      return [...tilesOf(grown.size)].every((ref) => {
        const wanted = Array.from({ length: ref.width }, (_, i) => {
          const span = 256 ** ref.level
          const first = (ref.index * 256 + i) * span
          return reference.mth(first, first + span)
        })
        return hex(narrowTile(grown.read([ref])[0]!, ref.width).bytes) === wanted.join('')
      })
    }),
    { numRuns: 40 },
  )
  t.pass('40 histories, each step and each tile')
})

t.test('an append reads partial tiles only and returns exactly what changed', async (t) => {
  const before = edgeAt(254, table.read(tilesForAppend(254)))
  t.same(tilesForAppend(254), [{ level: 0, index: 0, width: 254 }])
  const growth = appendLeaves(before, entries.slice(254, 258).map(leafHash))
  t.same(
    growth.tiles.map(({ level, index, width }) => [level, index, width]),
    [
      [0, 0, 256],
      [0, 1, 2],
      [1, 0, 1],
    ],
  )
  t.equal(growth.edge.size, 258)
  t.same(tilesForAppend(256), [{ level: 1, index: 0, width: 1 }])
  t.same(tilesForAppend(0), [])
  t.same(tilesForAppend(65536), [{ level: 2, index: 0, width: 1 }])
  t.equal(hex(edgeRoot(EMPTY_EDGE)), hex(emptyRoot()))
  t.same(appendLeaves(before, []), { edge: before, tiles: [] })
})

t.test('a tree with tiles on three levels', async (t) => {
  const size = 65_536 + 700
  const all = numbered(size)
  const reference = new MerkleOracle(all)
  const big = new TileTable()
  for (const cut of [1, 65_000, 65_535, 65_536, size]) big.append(all.slice(big.size, cut))
  const sizes = [65_535, 65_536, 65_537, 65_792, size]
  for (const at of sizes) {
    t.equal(hex(rootAt(at, big.read(tilesForRoot(at)))), reference.mth(0, at), `root of ${at}`)
    for (const index of [0, 255, 256, 40_000, 65_535, at - 1].filter((i) => i < at)) {
      const needed = tilesForInclusion(index, at)
      const proof = inclusionProof(index, at, big.read(needed)).map(hex)
      t.same(proof, reference.path(index, at), `inclusion of ${index} in ${at}`)
      t.ok(needed.length <= 6, 'few tiles')
    }
    const proof = consistencyProof(257, at, big.read(tilesForConsistency(257, at)))
    t.same(proof.map(hex), reference.proof(257, at), `consistency of 257 with ${at}`)
  }
})

t.test('sizes beyond 32 bits, in a tree whose leaves are all alike', async (t) => {
  // Then every complete subtree of one height has one hash, and tiles of any index can be written down.
  const byHeight = [leafHash(Uint8Array.of(7))]
  for (let height = 1; height <= 53; height++) {
    byHeight.push(nodeHash(byHeight[height - 1]!, byHeight[height - 1]!))
  }
  const read = (refs: readonly TileRef[]) =>
    refs.map((ref) => {
      const bytes = new Uint8Array(ref.width * 32)
      for (let i = 0; i < ref.width; i++) bytes.set(byHeight[8 * ref.level]!, i * 32)
      return { ...ref, bytes }
    })
  const rootOf = (size: number) => {
    let root: Uint8Array | undefined
    for (let height = 0, rest = size; rest > 0; height++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) root = root ? nodeHash(byHeight[height]!, root) : byHeight[height]!
    }
    return root!
  }
  const big = fc.integer({ min: 2 ** 31, max: Number.MAX_SAFE_INTEGER })
  fc.assert(
    fc.property(big, big, (a, b) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)]
      const [fromRoot, toRoot] = [rootOf(small), rootOf(large)]
      const needed = tilesForInclusion(small - 1, large)
      const inclusion = inclusionProof(small - 1, large, read(needed))
      const consistency = consistencyProof(small, large, read(tilesForConsistency(small, large)))
      return (
        needed.length <= 2 * 7 &&
        hex(rootAt(large, read(tilesForRoot(large)))) === hex(toRoot) &&
        hex(edgeRoot(edgeAt(large, read(tilesForAppend(large))))) === hex(toRoot) &&
        verifyInclusion({
          leafIndex: small - 1,
          treeSize: large,
          leafHash: byHeight[0]!,
          inclusion,
          root: toRoot,
        }) &&
        verifyConsistency({ fromSize: small, fromRoot, toSize: large, toRoot, consistency })
      )
    }),
    { numRuns: 100 },
  )
  t.pass('100 pairs of sizes')
})

t.test('results do not share memory with the tiles they came from', async (t) => {
  const tiles = table.read(tilesForInclusion(5, LEAVES))
  const proof = inclusionProof(5, LEAVES, tiles)
  const before = proof.map(hex)
  for (const tile of tiles) tile.bytes.fill(0)
  t.same(proof.map(hex), before)
  t.ok(proof.every((hash) => !Buffer.isBuffer(hash)))
})

t.test('faults of the caller are thrown', async (t) => {
  const needed = table.read(tilesForInclusion(300, LEAVES))
  const edge = edgeAt(LEAVES, table.read(tilesForAppend(LEAVES)))
  const cut = needed.map((tile) => ({ ...tile, bytes: tile.bytes.subarray(1) }))
  for (const [name, act] of Object.entries({
    'index outside the tree': () => tilesForInclusion(5, 5),
    'negative index': () => tilesForInclusion(-1, 5),
    'broken index': () => tilesForInclusion(0.5, 5),
    'size beyond safe integers': () => tilesForRoot(2 ** 53),
    'negative size': () => rootAt(-1, []),
    'shrinking tree': () => tilesForConsistency(6, 5),
    'missing tile': () => inclusionProof(300, LEAVES, needed.slice(1)),
    'narrow tile': () =>
      inclusionProof(300, LEAVES, table.read([]).concat(needed.map((x) => narrowTile(x, 1)))),
    'tile of wrong length': () => inclusionProof(300, LEAVES, cut),
    'edge without its tile': () => edgeAt(LEAVES, []),
    'edge of wrong length': () => edgeAt(LEAVES, cut),
    'edge that forgot a level': () => appendLeaves({ ...edge, tiles: [] }, [emptyRoot()]),
    'leaf hash of 31 bytes': () => appendLeaves(edge, [new Uint8Array(31)]),
    'tree beyond safe integers': () =>
      appendLeaves({ size: Number.MAX_SAFE_INTEGER, tiles: [] }, [emptyRoot()]),
  })) {
    t.throws(act, RangeError, name)
  }
})
