// A second verifier of the log, from the texts of RFC 6962 §2.1, RFC 8032, RFC 8785 and c2sp.org/{signed-note,
// tlog-checkpoint,tlog-tiles} and nothing else: it imports nothing of src/, and prefers the words of the definitions
// (recursion over whole lists) to speed.
import { createHash, createHmac, createPublicKey, verify } from 'node:crypto'

/** Fetches below the log's prefix; undefined where there is nothing. */
export type Fetch = (path: string) => Promise<Uint8Array | undefined>

/** What a signed checkpoint says. */
export type SignedTree = { origin: string; size: number; root: Buffer }

/** A log that was read and found right. */
export type ReadLog = SignedTree & { entries: Buffer[]; tiles: number }

const sha256 = (...parts: Uint8Array[]) =>
  createHash('sha256').update(Buffer.concat(parts)).digest()
const leaf = (entry: Uint8Array) => sha256(Buffer.of(0), entry)
const node = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.of(1), left, right)

/** RFC 6962 §2.1: "let k be the largest power of two smaller than n". */
function splitOf(n: number): number {
  let k = 1
  while (2 * k < n) k *= 2
  return k
}

/** MTH over leaf hashes. */
function mth(leaves: Buffer[]): Buffer {
  const n = leaves.length
  if (n === 0) return sha256()
  if (n === 1) return leaves[0]!
  const k = splitOf(n)
  return node(mth(leaves.slice(0, k)), mth(leaves.slice(k)))
}

/** Roots of the trees over the first so many of these entries; whole subtrees are hashed once. */
export function rootsOf(entries: readonly Buffer[]): (size: number) => Buffer {
  const known = new Map<string, Buffer>()
  const over = (from: number, to: number): Buffer => {
    const name = `${from}-${to}`
    const n = to - from
    const hash =
      known.get(name) ??
      (n === 0
        ? sha256()
        : n === 1
          ? leaf(entries[from]!)
          : node(over(from, from + splitOf(n)), over(from + splitOf(n), to)))
    if (2 * splitOf(n) === n) known.set(name, hash)
    return hash
  }
  return (size) => over(0, size)
}

/** The root that a leaf and its audit path give (RFC 6962 §2.1.1, read backwards). */
function rootFromPath(m: number, n: number, hash: Buffer, path: Buffer[]): Buffer {
  if (n === 1) {
    if (path.length > 0) throw new Error('the path is too long')
    return hash
  }
  const sibling = path.at(-1)
  if (!sibling) throw new Error('the path is too short')
  const k = splitOf(n)
  const rest = path.slice(0, -1)
  return m < k
    ? node(rootFromPath(m, k, hash, rest), sibling)
    : node(sibling, rootFromPath(m - k, n - k, hash, rest))
}

/** A key as a vkey spells it: type 1 signs notes, type 4 cosigns checkpoints. */
function keyOf(vkey: string, type = 1) {
  const [name = '', id, ...base64] = vkey.split('+')
  const material = Buffer.from(base64.join('+'), 'base64')
  if (material[0] !== type || material.length !== 33) throw new Error('not an Ed25519 vkey')
  const keyId = sha256(Buffer.from(`${name}\n`), material).subarray(0, 4)
  if (keyId.toString('hex') !== id) throw new Error('the key id is not that of the key')
  const x = material.subarray(1).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return { name, keyId, key }
}

/**
 * The text of a note, and by which of the keys it is signed. Throws when one of them signed falsely,
 * or none did.
 */
function openText(note: string, vkeys: readonly string[]): { text: string; signers: string[] } {
  const blank = note.lastIndexOf('\n\n')
  const text = note.slice(0, blank + 1)
  const lines = note.slice(blank + 2).split('\n')
  const signers = vkeys.filter((vkey) => {
    const { name, keyId, key } = keyOf(vkey)
    const signed = lines
      .filter((line) => line.startsWith(`\u2014 ${name} `))
      .map((line) => Buffer.from(line.split(' ')[2]!, 'base64'))
      .filter((blob) => blob.subarray(0, 4).equals(keyId))
    if (signed.some((blob) => !verify(null, Buffer.from(text), key, blob.subarray(4))))
      throw new Error('false signature')
    return signed.length > 0
  })
  if (signers.length === 0) throw new Error('not signed by this key')
  return { text, signers }
}

/** Opens a checkpoint signed by one of the keys, whose name is the origin. Throws what is wrong. */
export function openSigned(
  note: string,
  vkeys: string | readonly string[],
): SignedTree & { signers: string[] } {
  const known = typeof vkeys === 'string' ? [vkeys] : vkeys
  const { text, signers } = openText(note, known)
  const [origin, size, root] = text.split('\n')
  if (known.some((vkey) => keyOf(vkey).name !== origin)) throw new Error('another origin')
  return { origin: origin!, size: Number(size), root: Buffer.from(root!, 'base64'), signers }
}

/** Which of these witnesses cosigned a checkpoint, and when (POSIX seconds). Throws when one did so falsely. */
export function cosignersOf(note: string, vkeys: readonly string[]): Map<string, number> {
  const blank = note.lastIndexOf('\n\n')
  const text = note.slice(0, blank + 1)
  const lines = note.slice(blank + 2).split('\n')
  const found = new Map<string, number>()
  for (const vkey of vkeys) {
    const { name, keyId, key } = keyOf(vkey, 4)
    for (const line of lines.filter((line) => line.startsWith(`\u2014 ${name} `))) {
      const blob = Buffer.from(line.split(' ')[2]!, 'base64')
      if (!blob.subarray(0, 4).equals(keyId)) continue
      if (blob.length !== 76) throw new Error('not a cosignature')
      const time = blob.readBigUInt64BE(4)
      const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
      if (!verify(null, message, key, blob.subarray(12))) throw new Error('false cosignature')
      found.set(vkey, Number(time))
    }
  }
  return found
}

/** Whether two checkpoints, both signed by the log, are of one size and different trees. */
export function proveFork(one: string, other: string, vkeys: string | readonly string[]): boolean {
  const [a, b] = [openSigned(one, vkeys), openSigned(other, vkeys)]
  return a.size === b.size && !a.root.equals(b.root)
}

/** A key in the history of a log: it signs the checkpoints larger than `from`, up to `until`. */
export type Period = { vkey: string; from: number; until: number; compromised: boolean }

/** Opens what `/log/vkeys` says, for somebody who knows some of the keys. */
export function openHistory(note: string, vkeys: readonly string[]): Period[] {
  const { text } = openText(note, vkeys)
  const [heading, origin, ...lines] = text.slice(0, -1).split('\n')
  if (heading !== 'ostiary log keys v1') throw new Error('not a history of keys')
  return lines.map((line) => {
    const [vkey = '', from, , until, , state] = line.split(' ')
    if (keyOf(vkey).name !== origin) throw new Error('another origin')
    const end = until === '-' ? Infinity : Number(until)
    return { vkey, from: Number(from), until: end, compromised: state === 'compromised' }
  })
}

/** Path of tile or bundle number `n`: three-digit groups with `x` before all but the last, `.p/W` if partial. */
export function pathOf(kind: string, n: number, width: number): string {
  const digits = String(n)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g)!
  const spelled = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${kind}/${spelled}${width < 256 ? `.p/${width}` : ''}`
}

async function must(fetch: Fetch, path: string): Promise<Buffer> {
  const bytes = await fetch(path)
  if (!bytes) throw new Error(`${path} is not there`)
  return Buffer.from(bytes)
}

/** Reads the whole log: every entry from the bundles, the root from the entries, every tile by its definition. */
export async function readWholeLog(
  fetch: Fetch,
  vkeys: string | readonly string[],
): Promise<ReadLog> {
  const { origin, size, root } = openSigned((await must(fetch, 'checkpoint')).toString(), vkeys)
  const tree = { origin, size, root }
  const entries: Buffer[] = []
  for (let n = 0; n * 256 < tree.size; n++) {
    const width = Math.min(256, tree.size - n * 256)
    let rest = await must(fetch, pathOf('entries', n, width))
    const before = entries.length
    while (rest.length > 0) {
      const length = rest.readUInt16BE(0)
      entries.push(rest.subarray(2, 2 + length))
      rest = rest.subarray(2 + length)
    }
    if (entries.length !== before + width) throw new Error('a bundle of another width')
  }
  const leaves = entries.map(leaf)
  if (!mth(leaves).equals(tree.root)) throw new Error('the entries have another root')
  return { ...tree, entries, tiles: await compareTiles(fetch, leaves) }
}

/** Level l, tile n, hash i = MTH(D[(n*256+i)*256^l : (n*256+i+1)*256^l]). */
async function compareTiles(fetch: Fetch, leaves: Buffer[]): Promise<number> {
  let count = 0
  for (let level = 0; 256 ** level <= leaves.length; level++) {
    const span = 256 ** level
    const hashes = Math.floor(leaves.length / span)
    for (let n = 0; n * 256 < hashes; n++) {
      const width = Math.min(256, hashes - n * 256)
      const wanted = Array.from({ length: width }, (_, i) =>
        mth(leaves.slice((n * 256 + i) * span, (n * 256 + i + 1) * span)),
      )
      const path = pathOf(String(level), n, width)
      if (!(await must(fetch, path)).equals(Buffer.concat(wanted)))
        throw new Error(`${path} differs`)
      count += 1
    }
  }
  return count
}

/** A proof of a disclosure, as it came over the API. */
export type AnyReceipt = {
  publicPart: unknown
  publicSalt: string
  privateCommitment: string
  /** With its salt, in a proof that opens both parts. */
  privatePart?: unknown
  privateSalt?: string
  leafIndex: number
  treeSize: number
  inclusion: readonly string[]
  checkpoint: string
}

/** Checks a receipt; gives its entry and the tree that holds it, or throws what is wrong. */
export function openReceipt(
  receipt: AnyReceipt,
  vkeys: string | readonly string[],
): { entry: Buffer; tree: SignedTree } {
  const bytes = (text: string) => Buffer.from(text, 'base64')
  const commit = (part: unknown, salt: string) =>
    createHmac('sha256', bytes(salt)).update(canonical(part)).digest()
  const { privatePart, privateSalt } = receipt
  if ((privatePart === undefined) !== (privateSalt === undefined))
    throw new Error('half of a private part')
  const committed = bytes(receipt.privateCommitment)
  if (privateSalt !== undefined && !commit(privatePart, privateSalt).equals(committed))
    throw new Error('another private part')
  const entry = Buffer.concat([commit(receipt.publicPart, receipt.publicSalt), committed])
  if (entry.length !== 64) throw new Error('the entry does not have 64 bytes')
  const tree = openSigned(receipt.checkpoint, vkeys)
  if (tree.size !== receipt.treeSize) throw new Error('the checkpoint is of another size')
  if (receipt.leafIndex < 0 || receipt.leafIndex >= tree.size) throw new Error('outside the tree')
  const path = receipt.inclusion.map(bytes)
  const root = rootFromPath(receipt.leafIndex, tree.size, leaf(entry), path)
  if (!root.equals(tree.root)) throw new Error('not in the log')
  return { entry, tree }
}

/** RFC 8785 for what JSON.parse gives. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
