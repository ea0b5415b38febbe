// Decision diagrams against tables of all points: small enough to try every one.
import fc from 'fast-check'
import t from 'tap'

import { ALWAYS, Diagrams, NEVER, type Node } from '../../src/domain/policy/proof/diagrams.ts'
import { SEED } from './support.ts'

const ARITIES = [3, 2, 4, 2, 3]
const POINTS = pointsOf(ARITIES)

function pointsOf(arities: readonly number[]): readonly (readonly number[])[] {
  const [first, ...rest] = arities
  if (first === undefined) return [[]]
  return Array.from({ length: first }, (_, i) =>
    pointsOf(rest).map((point) => [i, ...point]),
  ).flat()
}

/** A function as a diagram, and as the table of its values at all points. */
interface Both {
  readonly node: Node
  readonly table: readonly number[]
}

type Build = (diagrams: Diagrams) => Both

const literal: fc.Arbitrary<Build> = fc.nat(ARITIES.length - 1).chain((level) =>
  fc.subarray([...Array(ARITIES[level]).keys()]).map((classes): Build => (diagrams) => ({
    node: diagrams.among(level, classes),
    table: POINTS.map((point) => (classes.includes(point[level] ?? -1) ? 1 : 0)),
  })),
)

const { formula } = fc.letrec<{ formula: Build }>((tie) => {
  const pair = fc.tuple(tie('formula'), tie('formula'))
  const binary = (
    of: (diagrams: Diagrams, a: Node, b: Node) => Node,
    on: (a: number, b: number) => number,
  ) =>
    pair.map(([left, right]): Build => (diagrams) => {
      const [a, b] = [left(diagrams), right(diagrams)]
      return {
        node: of(diagrams, a.node, b.node),
        table: a.table.map((value, i) => on(value, b.table[i] ?? 0)),
      }
    })
  return {
    formula: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      literal,
      binary(
        (d, a, b) => d.and(a, b),
        (a, b) => a & b,
      ),
      binary(
        (d, a, b) => d.or(a, b),
        (a, b) => a | b,
      ),
      binary(
        (d, a, b) => d.minus(a, b),
        (a, b) => a & ~b,
      ),
      tie('formula').map((of): Build => (diagrams) => {
        const { node, table } = of(diagrams)
        return { node: diagrams.not(node), table: table.map((value) => 1 - value) }
      }),
    ),
  }
})

t.test('a function has the value that its table has, at every point', async () => {
  fc.assert(
    fc.property(formula, (build) => {
      const diagrams = new Diagrams(ARITIES)
      const { node, table } = build(diagrams)
      return POINTS.every((point, i) => diagrams.valueAt(node, point) === table[i])
    }),
    { numRuns: 400, seed: SEED },
  )
})

t.test('equal functions are the same number, however they came about', async (t) => {
  let equal = 0
  fc.assert(
    fc.property(formula, formula, (one, other) => {
      const diagrams = new Diagrams(ARITIES)
      const [a, b] = [one(diagrams), other(diagrams)]
      const same = a.table.join() === b.table.join()
      if (same) equal++
      return (a.node === b.node) === same
    }),
    { numRuns: 3000, seed: SEED },
  )
  t.ok(equal > 50, `${equal} pairs were equal`)
})

t.test('counting, finding, support and values agree with the table', async () => {
  fc.assert(
    fc.property(formula, (build) => {
      const diagrams = new Diagrams(ARITIES)
      const { node, table } = build(diagrams)
      const holds = table.filter((value) => value === 1).length
      if (diagrams.count(node) !== BigInt(holds)) return false
      const found = diagrams.find(node)
      if ((found === undefined) !== (holds === 0)) return false
      if (
        found &&
        diagrams.valueAt(
          node,
          found.map((one) => one ?? 0),
        ) !== 1
      )
        return false
      const values = [...new Set(table)].sort()
      if (diagrams.valuesOf(node).join() !== values.join()) return false
      const matters = ARITIES.map((_, level) =>
        POINTS.some((point, i) =>
          POINTS.some(
            (other, j) =>
              table[i] !== table[j] && point.every((one, at) => at === level || one === other[at]),
          ),
        ),
      )
      return matters.every((does, level) => diagrams.support(node).has(level) === does)
    }),
    { numRuns: 150, seed: SEED },
  )
})

t.test('combining, selecting and summarising agree with the table', async () => {
  fc.assert(
    fc.property(formula, formula, fc.nat(ARITIES.length), (one, other, level) => {
      const diagrams = new Diagrams(ARITIES)
      const [a, b] = [one(diagrams), other(diagrams)]
      const sum = diagrams.combine(a.node, b.node, (x, y) => 2 * x + y)
      const table = a.table.map((value, i) => 2 * value + (b.table[i] ?? 0))
      if (!POINTS.every((point, i) => diagrams.valueAt(sum, point) === table[i])) return false
      const odd = diagrams.where(sum, (value) => value % 2 === 1)
      if (odd !== b.node) return false
      // How often each of the two holds below the level, of all that is left to choose.
      const summary = diagrams.summarise([a.node, b.node], level, ([x = NEVER, y = NEVER]) =>
        x === NEVER ? 0 : x === y ? 1 : 2,
      )
      return POINTS.every((point) => {
        const below = POINTS.map((_, i) => i).filter((i) =>
          POINTS[i]?.slice(0, level).every((one, at) => one === point[at]),
        )
        const never = below.every((i) => a.table[i] === 0)
        const alike = below.every((i) => a.table[i] === b.table[i])
        return diagrams.valueAt(summary, point) === (never ? 0 : alike ? 1 : 2)
      })
    }),
    { numRuns: 150, seed: SEED },
  )
})

t.test('many nodes: the store grows and keeps what it has', async (t) => {
  const arities = Array.from({ length: 26 }, () => 3)
  const diagrams = new Diagrams(arities)
  // The parts of the sum that ask their attributes far apart make a wide diagram.
  let wide: Node = NEVER
  for (let i = 0; i < 13; i++) {
    const both = diagrams.and(diagrams.among(i, [0, 1]), diagrams.among(i + 13, [1]))
    wide = diagrams.or(wide, both)
  }
  t.ok(diagrams.size > 16_000, `${diagrams.size} nodes`)
  // Of nine combinations of each pair two hold; so seven to the power of 13 hold nowhere.
  t.equal(diagrams.count(wide), 9n ** 13n - 7n ** 13n)
  t.equal(diagrams.or(wide, diagrams.not(wide)), ALWAYS)
  t.equal(diagrams.and(wide, diagrams.not(wide)), NEVER)
})
