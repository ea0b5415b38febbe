import { selectFields, UnknownSelectorError } from '../catalogue/select.ts'
import type { Catalogue, FieldDefinition } from '../catalogue/types.ts'
import type { AttributeSelector, FieldClause } from './document.ts'

/**
 * One box of values that a field clause names: the value's field is among `fields`, and each further
 * attribute that is present has one of its words. Plain data.
 */
export interface Selection {
  /** Catalogue indices, ascending, without repeats. */
  readonly fields: readonly number[]
  /** Parties of the subject of the value's own record. */
  readonly about?: readonly string[]
  readonly informant?: readonly string[]
  readonly statement?: readonly string[]
}

/** The boxes whose union a field clause is. A part that matches no field gives no box. */
export function resolveFields(clause: FieldClause, catalogue: Catalogue): readonly Selection[] {
  const parts = isAttributes(clause) ? [clause] : clause
  const named = parts.filter((part) => typeof part === 'string')
  const attributes = parts.filter((part) => typeof part !== 'string')
  const byName = new Set(named.flatMap((selector) => fieldsNamed(selector, catalogue)))
  return [
    ...(byName.size > 0 ? [{ fields: ascending(byName) }] : []),
    ...attributes.flatMap((part) => boxesOf(part, catalogue)),
  ]
}

/** Whether a clause is one attribute object and not a list. */
export function isAttributes(clause: FieldClause): clause is AttributeSelector {
  return !Array.isArray(clause)
}

/** Indices of the fields that some box holds whoever told them and whatever they are about. */
export function fieldsAlways(selections: readonly Selection[]): ReadonlySet<number> {
  const whole = selections.filter((box) => !box.about && !box.informant && !box.statement)
  return new Set(whole.flatMap((box) => box.fields))
}

/** Indices of the fields of any box. */
export function fieldsEver(selections: readonly Selection[]): ReadonlySet<number> {
  return new Set(selections.flatMap((box) => box.fields))
}

function fieldsNamed(selector: string, catalogue: Catalogue): readonly number[] {
  try {
    return selectFields(catalogue, selector).map((field) => field.index)
  } catch (error) {
    if (error instanceof UnknownSelectorError) return []
    throw error
  }
}

/**
 * An attribute object as boxes. A field may locate "its subject": then whom it locates depends on whom
 * the value is about, which makes a box of its own.
 */
function boxesOf(part: AttributeSelector, catalogue: Catalogue): readonly Selection[] {
  const { category, record, locates, informant, statement } = part
  const fields = catalogue.fields.filter(
    (field) =>
      (!category || meets(field.categories, category)) &&
      (!record || record.includes(field.record)),
  )
  const told = { ...(informant ? { informant } : {}), ...(statement ? { statement } : {}) }
  if (!locates) return box(fields, told)
  const certain = fields.filter((field) => meets(field.locates, locates))
  const dependent = fields.filter(
    (field) => field.locates.includes('subject') && !meets(field.locates, locates),
  )
  return [...box(certain, told), ...box(dependent, { ...told, about: locates })]
}

function box(
  fields: readonly FieldDefinition[],
  more: Omit<Selection, 'fields'>,
): readonly Selection[] {
  return fields.length === 0 ? [] : [{ fields: fields.map((field) => field.index), ...more }]
}

function meets(a: readonly string[], b: readonly string[]): boolean {
  return a.some((word) => b.includes(word))
}

function ascending(numbers: ReadonlySet<number>): readonly number[] {
  return [...numbers].sort((a, b) => a - b)
}
