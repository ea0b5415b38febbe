import { parseCheckpoint } from '../domain/log/checkpoint.ts'
import { decodeBundle } from '../domain/log/bundle.ts'
import { commitmentOfText, decodeEntry } from '../domain/log/entry.ts'
import { equalBytes, leafHash } from '../domain/log/hash.ts'
import { parseNote } from '../domain/log/note.ts'
import { type EventPart, type ReceiptJson, receiptJson } from '../domain/log/receipt.ts'
import { nextTick } from '../domain/log/tick.ts'
import { TILE_WIDTH } from '../domain/log/tile.ts'
import { inclusionProof, tilesForInclusion } from '../domain/log/tree.ts'
import { verifyInclusion } from '../domain/log/verify.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as disclosures from '../storage/disclosures.ts'
import type * as erasure from '../storage/erasure.ts'
import type * as log from '../storage/log.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A proof (schemas/proof.json), or that it is logged and will be published soon. */
export type ProvenDisclosure =
  | { readonly state: 'published'; readonly proof: ReceiptJson }
  /** `retryAfter` in whole seconds, from 1. */
  | { readonly state: 'pending'; readonly retryAfter: number }

/** What proving works with; `tick` in milliseconds, as the sequencer has it. */
export interface ProofDependencies {
  readonly acting: Acting
  readonly storage: {
    readonly disclosures: Pick<typeof disclosures, 'findDisclosure'>
    readonly erasure: Pick<typeof erasure, 'findProofLoss'>
    readonly log: Pick<
      typeof log,
      'findEventProof' | 'findNewestCheckpoint' | 'readBundle' | 'readTiles'
    >
  }
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
  readonly tick: number
}

/** Why a log does not hold what its tables promise: an alarm, not something the caller did. */
type Damage = 'event' | 'checkpoint' | 'bundle' | 'entry' | 'inclusion'

/**
 * Opens the public part of the event of one of the caller's own disclosures and proves its entry to
 * be in the log as last published; opening it is an event. Throws `not_found` for any other disclosure, `proof_erased` and
 * `event_retired` when what opens it was destroyed on purpose, `internal_error` when
 * the log as stored does not hold the entry that the receipt promised: a proof that does not verify
 * is never handed out.
 */
export function makeProveDisclosure(deps: ProofDependencies) {
  return (caller: Caller, disclosureId: string): Promise<ProvenDisclosure> =>
    deps.acting(caller, { operation: 'proveDisclosure', target: disclosureId }, async (tx) => {
      const disclosure = await deps.storage.disclosures.findDisclosure(tx, disclosureId)
      if (!disclosure) throw new OstiaryError('not_found')
      const event = await deps.storage.log.findEventProof(tx, disclosure.event_id)
      if (!event) throw await lostProof(deps.storage.erasure, tx, disclosure.event_id)
      const { leafIndex } = event
      if (leafIndex === null) {
        const now = deps.runtime.now().getTime()
        const wait = nextTick(now, deps.tick) - now
        return { state: 'pending', retryAfter: Math.max(1, Math.ceil(wait / 1000)) }
      }
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.proof_viewed',
        caseId: disclosure.case_id,
        subjectId: disclosure.subject_id,
        public: { disclosureId },
        private: {},
      })
      return {
        state: 'published',
        proof: await prove(deps, tx, { ...event, leafIndex, promised: disclosure.leaf_hash }),
      }
    })
}

/**
 * Read in several statements, between which the log may grow: tiles and bundles are then wider than
 * at the checkpoint, which does not hurt, because what was there stays their beginning.
 */
async function prove(
  { storage }: ProofDependencies,
  tx: Tx,
  event: log.EventProof & { readonly leafIndex: number; readonly promised: Uint8Array },
): Promise<ReceiptJson> {
  const { leafIndex } = event
  // After the position, so that it is at least the checkpoint that came with it.
  const checkpoint = await storage.log.findNewestCheckpoint(tx)
  if (!checkpoint || leafIndex >= checkpoint.size) throw damaged('checkpoint')
  const { size: treeSize, root, note } = checkpoint
  const entry = await entryAt(storage.log, tx, leafIndex)
  const commitments = decodeEntry(entry)
  const hash = leafHash(entry)
  const opened = commitmentOfText(event.publicSalt, event.publicPart)
  if (!commitments || !equalBytes(opened, commitments.public) || !equalBytes(hash, event.promised))
    throw damaged('entry')
  const tiles = await storage.log.readTiles(tx, tilesForInclusion(leafIndex, treeSize))
  const inclusion = inclusionProof(leafIndex, treeSize, tiles)
  if (
    !isOf(note, treeSize, root) ||
    !verifyInclusion({ leafIndex, treeSize, leafHash: hash, inclusion, root })
  )
    throw damaged('inclusion')
  return receiptJson({
    publicPart: JSON.parse(event.publicPart) as EventPart,
    publicSalt: event.publicSalt,
    privateCommitment: commitments.private,
    leafIndex,
    treeSize,
    inclusion,
    checkpoint: note,
  })
}

/** Why an own event does not open: somebody destroyed its salts or its row, and said so; or it is damage. */
async function lostProof(
  { findProofLoss }: ProofDependencies['storage']['erasure'],
  tx: Tx,
  eventId: string,
): Promise<OstiaryError> {
  const loss = await findProofLoss(tx, eventId)
  if (loss === 'erased') return new OstiaryError('proof_erased')
  if (loss === 'retired') return new OstiaryError('event_retired')
  return damaged('event')
}

async function entryAt(
  storage: Pick<typeof log, 'readBundle'>,
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
