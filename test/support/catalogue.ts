import { join } from 'node:path'
import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import type { Catalogue, JsonSchema } from '../../src/domain/catalogue/types.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

/** The record schemas of this repository, parsed afresh, so that a test may change its copy. */
export function recordSchemas(): JsonSchema[] {
  return loadRecordSchemas(join(import.meta.dirname, '../../schemas/records'))
}

/** The catalogue that the server runs with. */
export function realCatalogue(): Catalogue {
  return buildCatalogue(recordSchemas())
}
