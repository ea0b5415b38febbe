/** Two checkpoints of one log, such as two people were shown: is the one the beginning of the other? */
import { encodeBase64 } from '../domain/log/base64.ts'
import { type Checkpoint, parseCheckpoint } from '../domain/log/checkpoint.ts'
import { equalBytes } from '../domain/log/hash.ts'
import { parseNote } from '../domain/log/note.ts'
import { type Tile, type TileRef, widthAt } from '../domain/log/tile.ts'
import { consistencyProof, rootAt, tilesForConsistency, tilesForRoot } from '../domain/log/tree.ts'
import { verifyConsistency } from '../domain/log/verify.ts'
import { ask, type Read, readTile } from './log-reader.ts'
import { Trouble, type VerifyFault, type VerifyHindrance } from './verify-report.ts'
import { openTrusted, type Trust } from './verify-trust.ts'

/** A checkpoint as somebody kept it. */
export interface CheckpointFile {
  /** What to call it. */
  readonly name: string
  readonly note: Uint8Array
}

/** What came of two checkpoints. */
export type ConsistencyReport =
  | {
      readonly ok: true
      readonly older: Checkpoint
      readonly newer: Checkpoint
      /** RFC 6962 §2.1.2, in base64: with the two checkpoints, all that somebody else needs. */
      readonly consistency: readonly string[]
    }
  | {
      readonly ok: false
      readonly code: VerifyHindrance | VerifyFault
      readonly at: string
      /** The two that contradict each other: both are signed, so they convict the log. */
      readonly contradiction?: readonly [Checkpoint, Checkpoint]
    }

/**
 * Compares two checkpoints that the log signed. Of one size, they must be the same; otherwise the
 * tiles of `read` prove that the smaller tree is the beginning of the larger, or that it is not.
 */
export async function verifyCheckpoints(
  files: readonly [CheckpointFile, CheckpointFile],
  trust: Trust,
  read?: Read,
): Promise<ConsistencyReport> {
  const [first, second] = files
  try {
    const a = { name: first.name, ...openTrusted(first.note, trust, first.name).checkpoint }
    const b = { name: second.name, ...openTrusted(second.note, trust, second.name).checkpoint }
    const [older, newer] = a.size <= b.size ? [a, b] : [b, a]
    return await compare(older, newer, read)
  } catch (error) {
    if (error instanceof Trouble) return { ok: false, code: error.code, at: error.at }
    throw error
  }
}

async function compare(
  older: Checkpoint & { readonly name: string },
  newer: Checkpoint & { readonly name: string },
  read: Read | undefined,
): Promise<ConsistencyReport> {
  const contradiction = [older, newer] as const
  const same = older.size === newer.size
  if (same && !equalBytes(older.root, newer.root))
    return { ok: false, code: 'two_trees', at: newer.name, contradiction }
  if (!same && older.size > 0 && !read) throw new Trouble('no_source', newer.name)

  const tiles = await tilesOfBoth(older.size, newer.size, same ? undefined : read)
  if (tiles.length > 0) {
    // Only tiles of the tree that the newer one signed can say anything about the older.
    if (!equalBytes(rootAt(newer.size, tiles), newer.root))
      throw new Trouble('source_differs', newer.name)
    if (!equalBytes(rootAt(older.size, tiles), older.root))
      return { ok: false, code: 'forked', at: older.name, contradiction }
  }
  const consistency = same ? [] : consistencyProof(older.size, newer.size, tiles)
  const [fromSize, fromRoot] = [older.size, older.root]
  const [toSize, toRoot] = [newer.size, newer.root]
  if (!verifyConsistency({ fromSize, fromRoot, toSize, toRoot, consistency }))
    return { ok: false, code: 'forked', at: older.name, contradiction }
  return { ok: true, older, newer, consistency: consistency.map(encodeBase64) }
}

/** The tiles, at their width in the newer tree, from which both roots and their proof are computed. */
async function tilesOfBoth(from: number, to: number, read: Read | undefined): Promise<Tile[]> {
  if (!read || from === 0) return []
  const wanted = new Map<string, TileRef>()
  const refs = [...tilesForRoot(from), ...tilesForRoot(to), ...tilesForConsistency(from, to)]
  for (const { level, index } of refs)
    wanted.set(`${level}/${index}`, { level, index, width: widthAt(level, index, to) })
  const size = await sizeSaid(read)
  return Promise.all([...wanted.values()].map((ref) => readTile(read, ref, size)))
}

/** How large the log says it is: where to look for its tiles, and nothing that is believed. */
async function sizeSaid(read: Read): Promise<number> {
  const note = await ask(read, 'checkpoint')
  const parsed = note && parseNote(note)
  return (parsed?.ok && parseCheckpoint(parsed.value.text)?.size) || 0
}
