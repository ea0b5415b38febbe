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
  /** By value, in the order of verdicts: its field, and the number of what is decided on it. */
  readonly decided: readonly { readonly field: number; readonly reading: number }[]
  readonly rules: ReadonlySet<string>
}

/**
 * All suites of a pack, made ready to be run over and over: facts are made once, and a mutant has to
 * decide only values of fields that the changed rule speaks of, since no other verdict can change. Where
 * one does, the suite itself says whether its expectation catches it.
 */
export class SuiteRunner {
  readonly #pack: MutablePack
  readonly #readings = new Map<string, number>()
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

  /** The first case that fails, those that the rule decides on the sound pack first. */
  firstFailure(program: Program, rule: string, fields: ReadonlySet<number>): Failure | undefined {
    for (const trial of this.#about(rule, fields)) {
      const { verdicts } = decide(program, trial.facts)
      const alike = verdicts.every(
        (verdict, i) => this.#reading(verdict) === trial.decided[i]?.reading,
      )
      if (alike) continue
      const failure = this.#judged(program, trial)
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
        decided: verdicts.map((verdict) => ({
          field: verdict.field.index,
          reading: this.#reading(verdict),
        })),
        rules: new Set(verdicts.flatMap(({ rules }) => rules)),
      }
      const failure = this.#judged(program, trial)
      if (failure) throw new Error(`${suite.suite}: ${one.case}: ${failure.problem}`)
      return trial
    })
  }

  #judged(program: Program, { suite }: Trial): Failure | undefined {
    const [result] = runPolicyTests(program, this.#pack.catalogue, suite)
    const [problem] = result?.problems ?? []
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

  /** Equal numbers: whatever a suite can ask of two verdicts is the same. */
  #reading(verdict: Verdict): number {
    const { field: _field, recordId: _record, version: _version, ...said } = verdict
    const text = JSON.stringify(said)
    const known = this.#readings.get(text)
    if (known !== undefined) return known
    this.#readings.set(text, this.#readings.size)
    return this.#readings.size - 1
  }
}

/** A trial of the values of some fields; a value's verdict does not depend on what is asked beside it. */
function narrowed(trial: Trial, fields: ReadonlySet<number>): readonly Trial[] {
  const { facts, decided } = trial
  if (!decided.some(({ field }) => fields.has(field))) return []
  const values = facts.values.filter(({ field }) => fields.has(field.index))
  const asked = facts.request.fields.filter(({ index }) => fields.has(index))
  return [
    {
      ...trial,
      facts: { ...facts, values, request: { ...facts.request, fields: asked } },
      decided: decided.filter(({ field }) => fields.has(field)),
    },
  ]
}
