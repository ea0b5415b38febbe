import type { RuleSet } from './bits.ts'

interface Kept<T> {
  readonly set: RuleSet
  readonly answer: T
  /** Another set with the same hash. */
  readonly next: Kept<T> | undefined
}

/**
 * Answers that follow from a set of rules alone, so that each is worked out once. Whether one is found
 * here or worked out anew makes no difference but to time. Forgets everything when it is full.
 */
export class RuleSetMemo<T> {
  readonly #limit: number
  readonly #kept = new Map<number, Kept<T>>()
  #size = 0

  /** @param limit how many answers may be kept */
  constructor(limit: number) {
    this.#limit = limit
  }

  find(set: RuleSet): T | undefined {
    let kept = this.#kept.get(hashOf(set))
    while (kept !== undefined && !isSame(kept.set, set)) kept = kept.next
    return kept?.answer
  }

  /** Keeps a copy of the set. */
  keep(set: RuleSet, answer: T): T {
    if (this.#size === this.#limit) {
      this.#kept.clear()
      this.#size = 0
    }
    const hash = hashOf(set)
    this.#kept.set(hash, { set: set.slice(), answer, next: this.#kept.get(hash) })
    this.#size++
    return answer
  }
}

function hashOf(set: RuleSet): number {
  let hash = set[0] ?? 0
  for (let i = 1; i < set.length; i++) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (set[i] ?? 0)
  }
  return hash
}

function isSame(a: RuleSet, b: RuleSet): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
