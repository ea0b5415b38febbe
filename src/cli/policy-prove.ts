import { describeFault } from '../domain/policy/fault.ts'
import type { Program } from '../domain/policy/program.ts'
import { diff } from '../domain/policy/proof/diff.ts'
import { type GuardrailResult, prove } from '../domain/policy/proof/prove.ts'
import { readPolicyPack } from '../files/policies.ts'
import { compileFiles, loadVocabulary, type PackOptions, type Words } from './policies.ts'
import { print } from './print.ts'

/** `ostiary policy prove`: every guardrail of a pack over all requests; exit code 1 when one does not hold. */
export async function provePolicies(folder: string, options: PackOptions): Promise<void> {
  const program = await programOf(folder, options.pack, loadVocabulary())
  const started = performance.now()
  const { guardrails, holds, classes, combinations } = prove(program)
  const seconds = (performance.now() - started) / 1000
  const broken = guardrails.filter((one) => !one.holds)
  const proven = guardrails.length - broken.length
  print(options, { holds, classes, combinations, seconds, guardrails: guardrails.map(plain) }, [
    ...guardrails.flatMap(told),
    `${proven} of ${guardrails.length} guardrails proven over ${grouped(combinations)} combinations of ${classes} classes in ${seconds.toFixed(1)} s`,
  ])
  if (!holds) process.exitCode = 1
}

/** `ostiary policy diff`: who would gain or lose which fields from one folder of policies to another. */
export async function diffPolicies(
  before: string,
  after: string,
  options: { readonly json?: boolean; readonly pack: string; readonly toPack?: string },
): Promise<void> {
  const words = loadVocabulary()
  const old = await programOf(before, options.pack, words)
  const now = await programOf(after, options.toPack ?? options.pack, words)
  const { empty, changes, classes, combinations } = diff(old, now)
  print(options, { empty, changes, classes, combinations }, [
    ...changes.map(({ text }) => text),
    empty
      ? `nothing changes for anybody, over ${grouped(combinations)} combinations`
      : `${changes.length} changes`,
  ])
}

/** The program of a pack on disk. Throws with every fault that it has. */
async function programOf(folder: string, pack: string, words: Words): Promise<Program> {
  const { documents } = await readPolicyPack(folder, pack)
  const compiled = compileFiles(documents, words)
  if (compiled.ok) return compiled.program
  throw new Error(`the policies have faults:\n${compiled.faults.map(describeFault).join('\n')}`)
}

function told({ id, title, holds, vacuous, counterexample }: GuardrailResult): readonly string[] {
  if (holds) return [`holds   ${id}: ${title}`]
  if (vacuous) return [`EMPTY   ${id}: ${title}`, '        speaks of no request that could happen']
  if (!counterexample) return [`BROKEN  ${id}: ${title}`]
  const { verdict, situation, rules } = counterexample
  const shown = Object.entries(situation).map(
    ([name, word]) => `          ${name}: ${Array.isArray(word) ? word.join(', ') : String(word)}`,
  )
  const by = rules.length > 0 ? ` by ${rules.join(', ')}` : ''
  return [
    `BROKEN  ${id}: ${title}`,
    `        this request could happen and would be ${verdict.outcome}${by}:`,
    ...shown,
  ]
}

function plain({ counterexample, ...rest }: GuardrailResult) {
  if (!counterexample) return rest
  const { verdict, situation, rules } = counterexample
  return { ...rest, counterexample: { situation, rules, outcome: verdict.outcome } }
}

/** 1234567 as 1 234 567. */
function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(\d{3})+$)/g, ' ')
}
