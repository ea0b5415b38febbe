import { parseCheckpoint } from '../domain/log/checkpoint.ts'
import { decodeBundle } from '../domain/log/bundle.ts'
import { commitmentOfText, decodeEntry } from '../domain/log/entry.ts'
import { equalBytes, leafHash } from '../domain/log/hash.ts'
import { parseNote } from '../domain/log/note.ts'
import {
  type EventPart,
  fullReceiptJson,
  type FullReceiptJson,
  type ReceiptJson,
  receiptJson,
} from '../domain/log/receipt.ts'
import { nextTick } from '../domain/log/tick.ts'
import { TILE_WIDTH } from '../domain/log/tile.ts'
import { inclusionProof, tilesForInclusion } from '../domain/log/tree.ts'
import { verifyInclusion } from '../domain/log/verify.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as erasure from '../storage/erasure.ts'
import type * as log from '../storage/log.ts'

/** Where the log is read for a proof. */
export type ProofStorage = Pick<
  typeof log,
  'findNewestCheckpoint' | 'findPublishedCheckpoint' | 'readBundle' | 'readTiles'
>

/** What is opened of an event that has its place in the log. */
export interface ProvableEvent {
  readonly publicPart: string
  readonly publicSalt: Uint8Array
  readonly leafIndex: number
  /** The leaf hash that was promised, where somebody kept it. */
  readonly promised?: Uint8Array
  /** The other part, for whom that is open too. */
  readonly opened?: { readonly privatePart: string; readonly privateSalt: Uint8Array }
}

/** Why a log does not hold what its tables promise: an alarm, not something the caller did. */
export type Damage = 'event' | 'checkpoint' | 'bundle' | 'entry' | 'inclusion'

/**
 * The published checkpoint, if it covers this place in the log; undefined while witnesses have not
 * seen one that does.
 *
 * @throws OstiaryError `internal_error` when the log was never signed that far
 */
export async function publishedOver(
  storage: ProofStorage,
  tx: Tx,
  leafIndex: number,
): Promise<log.StoredCheckpoint | undefined> {
  const published = await storage.findPublishedCheckpoint(tx)
  if (published && leafIndex < published.size) return published
  const newest = await storage.findNewestCheckpoint(tx)
  if (!newest || leafIndex >= newest.size) throw damaged('checkpoint')
  return undefined
}

/**
 * Proves an event to be in the log as last published: under a checkpoint of `publishedOver`. A proof that does not verify is never handed out.
 *
 * Read in several statements, between which the log may grow: tiles and bundles are then wider than
 * at the checkpoint, which does not hurt, because what was there stays their beginning.
 *
 * @throws OstiaryError `internal_error` when the log as stored does not hold the entry
 */
export async function proveEvent(
  storage: ProofStorage,
  tx: Tx,
  event: ProvableEvent,
  checkpoint: log.StoredCheckpoint,
): Promise<ReceiptJson | FullReceiptJson> {
  const { leafIndex, promised, opened } = event
  const { size: treeSize, root, note } = checkpoint
  const entry = await entryAt(storage, tx, leafIndex)
  const commitments = decodeEntry(entry)
  const hash = leafHash(entry)
  if (!commitments || !opensTo(commitments, event)) throw damaged('entry')
  if (promised && !equalBytes(hash, promised)) throw damaged('entry')
  const tiles = await storage.readTiles(tx, tilesForInclusion(leafIndex, treeSize))
  const inclusion = inclusionProof(leafIndex, treeSize, tiles)
  if (
    !isOf(note, treeSize, root) ||
    !verifyInclusion({ leafIndex, treeSize, leafHash: hash, inclusion, root })
  )
    throw damaged('inclusion')
  const receipt = {
    publicPart: JSON.parse(event.publicPart) as EventPart,
    publicSalt: event.publicSalt,
    privateCommitment: commitments.private,
    leafIndex,
    treeSize,
    inclusion,
    checkpoint: note,
  }
  if (!opened) return receiptJson(receipt)
  const privatePart = JSON.parse(opened.privatePart) as EventPart
  return fullReceiptJson({ ...receipt, privatePart, privateSalt: opened.privateSalt })
}

/** Whole seconds until the next tick at which what waits is published, from 1. */
export function secondsToTick(now: Date, tick: number): number {
  const wait = nextTick(now.getTime(), tick) - now.getTime()
  return Math.max(1, Math.ceil(wait / 1000))
}

/** Why an own event does not open: somebody destroyed its salts or its row, and said so; or it is damage. */
export async function lostProof(
  { findProofLoss }: Pick<typeof erasure, 'findProofLoss'>,
  tx: Tx,
  eventId: string,
): Promise<OstiaryError> {
  const loss = await findProofLoss(tx, eventId)
  if (loss === 'erased') return new OstiaryError('proof_erased')
  if (loss === 'retired') return new OstiaryError('event_retired')
  return damaged('event')
}

/** Whether the parts, under their salts, are what the entry commits to. */
function opensTo(
  commitments: { readonly public: Uint8Array; readonly private: Uint8Array },
  { publicPart, publicSalt, opened }: ProvableEvent,
): boolean {
  if (!equalBytes(commitmentOfText(publicSalt, publicPart), commitments.public)) return false
  if (!opened) return true
  const { privatePart, privateSalt } = opened
  return equalBytes(commitmentOfText(privateSalt, privatePart), commitments.private)
}

async function entryAt(
  storage: Pick<ProofStorage, 'readBundle'>,
  tx: Tx,
  leafIndex: number,
): Promise<Uint8Array> {
  const bundle = await storage.readBundle(tx, Math.floor(leafIndex / TILE_WIDTH))
  const entry = bundle && decodeBundle(bundle.bytes, bundle.width)?.[leafIndex % TILE_WIDTH]
  if (!entry) throw damaged('bundle')
  return entry
}

/** Whether the note that goes out says this size and root. */
function isOf(note: string, size: number, root: Uint8Array): boolean {
  const parsed = parseNote(note)
  const said = parsed.ok ? parseCheckpoint(parsed.value.text) : undefined
  return said !== undefined && said.size === size && equalBytes(said.root, root)
}

function damaged(what: Damage): OstiaryError {
  return new OstiaryError('internal_error', { cause: new Error(`the log is damaged: ${what}`) })
}
