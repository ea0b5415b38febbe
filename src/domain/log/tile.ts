// Tiles and entry bundles: https://c2sp.org/tlog-tiles, sections "Merkle Tree", "Partial Tiles" and
// "Log entries".
import { HASH_BYTES } from './hash.ts'

/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256

/** Tree levels that one tile spans: 2^8 = 256. */
export const TILE_HEIGHT = 8

/**
 * Which tile: `level` 0 holds leaf hashes; `index` counts from the left; `width` is 1 to 256
 * hashes, 256 means full.
 */
export type TileRef = { readonly level: number; readonly index: number; readonly width: number }

/** A tile with its content: `width` hashes of 32 bytes, left to right. */
export type Tile = TileRef & { readonly bytes: Uint8Array }

/**
 * Which entry bundle: `index` counts from the left; `width` is 1 to 256 entries, 256 means full.
 */
export type BundleRef = { readonly index: number; readonly width: number }

/** What a path below the log's prefix names. */
export type Resource = ({ kind: 'tile' } & TileRef) | ({ kind: 'entries' } & BundleRef)

const MAX_LEVEL = 63

/**
 * How many hashes tile `index` of `level` has in a tree of `size` entries: 0 (it does not exist) to
 * 256 (full). A server must not hand out a tile or bundle wider than this for its published size;
 * bundles count as level 0.
 */
export function widthAt(level: number, index: number, size: number): number {
  const hashes = hashesAt(level, size)
  return Math.min(TILE_WIDTH, Math.max(0, hashes - index * TILE_WIDTH))
}

/**
 * How many hashes all tiles of `level` hold together in a tree of `size` entries: floor(size /
 * 256^level).
 */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/**
 * Every tile of a tree of `size` entries, level by level, left to right, each at its width for that
 * size.
 */
export function* tilesOf(size: number): Generator<TileRef> {
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    for (const bundle of bundlesOf(hashesAt(level, size))) yield { level, ...bundle }
  }
}

/**
 * Every entry bundle of a tree of `size` entries, left to right, each at its width for that size.
 */
export function* bundlesOf(size: number): Generator<BundleRef> {
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    yield { index, width: widthAt(0, index, size) }
  }
}

/**
 * A tile from bytes that came from outside, or undefined unless they are exactly as long as the
 * width says.
 */
export function tileFrom(ref: TileRef, bytes: Uint8Array): Tile | undefined {
  return bytes.length === ref.width * HASH_BYTES ? { ...ref, bytes } : undefined
}

/**
 * The tile as it was when it had `width` hashes: its beginning. So it is enough to store the widest
 * version of a tile.
 *
 * @throws RangeError when the tile is narrower than that
 */
export function narrowTile(tile: Tile, width: number): Tile {
  if (width > tile.width) {
    throw new RangeError(`tile ${tile.index} of level ${tile.level} is too narrow`)
  }
  const { level, index, bytes } = tile
  return { level, index, width, bytes: bytes.subarray(0, width * HASH_BYTES) }
}

/** Path of a tile below the log's prefix, such as `tile/0/x001/x234/067` or `tile/1/000.p/17`. */
export function tilePath(tile: TileRef): string {
  return `tile/${tile.level}/${nPath(tile)}`
}

/**
 * Path of an entry bundle below the log's prefix, such as `tile/entries/x001/000` or
 * `tile/entries/000.p/8`.
 */
export function bundlePath(bundle: BundleRef): string {
  return `tile/entries/${nPath(bundle)}`
}

/**
 * Reads a path as {@link tilePath} or {@link bundlePath} writes it, and nothing else: every tile
 * has one spelling.
 *
 * @returns what it names (which may still be beyond the tree: see {@link widthAt}), or undefined
 */
export function parseTilePath(path: string): Resource | undefined {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path)
  if (!match) return undefined
  const [, kind = '', groups = '', partial] = match
  const index = Number(groups.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  const level = kind === 'entries' ? 0 : Number(kind)
  if (!Number.isSafeInteger(index) || level > MAX_LEVEL) return undefined
  if (partial !== undefined && (width < 1 || width >= TILE_WIDTH)) return undefined

  // Writing it again refuses superfluous zeros anywhere: `tile/00/000`, `x000/001`, `.p/08`.
  const resource: Resource =
    kind === 'entries' ? { kind: 'entries', index, width } : { kind: 'tile', level, index, width }
  const spelling = resource.kind === 'tile' ? tilePath(resource) : bundlePath(resource)
  return spelling === path ? resource : undefined
}

/**
 * N in groups of three digits, all but the last with an `x` before, and `.p/W` if the width is
 * partial.
 */
function nPath({ index, width }: BundleRef): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError('not an index of a tile')
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new RangeError('not a width of a tile')
  }
  const groups = [threeDigits(index % 1000)]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${threeDigits(rest % 1000)}`)
  }
  return groups.join('/') + (width < TILE_WIDTH ? `.p/${width}` : '')
}

function threeDigits(n: number): string {
  return String(n).padStart(3, '0')
}
