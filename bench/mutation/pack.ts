import { join } from 'node:path'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import { compile, type CompileOptions, type Program } from '../../src/domain/policy/compile.ts'
import { compileParsedPack } from '../../src/domain/policy/compile-pack.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { describeFault, type Fault } from '../../src/domain/policy/fault.ts'
import { parseDocument, parsePolicy, parseSuite } from '../../src/domain/policy/parse.ts'
import type { ParseResult } from '../../src/domain/policy/parsed.ts'
import type { PolicySuite } from '../../src/domain/policy/suite.ts'
import { type PolicyVocabulary, policyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { readPolicyFiles } from '../../src/files/policies.ts'
import { loadRecordSchemas } from '../../src/files/schemas.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A pack whose settings have been put in, with its suites; what a campaign is about. */
export interface MutablePack {
  readonly catalogue: Catalogue
  readonly vocabulary: PolicyVocabulary
  readonly documents: readonly PolicyDocument[]
  readonly program: Program
  readonly suites: readonly PolicySuite[]
  /** Beside the documents; mutation leaves them alone. */
  readonly options: CompileOptions
}

/** Reads the default pack of this repository. */
export async function readDefaultPack(): Promise<MutablePack> {
  const catalogue = buildCatalogue(loadRecordSchemas(join(ROOT, 'schemas/records')))
  const vocabulary = policyVocabulary(catalogue)
  const { documents, suites } = await readPolicyFiles(join(ROOT, 'policies'))
  const parsed = documents.map(({ file, text }) => sound(parseDocument(text, file)).parsed)
  const compiled = compileParsedPack(parsed, catalogue, vocabulary)
  if (!compiled.ok) throw new Error(compiled.faults.map(describeFault).join('\n'))
  const { program, resolved } = compiled
  return {
    catalogue,
    vocabulary,
    documents: resolved.documents,
    program,
    suites: suites.map(({ file, text }) => sound(parseSuite(text, file)).parsed.document),
    options: { ledPurposes: program.ledPurposes, freshness: resolved.freshness },
  }
}

function sound<T>(result: ParseResult<T>) {
  if (!result.ok) throw new Error(result.faults.map(describeFault).join('\n'))
  return result
}

/** The pack with one document in the place of its namesake; or why that one is refused. */
export function compileWith(
  { documents, catalogue, vocabulary, options }: MutablePack,
  instead: PolicyDocument,
): { readonly program: Program } | { readonly faults: readonly Fault[] } {
  const parsed = parsePolicy(instead, instead.policy)
  if (!parsed.ok) return { faults: parsed.faults }
  const changed = documents.map((one) => (one.policy === instead.policy ? instead : one))
  const compiled = compile(changed, catalogue, vocabulary, options)
  return compiled.ok ? { program: compiled.program } : { faults: compiled.faults }
}
