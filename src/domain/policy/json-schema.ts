import { MAX_SETTING_ITEMS, MAX_SETTING_TEXT } from './read-shape.ts'
import { REFERENCE_PATTERN, settingTypeOf } from './setting-types.ts'
import { isScalarShape, type RecordShape, type Shape } from './shape.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

type Schema = Record<string, unknown>

/** How shapes become schemas. */
interface Making {
  readonly words: PolicyVocabulary
  readonly defs: Record<string, Schema>
  /** `$name` may stand where a setting fits. */
  readonly references: boolean
}

/**
 * JSON Schema (2020-12) of a shape, for editors and for the REST contract. It accepts what `parsePolicy`
 * accepts and what the name check of `check` then finds in the vocabulary; what needs the catalogue or
 * several documents at once (selectors, ids, settings, the legal test) no schema can say.
 *
 * @param shapes one, or several of which a document fits one
 * @param references as `parseDocument` accepts them
 */
export function jsonSchema(
  shapes: RecordShape | readonly RecordShape[],
  vocabulary: PolicyVocabulary,
  title: string,
  references = false,
): Schema {
  const making: Making = { words: vocabulary, defs: {}, references }
  const several = Array.isArray(shapes) ? (shapes as readonly RecordShape[]) : undefined
  const body = several
    ? { anyOf: several.map((shape) => schemaOf(shape, making)) }
    : schemaOf(shapes as RecordShape, making)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    ...body,
    $defs: Object.fromEntries(Object.entries(making.defs).sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function schemaOf(shape: Shape, making: Making): Schema {
  const own = ownSchema(shape, making)
  if (!making.references || !settingTypeOf(shape)) return own
  making.defs['reference'] ??= {
    type: 'string',
    description: 'a setting, `$name`',
    pattern: REFERENCE_PATTERN,
  }
  return { anyOf: [own, { $ref: '#/$defs/reference' }] }
}

function ownSchema(shape: Shape, making: Making): Schema {
  switch (shape.type) {
    case 'text': {
      const pattern = shape.pattern ?? '\\S'
      const string = { type: 'string', description: shape.what, maxLength: shape.max, pattern }
      return shape.numbers
        ? { anyOf: [string, { type: 'integer', minimum: 1, maximum: 99 }] }
        : string
    }
    case 'name':
      making.defs[shape.list] ??= { type: 'string', enum: [...making.words[shape.list]] }
      return { $ref: `#/$defs/${shape.list}` }
    case 'choice':
      return { type: 'string', enum: [...shape.of] }
    case 'flag':
      return shape.only === undefined ? { type: 'boolean' } : { const: shape.only }
    case 'number':
      return {
        type: shape.whole ? 'integer' : 'number',
        minimum: shape.min,
        maximum: shape.max,
      }
    case 'setting': {
      const string = { type: 'string', maxLength: MAX_SETTING_TEXT, pattern: '\\S' }
      const items = { minItems: 1, maxItems: MAX_SETTING_ITEMS, uniqueItems: true, items: string }
      return {
        anyOf: [{ type: 'boolean' }, { type: 'number' }, string, { type: 'array', ...items }],
      }
    }
    case 'list':
      return {
        type: 'array',
        ...(shape.min > 0 ? { minItems: shape.min } : {}),
        ...(isScalarShape(shape.of) && !shape.repeats ? { uniqueItems: true } : {}),
        items: schemaOf(shape.of, making),
      }
    case 'table':
      return {
        type: 'object',
        ...(shape.min > 0 ? { minProperties: shape.min } : {}),
        propertyNames: schemaOf(shape.keys, making),
        additionalProperties: schemaOf(shape.of, making),
      }
    case 'either': {
      const parts = [shape.scalar, shape.record, shape.list].filter((part) => part !== undefined)
      // The list of an `either` has its own reference; one for the whole is enough.
      return { anyOf: parts.map((part) => ownSchema(part, making)) }
    }
    case 'record':
      return recordSchema(shape, making)
  }
}

function recordSchema(shape: RecordShape, making: Making): Schema {
  const { defs } = making
  if (shape.def !== undefined && defs[shape.def]) return { $ref: `#/$defs/${shape.def}` }
  const parts = { ...shape.required, ...shape.optional }
  const required = Object.keys(shape.required)
  const schema: Schema = {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 ? { required } : { minProperties: 1 }),
    properties: Object.fromEntries(
      Object.entries(parts).map(([key, part]) => [key, schemaOf(part, making)]),
    ),
  }
  if (shape.def === undefined) return schema
  defs[shape.def] = schema
  return { $ref: `#/$defs/${shape.def}` }
}
