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
  readonly #slots: (Kept<T> | undefined)[]
  #size = 0

  /** @param limit how many answers may be kept; a power of two */
  constructor(limit: number) {
    this.#slots = new Array<Kept<T> | undefined>(limit).fill(undefined)
  }

  find(set: RuleSet): T | undefined {
    const slots = this.#slots
    let kept = slots[hashOf(set) & (slots.length - 1)]
    while (kept !== undefined && !isSame(kept.set, set)) kept = kept.next
    return kept?.answer
  }

  /** Keeps a copy of the set. */
  keep(set: RuleSet, answer: T): T {
    const slots = this.#slots
    if (this.#size === slots.length) {
      slots.fill(undefined)
      this.#size = 0
    }
    const slot = hashOf(set) & (slots.length - 1)
    slots[slot] = { set: set.slice(), answer, next: slots[slot] }
    this.#size++
    return answer
  }
}

function hashOf(set: RuleSet): number {
  let hash = 0
  for (let i = 0; i < set.length; i++) {
    hash = Math.imul(hash ^ (set[i] ?? 0), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

function isSame(a: RuleSet, b: RuleSet): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
