/** What shape a field's values have, read off its JSON Schema. */
import type { JsonSchema } from './types.ts'

/**
 * The shapes of values; a policy's transforms apply to some of them only.
 *
 * `coded` is an object with `code` or `codes` and something beside, such as a text or an expiry date;
 * `answer` is one with a boolean `value` and something beside; `composite` is any other object, and
 * the only shape that no transform but `presence` can make less telling.
 */
export type ValueType =
  | 'boolean'
  | 'integer'
  | 'decimal'
  | 'string'
  | 'text'
  | 'code'
  | 'date'
  | 'datetime'
  | 'address'
  | 'interval'
  | 'coded'
  | 'answer'
  | 'composite'

/** Type of the values of a property, and whether there may be several; null if it has none of ours. */
export function valueTypeOf(schema: JsonSchema): { type: ValueType | null; list: boolean } {
  const { type, items } = schema
  if (type === 'array' && isSchema(items)) return { type: singleType(items), list: true }
  return { type: singleType(schema), list: false }
}

function singleType(schema: JsonSchema): ValueType | null {
  switch (schema['$ref'] ?? schema['type']) {
    case '#/$defs/address':
      return 'address'
    case '#/$defs/interval':
      return 'interval'
    case 'boolean':
      return 'boolean'
    case 'integer':
      return 'integer'
    case 'number':
      return 'decimal'
    case 'string':
      return stringType(schema)
    case 'object':
      return objectType(schema)
    default:
      return null
  }
}

function stringType(schema: JsonSchema): ValueType {
  if (schema['format'] === 'date') return 'date'
  if (schema['format'] === 'date-time') return 'datetime'
  if (Array.isArray(schema['enum'])) return 'code'
  return schema['x-text'] === true ? 'text' : 'string'
}

function objectType({ properties }: JsonSchema): ValueType {
  if (!isSchema(properties)) return 'composite'
  if ('codes' in properties || 'code' in properties) return 'coded'
  return 'value' in properties ? 'answer' : 'composite'
}

/** The closed list of codes in a value's schema, wherever its shape has them; null without one. */
export function codesOf(schema: JsonSchema): readonly string[] | null {
  const { enum: own, items, properties } = schema
  if (Array.isArray(own)) return own
  if (isSchema(items)) return codesOf(items)
  if (!isSchema(properties)) return null
  const coded = properties['codes'] ?? properties['code']
  return isSchema(coded) ? codesOf(coded) : null
}

/** True for a JSON object, the only form of schema used here. */
export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
