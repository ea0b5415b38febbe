// Signed notes: https://c2sp.org/signed-note: text, a blank line, then one signature line per key.
import { decodeBase64, encodeBase64 } from './base64.ts'
import { ed25519Sign, ed25519Verify } from './hash.ts'
import type { Outcome } from './outcome.ts'
import { ED25519, isKeyName, type NoteKey, type VerifierKey, verifierKey } from './vkey.ts'

/**
 * One signature line: who claims to have signed, and the bytes after the key id (their form depends
 * on the key's type).
 */
export type NoteSignature = {
  readonly name: string
  /** 8 lowercase hex digits. */
  readonly keyId: string
  readonly signature: Uint8Array
}

/** A note taken apart, none of its signatures checked: its text must not be believed yet. */
export type UnverifiedNote = {
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** A note that at least one known key signed and no known key failed on. */
export type Note = {
  readonly text: string
  /** By known keys; all of them valid. */
  readonly signatures: readonly NoteSignature[]
  /** By keys that the reader does not know; they say nothing. */
  readonly unknown: readonly NoteSignature[]
}

/**
 * Checks the signatures of one key. `verifies` gets the note's text and the bytes after the key id;
 * it never throws.
 */
export type NoteVerifier = {
  readonly name: string
  readonly keyId: string
  readonly verifies: (text: string, signature: Uint8Array) => boolean
}

/** Why a note is refused. */
export type NoteFailure =
  | 'too_large'
  | 'not_utf8'
  | 'control_character'
  | 'malformed_note'
  | 'too_many_signatures'
  | 'bad_signature'
  | 'no_known_signature'

/**
 * Largest note that is read, in bytes of UTF-8: room for {@link MAX_SIGNATURES} of the largest
 * post-quantum kind.
 */
export const MAX_NOTE_BYTES = 512 * 1024

/** Most signature lines that are read; the specification asks for 16 at least. */
export const MAX_SIGNATURES = 64

const SIGNATURE_PREFIX = '\u2014 '
const KEY_ID_BYTES = 4
// eslint-disable-next-line no-control-regex -- these are what the specification forbids
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

/**
 * Takes a note apart without checking signatures. Bytes must be UTF-8; a string must have no lone
 * surrogates.
 */
export function parseNote(note: string | Uint8Array): Outcome<UnverifiedNote, NoteFailure> {
  const read = readText(note)
  if (!read.ok) return read
  const whole = read.value
  if (CONTROL.test(whole)) return refuse('control_character')
  const blank = whole.lastIndexOf('\n\n')
  if (blank < 0 || !whole.endsWith('\n')) return refuse('malformed_note')

  const lines = whole
    .slice(blank + 2)
    .split('\n')
    .slice(0, -1)
  if (lines.length === 0) return refuse('malformed_note')
  if (lines.length > MAX_SIGNATURES) return refuse('too_many_signatures')
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const signature = parseSignatureLine(line)
    if (!signature) return refuse('malformed_note')
    signatures.push(signature)
  }
  return { ok: true, value: { text: whole.slice(0, blank + 1), signatures } }
}

/**
 * Takes a note apart and checks it: signatures by unknown keys are ignored (a key is known by name
 * and id together), one by a known key that fails refuses the whole note, and at least one by a
 * known key must be there.
 *
 * @throws RangeError when two verifiers have the same name and key id (a fault of configuration)
 */
export function openNote(
  note: string | Uint8Array,
  verifiers: readonly NoteVerifier[],
): Outcome<Note, NoteFailure> {
  const byKey = new Map(verifiers.map((verifier) => [keyOf(verifier), verifier]))
  if (byKey.size < verifiers.length) throw new RangeError('two verifiers share a name and key id')

  const parsed = parseNote(note)
  if (!parsed.ok) return parsed
  const { text } = parsed.value
  const known: NoteSignature[] = []
  const unknown: NoteSignature[] = []
  for (const line of parsed.value.signatures) {
    const verifier = byKey.get(keyOf(line))
    if (!verifier) unknown.push(line)
    else if (verifier.verifies(text, line.signature)) known.push(line)
    else return refuse('bad_signature')
  }
  if (known.length === 0) return refuse('no_known_signature')
  return { ok: true, value: { text, signatures: known, unknown } }
}

/**
 * Writes a note: the text, a blank line and the signature lines in the order given.
 *
 * @throws RangeError when the text does not end in a newline or holds what a note may not, or there
 *   is no signature
 */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
  checkText(text)
  if (signatures.length === 0) throw new RangeError('a note has at least one signature')
  return `${text}\n${signatures.map(formatSignatureLine).join('')}`
}

/** One signature line with its newline, as it is appended to a note. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  const blob = Buffer.concat([Buffer.from(keyId, 'hex'), signature])
  return `${SIGNATURE_PREFIX}${name} ${encodeBase64(blob)}\n`
}

/** Reads one signature line, without its newline; undefined if it is not one. */
export function parseSignatureLine(line: string): NoteSignature | undefined {
  if (!line.startsWith(SIGNATURE_PREFIX)) return undefined
  const [name = '', base64 = '', ...more] = line.slice(SIGNATURE_PREFIX.length).split(' ')
  const blob = decodeBase64(base64)
  if (more.length > 0 || !isKeyName(name) || !blob || blob.length <= KEY_ID_BYTES) return undefined
  const keyId = Buffer.from(blob.subarray(0, KEY_ID_BYTES)).toString('hex')
  return { name, keyId, signature: blob.slice(KEY_ID_BYTES) }
}

/**
 * Signs a text as type 01: plain Ed25519 over the text with its final newline.
 *
 * @throws RangeError when the text does not end in a newline or holds what a note may not, or the
 *   key is malformed
 */
export function signNote(text: string, key: NoteKey): NoteSignature {
  checkText(text)
  const { name, keyId } = verifierKey(key, ED25519)
  return { name, keyId, signature: ed25519Sign(key.seed, new TextEncoder().encode(text)) }
}

/**
 * Verifier for the signatures of a type 01 key.
 *
 * @throws RangeError when the key is of another type
 */
export function noteVerifier({ name, keyId, type, publicKey }: VerifierKey): NoteVerifier {
  if (type !== ED25519) throw new RangeError('not a key for plain notes')
  return {
    name,
    keyId,
    verifies: (text, signature) =>
      ed25519Verify(publicKey, new TextEncoder().encode(text), signature),
  }
}

function readText(note: string | Uint8Array): Outcome<string, NoteFailure> {
  if (typeof note === 'string') {
    if (Buffer.byteLength(note) > MAX_NOTE_BYTES) return refuse('too_large')
    return note.isWellFormed() ? { ok: true, value: note } : refuse('not_utf8')
  }
  if (note.length > MAX_NOTE_BYTES) return refuse('too_large')
  try {
    // ignoreBOM keeps a byte order mark in the text: it is part of what was signed.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return { ok: true, value: decoder.decode(note) }
  } catch {
    return refuse('not_utf8')
  }
}

function checkText(text: string): void {
  if (!text.endsWith('\n') || !text.isWellFormed() || CONTROL.test(text)) {
    throw new RangeError('not a text that can be signed as a note')
  }
}

function keyOf({ name, keyId }: { name: string; keyId: string }): string {
  return `${name}+${keyId}`
}

function refuse(reason: NoteFailure): { readonly ok: false; readonly reason: NoteFailure } {
  return { ok: false, reason }
}
