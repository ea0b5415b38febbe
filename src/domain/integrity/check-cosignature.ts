/** A witness's signature as it is stored, held against the checkpoint that it is said to be over. */
import { cosignatureTime, cosignatureVerifier } from '../log/cosignature.ts'
import { parseNote, parseSignatureLine } from '../log/note.ts'
import { ED25519_COSIGNATURE, parseVkey } from '../log/vkey.ts'

/** A row of `log_cosignature`. */
export interface StoredCosignature {
  readonly size: number
  /** Verifier key of the witness. */
  readonly witness: string
  /** With its newline. */
  readonly line: string
  readonly cosignedAt: Date
}

/** Whether the witness that the row names signed this note, at the time that the row says. */
export function isCosignature(
  note: string,
  { witness, line, cosignedAt }: StoredCosignature,
): boolean {
  const parsed = parseNote(note)
  const key = parseVkey(witness)
  const signature = parseSignatureLine(line.slice(0, -1))
  if (!parsed.ok || key?.type !== ED25519_COSIGNATURE || !signature || !line.endsWith('\n'))
    return false
  return (
    signature.name === key.name &&
    signature.keyId === key.keyId &&
    (cosignatureTime(signature.signature) ?? NaN) * 1000 === cosignedAt.getTime() &&
    cosignatureVerifier(key).verifies(parsed.value.text, signature.signature)
  )
}
