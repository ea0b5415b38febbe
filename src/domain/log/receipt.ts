// Receipts: the public part of an audit event, opened, with the RFC 6962 §2.1.1 proof that its
// entry is in the log at a checkpoint (c2sp.org/tlog-checkpoint). A full receipt opens the private
// part as well. Whoever has the log's vkey can check one without asking the server.
import { decodeBase64, encodeBase64 } from './base64.ts'
import { canonicalize, type Json } from './canonical.ts'
import {
  type Checkpoint,
  type CheckpointFailure,
  type LogIdentity,
  openCheckpoint,
} from './checkpoint.ts'
import { commitment, encodeEntry, opensCommitment, SALT_BYTES } from './entry.ts'
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

/**
 * A receipt that opens both parts: for a supervisory authority, or whoever else may know why. The
 * private commitment stays in it, so that it holds as a plain receipt too.
 */
export type FullReceipt = Receipt & {
  readonly privatePart: EventPart
  readonly privateSalt: Uint8Array
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

/** A full receipt as JSON (schemas/event-proof.json). */
export type FullReceiptJson = ReceiptJson & {
  readonly privatePart: EventPart
  readonly privateSalt: string
}

/**
 * That an entry stands in a log at a checkpoint; the same for receipts and for whole events opened
 * to an auditor.
 */
export type EntryProof = Pick<Receipt, 'leafIndex' | 'treeSize' | 'inclusion' | 'checkpoint'>

/** What remains true of a receipt that holds. */
export type VerifiedReceipt = {
  readonly publicPart: EventPart
  /** Only of a full receipt. */
  readonly privatePart?: EventPart
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
  /** The private part or its salt is not the one that was committed to. */
  | 'private_not_opened'
  /** Both parts were committed to, but say different things of who, when or about whom. */
  | 'parts_differ'

/** How a receipt is to be checked. */
export type ReceiptCheck = {
  readonly witnesses?: readonly NoteVerifier[]
  /** How many of them must have cosigned the checkpoint; absent: none. */
  readonly quorum?: number
  /**
   * The leaf hash that was given at once with the answer; without it a receipt of another event
   * would do.
   */
  readonly leafHash?: Uint8Array
}

/**
 * Checks a receipt from outside: its form, the log's signature, and that exactly this public part,
 * salted, was sealed into the signed tree. An altered part, salt or private commitment shows as
 * `not_included` (or `other_leaf`). Where the private part is opened, it must be the one that was
 * committed to, and be of the same event.
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

  const proven = verifyEntry(leaf, parsed, log, check)
  if (!proven.ok) return proven
  const opened = openPrivate(parsed)
  if (!opened.ok) return opened
  return {
    ok: true,
    value: { publicPart, ...opened.value, leafIndex, leafHash: leaf, checkpoint: proven.value },
  }
}

/** The private part of a receipt whose entry is proven, where it has one. */
function openPrivate(
  receipt: Receipt | FullReceipt,
): Outcome<{ readonly privatePart?: EventPart }, 'private_not_opened' | 'parts_differ'> {
  if (!('privatePart' in receipt)) return { ok: true, value: {} }
  const { publicPart, privatePart, privateSalt, privateCommitment } = receipt
  if (!opensCommitment(privateSalt, privatePart, privateCommitment))
    return { ok: false, reason: 'private_not_opened' }
  return sameHeader(publicPart, privatePart)
    ? { ok: true, value: { privatePart } }
    : { ok: false, reason: 'parts_differ' }
}

/**
 * Whether the headers (`event`) agree in every member that both have: a log that sealed two stories
 * into one entry is caught by whoever gets to see both.
 */
function sameHeader(publicPart: EventPart, privatePart: EventPart): boolean {
  const [one, other] = [publicPart['event'], privatePart['event']]
  if (!isObject(one) || !isObject(other)) return one === undefined && other === undefined
  return Object.keys(one)
    .filter((name) => Object.hasOwn(other, name))
    .every((name) => canonicalize(one[name] as Json) === canonicalize(other[name] as Json))
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
  { witnesses, quorum }: Pick<ReceiptCheck, 'witnesses' | 'quorum'> = {},
): Outcome<Checkpoint, EntryFailure> {
  const opened = openCheckpoint(proof.checkpoint, log, witnesses, quorum)
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

/** The JSON form of a full receipt. */
export function fullReceiptJson(receipt: FullReceipt): FullReceiptJson {
  const { privatePart, privateSalt } = receipt
  return { ...receiptJson(receipt), privatePart, privateSalt: encodeBase64(privateSalt) }
}

/**
 * Reads the JSON form, full where there is a private part; undefined when a member is missing or
 * malformed, or a part has no canonical form.
 */
export function parseReceipt(json: unknown): Receipt | FullReceipt | undefined {
  const receipt = parsePlain(json)
  if (!receipt || !isObject(json)) return undefined
  const { privatePart } = json
  if (privatePart === undefined && json['privateSalt'] === undefined) return receipt
  const privateSalt = bytesOf(json['privateSalt'], SALT_BYTES)
  if (!privateSalt || !isEventPart(privatePart)) return undefined
  return { ...receipt, privatePart, privateSalt }
}

function parsePlain(json: unknown): Receipt | undefined {
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
