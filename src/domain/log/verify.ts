// Checking Merkle proofs without the tree: RFC 9162 §2.1.3.2 (inclusion) and §2.1.4.2
// (consistency), valid for RFC 6962 trees.
import { emptyRoot, equalBytes, HASH_BYTES, nodeHash } from './hash.ts'

/**
 * What an inclusion proof claims: the entry with `leafHash` is number `leafIndex` of the `treeSize`
 * entries under `root`.
 */
export type InclusionClaim = {
  readonly leafIndex: number
  readonly treeSize: number
  readonly leafHash: Uint8Array
  readonly inclusion: readonly Uint8Array[]
  readonly root: Uint8Array
}

/**
 * What a consistency proof claims: the `fromSize` entries under `fromRoot` are the first of the
 * `toSize` under `toRoot`.
 */
export type ConsistencyClaim = {
  readonly fromSize: number
  readonly fromRoot: Uint8Array
  readonly toSize: number
  readonly toRoot: Uint8Array
  readonly consistency: readonly Uint8Array[]
}

/**
 * Whether the claim holds. Never throws: proofs come from outside, and a malformed one proves
 * nothing.
 */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { leafIndex, treeSize, leafHash, inclusion, root } = claim
  if (!isCount(leafIndex) || !isCount(treeSize) || leafIndex >= treeSize) return false
  if (![leafHash, root, ...inclusion].every(isHash)) return false

  let node = leafIndex
  let last = treeSize - 1
  let hash = leafHash
  for (const sibling of inclusion) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash)
      ;[node, last] = skipMissingSiblings(node, last)
    } else {
      hash = nodeHash(hash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && equalBytes(hash, root)
}

/**
 * Whether the claim holds. Never throws. A tree is consistent with the empty tree if no hashes are
 * given and the empty tree's root is the right one.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { fromSize, fromRoot, toSize, toRoot, consistency } = claim
  if (!isCount(fromSize) || !isCount(toSize) || fromSize > toSize) return false
  if (![fromRoot, toRoot, ...consistency].every(isHash)) return false
  if (fromSize === toSize) return consistency.length === 0 && equalBytes(fromRoot, toRoot)
  if (fromSize === 0) return consistency.length === 0 && equalBytes(fromRoot, emptyRoot())
  if (consistency.length === 0) return false

  // An old tree that is complete is itself the first node of the path, and its root is known.
  const [start, ...rest] = isPowerOfTwo(fromSize) ? [fromRoot, ...consistency] : consistency
  if (!start) return false
  let node = fromSize - 1
  let last = toSize - 1
  while (node % 2 === 1) {
    node = half(node)
    last = half(last)
  }
  let oldHash = start
  let newHash = start
  for (const sibling of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(sibling, oldHash)
      newHash = nodeHash(sibling, newHash)
      ;[node, last] = skipMissingSiblings(node, last)
    } else {
      newHash = nodeHash(newHash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && equalBytes(oldHash, fromRoot) && equalBytes(newHash, toRoot)
}

/**
 * At the right edge of an uneven tree a node has no sibling for some levels: goes up to the next
 * one that has.
 */
function skipMissingSiblings(node: number, last: number): [node: number, last: number] {
  while (node % 2 === 0 && node !== 0) {
    node = half(node)
    last = half(last)
  }
  return [node, last]
}

// Not by shifts: sizes go beyond 32 bits.
function half(n: number): number {
  return Math.floor(n / 2)
}

function isPowerOfTwo(n: number): boolean {
  while (n % 2 === 0) n /= 2
  return n === 1
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES
}
