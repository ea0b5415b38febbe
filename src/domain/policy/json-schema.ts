import { isScalarShape, type RecordShape, type Shape } from './shape.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

type Schema = Record<string, unknown>

/**
 * JSON Schema (2020-12) of a shape, for editors and for the REST contract. It accepts what `parsePolicy`
 * accepts and what the name check of `check` then finds in the vocabulary; what needs the catalogue or
 * several documents at once (selectors, ids, the legal test) no schema can say.
 */
export function jsonSchema(
  shape: RecordShape,
  vocabulary: PolicyVocabulary,
  title: string,
): Schema {
  const defs: Record<string, Schema> = {}
  const body = schemaOf(shape, vocabulary, defs)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    ...body,
    $defs: Object.fromEntries(Object.entries(defs).sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function schemaOf(shape: Shape, words: PolicyVocabulary, defs: Record<string, Schema>): Schema {
  switch (shape.type) {
    case 'text': {
      const pattern = shape.pattern ?? '\\S'
      const string = { type: 'string', description: shape.what, maxLength: shape.max, pattern }
      return shape.numbers
        ? { anyOf: [string, { type: 'integer', minimum: 1, maximum: 99 }] }
        : string
    }
    case 'name':
      defs[shape.list] ??= { type: 'string', enum: [...words[shape.list]] }
      return { $ref: `#/$defs/${shape.list}` }
    case 'choice':
      return { type: 'string', enum: [...shape.of] }
    case 'flag':
      return shape.only === undefined ? { type: 'boolean' } : { const: shape.only }
    case 'list':
      return {
        type: 'array',
        ...(shape.min > 0 ? { minItems: shape.min } : {}),
        ...(isScalarShape(shape.of) && !shape.repeats ? { uniqueItems: true } : {}),
        items: schemaOf(shape.of, words, defs),
      }
    case 'table':
      return {
        type: 'object',
        ...(shape.min > 0 ? { minProperties: shape.min } : {}),
        propertyNames: schemaOf(shape.keys, words, defs),
        additionalProperties: schemaOf(shape.of, words, defs),
      }
    case 'either': {
      const parts = [shape.scalar, shape.record, shape.list].filter((part) => part !== undefined)
      return { anyOf: parts.map((part) => schemaOf(part, words, defs)) }
    }
    case 'record':
      return recordSchema(shape, words, defs)
  }
}

function recordSchema(
  shape: RecordShape,
  words: PolicyVocabulary,
  defs: Record<string, Schema>,
): Schema {
  if (shape.def !== undefined && defs[shape.def]) return { $ref: `#/$defs/${shape.def}` }
  const parts = { ...shape.required, ...shape.optional }
  const required = Object.keys(shape.required)
  const schema: Schema = {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 ? { required } : { minProperties: 1 }),
    properties: Object.fromEntries(
      Object.entries(parts).map(([key, part]) => [key, schemaOf(part, words, defs)]),
    ),
  }
  if (shape.def === undefined) return schema
  defs[shape.def] = schema
  return { $ref: `#/$defs/${shape.def}` }
}
