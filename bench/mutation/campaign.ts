import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import type { Fault } from '../../src/domain/policy/fault.ts'
import { diff } from '../../src/domain/policy/proof/diff.ts'
import { prove } from '../../src/domain/policy/proof/prove.ts'
import { fieldsEver, resolveFields } from '../../src/domain/policy/selection.ts'
import type { Mutant } from './mutant.ts'
import { compileWith, type MutablePack, partFor, partOf, shapeFaults } from './pack.ts'
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
  /** Mutants come rule by rule, and most leave the fields alone. */
  #last: { readonly key: string; readonly part: MutablePack } | undefined

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
    const { document, rule } = mutant
    const faults = shapeFaults(document)
    if (faults.length > 0) return refused(faults)
    const fields = this.#fieldsOf(mutant)
    const part = this.#partFor(fields)
    const kept = new Set(part.documents.flatMap(rulesOf).map(({ id }) => id)).add(rule)
    const compiled = compileWith(part, partOf(document, kept))
    if ('faults' in compiled) return refused(compiled.faults)
    const failure = this.#suites.firstFailure(compiled.program, rule, fields)
    if (failure) return { fate: 'killed_by_tests', by: `${failure.suite}: ${failure.case}` }
    // Proof comes after the diff, which is what most that get here need: where nothing changes, no
    // guardrail can break.
    const { empty, changes } = diff(part.program, compiled.program)
    if (empty) return { fate: 'equivalent' }
    const broken = this.#brokenBy(mutant)
    if (broken !== undefined) return { fate: 'killed_by_proof', by: broken }
    return { fate: 'survived', changes: changes.map(({ kind, text }) => `${kind}: ${text}`) }
  }

  /** A guardrail that the mutant breaks, by a request that could happen. */
  #brokenBy(mutant: Mutant): string | undefined {
    const whole = compileWith(this.#pack, mutant.document)
    if ('faults' in whole) throw new Error('a part of a pack compiles and the whole does not')
    return prove(whole.program).guardrails.find(({ counterexample }) => counterexample)?.id
  }

  /** Fields of which the rule speaks, before or after. */
  #fieldsOf({ document, rule }: Mutant): ReadonlySet<number> {
    const { catalogue, documents } = this.#pack
    const both = [...documents, document].flatMap(rulesOf).filter(({ id }) => id === rule)
    const named = both.flatMap((one) => [...fieldsEver(resolveFields(one.fields, catalogue))])
    return new Set(named.toSorted((a, b) => a - b))
  }

  #partFor(fields: ReadonlySet<number>): MutablePack {
    const key = [...fields].join()
    if (this.#last?.key !== key) this.#last = { key, part: partFor(this.#pack, fields) }
    return this.#last.part
  }
}

function rulesOf({ permit = [], forbid = [] }: PolicyDocument) {
  return [...permit, ...forbid]
}

function refused(faults: readonly Fault[]): Fate {
  return { fate: 'refused', by: faults[0]?.message ?? '' }
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
