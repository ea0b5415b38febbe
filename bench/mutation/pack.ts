import { join } from 'node:path'

import { buildCatalogue } from '../../src/domain/catalogue/catalogue.ts'
import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import { compile, type CompileOptions, type Program } from '../../src/domain/policy/compile.ts'
import { compileWrittenPack } from '../../src/domain/policy/compile-pack.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { describeFault, type Fault } from '../../src/domain/policy/fault.ts'
import { parsePolicy, parseSuite } from '../../src/domain/policy/parse.ts'
import type { ParseResult } from '../../src/domain/policy/parsed.ts'
import type { RuleScope } from '../../src/domain/policy/program.ts'
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
  const compiled = compileWrittenPack(documents, catalogue, vocabulary)
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

/**
 * The part of a pack that decides on some fields: rules that speak of none of them, duties and guardrails
 * are left out. Decisions and diffs are made field by field, so on these fields it is as good as the whole.
 */
export function partFor(pack: MutablePack, fields: ReadonlySet<number>): MutablePack {
  const { program, catalogue, vocabulary, options } = pack
  const rules: readonly RuleScope[] = [...program.permits, ...program.forbids]
  const speaking = new Set(
    rules
      .filter(({ selections }) => selections.some((box) => box.fields.some((at) => fields.has(at))))
      .map(({ id }) => id),
  )
  const documents = pack.documents.map((document) => partOf(document, speaking))
  const compiled = compile(documents, catalogue, vocabulary, options)
  if (!compiled.ok) throw new Error(compiled.faults.map(describeFault).join('\n'))
  return { ...pack, documents, program: compiled.program }
}

/** Of a document, the permits and forbids that are among some. */
export function partOf(document: PolicyDocument, ids: ReadonlySet<string>): PolicyDocument {
  const { permit = [], forbid = [], duty: _, guardrail: _guardrail, ...head } = document
  return {
    ...head,
    permit: permit.filter(({ id }) => ids.has(id)),
    forbid: forbid.filter(({ id }) => ids.has(id)),
  }
}

/** The pack with one document in the place of its namesake; or why that one is refused. */
export function compileWith(
  { documents, catalogue, vocabulary, options }: MutablePack,
  instead: PolicyDocument,
): { readonly program: Program } | { readonly faults: readonly Fault[] } {
  const changed = documents.map((one) => (one.policy === instead.policy ? instead : one))
  const compiled = compile(changed, catalogue, vocabulary, options)
  return compiled.ok ? { program: compiled.program } : { faults: compiled.faults }
}

/** What the reader of documents has against one. */
export function shapeFaults(document: PolicyDocument): readonly Fault[] {
  const parsed = parsePolicy(document, document.policy)
  return parsed.ok ? [] : parsed.faults
}
