import type { Program } from '../../src/domain/policy/program.ts'
import { diff } from '../../src/domain/policy/proof/diff.ts'
import { prove } from '../../src/domain/policy/proof/prove.ts'
import { fieldsEver } from '../../src/domain/policy/selection.ts'
import type { Mutant } from './mutant.ts'
import { compileWith, type MutablePack } from './pack.ts'
import { SuiteRunner } from './suite-runner.ts'

/** What became of a mutant. */
export type Fate =
  /** The check refuses it: it can never decide anything. */
  | { readonly fate: 'refused'; readonly by: string }
  | { readonly fate: 'killed_by_tests'; readonly by: string }
  /** A guardrail breaks. */
  | { readonly fate: 'killed_by_proof'; readonly by: string }
  /** Nothing changes for anybody, by `diff`. */
  | { readonly fate: 'equivalent' }
  /** Nobody noticed; `changes` are the lines of the diff. */
  | { readonly fate: 'survived'; readonly changes: readonly string[] }

export interface Judged {
  readonly mutant: Mutant
  readonly fate: Fate
}

/** Counts of a campaign. */
export interface Totals {
  readonly mutants: number
  readonly refused: number
  readonly killedByTests: number
  readonly killedByProof: number
  readonly equivalent: number
  readonly survivors: number
  /**
   * Share (0 to 1) that tests or proof caught, of the mutants that compile and change something.
   * What the check refuses counts neither way.
   */
  readonly rate: number
}

/** Puts mutants of one pack to its suites, its guardrails and the diff, one after the other. */
export class Campaign {
  readonly #pack: MutablePack
  readonly #suites: SuiteRunner

  /** @throws Error when the pack fails its own suites or guardrails */
  constructor(pack: MutablePack) {
    this.#pack = pack
    this.#suites = new SuiteRunner(pack)
    const broken = prove(pack.program).guardrails.filter(({ holds }) => !holds)
    if (broken.length > 0) throw new Error(`broken: ${broken.map(({ id }) => id).join(', ')}`)
  }

  /** How many requests the suites make. */
  get requests(): number {
    return this.#suites.requests
  }

  fateOf(mutant: Mutant): Fate {
    const compiled = compileWith(this.#pack, mutant.document)
    if ('faults' in compiled) {
      return { fate: 'refused', by: compiled.faults[0]?.message ?? '' }
    }
    const { program } = compiled
    const sound = this.#pack.program
    const fields = new Set([...fieldsOf(sound, mutant.rule), ...fieldsOf(program, mutant.rule)])
    const failure = this.#suites.firstFailure(program, mutant.rule, fields)
    if (failure) return { fate: 'killed_by_tests', by: `${failure.suite}: ${failure.case}` }
    // Proof comes after the diff, which is what most that get here need: where nothing changes, no
    // guardrail can break.
    const { empty, changes } = diff(sound, program)
    if (empty) return { fate: 'equivalent' }
    const broken = prove(program).guardrails.find(({ counterexample }) => counterexample)
    if (broken) return { fate: 'killed_by_proof', by: broken.id }
    return { fate: 'survived', changes: changes.map(({ kind, text }) => `${kind}: ${text}`) }
  }
}

function fieldsOf({ permits, forbids }: Program, id: string): ReadonlySet<number> {
  const rule = [...permits, ...forbids].find((one) => one.id === id)
  return new Set([...fieldsEver(rule?.selections ?? [])].toSorted((a, b) => a - b))
}

/** Adds up what became of mutants. */
export function totalsOf(judged: readonly Judged[]): Totals {
  const count = (fate: Fate['fate']) => judged.filter((one) => one.fate.fate === fate).length
  const [tests, proof, survivors] = [
    count('killed_by_tests'),
    count('killed_by_proof'),
    count('survived'),
  ]
  return {
    mutants: judged.length,
    refused: count('refused'),
    killedByTests: tests,
    killedByProof: proof,
    equivalent: count('equivalent'),
    survivors,
    rate: (tests + proof) / (tests + proof + survivors),
  }
}
