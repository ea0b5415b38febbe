/**
 * The text form of key-encryption keys, in an environment variable or a file: one line `epoch:key` per
 * epoch, the key being 32 bytes in base64 or base64url. Empty lines and lines that begin with `#` count
 * for nothing. A key alone, without an epoch, is epoch 1.
 */

const LINE = /^(?:(?<epoch>[1-9]\d{0,8}):)?\s*(?<key>[A-Za-z0-9+/_-]{43}=?)$/

/**
 * Reads the keys, by epoch.
 *
 * @throws Error that names the line, never its content, for a line of another form or a repeated
 *   epoch, and when there is no key at all
 */
export function parseKeyEncryptionKeys(text: string): Map<number, Uint8Array> {
  const keys = new Map<number, Uint8Array>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const { epoch = '1', key } = LINE.exec(line)?.groups ?? {}
    const bytes = Buffer.from(key ?? '', 'base64')
    if (bytes.length !== 32) {
      throw new Error(`key-encryption keys, line ${index + 1}: expected epoch:key in base64`)
    }
    if (keys.has(Number(epoch))) {
      throw new Error(`key-encryption keys, line ${index + 1}: epoch ${epoch} is there twice`)
    }
    keys.set(Number(epoch), Uint8Array.from(bytes))
  }
  if (keys.size === 0) throw new Error('there is no key-encryption key')
  return keys
}

/** One line of that form, without a line break. */
export function formatKeyEncryptionKey(epoch: number, key: Uint8Array): string {
  return `${epoch}:${Buffer.from(key).toString('base64')}`
}
