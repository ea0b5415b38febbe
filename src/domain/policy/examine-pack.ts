/** All that can be found out about a pack before it decides; pure, and takes seconds: not for an event loop. */
import type { Catalogue } from '../catalogue/types.ts'
import {
  type ChangedStatement,
  changedStatements,
  type ComparedPack,
} from './changed-statements.ts'
import { compileWrittenPack } from './compile-pack.ts'
import type { Fault } from './fault.ts'
import { parseSuite } from './parse.ts'
import type { Program } from './program.ts'
import type { ProofReport } from './proof/prove.ts'
import type { DiffGroup, PolicyDiff } from './proof/diff.ts'
import type { PackDocument, ResolvedSetting } from './settings.ts'
import type { PolicySuite } from './suite.ts'
import { type CaseResult, checkSuite, runPolicyTests } from './testing.ts'
import { policyVocabulary } from './vocabulary.ts'

/** Faults that are told at once. */
const MOST_FAULTS = 500

/** A pack with its tests as it was written: YAML texts, or the same as JSON. */
export interface PackSource {
  readonly documents: readonly unknown[]
  readonly suites: readonly unknown[]
}

/** What was found. All of it is plain data, so that it can leave a thread. */
export interface Examination {
  /** Of documents and suites, all at once; with one of them nothing else was looked at. */
  readonly faults: readonly Fault[]
  readonly tests: { readonly passed: number; readonly failed: readonly CaseResult[] }
  /** Absent with faults. */
  readonly sound?: SoundPack
}

/** A pack without faults. */
export interface SoundPack {
  /** Of the version that it would be. */
  readonly hash: string
  readonly documents: readonly PackDocument[]
  readonly settings: Readonly<Record<string, ResolvedSetting>>
  readonly proof: ProofSummary
}

/** A proof without what was only needed to find it. */
export interface ProofSummary extends Pick<ProofReport, 'holds' | 'classes' | 'combinations'> {
  readonly guardrails: readonly {
    readonly id: string
    readonly title?: string
    readonly holds: boolean
    /** A request that could happen, and the rules that let it through. */
    readonly counterexample?: {
      readonly situation: Readonly<Record<string, unknown>>
      readonly rules: readonly string[]
      readonly outcome: string
    }
  }[]
}

/** What changes from one pack to another; absent parts could not be found for faults. */
export interface Comparison {
  readonly faults: readonly Fault[]
  readonly difference?: Pick<PolicyDiff, 'empty' | 'classes' | 'combinations'> & {
    readonly changes: readonly ChangeSummary[]
    readonly statements: readonly ChangedStatement[]
    readonly suites: SuiteChanges
  }
}

/** A line of a diff for reading, with whom and what it is about. */
export type ChangeSummary = Pick<
  DiffGroup,
  'kind' | 'text' | 'sectors' | 'roles' | 'purposes' | 'fields' | 'always' | 'example'
>

/** Suites by name. */
export interface SuiteChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** Finds every fault, runs the tests, proves the guardrails. */
export function examinePack(
  source: PackSource,
  catalogue: Catalogue,
  prove: (program: Program) => ProofReport,
): Examination {
  const { pack, suites, faults } = readSource(source, catalogue)
  if (!pack) return { faults, tests: { passed: 0, failed: [] } }
  const results = suites.flatMap((suite) => runPolicyTests(pack.program, catalogue, suite))
  const failed = results.filter(({ problems }) => problems.length > 0)
  const { program, hash, documents, settings } = pack
  return {
    faults,
    tests: { passed: results.length - failed.length, failed },
    sound: { hash, documents, settings, proof: summaryOf(prove(program)) },
  }
}

/** Says what changes, in what leaves and in the texts. */
export function comparePacks(
  before: PackSource,
  after: PackSource,
  catalogue: Catalogue,
  diff: (before: Program, after: Program) => PolicyDiff,
): Comparison {
  const was = readSource(before, catalogue)
  const is = readSource(after, catalogue)
  if (!was.pack || !is.pack) return { faults: [...was.faults, ...is.faults] }
  const { empty, classes, combinations, changes } = diff(was.pack.program, is.pack.program)
  return {
    faults: [],
    difference: {
      empty,
      classes,
      combinations,
      changes: changes.map((change) => {
        const { kind, text, sectors, roles, purposes, fields, always, example } = change
        return { kind, text, sectors, roles, purposes, fields, always, example }
      }),
      statements: changedStatements(was.pack.compared, is.pack.compared),
      suites: changedSuites(was.suites, is.suites),
    },
  }
}

interface ReadPack {
  readonly program: Program
  readonly hash: string
  readonly documents: readonly PackDocument[]
  readonly settings: Readonly<Record<string, ResolvedSetting>>
  readonly compared: ComparedPack
}

interface ReadSource {
  readonly faults: readonly Fault[]
  /** Absent with faults. */
  readonly pack?: ReadPack
  readonly suites: readonly PolicySuite[]
}

function readSource({ documents, suites }: PackSource, catalogue: Catalogue): ReadSource {
  const vocabulary = policyVocabulary(catalogue)
  const written = documents.map((text, i) => ({ file: `documents/${i}`, text }))
  const compiled = compileWrittenPack(written, catalogue, vocabulary)
  const suiteResults = suites.map((input, i) => parseSuite(input, `suites/${i}`))
  const faults = [
    ...(compiled.ok ? [] : compiled.faults),
    ...suiteResults.flatMap((result) =>
      result.ok ? checkSuite(result.parsed, catalogue, vocabulary) : result.faults,
    ),
  ]
  const readSuites = suiteResults.flatMap((result) => (result.ok ? [result.parsed.document] : []))
  if (faults.length > 0 || !compiled.ok) return { faults: told(faults), suites: readSuites }
  const { program, resolved, hash } = compiled
  const values = Object.entries(resolved.settings).map(
    ([name, { value }]) => [name, value] as const,
  )
  const ages = [...resolved.freshness.values()].map((age) => [age.field.id, age.duration] as const)
  return {
    faults,
    suites: readSuites,
    pack: {
      program,
      hash,
      documents: compiled.documents,
      settings: resolved.settings,
      compared: {
        documents: resolved.documents,
        settings: Object.fromEntries(values),
        freshness: Object.fromEntries(ages),
      },
    },
  }
}

/** A document that is wrong all through says nothing more by its thousandth fault. */
const told = (faults: readonly Fault[]): readonly Fault[] => faults.slice(0, MOST_FAULTS)

function summaryOf({ holds, classes, combinations, guardrails }: ProofReport): ProofSummary {
  return {
    holds,
    classes,
    combinations,
    guardrails: guardrails.map(({ id, title, holds: one, counterexample }) => ({
      id,
      ...(title === undefined ? {} : { title }),
      holds: one,
      ...(counterexample
        ? {
            counterexample: {
              situation: counterexample.situation,
              rules: counterexample.rules,
              outcome: counterexample.verdict.outcome,
            },
          }
        : {}),
    })),
  }
}

function changedSuites(
  before: readonly PolicySuite[],
  after: readonly PolicySuite[],
): SuiteChanges {
  const textsOf = (suites: readonly PolicySuite[]) =>
    new Map(suites.map((suite) => [suite.suite, JSON.stringify(suite)]))
  const [was, is] = [textsOf(before), textsOf(after)]
  const names = (texts: ReadonlyMap<string, string>) => [...texts.keys()].sort()
  return {
    added: names(is).filter((name) => !was.has(name)),
    removed: names(was).filter((name) => !is.has(name)),
    changed: names(is).filter((name) => was.has(name) && was.get(name) !== is.get(name)),
  }
}
