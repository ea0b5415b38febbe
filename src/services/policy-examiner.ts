import type { Comparison, Examination, PackSource } from '../domain/policy/examine-pack.ts'

/** Finds out about packs what takes seconds; an instance works apart from the event loop. */
export interface PolicyExaminer {
  /** Faults, tests, guardrails. */
  examine(pack: PackSource): Promise<Examination>
  /** What changes from one pack to another. */
  compare(before: PackSource, after: PackSource): Promise<Comparison>
}
