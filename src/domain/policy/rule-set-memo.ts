import type { RuleSet } from './bits.ts'

/**
 * Answers that follow from a set of rules alone, so that each is worked out once. Whether one is found
 * here or worked out anew makes no difference but to time. Forgets everything when it is full.
 *
 * Open addressing over flat arrays: a look-up touches one run of words and one answer.
 */
export class RuleSetMemo<T> {
  /** Words of a set. */
  readonly #words: number
  /** Sets, `words` to a slot. */
  readonly #sets: Int32Array
  /** By slot; undefined where it is free. */
  readonly #answers: (T | undefined)[]
  readonly #limit: number
  #size = 0

  /**
   * @param rules how many rules there are
   * @param limit how many answers may be kept; a power of two
   */
  constructor(rules: number, limit: number) {
    // Never more than half full, so that runs stay short and a search ends.
    const slots = 2 * limit
    this.#words = Math.max(1, Math.ceil(rules / 32))
    this.#sets = new Int32Array(slots * this.#words)
    this.#answers = new Array<T | undefined>(slots).fill(undefined)
    this.#limit = limit
  }

  find(set: RuleSet): T | undefined {
    return this.#answers[this.#slotOf(set)]
  }

  /** Keeps the answer for what is in the set now. */
  keep(set: RuleSet, answer: T): T {
    if (this.#size === this.#limit) {
      this.#answers.fill(undefined)
      this.#size = 0
    }
    const slot = this.#slotOf(set)
    for (let i = 0; i < this.#words; i++) this.#sets[slot * this.#words + i] = set[i] ?? 0
    if (this.#answers[slot] === undefined) this.#size++
    this.#answers[slot] = answer
    return answer
  }

  /** Where the set is, or else the free slot where it belongs. */
  #slotOf(set: RuleSet): number {
    const answers = this.#answers
    const last = answers.length - 1
    let slot = hashOf(set) & last
    while (answers[slot] !== undefined && !this.#holds(slot, set)) slot = (slot + 1) & last
    return slot
  }

  #holds(slot: number, set: RuleSet): boolean {
    const start = slot * this.#words
    for (let i = 0; i < this.#words; i++) if (this.#sets[start + i] !== set[i]) return false
    return true
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
