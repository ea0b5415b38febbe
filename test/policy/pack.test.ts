// The rules that ship with the server, and the tests that stand beside them.
import { join } from 'node:path'
import t from 'tap'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import { compileWrittenPack } from '../../src/domain/policy/compile-pack.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { parseDocument, parseSuite } from '../../src/domain/policy/parse.ts'
import { checkSuite, runPolicyTests } from '../../src/domain/policy/testing.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

const root = join(import.meta.dirname, '../..')
const catalogue = buildCatalogue(loadRecordSchemas(join(root, 'schemas/records')))
const vocabulary = policyVocabulary(catalogue)
const { documents, suites } = await readPolicyFiles(join(root, 'policies'))

t.test('every document of the pack can be read', async (t) => {
  t.ok(documents.length > 0)
  for (const { file, text } of documents) {
    const result = parseDocument(text, file)
    t.same(result.ok ? [] : result.faults.map(describeFault), [], file)
  }
})

const compiled = compileWrittenPack(documents, catalogue, vocabulary)

t.test('the pack as a whole is without fault', async (t) => {
  t.same(compiled.ok ? [] : compiled.faults.map(describeFault), [])
})

for (const { file, text } of suites) {
  t.test(file, async (t) => {
    const suite = parseSuite(text, file)
    if (!suite.ok) return void t.same(suite.faults.map(describeFault), [], 'can be read')
    const faults = checkSuite(suite.parsed, catalogue, vocabulary)
    t.same(faults.map(describeFault), [], 'uses known words')
    if (faults.length > 0 || !compiled.ok) return
    for (const result of runPolicyTests(compiled.program, catalogue, suite.parsed.document)) {
      t.same(result.problems, [], result.case)
    }
  })
}
