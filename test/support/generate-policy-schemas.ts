/** Writes the JSON Schemas of policy documents and their tests from the grammar; part of `npm run generate`. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'

import { jsonSchema } from '../../src/domain/policy/json-schema.ts'
import { SHAPE_OF_KIND } from '../../src/domain/policy/settings-grammar.ts'
import { SUITE_SHAPE } from '../../src/domain/policy/suite-grammar.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { realCatalogue } from './catalogue.ts'

/** By file below `schemas/`. */
export function policySchemas(): Readonly<Record<string, unknown>> {
  const vocabulary = policyVocabulary(realCatalogue())
  return {
    'policy.schema.json': jsonSchema(
      Object.values(SHAPE_OF_KIND),
      vocabulary,
      'Policy document',
      true,
    ),
    'policy-test.schema.json': jsonSchema(SUITE_SHAPE, vocabulary, 'Policy tests'),
  }
}

if (import.meta.main) {
  for (const [file, schema] of Object.entries(policySchemas())) {
    const path = join(import.meta.dirname, '../../schemas', file)
    const options = { ...(await resolveConfig(path)), filepath: path }
    await writeFile(path, await format(JSON.stringify(schema), options))
  }
}
