// The engine against a second reading of the language, on thousands of random policies and requests.
import fc from 'fast-check'
import t from 'tap'

import { decide } from '../../src/domain/policy/decide.ts'
import { REASON_TEST } from '../../src/domain/policy/reasons.ts'
import type { Verdict } from '../../src/domain/policy/verdict.ts'
import { factsArbitrary, nation, pack } from './arbitraries.ts'
import { interpret } from './interpreter.ts'
import { isEqual, plain, program, SEED } from './support.ts'

t.test('engine and interpreter agree on every verdict', async (t) => {
  const seen = new Map<string, number>()
  let pairs = 0
  const property = fc.property(
    pack,
    nation,
    fc.array(factsArbitrary, { minLength: 20, maxLength: 20 }),
    (documents, options, requests) => {
      const compiled = program(documents, options)
      for (const facts of requests) {
        pairs++
        const { verdicts, errors } = decide(compiled, facts)
        const expected = interpret(documents, facts, options).map((one) =>
          JSON.parse(JSON.stringify(one)),
        )
        const actual = verdicts.map(plain)
        if (errors.length > 0 || !isEqual(actual, expected)) {
          throw new Error(firstDifference(actual, expected))
        }
        for (const verdict of verdicts) count(seen, verdict)
      }
    },
  )
  fc.assert(property, { numRuns: 300, seed: SEED })
  t.ok(pairs >= 5000, `${pairs} pairs`)
  // The comparison is worth something only if everything has come up.
  const codes = Object.keys(REASON_TEST).filter(
    (code) => !['review_refused', 'rule_error'].includes(code),
  )
  for (const what of [
    ...codes,
    ...['withheld', 'review', 'generalised', 'released'],
    'silent',
    'stale but marked',
    'consent used',
    'under gdpr',
    'under led',
  ]) {
    t.ok((seen.get(what) ?? 0) >= 20, `${what}: ${seen.get(what) ?? 0}`)
  }
})

function count(seen: Map<string, number>, verdict: Verdict): void {
  const what: string[] = [verdict.outcome]
  if (verdict.silent) what.push('silent')
  if (verdict.outcome === 'withheld') what.push(...verdict.reasons.map(({ code }) => code))
  if ('stale' in verdict && verdict.stale) what.push('stale but marked')
  if ('basis' in verdict && verdict.basis.consent === 'used') what.push('consent used')
  if ('basis' in verdict) what.push(`under ${verdict.basis.regime}`)
  for (const one of what) seen.set(one, (seen.get(one) ?? 0) + 1)
}

function firstDifference(actual: readonly unknown[], expected: readonly unknown[]): string {
  const i = actual.findIndex((one, n) => !isEqual(one, expected[n]))
  return `engine ${JSON.stringify(actual[i])}\nreference ${JSON.stringify(expected[i])}`
}
