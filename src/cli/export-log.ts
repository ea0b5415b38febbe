/**
 * `ostiary log export`: the whole public log as static files. Tiles are not copied but computed from
 * the entries, and nothing is promised before the root that they give is the one that was signed.
 */
import { join } from 'node:path'
import { type Edge, edgeAt, EMPTY_EDGE, edgeRoot, tilesForAppend } from '../domain/log/append.ts'
import { type Checkpoint, parseCheckpoint } from '../domain/log/checkpoint.ts'
import { ENTRY_BYTES } from '../domain/log/entry.ts'
import { equalBytes } from '../domain/log/hash.ts'
import { parseNote } from '../domain/log/note.ts'
import { replayBundle, replayMatches, startReplay } from '../domain/log/replay.ts'
import { bundlePath, type BundleRef, TILE_WIDTH, tilePath, widthAt } from '../domain/log/tile.ts'
import { type ExportDirectory, openExportDirectory } from './export-directory.ts'
import { ask, directoryReader, type Read, readBundle, readTile } from './log-reader.ts'
import { trustFrom } from './verify-log.ts'
import { Trouble, type VerifyFault, type VerifyHindrance } from './verify-report.ts'
import { openTrusted, trustIn, type TrustOptions } from './verify-trust.ts'

export interface ExportOptions {
  readonly read: Read
  readonly directory: string
  /** Whose signature the checkpoint must bear; absent: nothing is said about who signed it. */
  readonly trust?: TrustOptions
}

/** What came of an export. */
export type ExportReport =
  | {
      readonly ok: true
      readonly origin: string
      readonly size: number
      /** Entries that the folder held before. */
      readonly before: number
      /** How many of each were written. */
      readonly bundles: number
      readonly tiles: number
    }
  | { readonly ok: false; readonly code: VerifyHindrance | VerifyFault; readonly at: string }

/**
 * Brings the folder up to the published log. What it holds already is not read again, except at its
 * edge; the checkpoint is written last, so a run that ends early leaves the export as it was, or
 * none. Memory does not grow with the log.
 */
export async function exportLog(options: ExportOptions): Promise<ExportReport> {
  try {
    return await bringUp(options)
  } catch (error) {
    if (error instanceof Trouble) return { ok: false, code: error.code, at: error.at }
    throw error
  }
}

async function bringUp({ read, directory, trust }: ExportOptions): Promise<ExportReport> {
  const note = await ask(read, 'checkpoint')
  if (!note) throw new Trouble('nothing_published', 'checkpoint')
  const checkpoint = trust
    ? openTrusted(note, await trustFrom(read, trustIn(trust)), 'checkpoint').checkpoint
    : unverified(note, 'checkpoint')
  const kept = directoryReader(directory)
  const edge = await edgeOf(kept, checkpoint, directory)
  const into = await openExportDirectory(directory)
  const written = await writeGrowth(read, into, { checkpoint, edge })
  // After the checkpoint was read, so that they name every key that signed it.
  for (const path of ['vkey', 'vkeys']) {
    const bytes = await ask(read, path)
    if (bytes) await into.write(path, bytes)
  }
  await into.settle()
  await into.write('checkpoint', note)
  await into.settle()
  await into.tidy()
  const { origin, size } = checkpoint
  return { ok: true, origin, size, before: edge.size, ...written }
}

/** The tree that the folder holds, if the new one can be its continuation. */
async function edgeOf(kept: Read, { origin, size }: Checkpoint, directory: string): Promise<Edge> {
  const note = await ask(kept, 'checkpoint')
  if (!note) return EMPTY_EDGE
  const at = join(directory, 'checkpoint')
  const before = unverified(note, at)
  if (before.origin !== origin) throw new Trouble('wrong_origin', at)
  if (before.size > size) throw new Trouble('shrunk', 'checkpoint')
  const refs = tilesForAppend(before.size)
  const tiles = await Promise.all(refs.map((ref) => readTile(kept, ref, before.size))).catch(
    (error: unknown) => {
      throw error instanceof Trouble
        ? new Trouble('export_damaged', join(directory, error.at))
        : error
    },
  )
  const edge = edgeAt(before.size, tiles)
  if (!equalBytes(edgeRoot(edge), before.root)) throw new Trouble('export_damaged', at)
  return edge
}

/** Writes every bundle and tile that is new since the edge, and compares the root. */
async function writeGrowth(
  read: Read,
  into: ExportDirectory,
  { checkpoint: { size, root }, edge }: { readonly checkpoint: Checkpoint; readonly edge: Edge },
): Promise<{ bundles: number; tiles: number }> {
  const written = { bundles: 0, tiles: 0 }
  let replay = startReplay(size, edge)
  for await (const { ref, bytes } of bundlesAhead(read, edge.size, size)) {
    const path = bundlePath(ref)
    const step = replayBundle(replay, bytes)
    if (!step.ok) throw new Trouble(step.reason, path)
    const { tiles, entries } = step.value
    if (entries.some(({ length }) => length !== ENTRY_BYTES))
      throw new Trouble('malformed_entry', path)
    await Promise.all([
      into.write(path, bytes),
      ...tiles.map((tile) => into.write(tilePath(tile), tile.bytes)),
    ])
    written.bundles += 1
    written.tiles += tiles.length
    replay = step.value.replay
  }
  if (!replayMatches(replay, root))
    throw new Trouble(edge.size === size ? 'two_trees' : 'root_differs', 'checkpoint')
  return written
}

/** Bundles that are asked for before their turn; so many are in memory at most. */
const AHEAD = 8

/** The bundles that a log of `from` entries lacks or has too narrow, in order. */
async function* bundlesAhead(
  read: Read,
  from: number,
  to: number,
): AsyncGenerator<{ readonly ref: BundleRef; readonly bytes: Uint8Array }> {
  const refs = growthOf(from, to)
  const asked: Promise<{ ref: BundleRef; bytes: Uint8Array }>[] = []
  const askNext = () => {
    const next = refs.next()
    if (next.done) return
    const ref = next.value
    const answer = readBundle(read, ref, to).then((bytes) => ({ ref, bytes }))
    // It may fail before its turn has come; then it is heard of in its turn, or nobody asks any more.
    answer.catch(() => undefined)
    asked.push(answer)
  }
  for (let i = 0; i < AHEAD; i++) askNext()
  for (let answer = asked.shift(); answer; answer = asked.shift()) {
    yield await answer
    askNext()
  }
}

function* growthOf(from: number, to: number): Generator<BundleRef, undefined> {
  if (from >= to) return
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++)
    yield { index, width: widthAt(0, index, to) }
}

function unverified(note: Uint8Array, at: string): Checkpoint {
  const parsed = parseNote(note)
  if (!parsed.ok) throw new Trouble(parsed.reason, at)
  const checkpoint = parseCheckpoint(parsed.value.text)
  if (!checkpoint) throw new Trouble('malformed_checkpoint', at)
  return checkpoint
}
