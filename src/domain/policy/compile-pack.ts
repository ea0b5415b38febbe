import type { Catalogue } from '../catalogue/types.ts'
import { checkPack, packHash } from './check-pack.ts'
import { compile, type CompileOptions } from './compile.ts'
import type { Fault } from './fault.ts'
import { parseDocument } from './parse.ts'
import type { Parsed } from './parsed.ts'
import type { Program } from './program.ts'
import type { ResolvedPack } from './resolve-pack.ts'
import type { PackDocument, ResolvedSettings } from './settings.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/** A pack as it decides, or everything that is wrong with it. */
export type CompiledPack =
  | {
      readonly ok: true
      /** Its hash is that of the whole pack. */
      readonly program: Program
      readonly resolved: ResolvedPack
      readonly hash: string
      /** As written, in the order given. */
      readonly documents: readonly PackDocument[]
    }
  | { readonly ok: false; readonly faults: readonly Fault[]; readonly resolved: ResolvedPack }

/** A document of a pack as it was written: YAML text, or the same as JSON. */
export interface WrittenDocument {
  /** What faults call it by. */
  readonly file: string
  readonly text: unknown
}

/** Reads, checks, resolves and compiles a pack; every fault of all documents at once. */
export function compileWrittenPack(
  pack: readonly WrittenDocument[],
  catalogue: Catalogue,
  vocabulary: PolicyVocabulary,
): CompiledPack {
  const results = pack.map(({ file, text }) => parseDocument(text, file))
  const read = results.flatMap((result) => (result.ok ? [result.parsed] : []))
  const unread = results.flatMap((result) => (result.ok ? [] : result.faults))
  const compiled = compileParsedPack(read, catalogue, vocabulary)
  if (unread.length === 0) return compiled
  const faults = [...unread, ...(compiled.ok ? [] : compiled.faults)]
  return { ok: false, faults, resolved: compiled.resolved }
}

/** Checks, resolves and compiles a pack. The order of documents makes no difference. */
export function compileParsedPack(
  pack: readonly Parsed<PackDocument>[],
  catalogue: Catalogue,
  vocabulary: PolicyVocabulary,
): CompiledPack {
  const resolved = checkPack(pack, catalogue, vocabulary)
  if (resolved.faults.length > 0) return { ok: false, faults: resolved.faults, resolved }
  const compiled = compile(resolved.documents, catalogue, vocabulary, optionsOf(resolved))
  if (!compiled.ok) return { ok: false, faults: compiled.faults, resolved }
  const documents = pack.map(({ document }) => document)
  const hash = packHash(documents)
  const program = Object.freeze({ ...compiled.program, hash })
  return { ok: true, program, resolved, hash, documents }
}

/** What of a pack is not in its rules. */
function optionsOf({ settings, freshness }: ResolvedPack): CompileOptions {
  const ledPurposes = listOf(settings, 'led_purposes')
  return ledPurposes ? { ledPurposes, freshness } : { freshness }
}

function listOf(settings: ResolvedSettings, name: string): readonly string[] | undefined {
  const value = Object.hasOwn(settings, name) ? settings[name]?.value : undefined
  return Array.isArray(value) ? (value as readonly string[]) : undefined
}
