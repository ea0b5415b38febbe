// RFC 6962 §2.1 written down word for word over a list of entries: slow, simple, and independent of src/domain/log.
import { createHash } from 'node:crypto'

/** SHA-256 over all parts, as lowercase hex. */
export function sha256Hex(...parts: readonly Uint8Array[]): string {
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex')
}

const node = (left: string, right: string) =>
  sha256Hex(Uint8Array.of(1), Buffer.from(left, 'hex'), Buffer.from(right, 'hex'))

/** Root and proofs of `entries` and of any of their prefixes, as lowercase hex. */
export class MerkleOracle {
  readonly leaves: string[]
  readonly #known = new Map<string, string>()

  constructor(entries: readonly Uint8Array[]) {
    this.leaves = entries.map((entry) => sha256Hex(Uint8Array.of(0), entry))
  }

  /** MTH(D[start:end]). */
  mth(start: number, end: number): string {
    if (start === end) return sha256Hex()
    if (end - start === 1) return this.leaves[start]!
    const key = `${start}-${end}`
    const found = this.#known.get(key)
    if (found) return found
    const k = start + this.#k(end - start)
    const hash = node(this.mth(start, k), this.mth(k, end))
    this.#known.set(key, hash)
    return hash
  }

  /** PATH(m, D[start:end]). */
  path(m: number, end: number, start = 0): string[] {
    if (end - start === 1) return []
    const k = this.#k(end - start)
    return m < k
      ? [...this.path(m, start + k, start), this.mth(start + k, end)]
      : [...this.path(m - k, end, start + k), this.mth(start, start + k)]
  }

  /** PROOF(m, D[0:n]) for 0 < m <= n. */
  proof(m: number, n: number): string[] {
    return this.#subproof(m, 0, n, true)
  }

  #subproof(m: number, start: number, end: number, whole: boolean): string[] {
    const n = end - start
    if (m === n) return whole ? [] : [this.mth(start, end)]
    const k = this.#k(n)
    return m <= k
      ? [...this.#subproof(m, start, start + k, whole), this.mth(start + k, end)]
      : [...this.#subproof(m - k, start + k, end, false), this.mth(start, start + k)]
  }

  #k(n: number): number {
    let k = 1
    while (k * 2 < n) k *= 2
    return k
  }
}
