/** One tick of the log, held against what was signed before and after it. */
import { anchorOf, anchorStartMark, type Position } from '../log/anchor.ts'
import { appendLeaves, type Edge, edgeRoot } from '../log/append.ts'
import { type LogIdentity, openCheckpoint } from '../log/checkpoint.ts'
import { equalBytes, leafHash } from '../log/hash.ts'
import { type Tile, widthAt } from '../log/tile.ts'
import type { Finding } from './finding.ts'

/** A row of `log_checkpoint`. */
export interface StoredTick {
  readonly size: number
  readonly previous: number | null
  readonly root: Uint8Array
  readonly note: string
  readonly at: Date
}

/** What a tick appended, as it is stored. */
export interface TickEntries {
  /** Undefined where a bundle is damaged. */
  readonly entries: readonly Uint8Array[] | undefined
  readonly positions: readonly Position[]
}

/** How far the log was walked. Without an edge the tree could not be followed up to here. */
export interface Walked {
  readonly size: number
  readonly edge: Edge | undefined
}

/** What a tick is checked with. */
export interface TickRules {
  readonly identity: LogIdentity
  readonly anchorKey: Uint8Array
  /** Size from which on anchors are owed; undefined while no tick has had one. */
  readonly anchorsFrom: number | undefined
  /** Size of the tree that is walked: tiles are compared at their width for it. */
  readonly treeSize: number
}

/** One tick checked. `tiles` are those that the stored ones must begin with, byte for byte. */
export interface CheckedTick {
  readonly walked: Walked
  readonly findings: readonly Finding[]
  readonly tiles: readonly Tile[]
}

/** Checks signature, chain, root and anchor of the tick that follows `walked`. */
export function checkTick(
  walked: Walked,
  tick: StoredTick,
  content: TickEntries,
  rules: TickRules,
): CheckedTick {
  const row = String(tick.size)
  const finding = (kind: Finding['kind']): Finding => ({ kind, table: 'log_checkpoint', row })
  const findings: Finding[] = []
  if (!isSigned(tick, rules.identity)) findings.push(finding('checkpoint_forged'))
  if ((tick.previous ?? 0) !== walked.size || (tick.previous === null) !== (walked.size === 0))
    findings.push(finding('checkpoint_chain'))
  const { entries } = content
  if (!entries) return { walked: { size: tick.size, edge: undefined }, findings, tiles: [] }
  if (!isAnchored(walked.size, tick, { ...content, entries }, rules))
    findings.push(finding('anchor_differs'))
  if (!walked.edge) return { walked: { size: tick.size, edge: undefined }, findings, tiles: [] }
  const { edge, tiles } = appendLeaves(walked.edge, entries.map(leafHash))
  if (!equalBytes(edgeRoot(edge), tick.root)) {
    findings.push(finding('tree_differs'))
    return { walked: { size: tick.size, edge: undefined }, findings, tiles: [] }
  }
  const whole = tiles.filter(
    ({ level, index, width }) => width === widthAt(level, index, rules.treeSize),
  )
  return { walked: { size: tick.size, edge }, findings, tiles: whole }
}

/** Whether the note is the log's own, and the row says the same. Lines of others do not belong there. */
function isSigned(tick: StoredTick, identity: LogIdentity): boolean {
  const opened = openCheckpoint(tick.note, identity)
  return (
    opened.ok &&
    opened.value.note.unknown.length === 0 &&
    opened.value.checkpoint.size === tick.size &&
    equalBytes(opened.value.checkpoint.root, tick.root)
  )
}

/** Whether one of the entries fixes just these positions; before anchors were owed, whether none does. */
function isAnchored(
  before: number,
  { size, at }: StoredTick,
  { entries, positions }: TickEntries & { readonly entries: readonly Uint8Array[] },
  { anchorKey, anchorsFrom }: TickRules,
): boolean {
  const content = { treeSizeBefore: before, count: size - before, at, positions }
  const anchor = anchorOf(anchorKey, content)
  const found = entries.some((entry) => equalBytes(entry, anchor))
  return found === (anchorsFrom !== undefined && before >= anchorsFrom)
}

/** Whether the row that says where anchors begin was written by whoever has the key. */
export function isAnchorStart(
  key: Uint8Array,
  start: { readonly size: number; readonly mark: Uint8Array },
): boolean {
  return equalBytes(anchorStartMark(key, start.size), start.mark)
}
