/** A set of rules: bit n of word n >> 5 stands for rule n. */
export type RuleSet = Uint32Array

export function emptySet(rules: number): RuleSet {
  return new Uint32Array(Math.max(1, Math.ceil(rules / 32)))
}

export function addTo(set: RuleSet, rule: number): void {
  const word = rule >> 5
  set[word] = (set[word] ?? 0) | (1 << (rule & 31))
}

/** Keeps in `set` what `other` has from word `offset` on. */
export function keepOnly(set: RuleSet, other: RuleSet, offset = 0): void {
  for (let i = 0; i < set.length; i++) set[i] = (set[i] ?? 0) & (other[offset + i] ?? 0)
}

export function addAll(set: RuleSet, other: RuleSet): void {
  for (let i = 0; i < set.length; i++) set[i] = (set[i] ?? 0) | (other[i] ?? 0)
}

/** Whether two sets share a rule, the second from word `offset` on. */
export function overlaps(a: RuleSet, b: RuleSet, c: RuleSet, offset: number): boolean {
  for (let i = 0; i < a.length; i++) {
    if (((a[i] ?? 0) & (b[i] ?? 0) & (c[offset + i] ?? 0)) !== 0) return true
  }
  return false
}

/** Rules of a set, ascending. */
export function* rulesIn(set: RuleSet): Generator<number> {
  for (let i = 0; i < set.length; i++) {
    let word = set[i] ?? 0
    while (word !== 0) {
      const low = word & -word
      yield (i << 5) + 31 - Math.clz32(low)
      word ^= low
    }
  }
}

/** How many bits a 32-bit word has set. */
export function countBits(word: number): number {
  let count = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) count++
  return count
}
