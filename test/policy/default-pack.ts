// The rules that ship with the server: as they stand in force, and compiled.
import { join } from 'node:path'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import type { Program } from '../../src/domain/policy/compile.ts'
import { compileWrittenPack } from '../../src/domain/policy/compile-pack.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import { type PolicyVocabulary, policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'
import type { Nation } from './interpreter.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface DefaultPack {
  /** Statements in force, settings put in. */
  readonly documents: readonly PolicyDocument[]
  /** What the settings say beside the documents. */
  readonly nation: Nation
  readonly program: Program
  readonly catalogue: Catalogue
  readonly vocabulary: PolicyVocabulary
}

/** @throws Error with every fault of the pack */
export async function loadDefaultPack(): Promise<DefaultPack> {
  const catalogue = buildCatalogue(loadRecordSchemas(join(ROOT, 'schemas/records')))
  const vocabulary = policyVocabulary(catalogue)
  const files = await readPolicyFiles(join(ROOT, 'policies'))
  const compiled = compileWrittenPack(files.documents, catalogue, vocabulary)
  if (!compiled.ok) throw new Error(compiled.faults.map(describeFault).join('\n'))
  const { documents, settings, freshness } = compiled.resolved
  const ledPurposes = settings['led_purposes']?.value as readonly string[]
  return {
    documents,
    nation: { ledPurposes, freshness },
    program: compiled.program,
    catalogue,
    vocabulary,
  }
}
