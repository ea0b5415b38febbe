/**
 * A set of rules: bit n of word n >> 5 stands for rule n. Words are signed 32-bit numbers in a plain
 * array, which is copied faster than a typed one of so few.
 */
export type RuleSet = number[]

export function emptySet(rules: number): RuleSet {
  const set = [0]
  while (set.length * 32 < rules) set.push(0)
  return set
}

export function addTo(set: RuleSet, rule: number): void {
  const word = rule >> 5
  set[word] = (set[word] ?? 0) | (1 << (rule & 31))
}

export function removeFrom(set: RuleSet, rule: number): void {
  const word = rule >> 5
  set[word] = (set[word] ?? 0) & ~(1 << (rule & 31))
}

export function isIn(set: RuleSet, rule: number): boolean {
  return (((set[rule >> 5] ?? 0) >>> (rule & 31)) & 1) !== 0
}

/** Keeps in `set` only what `other` has, too. */
export function keepOnly(set: RuleSet, other: RuleSet): void {
  for (let i = 0; i < set.length; i++) set[i] = (set[i] ?? 0) & (other[i] ?? 0)
}

/** What two sets have in common, as a new one. */
export function shared(a: RuleSet, b: RuleSet): RuleSet {
  const set = a.slice()
  keepOnly(set, b)
  return set
}

export function addAll(set: RuleSet, other: RuleSet): void {
  for (let i = 0; i < set.length; i++) set[i] = (set[i] ?? 0) | (other[i] ?? 0)
}

/** What either of two sets has, as a new one. */
export function union(a: RuleSet, b: RuleSet): RuleSet {
  const set = a.slice()
  addAll(set, b)
  return set
}

export function isEmpty(set: RuleSet): boolean {
  return set.every((word) => word === 0)
}

/** Whether two sets have a rule in common. */
export function overlap(a: RuleSet, b: RuleSet): boolean {
  for (let i = 0; i < a.length; i++) if (((a[i] ?? 0) & (b[i] ?? 0)) !== 0) return true
  return false
}

/** Position of the lowest bit of a word that is not 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}

/** Rules of a set, ascending. */
export function rulesIn(set: RuleSet): readonly number[] {
  const rules: number[] = []
  for (let i = 0; i < set.length; i++)
    for (let word = set[i] ?? 0; word !== 0; word &= word - 1) rules.push(i * 32 + lowestBit(word))
  return rules
}

/** How many bits a 32-bit word has set. */
export function countBits(word: number): number {
  let count = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) count++
  return count
}
