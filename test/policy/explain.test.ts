// Explanations say of every rule what `decide` made of it, and never a value.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { compile } from '../../src/domain/policy/compile.ts'
import { decide } from '../../src/domain/policy/decide.ts'
import { explain } from '../../src/domain/policy/explain.ts'
import type { ValueExplanation } from '../../src/domain/policy/explanation.ts'
import { explanationLines } from '../../src/domain/policy/explanation-text.ts'
import type { PolicyDocument } from '../../src/domain/policy/document.ts'
import { catalogue, factsArbitrary, pack, vocabulary } from './arbitraries.ts'

function programOf(documents: readonly PolicyDocument[]) {
  const compiled = compile(documents, catalogue, vocabulary)
  if (!compiled.ok) throw new Error('the pack does not compile')
  return compiled.program
}

/** What the verdict must be, from the rules considered alone; in words where it is something else. */
function contradiction({ verdict, forbids, permits, failure }: ValueExplanation): string | null {
  if (failure) {
    const code = verdict.outcome === 'withheld' ? verdict.reasons[0]?.code : undefined
    return code === 'rule_error' ? null : 'a failure that was none'
  }
  const same = (rules: readonly { rule: string }[]) =>
    isDeepStrictEqual(
      verdict.rules,
      rules.map(({ rule }) => rule),
    )
  const standing = forbids.filter(({ result }) => result === 'stands')
  if (verdict.outcome === 'withheld' && verdict.reasons[0]?.code === 'not_case_member') return null
  if (standing.length > 0) return same(standing) ? null : 'other forbids stand'
  const speaking = permits.filter(({ mismatches }) => mismatches.length === 0)
  const passing = speaking.filter(({ reasons }) => reasons?.length === 0)
  if (passing.length > 0) return same(passing) ? null : 'other permits pass'
  if (verdict.outcome !== 'withheld') return 'released by no permit'
  if (speaking.length > 0) {
    const named = speaking.find(({ rule }) => rule === verdict.rules[0])
    const codes = verdict.reasons.map(({ code }) => code)
    return named &&
      isDeepStrictEqual(named.reasons, codes) &&
      isDeepStrictEqual(named.tests, verdict.tests)
      ? null
      : 'other reasons'
  }
  const only = (clause: string) =>
    permits.some(({ mismatches }) => isDeepStrictEqual(mismatches, [clause]))
  const wanted = only('purpose')
    ? 'purpose_not_allowed'
    : only('to.role')
      ? 'role_not_allowed'
      : 'no_rule'
  return verdict.reasons[0]?.code === wanted ? null : `not ${wanted}`
}

t.test('the rules considered lead to the verdict, for random packs and facts', async (t) => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(pack, factsArbitrary, (documents, facts) => {
      const program = programOf(documents)
      const { values } = explain(program, facts)
      const verdicts = values.map(({ verdict }) => verdict)
      if (!isDeepStrictEqual(verdicts, decide(program, facts).verdicts)) return false
      for (const one of values) {
        const wrong = contradiction(one)
        if (wrong) throw new Error(`${wrong}: ${JSON.stringify(one)}`)
        const { outcome } = one.verdict
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
        for (const { result } of one.forbids)
          if (result) seen.set(result, (seen.get(result) ?? 0) + 1)
      }
      return explanationLines(values).length >= values.length
    }),
    { numRuns: 800, seed: 1 },
  )
  for (const what of ['released', 'generalised', 'review', 'withheld', 'stands', 'excluded'])
    t.ok((seen.get(what) ?? 0) > 5, `${what} was among them`)
})
