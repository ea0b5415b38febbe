import { BrokenSeal } from '../crypto/sodium.ts'
import type { Json } from '../domain/log/canonical.ts'

/**
 * Smallest plaintext. Every code of the catalogue, every boolean, number, date and time fits, so the
 * length of a ciphertext does not tell one answer to a closed question from another.
 */
const SMALLEST = 64
const SPACE = 0x20

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes of the plaintext that holds `length` bytes of JSON: 64, or the next power of two. Longer
 * values tell their length to within a factor of two.
 */
export function paddedLength(length: number): number {
  let padded = SMALLEST
  while (padded < length) padded *= 2
  return padded
}

/**
 * A value as it is sealed: JSON in UTF-8, filled up with spaces, which JSON allows at its end.
 *
 * @throws TypeError for something that JSON does not have, such as `undefined`
 */
export function encodePlaintext(value: Json, smallest = SMALLEST): Uint8Array {
  const text: string | undefined = JSON.stringify(value)
  if (text === undefined) throw new TypeError('not a JSON value')
  const length = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(paddedLength(Math.max(length, smallest)))
  bytes.write(text)
  bytes.fill(SPACE, length)
  return bytes
}

/**
 * Takes a value out of its plaintext.
 *
 * @throws BrokenSeal when it holds none; the parser's own error would quote the text
 */
export function decodePlaintext(bytes: Uint8Array): Json {
  try {
    return JSON.parse(decoder.decode(bytes)) as Json
  } catch {
    throw new BrokenSeal()
  }
}
