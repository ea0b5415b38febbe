// Roots and proofs of a Merkle tree: RFC 6962 §2.1, §2.1.1, §2.1.2, computed from the tiles of
// https://c2sp.org/tlog-tiles. Each `tilesFor…` says which tiles its partner needs; the caller
// reads them in one go, and the partner is synchronous.
import { emptyRoot, HASH_BYTES, nodeHash } from './hash.ts'
import { TILE_HEIGHT, TILE_WIDTH, type Tile, type TileRef, widthAt } from './tile.ts'

/** Entries from `start` up to, not including, `end`; always a subtree of some RFC 6962 tree. */
type Range = { readonly start: number; readonly end: number }

/**
 * Where the hash of a complete subtree comes from: `span` (a power of two) neighbouring hashes of
 * one tile.
 */
type Slice = {
  readonly level: number
  readonly index: number
  readonly offset: number
  readonly span: number
}

/**
 * The tiles from which {@link rootAt} computes the root of the first `size` entries: at most one
 * per tile level.
 *
 * @throws RangeError when `size` is not a safe integer from 0
 */
export function tilesForRoot(size: number): TileRef[] {
  checkSize(size)
  return tilesFor([{ start: 0, end: size }], size)
}

/**
 * MTH(D[0:size]), RFC 6962 §2.1.
 *
 * @param tiles at least those of `tilesForRoot(size)`, in any order; wider ones serve as well
 * @throws RangeError when a tile is missing, too narrow, or not as long as its width says
 */
export function rootAt(size: number, tiles: readonly Tile[]): Uint8Array {
  checkSize(size)
  if (size === 0) return emptyRoot()
  return rangeHash({ start: 0, end: size }, tilesByPlace(tiles))
}

/**
 * The tiles from which {@link inclusionProof} is computed.
 *
 * @throws RangeError unless 0 <= index < size
 */
export function tilesForInclusion(index: number, size: number): TileRef[] {
  return tilesFor(inclusionRanges(index, size), size)
}

/**
 * PATH(index, D[0:size]), RFC 6962 §2.1.1: sibling hashes from the leaf upwards, empty for a tree
 * of one.
 *
 * @param tiles at least those of `tilesForInclusion(index, size)`, in any order; wider ones serve
 *   as well
 * @throws RangeError unless 0 <= index < size and every tile is there, wide enough and well-formed
 */
export function inclusionProof(index: number, size: number, tiles: readonly Tile[]): Uint8Array[] {
  const places = tilesByPlace(tiles)
  return inclusionRanges(index, size).map((range) => rangeHash(range, places))
}

/**
 * The tiles from which {@link consistencyProof} is computed.
 *
 * @throws RangeError unless 0 <= from <= to
 */
export function tilesForConsistency(from: number, to: number): TileRef[] {
  return tilesFor(consistencyRanges(from, to), to)
}

/**
 * PROOF(from, D[0:to]), RFC 6962 §2.1.2: that the first `from` entries of the tree of `to` are the
 * older tree. Empty when `from` is 0 or equals `to`.
 *
 * @param tiles at least those of `tilesForConsistency(from, to)`, in any order; wider ones serve as
 *   well
 * @throws RangeError unless 0 <= from <= to and every tile is there, wide enough and well-formed
 */
export function consistencyProof(from: number, to: number, tiles: readonly Tile[]): Uint8Array[] {
  const places = tilesByPlace(tiles)
  return consistencyRanges(from, to).map((range) => rangeHash(range, places))
}

/**
 * Hash of the complete subtree over `span` neighbouring hashes (a power of two), taken from a
 * tile's bytes at hash number `offset`.
 */
export function subtreeHash(bytes: Uint8Array, offset: number, span: number): Uint8Array {
  if (span === 1) {
    // A copy: a view would keep the whole tile alive, and stored tiles arrive as Buffers.
    return new Uint8Array(bytes.subarray(offset * HASH_BYTES, (offset + 1) * HASH_BYTES))
  }
  const half = span / 2
  return nodeHash(subtreeHash(bytes, offset, half), subtreeHash(bytes, offset + half, half))
}

function inclusionRanges(index: number, size: number): Range[] {
  checkSize(size)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError('the index lies outside the tree')
  }
  const downwards: Range[] = []
  let { start, end }: Range = { start: 0, end: size }
  while (end - start > 1) {
    const split = start + splitPoint(end - start)
    if (index < split) {
      downwards.push({ start: split, end })
      end = split
    } else {
      downwards.push({ start, end: split })
      start = split
    }
  }
  return downwards.reverse()
}

/**
 * SUBPROOF of RFC 6962 §2.1.2, walked down from the root; the last range is the part of the old
 * tree that stayed whole.
 */
function consistencyRanges(from: number, to: number): Range[] {
  checkSize(from)
  checkSize(to)
  if (from > to) throw new RangeError('a tree does not shrink')
  if (from === 0 || from === to) return []
  const downwards: Range[] = []
  let { start, end }: Range = { start: 0, end: to }
  while (end !== from) {
    const split = start + splitPoint(end - start)
    if (from <= split) {
      downwards.push({ start: split, end })
      end = split
    } else {
      downwards.push({ start, end: split })
      start = split
    }
  }
  // Where the walk never went right, the subtree is the whole old tree, whose root the verifier
  // already has.
  if (start > 0) downwards.push({ start, end })
  return downwards.reverse()
}

/** Largest power of two below `n`, for n > 1. Not by shifts: sizes go beyond 32 bits. */
function splitPoint(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** The complete subtrees that make up a range, left (largest) to right (smallest). */
function slices({ start, end }: Range): Slice[] {
  const found: Slice[] = []
  for (let at = start; at < end;) {
    let height = 0
    while (2 ** (height + 1) <= end - at) height++
    const level = Math.floor(height / TILE_HEIGHT)
    const span = 2 ** (height % TILE_HEIGHT)
    const first = at / TILE_WIDTH ** level
    found.push({
      level,
      index: Math.floor(first / TILE_WIDTH),
      offset: first % TILE_WIDTH,
      span,
    })
    at += 2 ** height
  }
  return found
}

function tilesFor(ranges: readonly Range[], size: number): TileRef[] {
  const refs = new Map<string, TileRef>()
  for (const { level, index } of ranges.flatMap(slices)) {
    refs.set(`${level}/${index}`, { level, index, width: widthAt(level, index, size) })
  }
  return [...refs.values()].sort((a, b) => a.level - b.level || a.index - b.index)
}

/**
 * MTH of a range: complete subtrees joined from the right, as the uneven split of RFC 6962 asks.
 */
function rangeHash(range: Range, places: ReadonlyMap<string, Tile>): Uint8Array {
  return slices(range)
    .map(({ level, index, offset, span }) => {
      const tile = places.get(`${level}/${index}`)
      if (!tile || tile.width < offset + span) {
        throw new RangeError(`tile ${index} of level ${level} is missing or too narrow`)
      }
      return subtreeHash(tile.bytes, offset, span)
    })
    .reduceRight((right, left) => nodeHash(left, right))
}

/**
 * Tiles by level and index; of several widths of one tile the widest, of which the others are
 * prefixes.
 */
function tilesByPlace(tiles: readonly Tile[]): Map<string, Tile> {
  const places = new Map<string, Tile>()
  for (const tile of tiles) {
    if (tile.bytes.length !== tile.width * HASH_BYTES) {
      throw new RangeError(`tile ${tile.index} of level ${tile.level} is not as long as its width`)
    }
    const place = `${tile.level}/${tile.index}`
    if ((places.get(place)?.width ?? 0) < tile.width) places.set(place, tile)
  }
  return places
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('not a size of a tree')
}
