/**
 * Checking a log from outside with nothing but its verifier key: what `ostiary log verify` does. The
 * server is not trusted; everything it says is computed again (https://c2sp.org/tlog-tiles; RFC 6962
 * §2.1).
 */
import { type Edge, EMPTY_EDGE } from '../domain/log/append.ts'
import { encodeBase64 } from '../domain/log/base64.ts'
import type { Checkpoint } from '../domain/log/checkpoint.ts'
import { ENTRY_BYTES } from '../domain/log/entry.ts'
import { equalBytes } from '../domain/log/hash.ts'
import {
  nextBundle,
  type Replay,
  replayBundle,
  replayMatches,
  startReplay,
} from '../domain/log/replay.ts'
import { bundlePath, type Tile, tilePath } from '../domain/log/tile.ts'
import { ask, type Read, readBundle, readTile } from './log-reader.ts'
import {
  type ExitCode,
  exitCodeFor,
  Trouble,
  type VerifyFault,
  type VerifyHindrance,
} from './verify-report.ts'
import { openTrusted, type Trust, trustIn, type TrustOptions, withHistory } from './verify-trust.ts'

export interface VerifyOptions extends TrustOptions {
  readonly read: Read
  /** Checkpoints known from before, such as those in receipts: the log must still hold what they signed. */
  readonly known?: readonly Checkpoint[]
}

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
      /** Keys that were learnt from the log's own history, beyond those that were given. */
      readonly learnt: readonly string[]
      /** Witnesses that cosigned the checkpoint, of those that were given; by name. */
      readonly cosigned: readonly string[]
    }
  | {
      readonly ok: false
      readonly code: VerifyHindrance | VerifyFault
      /** Path below the log's prefix at which it was noticed. */
      readonly at: string
    }

/** Exit code of a command that found this: 0 right, 1 the log is at fault, 2 it could not be checked. */
export function exitCodeOf(report: VerifyReport): ExitCode {
  return report.ok ? 0 : exitCodeFor(report.code)
}

/**
 * Reads the whole log and checks it: the signatures, every entry, every tile, the root, and that what
 * earlier checkpoints signed is still its beginning.
 */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const { read, known = [] } = options
  try {
    return await readThrough(read, trustIn(options), known)
  } catch (error) {
    if (error instanceof Trouble) return { ok: false, code: error.code, at: error.at }
    throw error
  }
}

/** The trust that somebody brings along, with what a log tells of its own keys. Throws {@link Trouble}. */
export async function trustFrom(read: Read, trust: Trust): Promise<Trust> {
  const history = await ask(read, 'vkeys')
  return history ? withHistory(trust, history, 'vkeys') : trust
}

async function readThrough(
  read: Read,
  given: Trust,
  known: readonly Checkpoint[],
): Promise<VerifyReport> {
  const note = await ask(read, 'checkpoint')
  if (!note) throw new Trouble('nothing_published', 'checkpoint')
  // After the checkpoint: a history that is newer than that names its keys too.
  const trust = await trustFrom(read, given)
  const { checkpoint, note: opened } = openTrusted(note, trust, 'checkpoint')
  if (known.some(({ size }) => size > checkpoint.size)) throw new Trouble('shrunk', 'checkpoint')

  const counts = { bundles: 0, tiles: 0 }
  const from = { read, size: checkpoint.size }
  let edge = EMPTY_EDGE
  for (const stop of known.toSorted((a, b) => a.size - b.size))
    edge = await readTo(from, stop, edge, { counts, otherwise: 'forked' })
  await readTo(from, checkpoint, edge, { counts, otherwise: 'root_differs' })
  const { origin, size, root } = checkpoint
  const { vkeys, witnesses, periods = [] } = trust
  return {
    ok: true,
    origin,
    size,
    root: encodeBase64(root),
    ...counts,
    known: known.length,
    learnt: periods.map(({ vkey }) => vkey).filter((vkey) => !vkeys.includes(vkey)),
    cosigned: witnesses
      .filter(({ name, keyId }) =>
        opened.signatures.some((line) => line.name === name && line.keyId === keyId),
      )
      .map(({ name }) => name),
  }
}

/** A log and the size up to which it is read, whose partial tiles it serves. */
interface Served {
  readonly read: Read
  readonly size: number
}

/** Goes on reading from an edge up to a checkpoint, and compares the root there. */
async function readTo(
  from: Served,
  { size, root }: Checkpoint,
  edge: Edge,
  { counts, otherwise }: { counts: { bundles: number; tiles: number }; otherwise: VerifyFault },
): Promise<Edge> {
  let replay: Replay = startReplay(size, edge)
  for (let ref = nextBundle(replay); ref; ref = nextBundle(replay)) {
    const path = bundlePath(ref)
    const step = replayBundle(replay, await readBundle(from.read, ref, from.size))
    if (!step.ok) throw new Trouble(step.reason, path)
    if (step.value.entries.some(({ length }) => length !== ENTRY_BYTES))
      throw new Trouble('malformed_entry', path)
    await Promise.all(step.value.tiles.map((tile) => compareTile(from, tile)))
    counts.bundles += 1
    counts.tiles += step.value.tiles.length
    replay = step.value.replay
  }
  if (!replayMatches(replay, root)) throw new Trouble(otherwise, 'checkpoint')
  return replay.edge
}

async function compareTile({ read, size }: Served, tile: Tile): Promise<void> {
  const { bytes } = await readTile(read, tile, size)
  if (!equalBytes(bytes, tile.bytes)) throw new Trouble('tile_differs', tilePath(tile))
}
