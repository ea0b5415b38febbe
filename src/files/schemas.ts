import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { JsonSchema } from '../domain/catalogue/types.ts'

/**
 * Reads every `*.json` of a directory of record schemas, ordered by file name.
 *
 * Synchronous: called once, before the server listens. What the schemas mean is not checked here, only
 * that each file is named after the record type in it.
 * @throws {Error} naming the file, if one cannot be read, is not JSON, or has another type's name
 */
export function loadRecordSchemas(directory: string): JsonSchema[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => readSchema(join(directory, file)))
}

function readSchema(path: string): JsonSchema {
  const text = readFileSync(path, 'utf8')
  let schema: JsonSchema
  try {
    schema = JSON.parse(text)
  } catch (cause) {
    throw new Error(`\`${path}\` is not JSON`, { cause })
  }
  const type = basename(path, '.json')
  if (schema?.['x-record'] !== type) {
    throw new Error(`\`${path}\` must hold the record type \`${type}\` in \`x-record\``)
  }
  return schema
}
