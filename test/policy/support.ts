import { compile, type CompileOptions, type Program } from '../../src/domain/policy/compile.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { describeFault } from '../../src/domain/policy/fault.ts'
import type { Verdict } from '../../src/domain/policy/verdict.ts'
import { catalogue, vocabulary } from './arbitraries.ts'

/** One seed for all property tests, so that a failure comes back. */
export const SEED = 20_261_120

/** The program of documents that have no fault. */
export function program(
  documents: readonly PolicyDocument[],
  options: CompileOptions = {},
): Program {
  const compiled = compile(documents, catalogue, vocabulary, options)
  if (!compiled.ok) throw new Error(compiled.faults.map(describeFault).join('\n'))
  return compiled.program
}

/** A verdict as plain data: field by id, remedies sorted. */
export function plain({ field, version: _, ...rest }: Verdict): Record<string, unknown> {
  const remedies = rest.outcome === 'withheld' ? { remedies: [...rest.remedies].sort() } : {}
  return JSON.parse(JSON.stringify({ ...rest, ...remedies, field: field.id }))
}

/** Deep equality of JSON, where the order of keys does not matter. */
export function isEqual(a: unknown, b: unknown): boolean {
  return stable(a) === stable(b)
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([x], [y]) => (x < y ? -1 : 1)))
      : part,
  )
}
