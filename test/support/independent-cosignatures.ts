// The second verifier's part on witnesses, from c2sp.org/tlog-cosignature ("Ed25519 signed message") and RFC 6962 §2.1: it
// imports nothing of src/ either.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { openSigned, rootsOf } from './independent-verifier.ts'

/**
 * Which of these witnesses cosigned a note, with the POSIX seconds that each states. Throws for a line in the name of one of
 * them that is false.
 */
export function cosignersOf(note: string, vkeys: readonly string[]): Map<string, number> {
  const blank = note.lastIndexOf('\n\n')
  const text = note.slice(0, blank + 1)
  const lines = note.slice(blank + 2).split('\n')
  const found = new Map<string, number>()
  for (const vkey of vkeys) {
    const { name, keyId, key } = witnessKeyOf(vkey)
    for (const line of lines) {
      if (!line.startsWith(`\u2014 ${name} `)) continue
      const blob = Buffer.from(line.split(' ')[2]!, 'base64')
      if (!blob.subarray(0, 4).equals(keyId)) continue
      if (blob.length !== 76) throw new Error('a cosignature has 76 bytes')
      const time = Number(blob.readBigUInt64BE(4))
      const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
      if (time === 0 || !verify(null, message, key, blob.subarray(12)))
        throw new Error('false cosignature')
      found.set(vkey, time)
    }
  }
  return found
}

function witnessKeyOf(vkey: string) {
  const [name = '', id, ...base64] = vkey.split('+')
  const material = Buffer.from(base64.join('+'), 'base64')
  if (material[0] !== 4 || material.length !== 33) throw new Error('not the vkey of a witness')
  const hash = createHash('sha256').update(`${name}\n`).update(material).digest()
  const keyId = hash.subarray(0, 4)
  if (keyId.toString('hex') !== id) throw new Error('the key id is not that of the key')
  const x = material.subarray(1).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return { name, keyId, key }
}

/**
 * Whether two notes of one log prove that it showed two histories: both signed by its key, and of one size with different
 * roots. Of two sizes they prove it together with the entries that the larger one was shown with.
 */
export function proveFork(
  one: string,
  other: string,
  vkey: string,
  entries?: readonly Buffer[],
): boolean {
  const [a, b] = [one, other].map((note) => openSigned(note, vkey)).sort((x, y) => x.size - y.size)
  if (a!.size === b!.size) return !a!.root.equals(b!.root)
  if (!entries) throw new Error('trees of two sizes need the entries of the larger')
  const rootOf = rootsOf(entries.slice(0, b!.size))
  if (!rootOf(b!.size).equals(b!.root)) throw new Error('not the entries of the larger tree')
  return !rootOf(a!.size).equals(a!.root)
}
