/**
 * Multi-valued decision diagrams (Kam, Villa, Brayton, Sangiovanni-Vincentelli: Multi-valued decision
 * diagrams, 1998): functions of finitely many attributes, each with finitely many classes, in a form
 * in which equal functions are the same number. So "can this ever happen" and "do these two differ" are
 * answered exactly, without trying requests one by one.
 */

/** A function: `NEVER`, `ALWAYS`, another constant, or a node that asks one attribute. */
export type Node = number

/** The constants of yes-or-no functions; as results of `valueAt` they are 0 and 1. */
export const NEVER: Node = 0
export const ALWAYS: Node = 1

/** A class for each attribute by its level; undefined where either will do. */
export type Point = readonly (number | undefined)[]

type Combine = (a: number, b: number) => number

const CACHE_SIZE = 1 << 18
const BOTH = 1
const EITHER = 2
const BUT_NOT = 3

/**
 * A store of functions over attributes 0 … n − 1, attribute i having `arities[i]` classes. Functions of
 * one store may be combined with each other, never with those of another.
 */
export class Diagrams {
  readonly #arities: readonly number[]
  /** Of each node: the attribute asked; constants stand below all of them. */
  #level = new Int32Array(1 << 14)
  /** Of each node: where its branches begin; of a constant, its value. */
  #start = new Int32Array(1 << 14)
  #branches = new Int32Array(1 << 17)
  #nodes = 0
  #branchesUsed = 0
  /** Open addressing; 0 is empty, as neither constant is ever looked up here. */
  #unique = new Int32Array(1 << 15)
  readonly #constants = new Map<number, Node>()
  readonly #cache = new Int32Array(CACHE_SIZE * 4)
  #operations = BUT_NOT

  constructor(arities: readonly number[]) {
    this.#arities = arities
    this.constant(0)
    this.constant(1)
  }

  /** How many attributes there are. */
  get levels(): number {
    return this.#arities.length
  }

  /** Nodes made so far. */
  get size(): number {
    return this.#nodes
  }

  /** The function that is `value` everywhere: a whole number, at least 0. */
  constant(value: number): Node {
    const known = this.#constants.get(value)
    if (known !== undefined) return known
    const node = this.#append(this.levels, value)
    this.#constants.set(value, node)
    return node
  }

  /** Yes where the attribute is in one of the classes. */
  among(level: number, classes: Iterable<number>): Node {
    const branches = new Array<Node>(this.#arities[level] ?? 0).fill(NEVER)
    for (const one of classes) branches[one] = ALWAYS
    return this.#node(level, branches)
  }

  and(a: Node, b: Node): Node {
    if (a === b || b === ALWAYS) return a
    if (a === ALWAYS) return b
    if (a === NEVER || b === NEVER) return NEVER
    return a < b ? this.#apply(BOTH, a, b) : this.#apply(BOTH, b, a)
  }

  or(a: Node, b: Node): Node {
    if (a === b || b === NEVER) return a
    if (a === NEVER) return b
    if (a === ALWAYS || b === ALWAYS) return ALWAYS
    return a < b ? this.#apply(EITHER, a, b) : this.#apply(EITHER, b, a)
  }

  /** Where `a` holds and `b` does not. */
  minus(a: Node, b: Node): Node {
    if (a === b || a === NEVER || b === ALWAYS) return NEVER
    if (b === NEVER) return a
    return this.#apply(BUT_NOT, a, b)
  }

  not(a: Node): Node {
    return this.minus(ALWAYS, a)
  }

  all(nodes: Iterable<Node>): Node {
    let result = ALWAYS
    for (const node of nodes) {
      if (result === NEVER) return NEVER
      result = this.and(result, node)
    }
    return result
  }

  any(nodes: Iterable<Node>): Node {
    let result = NEVER
    for (const node of nodes) result = this.or(result, node)
    return result
  }

  /** The function whose value is, everywhere, `how` of the values of `a` and `b`. */
  combine(a: Node, b: Node, how: Combine): Node {
    return this.#walk(++this.#operations, a, b, how)
  }

  /** Where a function has a value that `which` accepts. */
  where(a: Node, which: (value: number) => boolean): Node {
    const known = new Map<Node, Node>()
    const walk = (node: Node): Node => {
      if (this.#isConstant(node)) return which(this.#start[node] ?? 0) ? ALWAYS : NEVER
      const seen = known.get(node)
      if (seen !== undefined) return seen
      const result = this.#node(this.#level[node] ?? 0, this.branchesOf(node).map(walk))
      known.set(node, result)
      return result
    }
    return walk(a)
  }

  /**
   * A function of the first attributes alone, up to but not with `level`: its values are `how` of what
   * remains of the given functions below them.
   */
  summarise(nodes: readonly Node[], level: number, how: (rest: readonly Node[]) => number): Node {
    const known = new Map<string, Node>()
    const walk = (rest: readonly Node[]): Node => {
      const next = Math.min(...rest.map((node) => this.levelOf(node)))
      if (next >= level) return this.constant(how(rest))
      const key = rest.join()
      const seen = known.get(key)
      if (seen !== undefined) return seen
      const branches = Array.from({ length: this.#arities[next] ?? 0 }, (_, i) =>
        walk(rest.map((node) => (this.levelOf(node) === next ? this.branchAt(node, i) : node))),
      )
      const result = this.#node(next, branches)
      known.set(key, result)
      return result
    }
    return walk(nodes)
  }

  /** Levels of the attributes that a function depends on. */
  support(a: Node): ReadonlySet<number> {
    const seen = new Set<Node>()
    const levels = new Set<number>()
    const open = [a]
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (seen.has(node) || this.#isConstant(node)) continue
      seen.add(node)
      levels.add(this.#level[node] ?? 0)
      open.push(...this.branchesOf(node))
    }
    return levels
  }

  /** Values that a function takes anywhere. */
  valuesOf(a: Node): readonly number[] {
    const seen = new Set<Node>()
    const values = new Set<number>()
    const open = [a]
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (seen.has(node)) continue
      seen.add(node)
      if (this.#isConstant(node)) values.add(this.#start[node] ?? 0)
      else open.push(...this.branchesOf(node))
    }
    return [...values].sort((x, y) => x - y)
  }

  valueAt(a: Node, point: Point): number {
    let node = a
    while (!this.#isConstant(node))
      node =
        this.#branches[(this.#start[node] ?? 0) + (point[this.#level[node] ?? 0] ?? 0)] ?? NEVER
    return this.#start[node] ?? 0
  }

  /** Some point where a yes-or-no function holds, taking the first class that leads there. */
  find(a: Node): Point | undefined {
    if (a === NEVER) return undefined
    const point = new Array<number | undefined>(this.levels).fill(undefined)
    let node = a
    while (!this.#isConstant(node)) {
      const branches = this.branchesOf(node)
      // In a reduced diagram every node but NEVER leads somewhere.
      const branch = branches.findIndex((child) => child !== NEVER)
      point[this.#level[node] ?? 0] = branch
      node = branches[branch] ?? NEVER
    }
    return point
  }

  /** At how many points a yes-or-no function holds. */
  count(a: Node): bigint {
    const known = new Map<Node, bigint>()
    const below = (node: Node, from: number): bigint => {
      const level = this.#isConstant(node) ? this.levels : (this.#level[node] ?? 0)
      let free = 1n
      for (let i = from; i < level; i++) free *= BigInt(this.#arities[i] ?? 1)
      return free * inside(node)
    }
    const inside = (node: Node): bigint => {
      if (this.#isConstant(node)) return node === NEVER ? 0n : 1n
      const seen = known.get(node)
      if (seen !== undefined) return seen
      const level = this.#level[node] ?? 0
      const sum = this.branchesOf(node).reduce(
        (total, child) => total + below(child, level + 1),
        0n,
      )
      known.set(node, sum)
      return sum
    }
    return below(a, 0)
  }

  /** The attribute that a node asks; the number of attributes for a constant. */
  levelOf(node: Node): number {
    return this.#level[node] ?? this.levels
  }

  /** The function that remains for one class of the attribute asked. */
  branchAt(node: Node, branch: number): Node {
    return this.#branches[(this.#start[node] ?? 0) + branch] ?? NEVER
  }

  /** The functions that remain for each class of the attribute asked. */
  branchesOf(node: Node): Node[] {
    const start = this.#start[node] ?? 0
    const arity = this.#arities[this.#level[node] ?? 0] ?? 0
    return Array.from(this.#branches.subarray(start, start + arity))
  }

  #isConstant(node: Node): boolean {
    return this.#level[node] === this.levels
  }

  #apply(operation: number, a: Node, b: Node): Node {
    return this.#walk(operation, a, b, undefined)
  }

  /** Bryant's apply, with a cache that forgets: a lost entry costs time, never truth. */
  #walk(operation: number, a: Node, b: Node, how: Combine | undefined): Node {
    if (how) {
      if (this.#isConstant(a) && this.#isConstant(b))
        return this.constant(how(this.#start[a] ?? 0, this.#start[b] ?? 0))
    } else {
      const short = shortcut(operation, a, b)
      if (short >= 0) return short
    }
    const slot = (hash3(operation, a, b) & (CACHE_SIZE - 1)) * 4
    const cache = this.#cache
    if (cache[slot] === operation && cache[slot + 1] === a && cache[slot + 2] === b)
      return cache[slot + 3] ?? NEVER
    const levelA = this.#level[a] ?? 0
    const levelB = this.#level[b] ?? 0
    const level = Math.min(levelA, levelB)
    const arity = this.#arities[level] ?? 0
    const branches = new Array<Node>(arity)
    for (let i = 0; i < arity; i++) {
      const childA = levelA === level ? (this.#branches[(this.#start[a] ?? 0) + i] ?? NEVER) : a
      const childB = levelB === level ? (this.#branches[(this.#start[b] ?? 0) + i] ?? NEVER) : b
      branches[i] = this.#walk(operation, childA, childB, how)
    }
    const result = this.#node(level, branches)
    cache[slot] = operation
    cache[slot + 1] = a
    cache[slot + 2] = b
    cache[slot + 3] = result
    return result
  }

  /** The one node with these branches; none is needed where they are all the same. */
  #node(level: number, branches: readonly Node[]): Node {
    const [first = NEVER] = branches
    if (branches.every((branch) => branch === first)) return first
    if (this.#nodes * 2 > this.#unique.length) this.#growIndex()
    const mask = this.#unique.length - 1
    let slot = hashNode(level, branches) & mask
    for (;;) {
      const candidate = this.#unique[slot] ?? 0
      if (candidate === 0) break
      if (this.#isSame(candidate, level, branches)) return candidate
      slot = (slot + 1) & mask
    }
    const start = this.#branchesUsed
    this.#branchesUsed += branches.length
    if (this.#branchesUsed > this.#branches.length) this.#branches = doubled(this.#branches)
    this.#branches.set(branches, start)
    const node = this.#append(level, start)
    this.#unique[slot] = node
    return node
  }

  #isSame(node: Node, level: number, branches: readonly Node[]): boolean {
    if (this.#level[node] !== level) return false
    const start = this.#start[node] ?? 0
    for (let i = 0; i < branches.length; i++)
      if (this.#branches[start + i] !== branches[i]) return false
    return true
  }

  #append(level: number, start: number): Node {
    if (this.#nodes === this.#level.length) {
      this.#level = doubled(this.#level)
      this.#start = doubled(this.#start)
    }
    this.#level[this.#nodes] = level
    this.#start[this.#nodes] = start
    return this.#nodes++
  }

  #growIndex(): void {
    this.#unique = new Int32Array(this.#unique.length * 2)
    const mask = this.#unique.length - 1
    for (let node = 0; node < this.#nodes; node++) {
      if (this.#isConstant(node)) continue
      let slot = hashNode(this.#level[node] ?? 0, this.branchesOf(node)) & mask
      while (this.#unique[slot] !== 0) slot = (slot + 1) & mask
      this.#unique[slot] = node
    }
  }
}

/** What a yes-or-no operation gives without looking further; −1 where it has to. */
function shortcut(operation: number, a: Node, b: Node): Node {
  switch (operation) {
    case BOTH:
      if (a === NEVER || b === NEVER) return NEVER
      if (a === ALWAYS || a === b) return b
      return b === ALWAYS ? a : -1
    case EITHER:
      if (a === ALWAYS || b === ALWAYS) return ALWAYS
      if (a === NEVER || a === b) return b
      return b === NEVER ? a : -1
    default:
      if (a === NEVER || b === ALWAYS || a === b) return NEVER
      return b === NEVER ? a : -1
  }
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

function hash3(a: number, b: number, c: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  return (hash ^ (hash >>> 12)) >>> 0
}

function hashNode(level: number, branches: readonly Node[]): number {
  let hash = Math.imul(level + 1, 0x9e3779b1)
  for (const branch of branches) {
    hash = Math.imul(hash ^ branch, 0x01000193)
    hash ^= hash >>> 13
  }
  return hash >>> 0
}
