/**
 * Writes what is derived from `schemas/records/`: the TypeScript types of records and the page that
 * lists every field. Run by `npm run generate`; a test fails while either file is out of date.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from 'json-schema-to-typescript'
import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import type { JsonSchema } from '../../src/domain/catalogue/types.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'
import { cataloguePage } from './catalogue-page.ts'

const root = join(import.meta.dirname, '../..')

/** A generated file: its path from the root of the repository, and what it must hold. */
export interface GeneratedFile {
  readonly path: string
  readonly text: string
}

/** Every generated file as it should be now, from the schemas on disk; nothing is written. */
export async function generateRecords(): Promise<readonly GeneratedFile[]> {
  const schemas = loadRecordSchemas(join(root, 'schemas/records'))
  return [
    { path: 'src/domain/catalogue/records.generated.ts', text: await recordTypes(schemas) },
    { path: 'docs/catalogue.md', text: cataloguePage(buildCatalogue(schemas)) },
  ]
}

const BANNER =
  '/* Generated from schemas/records by `npm run generate`; edit the schemas instead. */'

async function recordTypes(schemas: readonly JsonSchema[]): Promise<string> {
  const types = schemas.map((schema) => String(schema['x-record']))
  const map = {
    title: 'RecordFields',
    description: 'The `fields` object of each record type; every field may be absent.',
    type: 'object',
    additionalProperties: false,
    required: types,
    properties: Object.fromEntries(schemas.map((schema) => [schema['x-record'], named(schema)])),
    // Definitions of one name are the same in every schema (a test holds that).
    $defs: Object.assign({}, ...schemas.map((schema) => schema['$defs'])),
  }
  const interfaces = await compile(map as Parameters<typeof compile>[0], 'RecordFields', {
    bannerComment: BANNER,
    ignoreMinAndMaxItems: true,
    style: { semi: false, singleQuote: true, printWidth: 100 },
  })
  return `${interfaces.trimEnd()}\n\n${unions(types)}`
}

/** The schema with the name its interface is to have, and without those its parts would get. */
function named(schema: JsonSchema): JsonSchema {
  const properties = schema['properties'] as Record<string, JsonSchema>
  const untitled = Object.entries(properties).map(([name, { title: _, $comment: __, ...rest }]) => [
    name,
    // The resolver copies a definition that has siblings, and the copy gets an interface of its own.
    '$ref' in rest ? { description: rest['description'], allOf: [{ $ref: rest['$ref'] }] } : rest,
  ])
  const { $defs: _, ...rest } = schema
  return { ...rest, title: interfaceName(schema), properties: Object.fromEntries(untitled) }
}

function interfaceName(schema: JsonSchema): string {
  const words = String(schema['x-record']).split('_')
  return words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('') + 'Fields'
}

function unions(types: readonly string[]): string {
  return `/** Every record type, by name. */
export const RECORD_TYPES = [
${types.map((type) => `  '${type}',\n`).join('')}] as const
export type RecordType = (typeof RECORD_TYPES)[number]

/** Every field id, \`record_type.field\`. */
export type FieldId = { [Type in RecordType]: \`\${Type}.\${keyof RecordFields[Type] & string}\` }[RecordType]
`
}

if (import.meta.main) {
  for (const { path, text } of await generateRecords()) writeFileSync(join(root, path), text)
}
