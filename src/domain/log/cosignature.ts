// Ed25519 cosignatures of witnesses: https://c2sp.org/tlog-cosignature, sections "Format" and
// "Ed25519 signed message".
//
//   signature = uint64 big-endian POSIX seconds || 64 bytes Ed25519
//   message   = "cosignature/v1" LF "time " seconds LF || text of the checkpoint's note
import { ED25519_SIGNATURE_BYTES, ed25519Sign, ed25519Verify } from './hash.ts'
import type { NoteSignature, NoteVerifier } from './note.ts'
import { ED25519_COSIGNATURE, type NoteKey, type VerifierKey, verifierKey } from './vkey.ts'

const TIME_BYTES = 8

/**
 * Cosigns a checkpoint: says that, at `time`, this was the largest consistent tree its signer had
 * seen of the log.
 *
 * @param text the checkpoint's note text with extension lines and final newline, without signatures
 * @param time POSIX seconds, from 1: a time of 0 means that no such claim is made
 * @throws RangeError when the time is no such number or the key is malformed
 */
export function cosign(text: string, time: number, key: NoteKey): NoteSignature {
  if (!Number.isSafeInteger(time) || time < 1) throw new RangeError('not a time in POSIX seconds')
  const { name, keyId } = verifierKey(key, ED25519_COSIGNATURE)
  const signature = new Uint8Array(TIME_BYTES + ED25519_SIGNATURE_BYTES)
  new DataView(signature.buffer).setBigUint64(0, BigInt(time))
  signature.set(ed25519Sign(key.seed, message(text, time)), TIME_BYTES)
  return { name, keyId, signature }
}

/**
 * Verifier for the cosignatures of a type 04 key. It does not look at the clock: see {@link
 * cosignatureTime}.
 *
 * @throws RangeError when the key is of another type
 */
export function cosignatureVerifier({ name, keyId, type, publicKey }: VerifierKey): NoteVerifier {
  if (type !== ED25519_COSIGNATURE) throw new RangeError('not a key for cosignatures')
  return {
    name,
    keyId,
    verifies: (text, signature) => {
      const time = cosignatureTime(signature)
      return (
        time !== undefined &&
        ed25519Verify(publicKey, message(text, time), signature.subarray(TIME_BYTES))
      )
    },
  }
}

/**
 * The POSIX seconds that a cosignature states, or undefined when it is malformed, has no time (0),
 * or one beyond 2^53: to be believed only after the signature was verified.
 */
export function cosignatureTime(signature: Uint8Array): number | undefined {
  if (signature.length !== TIME_BYTES + ED25519_SIGNATURE_BYTES) return undefined
  const view = new DataView(signature.buffer, signature.byteOffset, signature.byteLength)
  const time = Number(view.getBigUint64(0))
  return Number.isSafeInteger(time) && time > 0 ? time : undefined
}

function message(text: string, time: number): Uint8Array {
  return new TextEncoder().encode(`cosignature/v1\ntime ${time}\n${text}`)
}
