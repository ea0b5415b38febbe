import { join } from 'node:path'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import { compile, type Program } from '../../src/domain/policy/compile.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { parseDocument } from '../../src/domain/policy/parse.ts'
import { resolvePack, type ResolvedPack } from '../../src/domain/policy/resolve-pack.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

const ROOT = join(import.meta.dirname, '../..')

/**
 * The default pack, compiled.
 *
 * @param change what to do with its documents first
 */
export async function compileDefaultPack(
  change = (documents: ResolvedPack['documents']) => documents,
): Promise<Program> {
  const catalogue = buildCatalogue(loadRecordSchemas(join(ROOT, 'schemas/records')))
  const vocabulary = policyVocabulary(catalogue)
  const { documents } = await readPolicyFiles(join(ROOT, 'policies'))
  const parsed = documents.map(({ file, text }) => {
    const result = parseDocument(text, file)
    if (!result.ok) throw new Error(result.faults.map(describeFault).join('\n'))
    return result.parsed
  })
  const pack = resolvePack(parsed, catalogue, vocabulary)
  if (pack.faults.length > 0) throw new Error(pack.faults.map(describeFault).join('\n'))
  const compiled = compile(change(pack.documents), catalogue, vocabulary)
  if (!compiled.ok) throw new Error(compiled.faults.map(describeFault).join('\n'))
  return compiled.program
}
