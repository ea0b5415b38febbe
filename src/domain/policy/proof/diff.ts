import type { FieldDefinition } from '../../catalogue/types.ts'
import { canonicalize, type Json } from '../../log/canonical.ts'
import type { Program, RuleScope } from '../program.ts'
import { atCorner, boxesIn, headingLevels } from './boxes.ts'
import { type DiffGroup, type Found, groupOf, kindOf, lineOf } from './diff-group.ts'
import { NEVER, type Node } from './diagrams.ts'
import { type Effect, effectOf, Effects } from './effects.ts'
import { type FieldClass, fieldClasses } from './field-classes.ts'
import { type Models, modelsOf, possibleOf, shelter } from './model.ts'
import { FieldModel } from './outcomes.ts'
import { situationAt } from './witness.ts'

export type { DiffGroup } from './diff-group.ts'

/**
 * What becomes different between two versions, for anybody who asks, in any situation that can happen.
 * Compared is what decisions do: who gets what, in which form, on which terms, and whether a refusal
 * is told. Not compared: which rules are cited, and the reasons that a refusal names.
 */
export interface PolicyDiff {
  /** Nothing changes for anybody: exact, not a lack of findings. */
  readonly empty: boolean
  /** Gains first, then losses, then other terms; each sorted by text. */
  readonly changes: readonly DiffGroup[]
  /** Classes of all attributes and of fields, into which both versions together part what can be asked. */
  readonly classes: number
  /** How many combinations of classes the answer is about, in decimal. */
  readonly combinations: string
}

/**
 * Compares two programs of the same catalogue and vocabulary, field by field, over all requests.
 *
 * @throws Error when they are of different catalogues
 */
export function diff(before: Program, after: Program): PolicyDiff {
  if (before.catalogue !== after.catalogue)
    throw new Error('programs of different catalogues cannot be compared')
  const programs = [before, after]
  const models = modelsOf(programs)
  const { space, possible } = models
  const sheltered = shelter(space, programs)
  const effects = new Effects()
  const changed = new Changes(effects)
  const sides = models.of.map((model) => new FieldModel(models, model, sheltered))
  const isTouched = touched(before, after)
  const classes = fieldClasses(models.of)
  const found = new Map<string, Found>()
  let combinations = 0n
  for (const members of classes) {
    const [field] = members
    const can = space.diagrams.and(possible, possibleOf(space, before, field))
    combinations += space.diagrams.count(can)
    if (!isTouched(field)) continue
    const [old = NEVER, now = NEVER] = sides.map((side, i) =>
      effectOf(space, side, sheltered, field, effects, programs[i]?.ledPurposes ?? []),
    )
    if (old === now) continue
    const different = space.diagrams.combine(old, now, (a, b) => changed.numberOf(a, b))
    addChanges(models, found, changed, { members, can, different })
  }
  const changes = [...found.values()].map((one) =>
    groupOf(one, before.catalogue, before.vocabulary),
  )
  return {
    empty: changes.length === 0,
    changes: changes.sort((a, b) => ORDER[a.kind] - ORDER[b.kind] || (a.text < b.text ? -1 : 1)),
    classes: space.classes + classes.length,
    combinations: String(combinations),
  }
}

const ORDER = { gains: 0, loses: 1, changes: 2 } as const

/** Fields of which some rule speaks that the other version does not have; the rest cannot differ. */
function touched(before: Program, after: Program): (field: FieldDefinition) => boolean {
  const general = ({ ledPurposes }: Program) => canonicalize(ledPurposes.toSorted())
  if (general(before) !== general(after)) return () => true
  const rules = (program: Program) => {
    const all: readonly RuleScope[] = [...program.permits, ...program.forbids]
    return new Map(all.map((rule) => [canonicalize(plain(rule)), rule]))
  }
  const [old, now] = [rules(before), rules(after)]
  const changed = [
    ...[...old].flatMap(([key, rule]) => (now.has(key) ? [] : [rule])),
    ...[...now].flatMap(([key, rule]) => (old.has(key) ? [] : [rule])),
  ]
  const indices = new Set(changed.flatMap(({ selections }) => selections.flatMap((s) => s.fields)))
  return ({ index }) =>
    indices.has(index) ||
    canonicalize(before.freshness[index] as unknown as Json) !==
      canonicalize(after.freshness[index] as unknown as Json)
}

/** A rule as JSON; `none` of a duration is no number there. */
function plain(rule: RuleScope): Json {
  return JSON.parse(
    JSON.stringify(rule, (_, value: unknown) => (value === Infinity ? 'none' : value)),
  ) as Json
}

/** All that reads the same, in one. */
interface Change {
  readonly before: Effect
  readonly after: Effect
  readonly line: string
}

/** Changes by number, from 1: 0 is "no change". */
class Changes {
  readonly #effects: Effects
  readonly #numbers = new Map<string, number>()
  readonly #changes: Change[] = []

  constructor(effects: Effects) {
    this.#effects = effects
  }

  numberOf(a: number, b: number): number {
    if (a === b) return 0
    const pair = `${a} ${b}`
    const known = this.#numbers.get(pair)
    if (known !== undefined) return known
    const [before, after] = [this.#effects.at(a), this.#effects.at(b)]
    const line = lineOf(before, after)
    const reading = `${kindOf(before, after)}: ${line}`
    const number = this.#numbers.get(reading) ?? this.#changes.push({ before, after, line })
    this.#numbers.set(reading, number)
    this.#numbers.set(pair, number)
    return number
  }

  at(number: number): Change {
    const change = this.#changes[number - 1]
    if (!change) throw new Error('no change has this number')
    return change
  }
}

const SOMETIMES = 1
const ALWAYS_SO = 2

/** Splits the changes of some fields by purpose and recipient, and joins what is known already. */
function addChanges(
  { space }: Models,
  found: Map<string, Found>,
  changes: Changes,
  { members, can, different }: { members: FieldClass; can: Node; different: Node },
): void {
  const { diagrams } = space
  const levels = headingLevels(space)
  const happening = diagrams.combine(different, can, (number, holds) => (holds ? number : 0))
  for (const number of diagrams.valuesOf(happening).filter((one) => one > 0)) {
    const where = diagrams.where(happening, (value) => value === number)
    const summary = diagrams.summarise([where, can], levels, ([happens, possible]) =>
      happens === NEVER ? 0 : happens === possible ? ALWAYS_SO : SOMETIMES,
    )
    for (const { box, value, corner } of boxesIn(space, summary)) {
      const { before, after, line } = changes.at(number)
      const always = value === ALWAYS_SO
      const key = canonicalize([line, kindOf(before, after), box, always] as unknown as Json)
      const known = found.get(key)
      if (known) {
        known.fields.push(...members)
        continue
      }
      const rest = atCorner(space, where, corner)
      const point = (diagrams.find(rest) ?? []).map((at, level) => corner.get(level) ?? at)
      const example = situationAt(space, point, members[0])
      const support = always ? new Set<number>() : diagrams.support(rest)
      const dependsOn = space.names.filter((_, level) => support.has(level))
      found.set(key, { before, after, line, box, always, dependsOn, example, fields: [...members] })
    }
  }
}
