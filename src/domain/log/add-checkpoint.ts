// What passes between a log and a witness: https://c2sp.org/tlog-witness, section "add-checkpoint".
//
//   request  = "old " size LF, up to 63 lines of base64 proof hashes, LF, the checkpoint's note
//   answer   = 200: signature lines; 409: size LF as text/x.tlog.size
import { decodeBase64, encodeBase64 } from './base64.ts'
import { HASH_BYTES } from './hash.ts'
import {
  formatSignatureLine,
  MAX_SIGNATURES,
  type NoteSignature,
  type NoteVerifier,
  parseSignatureLine,
} from './note.ts'
import type { Outcome } from './outcome.ts'

/** A request for a cosignature. */
export type AddCheckpoint = {
  /** Size of the tree that the witness is thought to have cosigned last; 0 for none. */
  readonly oldSize: number
  /** RFC 6962 consistency proof from there, 32 bytes each. */
  readonly consistency: readonly Uint8Array[]
  /** The signed checkpoint, not checked yet. */
  readonly note: string
}

/** Most hashes of a proof. */
export const MAX_PROOF_HASHES = 63

/** Content type of a 409, which states the size that the witness has. */
export const SIZE_TYPE = 'text/x.tlog.size'

const SIZE = /^(?:0|[1-9]\d{0,15})$/

/**
 * Writes a request.
 *
 * @throws RangeError when the size is no safe integer from 0, there are too many hashes, or one does
 *   not have 32 bytes
 */
export function formatAddCheckpoint({ oldSize, consistency, note }: AddCheckpoint): string {
  if (!Number.isSafeInteger(oldSize) || oldSize < 0) throw new RangeError('not a size of a tree')
  if (consistency.length > MAX_PROOF_HASHES) throw new RangeError('a proof has 63 hashes at most')
  if (consistency.some((hash) => hash.length !== HASH_BYTES))
    throw new RangeError('a hash has 32 bytes')
  const lines = [`old ${oldSize}`, ...consistency.map(encodeBase64)]
  return `${lines.map((line) => `${line}\n`).join('')}\n${note}`
}

/**
 * Takes a request apart; the note stays unread. Undefined when it is malformed: what answers 400.
 * Bytes must be UTF-8.
 */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint | undefined {
  const text = textOf(body)
  // The proof has no empty line, so that the first one ends it.
  const end = text?.indexOf('\n\n') ?? -1
  if (text === undefined || end < 0) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\n')
  const oldSize = first.startsWith('old ') ? sizeOf(first.slice(4)) : undefined
  if (oldSize === undefined || lines.length > MAX_PROOF_HASHES) return undefined
  const consistency: Uint8Array[] = []
  for (const line of lines) {
    const hash = decodeBase64(line)
    if (hash?.length !== HASH_BYTES) return undefined
    consistency.push(hash)
  }
  return { oldSize, consistency, note: text.slice(end + 2) }
}

/** Body of a 409: the size that the witness has. */
export function formatStoredSize(size: number): string {
  return `${size}\n`
}

/** The size that a 409 states; undefined when it does not. */
export function parseStoredSize(body: string): number | undefined {
  return body.endsWith('\n') ? sizeOf(body.slice(0, -1)) : undefined
}

/** Body of a 200. */
export function formatCosignatures(cosignatures: readonly NoteSignature[]): string {
  return cosignatures.map(formatSignatureLine).join('')
}

/**
 * The cosignatures in the body of a 200 that were made by this witness over this checkpoint. Lines of
 * other keys say nothing and are left out.
 *
 * @param text the checkpoint's note text, without signatures
 */
export function readCosignatures(
  body: string,
  text: string,
  witness: NoteVerifier,
): Outcome<readonly NoteSignature[], 'malformed_answer' | 'bad_signature' | 'not_cosigned'> {
  const lines = body.split('\n')
  if (lines.pop() !== '' || lines.length > MAX_SIGNATURES)
    return { ok: false, reason: 'malformed_answer' }
  const own: NoteSignature[] = []
  for (const line of lines) {
    const signature = parseSignatureLine(line)
    if (!signature) return { ok: false, reason: 'malformed_answer' }
    if (signature.name !== witness.name || signature.keyId !== witness.keyId) continue
    if (!witness.verifies(text, signature.signature)) return { ok: false, reason: 'bad_signature' }
    own.push(signature)
  }
  return own.length > 0 ? { ok: true, value: own } : { ok: false, reason: 'not_cosigned' }
}

function sizeOf(text: string): number | undefined {
  const size = SIZE.test(text) ? Number(text) : NaN
  return Number.isSafeInteger(size) ? size : undefined
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
