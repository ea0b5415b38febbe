// One step of the log's life: what is stored is checked against the last signed checkpoint, and only
// then continued and signed anew (c2sp.org/tlog-tiles, "Log entries" and "Merkle Tree";
// c2sp.org/tlog-checkpoint). Whoever signs two trees of which none continues the other has broken the
// log for ever, so in doubt nothing is signed.
import { appendLeaves, type Edge, edgeAt, EMPTY_EDGE, edgeRoot, tilesForAppend } from './append.ts'
import { appendEntries, type Bundle, bundleForAppend, decodeBundle } from './bundle.ts'
import { type LogIdentity, openCheckpoint, signCheckpoint } from './checkpoint.ts'
import { equalBytes, HASH_BYTES, leafHash } from './hash.ts'
import type { Outcome } from './outcome.ts'
import type { Tile } from './tile.ts'
import type { NoteKey } from './vkey.ts'

/** What is stored of a log's right edge: all that has to be read before a batch can be appended. */
export type StoredHead = {
  /** The newest checkpoint; undefined before the first. */
  readonly checkpoint:
    { readonly size: number; readonly root: Uint8Array; readonly note: string } | undefined
  /** The tiles of `tilesForAppend(size)`, as wide as they are stored. */
  readonly tiles: readonly Tile[]
  /** The bundle of `bundleForAppend(size)`, as wide as it is stored. */
  readonly bundle: Bundle | undefined
}

/** A right edge that is the one of the last signed checkpoint. */
export type Head = { readonly edge: Edge; readonly bundle: Bundle | undefined }

/** Why a log must not be continued: somebody or something changed what was published. */
export type LogFault =
  /** There are tiles or entries, but no checkpoint. */
  | 'checkpoint_missing'
  /** The newest checkpoint is older than one this process has published or seen, or another one. */
  | 'checkpoint_rolled_back'
  /** No key of the log's own signed it, or its note says another size or root than its row. */
  | 'checkpoint_forged'
  /** A tile of the edge is missing, of another width, or not the one that was signed. */
  | 'tiles_damaged'
  /** The last bundle is missing, of another width, or its entries are not those of the tiles. */
  | 'bundle_damaged'

/**
 * Checks what is stored against the checkpoint, and that against the log's own keys.
 *
 * @returns the head to continue; a log without checkpoint is empty
 */
export function openHead(stored: StoredHead, log: LogIdentity): Outcome<Head, LogFault> {
  const { checkpoint, tiles, bundle } = stored
  if (!checkpoint) return { ok: true, value: { edge: EMPTY_EDGE, bundle: undefined } }
  const opened = openCheckpoint(checkpoint.note, log)
  if (
    !opened.ok ||
    opened.value.checkpoint.size !== checkpoint.size ||
    !equalBytes(opened.value.checkpoint.root, checkpoint.root)
  )
    return { ok: false, reason: 'checkpoint_forged' }

  const edge = openEdge(checkpoint.size, tiles)
  if (!edge || !equalBytes(edgeRoot(edge), checkpoint.root))
    return { ok: false, reason: 'tiles_damaged' }
  if (!continues(bundle, edge)) return { ok: false, reason: 'bundle_damaged' }
  return { ok: true, value: { edge, bundle } }
}

/** The log after one batch: everything that has to be stored together or not at all. */
export type Appended = {
  readonly size: number
  readonly root: Uint8Array
  /** The signed checkpoint. */
  readonly note: string
  readonly tiles: readonly Tile[]
  readonly bundles: readonly Bundle[]
}

/**
 * Continues the log by `entries`, in this order, and signs. The first becomes entry number
 * `head.edge.size`.
 *
 * @param entries at least one: a checkpoint of the same size would say nothing new
 * @param keys each signs; at least one
 * @throws RangeError when there is none, one is over 65535 bytes, or the tree is full
 */
export function appendBatch(
  head: Head,
  entries: readonly Uint8Array[],
  log: Pick<LogIdentity, 'origin'>,
  keys: readonly NoteKey[],
): Appended {
  if (entries.length === 0) throw new RangeError('an empty batch')
  const bundles = appendEntries(head.edge.size, head.bundle, entries)
  const growth = appendLeaves(head.edge, entries.map(leafHash))
  const { size } = growth.edge
  const root = edgeRoot(growth.edge)
  const note = signCheckpoint({ origin: log.origin, size, root, extensions: [] }, ...keys)
  return { size, root, note, tiles: growth.tiles, bundles }
}

/** The edge, if every tile is there with exactly the width that the size asks for. */
function openEdge(size: number, tiles: readonly Tile[]): Edge | undefined {
  const exact = tilesForAppend(size).every((ref) =>
    tiles.some(
      ({ level, index, width, bytes }) =>
        level === ref.level &&
        index === ref.index &&
        width === ref.width &&
        bytes.length === width * HASH_BYTES,
    ),
  )
  return exact ? edgeAt(size, tiles) : undefined
}

/** Whether the bundle is the one at the edge: its entries hash to the partial leaf tile. */
function continues(bundle: Bundle | undefined, edge: Edge): boolean {
  const wanted = bundleForAppend(edge.size)
  if (!wanted) return bundle === undefined
  if (bundle?.index !== wanted.index || bundle.width !== wanted.width) return false
  const hashes = edge.tiles.find(({ level }) => level === 0)?.bytes
  const entries = decodeBundle(bundle.bytes, bundle.width)
  if (!hashes || !entries) return false
  return entries.every((entry, i) =>
    equalBytes(leafHash(entry), hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
  )
}
