/** A set of rules: bit n of word n >> 5 stands for rule n. */
export type RuleSet = Uint32Array

export function emptySet(rules: number): RuleSet {
  return new Uint32Array(Math.max(1, Math.ceil(rules / 32)))
}

export function addTo(set: RuleSet, rule: number): void {
  const word = rule >> 5
  set[word] = (set[word] ?? 0) | (1 << (rule & 31))
}

/** Keeps in `set` only what `other` has, too. */
export function keepOnly(set: RuleSet, other: RuleSet): void {
  for (let i = 0; i < set.length; i++) set[i] = (set[i] ?? 0) & (other[i] ?? 0)
}

export function addAll(set: RuleSet, other: RuleSet): void {
  for (let i = 0; i < set.length; i++) set[i] = (set[i] ?? 0) | (other[i] ?? 0)
}

/** Writes into `set` what `a`, `b` and, from word `offset` on, `cells` have in common; false if nothing. */
export function meet(
  set: RuleSet,
  a: RuleSet,
  b: RuleSet,
  cells: Uint32Array,
  offset: number,
): boolean {
  let any = 0
  for (let i = 0; i < set.length; i++) {
    const word = (a[i] ?? 0) & (b[i] ?? 0) & (cells[offset + i] ?? 0)
    set[i] = word
    any |= word
  }
  return any !== 0
}

const NONE: readonly number[] = Object.freeze([])

/** Rules of a set, ascending. */
export function rulesIn(set: RuleSet): readonly number[] {
  let rules: number[] | undefined
  for (let i = 0; i < set.length; i++) {
    let word = set[i] ?? 0
    while (word !== 0) {
      const low = word & -word
      ;(rules ??= []).push((i << 5) + 31 - Math.clz32(low))
      word ^= low
    }
  }
  return rules ?? NONE
}

/** How many bits a 32-bit word has set. */
export function countBits(word: number): number {
  let count = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) count++
  return count
}
