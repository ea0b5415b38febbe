import type { Catalogue } from '../../src/domain/catalogue/types.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import type { PolicyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { type Change, type JsonObject, readingOf } from './change.ts'
import { droppedConditions } from './drop-conditions.ts'
import { changedFields } from './change-fields.ts'
import { changedSets } from './change-sets.ts'
import { weakenedTests } from './weaken-tests.ts'

/** What is done to rules; every rule gets all that fit it. */
export const OPERATORS = [
  'drop a rule',
  'drop a condition',
  'drop an except',
  'widen a set',
  'narrow a set',
  'widen the fields',
  'narrow the fields',
  'swap a party',
  'weaken a test',
] as const
export type Operator = (typeof OPERATORS)[number]

/** One pack with one thing changed in one rule. */
export interface Mutant {
  readonly policy: string
  readonly rule: string
  readonly operator: Operator
  readonly what: string
  /** The document that takes the place of its namesake. */
  readonly document: PolicyDocument
}

/** What mutations draw on. */
export interface Words {
  readonly catalogue: Catalogue
  readonly vocabulary: PolicyVocabulary
}

/** All mutants of some resolved documents: the same ones in the same order every time. */
export function mutantsOf(documents: readonly PolicyDocument[], words: Words): readonly Mutant[] {
  return documents.flatMap((document) => [
    ...ofKind(document, 'permit', words),
    ...ofKind(document, 'forbid', words),
  ])
}

/** Rules of one kind. Two operators that come to the same give one mutant, that of the first. */
function ofKind(
  document: PolicyDocument,
  kind: 'permit' | 'forbid',
  words: Words,
): readonly Mutant[] {
  const rules = (document[kind] ?? []) as unknown as readonly JsonObject[]
  return rules.flatMap((rule, at) => {
    const seen = new Set([readingOf(rule)])
    const id = String(rule['id'])
    return changesOf(rule, kind, document, words).flatMap(({ operator, what, rule: changed }) => {
      const reading = readingOf(changed)
      if (seen.has(reading)) return []
      seen.add(reading)
      const instead = changed === null ? rules.toSpliced(at, 1) : rules.with(at, changed)
      const { [kind]: _, ...rest } = document
      const mutated = instead.length > 0 ? { ...rest, [kind]: instead } : rest
      return [
        {
          policy: document.policy,
          rule: id,
          operator,
          what,
          document: mutated as unknown as PolicyDocument,
        },
      ]
    })
  })
}

function changesOf(
  rule: JsonObject,
  kind: 'permit' | 'forbid',
  document: PolicyDocument,
  words: Words,
): readonly Change[] {
  return [
    { operator: 'drop a rule', what: kind, rule: null },
    ...weakenedTests(rule, kind, document.agreement, words.vocabulary),
    ...droppedConditions(rule, kind, words.vocabulary),
    ...changedSets(rule, words.vocabulary),
    ...changedFields(rule, words),
  ]
}
