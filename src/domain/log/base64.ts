// Base64 of notes, checkpoints and receipts: RFC 4648 §4 (standard alphabet, padded), read strictly
// (§3.5).

/** Standard, padded base64 of `bytes`. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/**
 * The bytes behind `text`, or undefined if it is not exactly what {@link encodeBase64} writes.
 * White space, missing padding, the URL alphabet and stray trailing bits are refused, so that no
 * two texts stand for the same bytes.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}
