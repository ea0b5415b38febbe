// Growing a tree: the tiles that https://c2sp.org/tlog-tiles asks for, from the right edge and a
// batch of RFC 6962 leaf hashes.
import { HASH_BYTES } from './hash.ts'
import { rootAt, subtreeHash } from './tree.ts'
import { hashesAt, narrowTile, TILE_WIDTH, type Tile, type TileRef, widthAt } from './tile.ts'

/**
 * All that a tree must remember in order to grow: its size and its partial tiles, at most one per
 * level (7 for any size that fits a safe integer, each at most 8160 bytes).
 */
export type Edge = { readonly size: number; readonly tiles: readonly Tile[] }

/**
 * What a batch changes: the new edge, and each tile that is new or wider than before, by level and
 * index.
 */
export type Growth = { readonly edge: Edge; readonly tiles: readonly Tile[] }

/** The edge of the tree without entries. */
export const EMPTY_EDGE: Edge = Object.freeze({ size: 0, tiles: Object.freeze([]) })

/**
 * The partial tiles of a tree of `size` entries: what has to be read before a batch can be
 * appended.
 */
export function tilesForAppend(size: number): TileRef[] {
  const refs: TileRef[] = []
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const index = Math.floor(hashesAt(level, size) / TILE_WIDTH)
    const width = widthAt(level, index, size)
    if (width > 0) refs.push({ level, index, width })
  }
  return refs
}

/**
 * Puts the edge of a tree together from stored tiles. Wider tiles are cut to what they were at
 * `size`. Compare {@link edgeRoot} with the last signed checkpoint before appending: tiles that
 * were tampered with show there.
 *
 * @param tiles at least those of `tilesForAppend(size)`, in any order
 * @throws RangeError when a tile is missing, too narrow, or not as long as its width says
 */
export function edgeAt(size: number, tiles: readonly Tile[]): Edge {
  const edge = tilesForAppend(size).map((ref) => {
    const tile = tiles.find(
      ({ level, index, width }) => level === ref.level && index === ref.index && width >= ref.width,
    )
    if (!tile || tile.bytes.length !== tile.width * HASH_BYTES) {
      throw new RangeError(`tile ${ref.index} of level ${ref.level} is missing or not whole`)
    }
    return narrowTile(tile, ref.width)
  })
  return { size, tiles: edge }
}

/** Root of the tree with this edge. */
export function edgeRoot(edge: Edge): Uint8Array {
  return rootAt(edge.size, edge.tiles)
}

/**
 * Appends leaf hashes, in order; the first becomes entry number `edge.size`.
 *
 * The tiles returned replace narrower ones of the same level and index, of which they are
 * continuations. A partial tile is never hashed into the level above.
 *
 * @throws RangeError when a hash does not have 32 bytes or the edge lacks a tile
 */
export function appendLeaves(edge: Edge, leafHashes: readonly Uint8Array[]): Growth {
  if (leafHashes.some((hash) => hash.length !== HASH_BYTES)) {
    throw new RangeError('a leaf hash has 32 bytes')
  }
  const size = edge.size + leafHashes.length
  if (!Number.isSafeInteger(size)) throw new RangeError('the tree is full')

  const tiles: Tile[] = []
  let added = leafHashes
  let level = 0
  for (; added.length > 0; level++) {
    const widened = widen(edge, level, added)
    tiles.push(...widened)
    added = widened
      .filter((tile) => tile.width === TILE_WIDTH)
      .map((tile) => subtreeHash(tile.bytes, 0, TILE_WIDTH))
  }
  const untouched = edge.tiles.filter((tile) => tile.level >= level)
  const partial = tiles.filter((tile) => tile.width < TILE_WIDTH)
  return { edge: { size, tiles: [...partial, ...untouched] }, tiles }
}

/**
 * The tiles of one level that `hashes` fill or begin, starting with what the edge holds of that
 * level.
 */
function widen(edge: Edge, level: number, hashes: readonly Uint8Array[]): Tile[] {
  const before = hashesAt(level, edge.size)
  const first = Math.floor(before / TILE_WIDTH)
  const kept = before % TILE_WIDTH
  const old = edge.tiles.find((tile) => tile.level === level)?.bytes ?? new Uint8Array(0)
  if (old.length !== kept * HASH_BYTES) {
    throw new RangeError(`the edge lacks its tile of level ${level}`)
  }
  const all = new Uint8Array((kept + hashes.length) * HASH_BYTES)
  all.set(old)
  hashes.forEach((hash, i) => all.set(hash, (kept + i) * HASH_BYTES))

  const tiles: Tile[] = []
  const step = TILE_WIDTH * HASH_BYTES
  for (let at = 0; at < all.length; at += step) {
    const bytes = all.slice(at, at + step)
    tiles.push({ level, index: first + at / step, width: bytes.length / HASH_BYTES, bytes })
  }
  return tiles
}
