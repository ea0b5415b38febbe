import { createHash } from 'node:crypto'
import type { Comparison, Examination, PackSource } from '../domain/policy/examine-pack.ts'

/** Finds out about packs what takes seconds; an instance works apart from the event loop. */
export interface PolicyExaminer {
  /** Faults, tests, guardrails. */
  examine(pack: PackSource): Promise<Examination>
  /** What changes from one pack to another. */
  compare(before: PackSource, after: PackSource): Promise<Comparison>
  /** Both, for a pack that shall take the place of another. */
  examineAgainst(
    before: PackSource,
    after: PackSource,
  ): Promise<{ readonly examination: Examination; readonly comparison: Comparison }>
}

/** Answers that are kept; each is some hundred kilobytes at most. */
const KEPT = 8

/**
 * The same with a memory: what was found about the very same texts is not looked for again, and who asks
 * while it is being looked for waits for the same answer. Not for what puts a version in force.
 */
export function rememberingExaminer(
  examiner: PolicyExaminer,
): Pick<PolicyExaminer, 'compare' | 'examine'> {
  // Owned by the returned object, the longest unused first.
  const known = new Map<string, Promise<unknown>>()

  function once<Result>(about: unknown, find: () => Promise<Result>): Promise<Result> {
    const key = createHash('sha256').update(JSON.stringify(about)).digest('base64')
    const found = (known.get(key) as Promise<Result> | undefined) ?? find()
    known.delete(key)
    known.set(key, found)
    found.catch(() => known.delete(key))
    for (const oldest of known.keys()) if (known.size > KEPT) known.delete(oldest)
    return found
  }

  return {
    examine: (pack) => once(['examine', pack], () => examiner.examine(pack)),
    compare: (before, after) =>
      once(['compare', before, after], () => examiner.compare(before, after)),
  }
}
