/**
 * Checking a log from outside with nothing but its verifier key: what `ostiary log verify` does. The
 * server is not trusted; everything it says is computed again (https://c2sp.org/tlog-tiles; RFC 6962
 * §2.1).
 */
import { type Edge, EMPTY_EDGE } from '../domain/log/append.ts'
import { encodeBase64 } from '../domain/log/base64.ts'
import { type Bundle, narrowBundle } from '../domain/log/bundle.ts'
import {
  type Checkpoint,
  type CheckpointFailure,
  type LogIdentity,
  logIdentity,
  openCheckpoint,
} from '../domain/log/checkpoint.ts'
import { ENTRY_BYTES } from '../domain/log/entry.ts'
import { equalBytes } from '../domain/log/hash.ts'
import {
  nextBundle,
  type Replay,
  replayBundle,
  replayMatches,
  startReplay,
} from '../domain/log/replay.ts'
import {
  bundlePath,
  type BundleRef,
  narrowTile,
  type Tile,
  TILE_WIDTH,
  tileFrom,
  tilePath,
} from '../domain/log/tile.ts'

/**
 * Fetches what lies under a path below the log's prefix, such as `checkpoint` or `tile/0/000`;
 * undefined where the log says that there is nothing. Rejects when it could not be asked.
 */
export type Read = (path: string) => Promise<Uint8Array | undefined>

export interface VerifyOptions {
  readonly read: Read
  readonly vkey: string
  /** Checkpoints known from before, such as those in receipts: the log must still hold what they signed. */
  readonly known?: readonly Checkpoint[]
}

/** Why a log could not be checked: nothing is said against it. */
export type VerifyHindrance = 'malformed_vkey' | 'unreachable' | 'nothing_published'

/** Why a log does not hold what it signed. */
export type VerifyFault =
  | CheckpointFailure
  /** Something that the checkpoint promises is not served. */
  | 'missing'
  | 'malformed_bundle'
  /** An entry does not have the 64 bytes of every entry. */
  | 'malformed_entry'
  /** An entry is no longer the one that was read under an earlier checkpoint. */
  | 'rewritten'
  /** A tile is not the one that its entries give. */
  | 'tile_differs'
  /** The entries are not those whose root the checkpoint signed. */
  | 'root_differs'
  /** The checkpoint is older than one that was known before. */
  | 'shrunk'
  /** The tree of an earlier checkpoint is not the beginning of this one: the log was forked. */
  | 'forked'

/** What came of it. Byte strings in base64. */
export type VerifyReport =
  | {
      readonly ok: true
      readonly origin: string
      readonly size: number
      readonly root: string
      /** How many of each were read and found right. */
      readonly bundles: number
      readonly tiles: number
      /** How many earlier checkpoints were found to be its beginning. */
      readonly known: number
    }
  | {
      readonly ok: false
      readonly code: VerifyHindrance | VerifyFault
      /** Path below the log's prefix at which it was noticed. */
      readonly at: string
    }

/** Exit code of a command that found this: 0 right, 1 the log is at fault, 2 it could not be checked. */
export function exitCodeOf(report: VerifyReport): 0 | 1 | 2 {
  if (report.ok) return 0
  return HINDRANCES.has(report.code) ? 2 : 1
}

const HINDRANCES: ReadonlySet<string> = new Set<VerifyHindrance>([
  'malformed_vkey',
  'unreachable',
  'nothing_published',
])

/**
 * Reads the whole log and checks it: the signature, every entry, every tile, the root, and that what
 * earlier checkpoints signed is still its beginning.
 */
export async function verifyLog({ read, vkey, known = [] }: VerifyOptions): Promise<VerifyReport> {
  const log = logIdentity(vkey)
  if (!log) return { ok: false, code: 'malformed_vkey', at: '' }
  try {
    return await readThrough(read, log, known)
  } catch (error) {
    if (error instanceof Trouble) return { ok: false, code: error.code, at: error.at }
    throw error
  }
}

/** Ends the reading; never leaves this file. */
class Trouble extends Error {
  readonly code: VerifyHindrance | VerifyFault
  readonly at: string

  constructor(code: VerifyHindrance | VerifyFault, at: string) {
    super(code)
    this.code = code
    this.at = at
  }
}

async function readThrough(
  read: Read,
  log: LogIdentity,
  known: readonly Checkpoint[],
): Promise<VerifyReport> {
  const note = await ask(read, 'checkpoint')
  if (!note) throw new Trouble('nothing_published', 'checkpoint')
  const opened = openCheckpoint(note, log)
  if (!opened.ok) throw new Trouble(opened.reason, 'checkpoint')
  const { checkpoint } = opened.value
  if (known.some(({ size }) => size > checkpoint.size)) throw new Trouble('shrunk', 'checkpoint')

  const counts = { bundles: 0, tiles: 0 }
  let edge = EMPTY_EDGE
  for (const stop of known.toSorted((a, b) => a.size - b.size))
    edge = await readTo(read, stop, edge, { counts, otherwise: 'forked' })
  await readTo(read, checkpoint, edge, { counts, otherwise: 'root_differs' })
  const { origin, size, root } = checkpoint
  return { ok: true, origin, size, root: encodeBase64(root), ...counts, known: known.length }
}

/** Goes on reading from an edge up to a checkpoint, and compares the root there. */
async function readTo(
  read: Read,
  { size, root }: Checkpoint,
  edge: Edge,
  { counts, otherwise }: { counts: { bundles: number; tiles: number }; otherwise: VerifyFault },
): Promise<Edge> {
  let replay: Replay = startReplay(size, edge)
  for (let ref = nextBundle(replay); ref; ref = nextBundle(replay)) {
    const path = bundlePath(ref)
    const step = replayBundle(replay, await readBundle(read, ref))
    if (!step.ok) throw new Trouble(step.reason, path)
    if (step.value.entries.some(({ length }) => length !== ENTRY_BYTES))
      throw new Trouble('malformed_entry', path)
    await Promise.all(step.value.tiles.map((tile) => compareTile(read, tile)))
    counts.bundles += 1
    counts.tiles += step.value.tiles.length
    replay = step.value.replay
  }
  if (!replayMatches(replay, root)) throw new Trouble(otherwise, 'checkpoint')
  return replay.edge
}

async function readBundle(read: Read, ref: BundleRef): Promise<Uint8Array> {
  const path = bundlePath(ref)
  const bytes = await ask(read, path)
  if (bytes) return bytes
  // A log may drop partial bundles once there is the full one.
  const full = { ...ref, width: TILE_WIDTH }
  const whole = ref.width < TILE_WIDTH ? await ask(read, bundlePath(full)) : undefined
  if (!whole) throw new Trouble('missing', path)
  return cut({ ...full, bytes: whole }, ref.width, path)
}

function cut(bundle: Bundle, width: number, path: string): Uint8Array {
  try {
    return narrowBundle(bundle, width).bytes
  } catch (error) {
    if (error instanceof RangeError) throw new Trouble('malformed_bundle', path)
    throw error
  }
}

async function compareTile(read: Read, tile: Tile): Promise<void> {
  const path = tilePath(tile)
  let bytes = await ask(read, path)
  if (!bytes && tile.width < TILE_WIDTH) {
    const full = { ...tile, width: TILE_WIDTH }
    const whole = await ask(read, tilePath(full))
    const wide = whole && tileFrom(full, whole)
    bytes = wide && narrowTile(wide, tile.width).bytes
  }
  if (!bytes) throw new Trouble('missing', path)
  if (!equalBytes(bytes, tile.bytes)) throw new Trouble('tile_differs', path)
}

async function ask(read: Read, path: string): Promise<Uint8Array | undefined> {
  try {
    return await read(path)
  } catch {
    throw new Trouble('unreachable', path)
  }
}
