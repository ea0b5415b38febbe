// Checkpoints: https://c2sp.org/tlog-checkpoint: a signed note that says origin, size and root of a
// log.
import { decodeBase64, encodeBase64 } from './base64.ts'
import { HASH_BYTES } from './hash.ts'
import {
  formatNote,
  type Note,
  type NoteFailure,
  type NoteVerifier,
  noteVerifier,
  openNote,
  signNote,
} from './note.ts'
import type { Outcome } from './outcome.ts'
import { ED25519, type NoteKey, parseVkey } from './vkey.ts'

/** The state of a log: the root of the Merkle tree over its first `size` entries. */
export type Checkpoint = {
  /** Which log: its URL prefix without scheme and trailing slash. */
  readonly origin: string
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
  /** Further lines, opaque; none in checkpoints of our own. */
  readonly extensions: readonly string[]
}

/**
 * A log as its reader knows it: what its checkpoints must say and who must have signed them. A log
 * whose key was rotated has several; one of them is enough, and none may fail.
 */
export type LogIdentity = { readonly origin: string; readonly keys: readonly LogKey[] }

/** A key of a log, and how far it speaks for the log. */
export type LogKey = {
  readonly verifier: NoteVerifier
  /** Size of the last checkpoint that it signed; absent while it signs, or where that is not known. */
  readonly until?: number
}

/**
 * A checkpoint that its log signed, with the note that carried it (its text is what witnesses
 * sign).
 */
export type OpenedCheckpoint = { readonly checkpoint: Checkpoint; readonly note: Note }

/** Why a checkpoint is refused. */
export type CheckpointFailure =
  | NoteFailure
  | 'not_signed_by_log'
  | 'malformed_checkpoint'
  | 'wrong_origin'
  /** Only keys signed that had ended at a smaller size: a lost key in the wrong hands, perhaps. */
  | 'key_ended'
  /** Fewer of the known witnesses cosigned it than are asked for. */
  | 'witness_missing'

/**
 * The text of a checkpoint, as it is signed: origin, size, root and extensions, a line each.
 *
 * @throws RangeError when a line would be empty or hold a line break, the size is no safe integer
 *   from 0, or the root does not have 32 bytes
 */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions } = checkpoint
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('not a size of a tree')
  if (root.length !== HASH_BYTES) throw new RangeError('a root has 32 bytes')
  const lines = [origin, String(size), encodeBase64(root), ...extensions]
  if (lines.some((line) => line === '' || line.includes('\n'))) {
    throw new RangeError('not a line of a checkpoint')
  }
  return lines.map((line) => `${line}\n`).join('')
}

/**
 * Reads the text of a checkpoint; undefined when it is malformed. Says nothing about who wrote it:
 * {@link openCheckpoint}.
 */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.includes('')) return undefined
  const [origin, sizeText, rootText, ...extensions] = lines
  if (origin === undefined || sizeText === undefined || rootText === undefined) return undefined
  const size = /^(?:0|[1-9]\d{0,15})$/.test(sizeText) ? Number(sizeText) : NaN
  const root = decodeBase64(rootText)
  if (!Number.isSafeInteger(size) || root?.length !== HASH_BYTES) return undefined
  return { origin, size, root, extensions }
}

/**
 * Signs a checkpoint as the log, with each of its keys; their name should be the origin. Never to be
 * called for a tree that is not a continuation of every one signed before.
 *
 * @returns the whole note
 * @throws RangeError as {@link formatCheckpoint} and `signNote`, or when there is no key
 */
export function signCheckpoint(checkpoint: Checkpoint, ...keys: readonly NoteKey[]): string {
  const text = formatCheckpoint(checkpoint)
  return formatNote(
    text,
    keys.map((key) => signNote(text, key)),
  )
}

/** A vkey of a log, and the size of the last checkpoint that it may have signed, if it has ended. */
export type KnownKey = { readonly vkey: string; readonly until?: number }

/**
 * The identity of a log from its vkeys (type 01), all of one name. One that is given twice counts
 * once, with the narrower end.
 *
 * @param origin only where it differs from the keys' name
 * @returns undefined when there is none, one is malformed or of another type, or they have several
 *   names
 */
export function logIdentity(
  vkeys: string | readonly (string | KnownKey)[],
  origin?: string,
): LogIdentity | undefined {
  const known = new Map<string, number>()
  for (const key of typeof vkeys === 'string' ? [vkeys] : vkeys) {
    const { vkey, until = Infinity } = typeof key === 'string' ? { vkey: key } : key
    known.set(vkey, Math.min(until, known.get(vkey) ?? Infinity))
  }
  const keys: LogKey[] = []
  const names = new Set<string>()
  for (const [vkey, until] of known) {
    const key = parseVkey(vkey)
    if (key?.type !== ED25519) return undefined
    names.add(key.name)
    keys.push({ verifier: noteVerifier(key), ...(until === Infinity ? {} : { until }) })
  }
  const [name] = names
  return name === undefined || names.size > 1 ? undefined : { origin: origin ?? name, keys }
}

/**
 * Opens a checkpoint: the log itself must have signed it, with a key that had not ended, and a known
 * key of log or witness whose signature fails refuses it.
 *
 * @param quorum how many witnesses, told apart by name, must have cosigned it
 * @throws RangeError when two verifiers have the same name and key id
 */
export function openCheckpoint(
  note: string | Uint8Array,
  log: LogIdentity,
  witnesses: readonly NoteVerifier[] = [],
  quorum = 0,
): Outcome<OpenedCheckpoint, CheckpointFailure> {
  const opened = openNote(note, [...log.keys.map(({ verifier }) => verifier), ...witnesses])
  if (!opened.ok) return opened
  const { signatures } = opened.value
  const byLog = log.keys.filter(({ verifier: { name, keyId } }) =>
    signatures.some((line) => line.name === name && line.keyId === keyId),
  )
  if (byLog.length === 0) return { ok: false, reason: 'not_signed_by_log' }

  const checkpoint = parseCheckpoint(opened.value.text)
  if (!checkpoint) return { ok: false, reason: 'malformed_checkpoint' }
  if (checkpoint.origin !== log.origin) return { ok: false, reason: 'wrong_origin' }
  if (byLog.every(({ until }) => until !== undefined && until < checkpoint.size))
    return { ok: false, reason: 'key_ended' }
  const cosigned = witnesses.filter(({ name, keyId }) =>
    signatures.some((line) => line.name === name && line.keyId === keyId),
  )
  if (new Set(cosigned.map(({ name }) => name)).size < quorum)
    return { ok: false, reason: 'witness_missing' }
  return { ok: true, value: { checkpoint, note: opened.value } }
}
