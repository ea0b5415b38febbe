/** One record schema to a record type of the catalogue. */
import type { Report } from './faults.ts'
import { readField, readSubjects, readText } from './read-field.ts'
import type { PlacelessField } from './read-field.ts'
import type { JsonSchema, RecordDefinition } from './types.ts'
import { isSchema } from './value-type.ts'

/** A record type before the catalogue gives its fields a place. */
export type PlacelessRecord = Omit<RecordDefinition, 'fields'> & {
  readonly fields: readonly PlacelessField[]
}

const TYPE = /^[a-z][a-z_]*$/

/**
 * Reads the schema at `position` of the list; null if not even its type can be read. As with a field,
 * the result counts only if nothing was reported.
 */
export function readRecord(
  schema: unknown,
  position: number,
  report: Report,
): PlacelessRecord | null {
  const type = isSchema(schema) ? schema['x-record'] : undefined
  if (!isSchema(schema) || typeof type !== 'string' || !TYPE.test(type)) {
    report(`schema ${position}`, '`x-record` must name the record type')
    return null
  }
  const fault = (detail: string): void => report(type, detail)
  checkShape(schema, fault)

  const subjects = readSubjects(schema, fault)
  if (subjects.length > 1 && subjects.some((kind) => kind === 'any' || kind === 'case')) {
    fault('`x-subject` is a list of parties, or `any` alone, or `case` alone')
  }
  const fields = Object.entries(propertiesOf(schema, fault)).map(([name, property]) =>
    readField(type, subjects, name, isSchema(property) ? property : {}, report),
  )
  const prefixes = new Set(fields.map((field) => field.groupCode.split('.')[0]))
  if (prefixes.size > 1) fault('all groups of a record type start with the same three letters')

  return {
    type,
    title: readText(schema, 'title', fault),
    description: readText(schema, 'description', fault),
    subjects,
    fields,
    schema,
  }
}

/** What every record schema has in common, whatever its fields. */
function checkShape(schema: JsonSchema, fault: (detail: string) => void): void {
  if (schema['type'] !== 'object') fault('`type` must be `object`')
  if (schema['additionalProperties'] !== false) fault('`additionalProperties` must be false')
  if (schema['minProperties'] !== 1) fault('`minProperties` must be 1')
  // Any field may be deposited alone, and a new version may change one field only.
  if ('required' in schema) fault('no field is required')
  // An absolute `$id` makes resolvers fetch it over the network.
  if ('$id' in schema) fault('`$id` must be left out')
}

function propertiesOf(schema: JsonSchema, fault: (detail: string) => void): JsonSchema {
  const { properties } = schema
  if (isSchema(properties) && Object.keys(properties).length > 0) return properties
  fault('`properties` must hold at least one field')
  return {}
}
