// Receipts: the public part of an audit event, opened, with the RFC 6962 §2.1.1 proof that its
// entry is in the log at a checkpoint (c2sp.org/tlog-checkpoint). Whoever has the log's vkey can
// check one without asking the server.
import { decodeBase64, encodeBase64 } from './base64.ts'
import { canonicalize, type Json } from './canonical.ts'
import {
  type Checkpoint,
  type CheckpointFailure,
  type LogIdentity,
  openCheckpoint,
} from './checkpoint.ts'
import { commitment, encodeEntry, SALT_BYTES } from './entry.ts'
import { equalBytes, HASH_BYTES, leafHash } from './hash.ts'
import type { NoteVerifier } from './note.ts'
import type { Outcome } from './outcome.ts'
import { verifyInclusion } from './verify.ts'

/** A part of an event: always a JSON object. */
export type EventPart = { readonly [member: string]: Json }

/**
 * A receipt as bytes. The private commitment tells nothing, but without it the entry could not be
 * put together.
 */
export type Receipt = {
  readonly publicPart: EventPart
  readonly publicSalt: Uint8Array
  readonly privateCommitment: Uint8Array
  readonly leafIndex: number
  readonly treeSize: number
  readonly inclusion: readonly Uint8Array[]
  /** The whole note of the checkpoint with `treeSize` entries. */
  readonly checkpoint: string
}

/** A receipt as JSON: byte strings in standard, padded base64. */
export type ReceiptJson = {
  readonly publicPart: EventPart
  readonly publicSalt: string
  readonly privateCommitment: string
  readonly leafIndex: number
  readonly treeSize: number
  readonly inclusion: readonly string[]
  readonly checkpoint: string
}

/**
 * That an entry stands in a log at a checkpoint; the same for receipts and for whole events opened
 * to an auditor.
 */
export type EntryProof = Pick<Receipt, 'leafIndex' | 'treeSize' | 'inclusion' | 'checkpoint'>

/** What remains true of a receipt that holds. */
export type VerifiedReceipt = {
  readonly publicPart: EventPart
  readonly leafIndex: number
  readonly leafHash: Uint8Array
  readonly checkpoint: Checkpoint
}

/** Why an entry is not proven to be in the log. */
export type EntryFailure =
  | CheckpointFailure
  /** The checkpoint has another size than the proof is for. */
  | 'size_mismatch'
  /** The index lies outside the tree. */
  | 'index_out_of_range'
  /** The entry, its index or the proof is not that of the signed tree: something was altered. */
  | 'not_included'

/** Why a receipt does not hold. */
export type ReceiptFailure =
  | EntryFailure
  /** A member is missing or of the wrong form. */
  | 'malformed_receipt'
  /** It opens another entry than the one that was promised. */
  | 'other_leaf'

/** How a receipt is to be checked. */
export type ReceiptCheck = {
  readonly witnesses?: readonly NoteVerifier[]
  /**
   * The leaf hash that was given at once with the answer; without it a receipt of another event
   * would do.
   */
  readonly leafHash?: Uint8Array
}

/**
 * Checks a receipt from outside: its form, the log's signature, and that exactly this public part,
 * salted, was sealed into the signed tree. An altered part, salt or private commitment shows as
 * `not_included` (or `other_leaf`).
 *
 * @param receipt parsed JSON, not trusted; unknown members are ignored
 */
export function verifyReceipt(
  receipt: unknown,
  log: LogIdentity,
  check: ReceiptCheck = {},
): Outcome<VerifiedReceipt, ReceiptFailure> {
  const parsed = parseReceipt(receipt)
  if (!parsed) return { ok: false, reason: 'malformed_receipt' }
  const { publicPart, leafIndex } = parsed
  const leaf = leafHash(
    encodeEntry({
      public: commitment(parsed.publicSalt, publicPart),
      private: parsed.privateCommitment,
    }),
  )
  if (check.leafHash && !equalBytes(leaf, check.leafHash))
    return { ok: false, reason: 'other_leaf' }

  const proven = verifyEntry(leaf, parsed, log, check.witnesses)
  if (!proven.ok) return proven
  return { ok: true, value: { publicPart, leafIndex, leafHash: leaf, checkpoint: proven.value } }
}

/**
 * Checks that an entry, given by its leaf hash, is in the log.
 *
 * @returns the checkpoint that vouches for it
 */
export function verifyEntry(
  leaf: Uint8Array,
  proof: EntryProof,
  log: LogIdentity,
  witnesses: readonly NoteVerifier[] = [],
): Outcome<Checkpoint, EntryFailure> {
  const opened = openCheckpoint(proof.checkpoint, log, witnesses)
  if (!opened.ok) return opened
  const { checkpoint } = opened.value
  const { leafIndex, treeSize, inclusion } = proof
  if (treeSize !== checkpoint.size) return { ok: false, reason: 'size_mismatch' }
  if (leafIndex >= treeSize) return { ok: false, reason: 'index_out_of_range' }
  const claim = { leafIndex, treeSize, leafHash: leaf, inclusion, root: checkpoint.root }
  return verifyInclusion(claim)
    ? { ok: true, value: checkpoint }
    : { ok: false, reason: 'not_included' }
}

/** The JSON form of a receipt. */
export function receiptJson(receipt: Receipt): ReceiptJson {
  return {
    publicPart: receipt.publicPart,
    publicSalt: encodeBase64(receipt.publicSalt),
    privateCommitment: encodeBase64(receipt.privateCommitment),
    leafIndex: receipt.leafIndex,
    treeSize: receipt.treeSize,
    inclusion: receipt.inclusion.map(encodeBase64),
    checkpoint: receipt.checkpoint,
  }
}

/**
 * Reads the JSON form; undefined when a member is missing or malformed, or the public part has no
 * canonical form.
 */
export function parseReceipt(json: unknown): Receipt | undefined {
  if (!isObject(json)) return undefined
  const { publicPart, leafIndex, treeSize, checkpoint } = json
  const publicSalt = bytesOf(json['publicSalt'], SALT_BYTES)
  const privateCommitment = bytesOf(json['privateCommitment'], HASH_BYTES)
  const inclusion = hashesOf(json['inclusion'])
  if (!publicSalt || !privateCommitment || !inclusion) return undefined
  if (!isCount(leafIndex) || !isCount(treeSize) || typeof checkpoint !== 'string') return undefined
  if (!isEventPart(publicPart)) return undefined
  return { publicPart, publicSalt, privateCommitment, leafIndex, treeSize, inclusion, checkpoint }
}

function isEventPart(value: unknown): value is EventPart {
  if (!isObject(value)) return false
  try {
    canonicalize(value as EventPart)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

function isObject(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function bytesOf(value: unknown, length: number): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  return bytes?.length === length ? bytes : undefined
}

/** No path is longer than the 53 levels of the largest tree; more is not even decoded. */
function hashesOf(value: unknown): Uint8Array[] | undefined {
  if (!Array.isArray(value) || value.length > 53) return undefined
  const hashes = value.map((item) => bytesOf(item, HASH_BYTES))
  return hashes.every((hash) => hash !== undefined) ? hashes : undefined
}
