import type { Node } from './diagrams.ts'
import { HEADINGS, type Space } from './space.ts'

/** Words of each heading; one that is absent may be anything. */
export type WordBox = Readonly<Partial<Record<(typeof HEADINGS)[number], readonly string[]>>>

/** A box and the value that a function has all over it. */
export interface ValuedBox {
  readonly box: WordBox
  readonly value: number
  /** Class of each heading that is asked on the way, by level: one corner of the box. */
  readonly corner: ReadonlyMap<number, number>
}

/** The boxes that a function of the headings alone is made of; they do not overlap. Where it is 0 there are none. */
export function boxesIn(space: Space, node: Node): readonly ValuedBox[] {
  const { diagrams } = space
  const level = diagrams.levelOf(node)
  if (level === diagrams.levels) {
    const value = diagrams.valueAt(node, [])
    return value === 0 ? [] : [{ box: {}, value, corner: new Map() }]
  }
  const name = HEADINGS.find((one) => space.has(one) && space.level(one) === level)
  if (name === undefined) throw new Error('a function of other attributes has no such boxes')
  const classes = space.classesOf(name)
  const byChild = new Map<Node, number[]>()
  diagrams.branchesOf(node).forEach((child, i) => {
    byChild.set(child, [...(byChild.get(child) ?? []), i])
  })
  return [...byChild].flatMap(([child, branches]) =>
    boxesIn(space, child).map(({ box, value, corner }) => ({
      box: { [name]: branches.flatMap((i) => classes[i] ?? []), ...box },
      value,
      corner: new Map([[level, branches[0] ?? 0], ...corner]),
    })),
  )
}

/** What remains of a function at a corner. */
export function atCorner(space: Space, node: Node, corner: ReadonlyMap<number, number>): Node {
  let rest = node
  for (;;) {
    const branch = corner.get(space.diagrams.levelOf(rest))
    const isHeading = space.diagrams.levelOf(rest) < headingLevels(space)
    if (!isHeading) return rest
    rest = space.diagrams.branchAt(rest, branch ?? 0)
  }
}

/** How many of the first levels are headings. */
export function headingLevels(space: Space): number {
  return HEADINGS.filter((name) => space.has(name)).length
}
