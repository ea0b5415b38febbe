// Reading a log again from its entries, as a monitor does: https://c2sp.org/tlog-tiles, section
// "Log entries". The caller fetches; this says what to fetch next and what every tile must then be.
import { appendLeaves, type Edge, EMPTY_EDGE, edgeRoot } from './append.ts'
import { decodeBundle } from './bundle.ts'
import { equalBytes, HASH_BYTES, leafHash } from './hash.ts'
import type { Outcome } from './outcome.ts'
import { type BundleRef, TILE_WIDTH, type Tile, widthAt } from './tile.ts'

/**
 * How far a log has been read: the tree over the entries seen so far, on the way to `size` entries.
 */
export type Replay = { readonly size: number; readonly edge: Edge }

/** One bundle read. */
export type ReplayStep = {
  /** How far the log has now been read. */
  readonly replay: Replay
  /** Number of the first of `entries`. */
  readonly first: number
  /** The entries that were new. */
  readonly entries: readonly Uint8Array[]
  /**
   * Tiles that the log must serve, byte for byte, at its size. A replay from the start hands out
   * each of `tilesOf(size)` exactly once.
   */
  readonly tiles: readonly Tile[]
}

/**
 * `malformed_bundle`: not the entries that the width says. `rewritten`: an entry differs from what
 * was read before.
 */
export type ReplayFailure = 'malformed_bundle' | 'rewritten'

/**
 * Starts to read a log up to `size`, the size of a checkpoint that was verified. A monitor that
 * goes on where it stopped passes the edge it kept (`replay.edge`).
 *
 * @throws RangeError when the edge is already beyond `size`: the log shrank, or the checkpoint is
 *   an old one
 */
export function startReplay(size: number, edge: Edge = EMPTY_EDGE): Replay {
  if (!Number.isSafeInteger(size) || size < edge.size)
    throw new RangeError('a tree does not shrink')
  return { size, edge }
}

/** The bundle to fetch next, or undefined when all entries up to `size` have been read. */
export function nextBundle({ size, edge }: Replay): BundleRef | undefined {
  if (edge.size >= size) return undefined
  const index = Math.floor(edge.size / TILE_WIDTH)
  return { index, width: widthAt(0, index, size) }
}

/**
 * Reads the bundle that {@link nextBundle} named.
 *
 * @param bytes the bundle at exactly that width, decompressed
 * @throws RangeError when there is no next bundle
 */
export function replayBundle(
  replay: Replay,
  bytes: Uint8Array,
): Outcome<ReplayStep, ReplayFailure> {
  const bundle = nextBundle(replay)
  if (!bundle) throw new RangeError('the replay is over')
  const entries = decodeBundle(bytes, bundle.width)
  if (!entries) return { ok: false, reason: 'malformed_bundle' }

  const { size, edge } = replay
  const hashes = entries.map(leafHash)
  const seen = edge.size - bundle.index * TILE_WIDTH
  if (!beginsWith(hashes, seen, edge)) return { ok: false, reason: 'rewritten' }

  const growth = appendLeaves(edge, hashes.slice(seen))
  // A tile above may still grow in later steps; then it is handed out once it has its final width.
  const tiles = growth.tiles.filter((tile) => tile.width === widthAt(tile.level, tile.index, size))
  return {
    ok: true,
    value: {
      replay: { size, edge: growth.edge },
      first: edge.size,
      entries: entries.slice(seen),
      tiles,
    },
  }
}

/**
 * Whether all entries were read and their tree has the root that the checkpoint of this size
 * signed.
 */
export function replayMatches({ size, edge }: Replay, root: Uint8Array): boolean {
  return edge.size === size && equalBytes(edgeRoot(edge), root)
}

/** Whether the first `seen` hashes are those of the edge's partial leaf tile. */
function beginsWith(hashes: readonly Uint8Array[], seen: number, edge: Edge): boolean {
  const known = edge.tiles.find((tile) => tile.level === 0)?.bytes ?? new Uint8Array(0)
  return hashes
    .slice(0, seen)
    .every((hash, i) => equalBytes(hash, known.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)))
}
