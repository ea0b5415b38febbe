import { type Attribute, ATTRIBUTES, DOMAINS } from './neutral-words.ts'
import type { Conditions, NeutralRule, Words } from './neutral-rules.ts'

/** One set of accepted values per attribute: bit n stands for the nth value of the domain. */
export type Box = Readonly<Record<Attribute, number>>

/** A part of a rule that is a plain conjunction; a rule holds where one of its boxes does. */
export interface RuleBox {
  readonly rule: NeutralRule
  readonly box: Box
}

/**
 * The boxes of a rule. Each exception of a forbid multiplies them: what is left of a box is, for every
 * condition of the exception, the part where that condition fails.
 */
export function boxesOf(rule: NeutralRule): readonly RuleBox[] {
  const lifted = rule.unless.reduce<readonly Box[]>(
    (boxes, exception) => boxes.flatMap((box) => without(box, exception)),
    [meet(EVERYTHING, rule.when)],
  )
  return lifted.filter(isPossible).map((box) => ({ rule, box }))
}

/** Every value of an attribute. */
export function whole(attribute: Attribute): number {
  return (1 << DOMAINS[attribute].length) - 1
}

/** The values of a set, in the order of the domain. */
export function valuesIn(
  attribute: Attribute,
  set: number,
): readonly (string | number | boolean)[] {
  return DOMAINS[attribute].filter((_, i) => (set >>> i) & 1)
}

/** The same for attributes whose values are words; undefined where every value is accepted. */
export function wordsIn(attribute: Attribute, { [attribute]: set }: Box): string[] | undefined {
  return set === whole(attribute) ? undefined : valuesIn(attribute, set).map(String)
}

const EVERYTHING = Object.fromEntries(ATTRIBUTES.map((name) => [name, whole(name)])) as Box

function meet(box: Box, conditions: Conditions): Box {
  return eachCondition(conditions).reduce((left, [name, set]) => narrowed(left, name, set), box)
}

function without(box: Box, conditions: Conditions): readonly Box[] {
  return eachCondition(conditions).map(([name, set]) => narrowed(box, name, ~set))
}

function narrowed(box: Box, name: Attribute, set: number): Box {
  return { ...box, [name]: box[name] & set }
}

function isPossible(box: Box): boolean {
  return ATTRIBUTES.every((name) => box[name] !== 0)
}

function eachCondition(conditions: Conditions): readonly (readonly [Attribute, number])[] {
  return (Object.keys(conditions) as Attribute[]).map((name) => [name, setOf(name, conditions)])
}

function setOf(name: Attribute, conditions: Conditions): number {
  if (name === 'channel') {
    const { channel } = conditions
    return setWhere(name, (level) =>
      channel && 'below' in channel
        ? Number(level) < channel.below
        : Number(level) >= (channel?.atLeast ?? 0),
    )
  }
  const wanted: Words | boolean | undefined = conditions[name]
  if (typeof wanted === 'boolean') return setWhere(name, (value) => value === wanted)
  if (!wanted) return whole(name)
  const listed = 'not' in wanted ? wanted.not : wanted
  const unknown = listed.find((word) => !(DOMAINS[name] as readonly unknown[]).includes(word))
  if (unknown !== undefined) throw new Error(`${name} has no value ${unknown}`)
  return setWhere(name, (value) => listed.includes(String(value)) !== 'not' in wanted)
}

function setWhere(name: Attribute, accept: (value: string | number | boolean) => boolean): number {
  return DOMAINS[name].reduce((set: number, value, i) => (accept(value) ? set | (1 << i) : set), 0)
}
