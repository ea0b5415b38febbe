import { decide } from '../../src/domain/policy/decide.ts'
import type { Facts } from '../../src/domain/policy/facts.ts'
import type { Program } from '../../src/domain/policy/program.ts'
import type { PolicySuite, SuiteCase } from '../../src/domain/policy/suite.ts'
import { factsOfCase } from '../../src/domain/policy/suite-facts.ts'
import { sweptCases } from '../../src/domain/policy/suite-sweep.ts'
import { runPolicyTests } from '../../src/domain/policy/testing.ts'
import type { Verdict } from '../../src/domain/policy/verdict.ts'
import type { MutablePack } from './pack.ts'

/** A suite that fails for a mutant. */
export interface Failure {
  readonly suite: string
  readonly case: string
  readonly problem: string
}

/** One request of a suite, and what the sound pack decides on it. */
interface Trial {
  readonly suite: PolicySuite
  /** Without sweep. */
  readonly one: SuiteCase
  readonly facts: Facts
  /** In the order of verdicts. */
  readonly decided: readonly Verdict[]
  readonly rules: ReadonlySet<string>
}

/**
 * All suites of a pack, made ready to be run over and over: facts are made once, and a mutant has to
 * decide only values of fields that the changed rule speaks of, since no other verdict can change. Where
 * one does, the suite itself says whether its expectation catches it.
 */
export class SuiteRunner {
  readonly #pack: MutablePack
  readonly #trials: readonly Trial[]
  /** Of the last rule asked for: mutants come rule by rule. */
  #last: { readonly key: string; readonly trials: readonly Trial[] } = { key: '', trials: [] }

  /** @throws Error when a suite fails on the sound pack */
  constructor(pack: MutablePack) {
    this.#pack = pack
    this.#trials = pack.suites.flatMap((suite) =>
      suite.cases.flatMap((one) => this.#ready(suite, one)),
    )
  }

  /** How many requests the suites make. */
  get requests(): number {
    return this.#trials.length
  }

  /**
   * The first case that fails, those that the rule decides on the sound pack first.
   *
   * @param program decides on the fields as the mutant does; on others it may do as it likes
   * @param rule the one that was changed
   * @param fields all that the rule speaks of, before or after
   */
  firstFailure(program: Program, rule: string, fields: ReadonlySet<number>): Failure | undefined {
    for (const trial of this.#about(rule, fields)) {
      const { verdicts } = decide(program, trial.facts)
      const alike = verdicts.every((verdict, i) => isAlike(verdict, trial.decided[i]))
      if (alike) continue
      const failure = this.#judged(program, trial, fields)
      if (failure) return failure
    }
    return undefined
  }

  #ready(suite: PolicySuite, one: SuiteCase): readonly Trial[] {
    const { program, catalogue, vocabulary } = this.#pack
    return sweptCases(suite, one, vocabulary).map((swept) => {
      const { each: _each, everyOther: _everyOther, ...bare } = swept.case
      const facts = factsOfCase(swept.suite, bare, catalogue)
      const { verdicts } = decide(program, facts)
      const trial = {
        suite: { ...swept.suite, cases: [bare] },
        one: bare,
        facts,
        decided: verdicts,
        rules: new Set(verdicts.flatMap(({ rules }) => rules)),
      }
      const failure = this.#judged(program, trial)
      if (failure) throw new Error(`${suite.suite}: ${one.case}: ${failure.problem}`)
      return trial
    })
  }

  /** What the suite itself has against a program, on some fields or all. */
  #judged(program: Program, { suite }: Trial, fields?: ReadonlySet<number>): Failure | undefined {
    const { catalogue } = this.#pack
    const [result] = runPolicyTests(program, catalogue, suite)
    // Every problem begins with the field or selector that it is about.
    const problem = result?.problems.find((text) => {
      const field = catalogue.fieldsById[text.slice(0, text.indexOf(':'))]
      return !fields || !field || fields.has(field.index)
    })
    if (!result || problem === undefined) return undefined
    return { suite: result.suite, case: result.case, problem }
  }

  /** Trials of these fields alone, those that cite the rule first. */
  #about(rule: string, fields: ReadonlySet<number>): readonly Trial[] {
    const key = `${rule} ${[...fields].join()}`
    if (key !== this.#last.key) {
      const trials = this.#trials.flatMap((trial) => narrowed(trial, fields))
      const [citing, others] = [true, false].map((wanted) =>
        trials.filter(({ rules }) => rules.has(rule) === wanted),
      )
      this.#last = { key, trials: [...(citing ?? []), ...(others ?? [])] }
    }
    return this.#last.trials
  }
}

/** A trial of the values of some fields; a value's verdict does not depend on what is asked beside it. */
function narrowed(trial: Trial, fields: ReadonlySet<number>): readonly Trial[] {
  const { facts, decided } = trial
  if (!decided.some(({ field }) => fields.has(field.index))) return []
  const values = facts.values.filter(({ field }) => fields.has(field.index))
  const asked = facts.request.fields.filter(({ index }) => fields.has(index))
  return [
    {
      ...trial,
      facts: { ...facts, values, request: { ...facts.request, fields: asked } },
      decided: decided.filter(({ field }) => fields.has(field.index)),
    },
  ]
}

/** Whether two parts of verdicts say the same. Fields are those of one catalogue, so identity will do. */
function isAlike(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => isAlike(a[key as keyof typeof a], b[key as keyof typeof b]))
}
