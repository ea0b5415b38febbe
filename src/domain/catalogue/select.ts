import { nearestName } from './edit-distance.ts'
import type { Catalogue, FieldDefinition } from './types.ts'

/** A selector that matches no field of the catalogue. */
export class UnknownSelectorError extends Error {
  /** The selector as it was given; a name, never a value. */
  readonly selector: string
  /** The valid selector that was most likely meant, or null. */
  readonly nearest: string | null

  constructor(selector: string, nearest: string | null) {
    const hint = nearest === null ? '' : `, did you mean \`${nearest}\`?`
    super(`\`${selector.slice(0, 200)}\` matches no field of the catalogue${hint}`)
    this.name = 'UnknownSelectorError'
    this.selector = selector
    this.nearest = nearest
  }
}

/**
 * The fields that a selector names, in catalogue order; never empty.
 *
 * Selectors: `record_type.field`, `record_type/group`, `record_type.*`.
 * @throws {UnknownSelectorError} for anything else
 */
export function selectFields(catalogue: Catalogue, selector: string): readonly FieldDefinition[] {
  const field = catalogue.fieldsById[selector]
  if (field) return [field]
  const group = catalogue.fieldsByGroup[selector]
  if (group) return group
  if (selector.endsWith('.*')) {
    const record = catalogue.recordsByType[selector.slice(0, -2)]
    if (record) return record.fields
  }
  throw new UnknownSelectorError(selector, nearestName(selector, validSelectors(catalogue)))
}

/** Every selector that `selectFields` accepts. */
export function* validSelectors(catalogue: Catalogue): Iterable<string> {
  yield* Object.keys(catalogue.fieldsById)
  yield* Object.keys(catalogue.fieldsByGroup)
  for (const record of catalogue.records) yield `${record.type}.*`
}
