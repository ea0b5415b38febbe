// What a witness decides: https://c2sp.org/tlog-witness, section "add-checkpoint". It vouches, with
// its cosignature, that a log only ever grew, as far as it has seen; and it remembers one checkpoint
// per log for that.
import type { AddCheckpoint } from './add-checkpoint.ts'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { cosign, cosignatureVerifier } from './cosignature.ts'
import { emptyRoot, equalBytes, sha256 } from './hash.ts'
import {
  formatNote,
  type Note,
  type NoteSignature,
  type NoteVerifier,
  noteVerifier,
  openNote,
  parseNote,
} from './note.ts'
import type { Outcome } from './outcome.ts'
import { verifyConsistency } from './verify.ts'
import { ED25519, ED25519_COSIGNATURE, type NoteKey, parseVkey, verifierKey } from './vkey.ts'

/** A log that a witness watches. While its key is changed it has several; any one of them will do. */
export type WatchedLog = {
  readonly origin: string
  readonly verifiers: readonly NoteVerifier[]
}

/** The last tree that a witness cosigned of a log. */
export type WitnessedTree = { readonly size: number; readonly root: Uint8Array }

/** The answer to a request, by its HTTP status. */
export type AddDecision =
  | { readonly status: 200; readonly checkpoint: Checkpoint; readonly note: Note }
  | { readonly status: 409; readonly storedSize: number; readonly checkpoint: Checkpoint }
  | {
      readonly status: 400 | 403 | 404 | 422
      readonly reason: AddRefusal
      /** Where its own log signed what is refused: evidence against that log, if it is one. */
      readonly checkpoint?: Checkpoint
    }

/** Why a checkpoint is not cosigned, apart from a size that is not the stored one. */
export type AddRefusal =
  | 'malformed'
  | 'unknown_log'
  | 'not_signed'
  | 'bad_signature'
  | 'shrinks'
  | 'false_empty_root'
  /** The same size as the stored tree with another root: two signed trees that exclude each other. */
  | 'forked'
  | 'not_consistent'

/**
 * Groups verifier keys into logs by their name, which is the origin.
 *
 * @returns undefined when one of them is not the vkey of a log
 */
export function watchedLogs(vkeys: readonly string[]): ReadonlyMap<string, WatchedLog> | undefined {
  const logs = new Map<string, { origin: string; verifiers: NoteVerifier[] }>()
  for (const vkey of new Set(vkeys)) {
    const key = parseVkey(vkey)
    if (key?.type !== ED25519) return undefined
    const log = logs.get(key.name) ?? { origin: key.name, verifiers: [] }
    log.verifiers.push(noteVerifier(key))
    logs.set(key.name, log)
  }
  return logs
}

/**
 * Decides on a request, in the order that the specification gives the checks. It changes nothing:
 * whoever asks must store the checkpoint, if the stored one is still `latest`, before cosigning it.
 *
 * @param logs by origin
 * @param latest the tree last cosigned of that log; undefined when there was none
 */
export function decideAddCheckpoint(
  request: AddCheckpoint,
  logs: ReadonlyMap<string, WatchedLog>,
  latest: (origin: string) => WitnessedTree | undefined,
): AddDecision {
  const parsed = parseNote(request.note)
  const claimed = parsed.ok ? parseCheckpoint(parsed.value.text) : undefined
  if (!claimed) return { status: 400, reason: 'malformed' }
  const log = logs.get(claimed.origin)
  if (!log) return { status: 404, reason: 'unknown_log' }
  const opened = openNote(request.note, log.verifiers)
  if (!opened.ok) {
    const reason = opened.reason === 'bad_signature' ? 'bad_signature' : 'not_signed'
    return { status: 403, reason }
  }
  return judgeGrowth(request, { checkpoint: claimed, note: opened.value }, latest(claimed.origin))
}

/** Decides on a checkpoint that its log has signed. */
function judgeGrowth(
  { oldSize, consistency }: AddCheckpoint,
  { checkpoint, note }: { readonly checkpoint: Checkpoint; readonly note: Note },
  latest: WitnessedTree | undefined,
): AddDecision {
  const { size, root } = checkpoint
  if (oldSize > size) return { status: 400, reason: 'shrinks', checkpoint }
  const storedSize = latest?.size ?? 0
  if (oldSize !== storedSize) return { status: 409, storedSize, checkpoint }
  if (size === 0 && !equalBytes(root, emptyRoot()))
    return { status: 422, reason: 'false_empty_root', checkpoint }
  const fromRoot = latest?.root ?? emptyRoot()
  if (size === storedSize && !equalBytes(root, fromRoot))
    return { status: 422, reason: 'forked', checkpoint }
  const grows = verifyConsistency({
    fromSize: oldSize,
    fromRoot,
    toSize: size,
    toRoot: root,
    consistency,
  })
  return grows
    ? { status: 200, checkpoint, note }
    : { status: 422, reason: 'not_consistent', checkpoint }
}

/** A cosigned checkpoint: what the witness answers, keeps and shows to monitors. */
export type Cosigned = {
  readonly cosignature: NoteSignature
  /** The note with the log's own signatures and the cosignature. */
  readonly note: string
}

/**
 * Cosigns what `decideAddCheckpoint` has accepted.
 *
 * @param time POSIX seconds, from 1
 */
export function cosignNote({ text, signatures }: Note, time: number, key: NoteKey): Cosigned {
  const cosignature = cosign(text, time, key)
  return { cosignature, note: formatNote(text, [...signatures, cosignature]) }
}

/**
 * Opens a note that this witness kept: it must have cosigned it. Its log's signatures are not looked
 * at again, for the log may have other keys by now.
 */
export function openOwnNote(
  note: string,
  key: NoteKey,
): Outcome<Checkpoint, 'not_cosigned' | 'malformed_checkpoint'> {
  const own = cosignatureVerifier(verifierKey(key, ED25519_COSIGNATURE))
  const opened = openNote(note, [own])
  if (!opened.ok) return { ok: false, reason: 'not_cosigned' }
  const checkpoint = parseCheckpoint(opened.value.text)
  return checkpoint
    ? { ok: true, value: checkpoint }
    : { ok: false, reason: 'malformed_checkpoint' }
}

/** Under which name a monitor finds a log: SHA-256 of its origin, 64 lowercase hex digits. */
export function originHash(origin: string): string {
  return Buffer.from(sha256(new TextEncoder().encode(origin))).toString('hex')
}

/** What a witness or a log is called: the beginning of its verifier key. */
export function nameOfVkey(vkey: string): string {
  const [name = ''] = vkey.split('+', 1)
  return name
}
