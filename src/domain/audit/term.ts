import { sha256 } from '../log/hash.ts'

/** What an event has several of, by which it can be found. `released`: a field of which a value left. */
export const TERM_KINDS = ['field', 'released', 'rule', 'reason', 'agency'] as const
export type TermKind = (typeof TERM_KINDS)[number]

/**
 * The key under which an event is found by one of its terms: the first eight bytes of a SHA-256 as a
 * signed 64-bit number, in decimal. Two terms with one key are possible, so whoever reads compares the
 * terms themselves too.
 */
export function termKey(kind: TermKind, name: string): string {
  const [...bytes] = sha256(Buffer.from(`${kind}\n${name}`)).subarray(0, 8)
  const unsigned = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return String(BigInt.asIntN(64, unsigned))
}
