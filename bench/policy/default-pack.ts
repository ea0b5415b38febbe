import { join } from 'node:path'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import { compileParsedPack } from '../../src/domain/policy/compile-pack.ts'
import type { Program } from '../../src/domain/policy/compile.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { parseDocument } from '../../src/domain/policy/parse.ts'
import type { Parsed } from '../../src/domain/policy/parsed.ts'
import { isPolicy, type PackDocument } from '../../src/domain/policy/settings.ts'
import { policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

const ROOT = join(import.meta.dirname, '../..')

/** The default pack as it was written, with the catalogue that it speaks of. */
export interface WrittenPack {
  readonly catalogue: Catalogue
  readonly documents: readonly Parsed<PackDocument>[]
}

export async function readDefaultPack(): Promise<WrittenPack> {
  const catalogue = buildCatalogue(loadRecordSchemas(join(ROOT, 'schemas/records')))
  const { documents } = await readPolicyFiles(join(ROOT, 'policies'))
  const parsed = documents.map(({ file, text }) => {
    const result = parseDocument(text, file)
    if (!result.ok) throw new Error(result.faults.map(describeFault).join('\n'))
    return result.parsed
  })
  return { catalogue, documents: parsed }
}

export function compilePack({ catalogue, documents }: WrittenPack): Program {
  const compiled = compileParsedPack(documents, catalogue, policyVocabulary(catalogue))
  if (!compiled.ok) throw new Error(compiled.faults.map(describeFault).join('\n'))
  return compiled.program
}

/** The same pack without one permit and one forbid: what an administrator may want to see told. */
export function withFewerRules({ catalogue, documents }: WrittenPack): WrittenPack {
  return { catalogue, documents: without('forbid', without('permit', documents)) }
}

/** Takes the last rule of a kind from the first document that has several. */
function without(
  kind: 'permit' | 'forbid',
  documents: readonly Parsed<PackDocument>[],
): readonly Parsed<PackDocument>[] {
  const place = documents.findIndex(({ document }) => rulesOf(kind, document).length > 1)
  if (place < 0) throw new Error(`no document has several rules of the kind ${kind}`)
  return documents.map((parsed, i) => {
    if (i !== place) return parsed
    const fewer = rulesOf(kind, parsed.document).slice(0, -1)
    return { ...parsed, document: { ...parsed.document, [kind]: fewer } as PackDocument }
  })
}

function rulesOf(kind: 'permit' | 'forbid', document: PackDocument): readonly unknown[] {
  const rules: unknown = isPolicy(document) ? document[kind] : undefined
  return Array.isArray(rules) ? rules : []
}
