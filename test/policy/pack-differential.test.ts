// The engine against the second reading of the language, over the rules that ship with the server.
// The bench `pack` does the same with more requests, and with Cedar as a third.
import t from 'tap'

import { decide } from '../../src/domain/policy/decide.ts'
import { loadDefaultPack } from './default-pack.ts'
import { interpret } from './interpreter.ts'
import { materialOf } from './pack-facts.ts'
import { drawPackRequests } from './pack-requests.ts'
import { isEqual, plain, SEED } from './support.ts'

const REQUESTS = 3000
/** Drawn on while some rule has not determined anything yet. */
const MOST_REQUESTS = 12_000

t.test('engine and interpreter agree on the default pack', async (t) => {
  const { documents, program, catalogue, vocabulary, nation } = await loadDefaultPack()
  const material = materialOf(documents, catalogue, vocabulary)
  const forbids = new Set(
    material.targets.filter(({ effect }) => effect === 'forbid').map(({ rule }) => rule.id),
  )
  const seen = new Set<string>()
  const outcomes = new Map<string, number>()
  let requests = 0
  let values = 0
  for (const facts of drawPackRequests(material, MOST_REQUESTS, SEED)) {
    if (++requests > REQUESTS && seen.size === material.targets.length) break
    const { verdicts, errors } = decide(program, facts)
    const expected: unknown[] = JSON.parse(JSON.stringify(interpret(documents, facts, nation)))
    const actual = verdicts.map(plain)
    const different = expected.findIndex((one, i) => !isEqual(one, actual[i]))
    if (different >= 0 || actual.length !== expected.length || errors.length > 0) {
      t.same(actual[different], expected[different], JSON.stringify(facts))
      return
    }
    values += verdicts.length
    for (const { outcome, rules, silent } of expected as Told[]) {
      const what = silent ? 'silent' : outcome
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
      // Under `withheld` the permit that came closest is named, too.
      for (const id of rules) if (outcome !== 'withheld' || forbids.has(id)) seen.add(id)
    }
  }
  t.ok(values > REQUESTS, `${values} values`)
  for (const outcome of ['released', 'generalised', 'review', 'withheld', 'silent']) {
    const times = outcomes.get(outcome) ?? 0
    t.ok(times >= 20, `${outcome}: ${times}`)
  }
  // The comparison is worth something only for rules that had a say.
  const idle = material.targets.map(({ rule }) => rule.id).filter((id) => !seen.has(id))
  t.same(idle, [], 'every rule determined something')
})

interface Told {
  readonly outcome: string
  readonly silent: boolean
  readonly rules: readonly string[]
}
