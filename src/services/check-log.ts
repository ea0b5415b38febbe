/** The part of the self-check that walks the log from its first leaf to its last. */
import { isCosignature } from '../domain/integrity/check-cosignature.ts'
import {
  checkTick,
  isAnchorStart,
  type StoredTick,
  type TickRules,
  type Walked,
} from '../domain/integrity/check-tick.ts'
import type { Finding } from '../domain/integrity/finding.ts'
import { edgeAt, edgeRoot, EMPTY_EDGE, tilesForAppend } from '../domain/log/append.ts'
import { decodeBundle } from '../domain/log/bundle.ts'
import { equalBytes } from '../domain/log/hash.ts'
import { TILE_WIDTH, type Tile } from '../domain/log/tile.ts'
import type { Tx } from '../storage/database.ts'
import type * as integrityLog from '../storage/integrity-log.ts'
import type * as integrityLosses from '../storage/integrity-losses.ts'
import type * as integrityRows from '../storage/integrity-rows.ts'
import type * as log from '../storage/log.ts'
import { checkEvents, type Content } from './check-events.ts'
import type { KeysForTick } from './log-keys.ts'

export interface CheckLogDependencies {
  readonly storage: {
    readonly log: Pick<typeof log, 'findNewestCheckpoint' | 'readTiles'>
    readonly integrityLog: typeof integrityLog
    readonly rows: typeof integrityRows
    readonly losses: typeof integrityLosses
  }
  readonly keys: KeysForTick
  /** As the sequencer has it. */
  readonly anchorKey: Uint8Array
  /** About how many leaves one slice walks. Default {@link SLICE}. */
  readonly slice?: number
}

/** Leaves, and rows, of one slice: some tenths of a second where every leaf is an event. */
export const SLICE = 2048

/** What a process remembers between slices; the caller owns it. */
export interface CheckMemory {
  walked?: Walked
  /** The newest checkpoint that was ever seen. */
  newest?: log.StoredCheckpoint
}

/** What one slice came to. */
export interface Slice {
  readonly findings: readonly Finding[]
  /** Where the next slice of this stage begins; undefined when the stage is over. */
  readonly next: string | undefined
  /** What was looked at, by name. */
  readonly counts: Readonly<Record<string, number>>
}

/** Checks the ticks after tree size `position` (from the first without one), and all that stands in them. */
export async function checkLogSlice(
  deps: CheckLogDependencies,
  tx: Tx,
  position: string | undefined,
  memory: CheckMemory,
): Promise<Slice> {
  const { storage, slice = SLICE } = deps
  const newest = await storage.log.findNewestCheckpoint(tx)
  const findings: Finding[] =
    position === undefined ? await headFindings(deps, tx, newest, memory) : []
  if (!newest) return { findings, next: undefined, counts: {} }
  if (newest.size >= (memory.newest?.size ?? 0)) memory.newest = newest
  const walked = await resume(deps, tx, Number(position ?? 0), memory)
  const ticks = within(
    await storage.integrityLog.listTicks(tx, walked.size, 512),
    walked.size,
    slice,
  )
  const end = ticks.at(-1)?.size
  if (end === undefined) return { findings, next: undefined, counts: {} }
  const rules = await rulesOf(deps, tx, newest.size, findings)
  if (!rules) return { findings, next: undefined, counts: {} }
  const content = await readContent(deps, tx, walked.size, end, findings)
  const { events, ...told } = await checkEvents(deps, tx, content)
  findings.push(...told.findings)
  const tiles: Tile[] = []
  let at = walked
  for (const tick of ticks) {
    const checked = checkTick(at, tick, contentOf(content, at.size, tick.size), rules)
    findings.push(...checked.findings)
    tiles.push(...checked.tiles)
    at = checked.walked
  }
  findings.push(...(await tileFindings(deps, tx, tiles)))
  findings.push(...(await cosignatureFindings(deps, tx, ticks, walked.size)))
  memory.walked = at
  const counts = {
    entries: end - walked.size,
    ticks: ticks.length,
    loggedEvents: events,
    tiles: tiles.length,
  }
  return { findings, next: String(end), counts }
}

/** What can be said before the first leaf: whether the log is whole at its right end. */
async function headFindings(
  { storage }: CheckLogDependencies,
  tx: Tx,
  newest: log.StoredCheckpoint | undefined,
  memory: CheckMemory,
): Promise<Finding[]> {
  delete memory.walked
  const findings: Finding[] = []
  const beyond = await storage.integrityLog.listBeyond(tx, newest?.size ?? 0, 100)
  const kind = newest ? 'row_beyond_tree' : 'checkpoint_missing'
  findings.push(...beyond.map(({ table, row }): Finding => ({ kind, table, row })))
  const { newest: seen } = memory
  if (!seen) return findings
  const [same] = await storage.integrityLog.listTicks(tx, seen.size - 1, 1)
  if (!same || same.size !== seen.size || !equalBytes(same.root, seen.root))
    findings.push({ kind: 'log_shrunk', table: 'log_checkpoint', row: String(seen.size) })
  return findings
}

/** The walk as far as it is: from memory, else from the stored tiles if the checkpoint there bears them out. */
async function resume(
  { storage }: CheckLogDependencies,
  tx: Tx,
  size: number,
  memory: CheckMemory,
): Promise<Walked> {
  if (size === 0) return { size, edge: EMPTY_EDGE }
  if (memory.walked?.size === size) return memory.walked
  const [tick] = await storage.integrityLog.listTicks(tx, size - 1, 1)
  if (tick?.size !== size) return { size: 0, edge: EMPTY_EDGE }
  try {
    const edge = edgeAt(size, await storage.log.readTiles(tx, tilesForAppend(size)))
    if (equalBytes(edgeRoot(edge), tick.root)) return { size, edge }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  // Walked again from the start, where the damage will be met.
  return { size: 0, edge: EMPTY_EDGE }
}

/** As many ticks as a slice takes; at least one. */
function within(ticks: readonly StoredTick[], from: number, slice: number): readonly StoredTick[] {
  return ticks.filter(({ size }, i) => i === 0 || size <= from + slice)
}

async function rulesOf(
  { storage, keys, anchorKey }: CheckLogDependencies,
  tx: Tx,
  treeSize: number,
  findings: Finding[],
): Promise<TickRules | undefined> {
  const start = await storage.integrityLog.findAnchorStart(tx)
  const owed = start !== undefined && isAnchorStart(anchorKey, start)
  if (start && !owed)
    findings.push({ kind: 'anchor_start_forged', table: 'log_anchor_start', row: '1' })
  try {
    const { identity } = await keys(tx)
    return { identity, anchorKey, anchorsFrom: owed ? start.size : undefined, treeSize }
  } catch (error) {
    if (isOfDatabase(error)) throw error
    findings.push({ kind: 'log_keys_altered', table: 'server_key', row: 'log' })
    return undefined
  }
}

const isOfDatabase = (error: unknown): boolean =>
  typeof (error as { code?: unknown } | undefined)?.code === 'string'

async function readContent(
  { storage }: CheckLogDependencies,
  tx: Tx,
  from: number,
  to: number,
  findings: Finding[],
): Promise<Content> {
  const first = Math.floor(from / TILE_WIDTH)
  const last = Math.floor((to - 1) / TILE_WIDTH)
  const bundles = new Map(
    (await storage.integrityLog.listBundles(tx, first, last)).map((bundle) => [
      bundle.index,
      bundle,
    ]),
  )
  const entries = new Array<Uint8Array | undefined>(to - from).fill(undefined)
  for (let index = first; index <= last; index++) {
    const bundle = bundles.get(index)
    const held = bundle && decodeBundle(bundle.bytes, bundle.width)
    const wanted = Math.min(TILE_WIDTH, to - index * TILE_WIDTH)
    if (!held || held.length < wanted) {
      findings.push({ kind: 'bundle_damaged', table: 'log_bundle', row: String(index) })
      continue
    }
    held.forEach((entry, i) => {
      const leaf = index * TILE_WIDTH + i - from
      if (leaf >= 0 && leaf < entries.length) entries[leaf] = entry
    })
  }
  return { from, entries, positions: await storage.integrityLog.listPositions(tx, from, to) }
}

function contentOf(content: Content, from: number, to: number) {
  const entries = content.entries.slice(from - content.from, to - content.from)
  return {
    entries: entries.every((entry) => entry !== undefined) ? entries : undefined,
    positions: content.positions.filter(({ leafIndex }) => leafIndex >= from && leafIndex < to),
  }
}

async function tileFindings(
  { storage }: CheckLogDependencies,
  tx: Tx,
  tiles: readonly Tile[],
): Promise<Finding[]> {
  const stored = new Map(
    (await storage.log.readTiles(tx, tiles)).map((tile) => [`${tile.level}/${tile.index}`, tile]),
  )
  return tiles.flatMap((tile): Finding[] => {
    const row = `${tile.level}/${tile.index}`
    const kept = stored.get(row)
    const begins =
      kept !== undefined &&
      kept.bytes.length === kept.width * 32 &&
      kept.width >= tile.width &&
      equalBytes(kept.bytes.subarray(0, tile.bytes.length), tile.bytes)
    return begins ? [] : [{ kind: 'tile_differs', table: 'log_tile', row }]
  })
}

async function cosignatureFindings(
  { storage }: CheckLogDependencies,
  tx: Tx,
  ticks: readonly StoredTick[],
  from: number,
): Promise<Finding[]> {
  const notes = new Map(ticks.map(({ size, note }) => [size, note]))
  const to = ticks.at(-1)?.size ?? from
  return (await storage.integrityLog.listCosignatures(tx, from, to))
    .filter((row) => !isCosignature(notes.get(row.size) ?? '', row))
    .map(({ size, witness }) => {
      const table = 'log_cosignature'
      return { kind: 'cosignature_forged', table, row: `${size}/${witness}` }
    })
}
