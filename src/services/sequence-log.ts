import { anchorOf, anchorStartMark } from '../domain/log/anchor.ts'
import { paddedCount, shuffleBatch } from '../domain/log/batch.ts'
import { bundleForAppend } from '../domain/log/bundle.ts'
import { ENTRY_BYTES } from '../domain/log/entry.ts'
import { equalBytes } from '../domain/log/hash.ts'
import { appendBatch, type Head, type LogFault, openHead } from '../domain/log/sequence.ts'
import { tilesForAppend } from '../domain/log/append.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as log from '../storage/log.ts'
import type * as logAppend from '../storage/log-append.ts'
import type { KeysForTick, SigningKeys } from './log-keys.ts'
import type { Runtime } from './runtime.ts'

/** What one tick came to. */
export type Sequenced =
  /** The log now has `size` entries, of which this tick appended `events` real ones. */
  | { readonly state: 'published'; readonly size: number; readonly events: number }
  /** Another node is at it, or has been a moment ago. */
  | { readonly state: 'skipped'; readonly why: 'other_sequencer' | 'too_soon' }
  /** What is stored is not what was signed: nothing was appended or signed. Somebody has to look. */
  | { readonly state: 'refused'; readonly fault: LogFault }

/**
 * Runs one tick. `notWithin` skips it when the log was published less than so many milliseconds ago,
 * by whichever node; without it the tick is run in any case.
 */
export type SequenceLog = (options?: { readonly notWithin?: number }) => Promise<Sequenced>

export interface SequencerDependencies {
  /** Of the worker role. */
  readonly db: Database
  readonly storage: {
    readonly log: Pick<typeof log, 'findNewestCheckpoint' | 'readBundle' | 'readTiles'>
    readonly append: typeof logAppend
  }
  readonly runtime: Pick<Runtime, 'random'>
  /** The log's own keys, looked up by every tick: a rotation takes effect with the next one. */
  readonly keys: KeysForTick
  /** 32 bytes: fixes what each tick integrated (domain/log/anchor). */
  readonly anchorKey: Uint8Array
  /** Entries per tick where no more are pending; a power of two from 2. */
  readonly batch: number
  /** Bounds how long the database lets a tick lie still before it ends it (storage/stuck-sequencer). */
  readonly limitTick?: (tx: Tx) => Promise<void>
  /** Most entries per tick; a power of two from 2. Default {@link MOST_ENTRIES}; the rest waits for the next. */
  readonly most?: number
}

/** Most entries that one tick appends unless said otherwise: about two seconds of work for one core. */
export const MOST_ENTRIES = 65_536

/**
 * Integrates what is pending into the tree and publishes a checkpoint, in one transaction: after a
 * crash at any point everything of the tick is there or nothing. Every tick appends a full batch,
 * one anchor and padding included, in an order that depends on nothing that happened. Any number of
 * nodes may do this at once.
 */
export function makeSequenceLog(deps: SequencerDependencies): SequenceLog {
  // Owned by the returned function: the newest checkpoint it has seen committed. A database that
  // later shows an older one was put back, and to go on from there would fork the log.
  let newest: log.StoredCheckpoint | undefined

  return async ({ notWithin = 0 } = {}) => {
    const { sequenced, seen } = await deps.db
      .transaction()
      .execute((tx) => tick(deps, tx, { newest, notWithin }))
    // Two calls at once may hear of their commits in the other order.
    if (seen && seen.size > (newest?.size ?? 0)) newest = seen
    return sequenced
  }
}

interface Tick {
  readonly newest: log.StoredCheckpoint | undefined
  readonly notWithin: number
}

interface Ticked {
  readonly sequenced: Sequenced
  /** The checkpoint that is the newest once this transaction has committed. */
  readonly seen?: log.StoredCheckpoint
}

async function tick(deps: SequencerDependencies, tx: Tx, options: Tick): Promise<Ticked> {
  const { log, append } = deps.storage
  if (!(await append.trySequencerLock(tx)))
    return { sequenced: { state: 'skipped', why: 'other_sequencer' } }
  await deps.limitTick?.(tx)
  await append.demandDurableCommit(tx)
  const checkpoint = await log.findNewestCheckpoint(tx)
  if (checkpoint && options.notWithin > 0) {
    const age = await append.publicationAge(tx)
    if (age !== undefined && age < options.notWithin)
      return { sequenced: { state: 'skipped', why: 'too_soon' } }
  }
  if (!checkpoint && (await append.hasEntries(tx))) return refused('checkpoint_missing')
  if (isRolledBack(checkpoint, options.newest)) return refused('checkpoint_rolled_back')

  const keys = await deps.keys(tx)
  const size = checkpoint?.size ?? 0
  const last = bundleForAppend(size)
  const head = openHead(
    {
      checkpoint,
      tiles: await log.readTiles(tx, tilesForAppend(size)),
      bundle: last && (await log.readBundle(tx, last.index)),
    },
    keys.identity,
  )
  if (!head.ok) return refused(head.reason)
  return integrate(deps, tx, { head: head.value, checkpoint, keys })
}

/** Appends what is pending, with an anchor and padding, to a head that was checked. */
async function integrate(
  { storage: { append }, runtime, anchorKey, batch, most = MOST_ENTRIES }: SequencerDependencies,
  tx: Tx,
  from: {
    readonly head: Head
    readonly checkpoint: log.StoredCheckpoint | undefined
    readonly keys: SigningKeys
  },
): Promise<Ticked> {
  const { head, checkpoint, keys } = from
  const { edge, bundle } = head
  const pending = await append.listPending(tx, most - 1)
  // The anchor is an entry like the others.
  const count = paddedCount(pending.length + 1, batch)
  const items = placed(runtime, pending, count, edge.size)
  const positions = await append.insertPositions(tx, items.filter(isOfEvent))
  const at = await append.publicationTime(tx)
  const anchor = anchorOf(anchorKey, { treeSizeBefore: edge.size, count, at, positions })
  const grown = appendBatch(
    head,
    items.map(({ kind, entry }) => (kind === 'anchor' ? anchor : entry)),
    keys.identity,
    keys.keys,
  )
  await append.storeTiles(tx, edge.tiles, grown.tiles)
  await append.storeBundles(tx, bundle, grown.bundles)
  await append.deletePending(tx, pending)
  await append.ensureAnchorStart(tx, edge.size, anchorStartMark(anchorKey, edge.size))
  await keys.settle(edge.size)
  const { size, root, note } = grown
  await append.insertCheckpoint(tx, { size, root, note, previous: checkpoint?.size ?? null, at })
  return {
    sequenced: { state: 'published', size, events: pending.length },
    seen: { size, root, note },
  }
}

/** An entry of the batch; the anchor's own bytes come once every event has its place. */
type Item = { readonly entry: Uint8Array; readonly leafIndex: number } & (
  { readonly kind: 'event'; readonly eventId: string } | { readonly kind: 'anchor' | 'padding' }
)

/** Every entry of the batch in its place; padding and the anchor's stand-in are random, like commitments. */
function placed(
  runtime: Pick<Runtime, 'random'>,
  pending: readonly logAppend.PendingEntry[],
  count: number,
  size: number,
): Item[] {
  const random = (kind: 'anchor' | 'padding') => ({ kind, entry: runtime.random(ENTRY_BYTES) })
  const items = [
    ...pending.map(({ eventId, entry }) => ({ kind: 'event' as const, eventId, entry })),
    random('anchor'),
    ...Array.from({ length: count - pending.length - 1 }, () => random('padding')),
  ]
  return shuffleBatch(items, runtime.random(32)).map((item, i) => ({
    ...item,
    leafIndex: size + i,
  }))
}

const isOfEvent = (item: Item): item is Item & { readonly kind: 'event' } => item.kind === 'event'

function isRolledBack(
  checkpoint: log.StoredCheckpoint | undefined,
  newest: log.StoredCheckpoint | undefined,
): boolean {
  if (!newest) return false
  if (!checkpoint || checkpoint.size < newest.size) return true
  return checkpoint.size === newest.size && !equalBytes(checkpoint.root, newest.root)
}

const refused = (fault: LogFault): Ticked => ({ sequenced: { state: 'refused', fault } })
