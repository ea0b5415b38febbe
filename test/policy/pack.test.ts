import { join } from 'node:path'
import t from 'tap'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import { check } from '../../src/domain/policy/check.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { parsePolicy } from '../../src/domain/policy/parse.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

const root = join(import.meta.dirname, '../..')
const catalogue = buildCatalogue(loadRecordSchemas(join(root, 'schemas/records')))
const vocabulary = policyVocabulary(catalogue)
const { documents } = await readPolicyFiles(join(root, 'policies'))

t.test('every document of the pack can be read', async (t) => {
  for (const { file, text } of documents) {
    const result = parsePolicy(text, file)
    t.same(result.ok ? [] : result.faults.map(describeFault), [], file)
  }
})

t.test('the pack as a whole is without fault', async (t) => {
  const results = documents.map(({ file, text }) => parsePolicy(text, file))
  const parsed = results.flatMap((result) => (result.ok ? [result.parsed] : []))
  t.same(check(parsed, catalogue, vocabulary).map(describeFault), [])
})
