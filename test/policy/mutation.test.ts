// A sample of the mutation campaign of `npm run bench -- mutation`, and that the campaign tells mutants
// apart: caught by a suite, by a guardrail, by the check, changing nothing, noticed by nobody.
import t from 'tap'

import { Campaign, type Judged, totalsOf } from '../../bench/mutation/campaign.ts'
import { type Mutant, mutantsOf, OPERATORS } from '../../bench/mutation/mutant.ts'
import { readDefaultPack } from '../../bench/mutation/pack.ts'
import type { PermitStatement, PolicyDocument } from '../../src/domain/policy/document.ts'

const pack = await readDefaultPack()
const mutants = mutantsOf(pack.documents, pack)

/** The first mutant of the fixed operators that is like this. */
function made(rule: string, operator: string, what: string): Mutant {
  const found = mutants.find((m) => m.rule === rule && m.operator === operator && m.what === what)
  if (!found) throw new Error(`no mutant ${rule}: ${operator}: ${what}`)
  return found
}

/** A mutant that no operator makes. */
function planted(rule: string, change: (permit: PermitStatement) => PermitStatement): Mutant {
  const document = pack.documents.find(({ permit }) => permit?.some(({ id }) => id === rule))
  if (!document) throw new Error(`no permit ${rule}`)
  const permit = (document.permit ?? []).map((one) => (one.id === rule ? change(one) : one))
  const mutated: PolicyDocument = { ...document, permit }
  const { policy } = document
  return { policy, rule, operator: 'weaken a test', what: 'planted', document: mutated }
}

t.test('every operator finds something to change, and every rule is changed', async (t) => {
  t.same(
    OPERATORS.filter((one) => !mutants.some(({ operator }) => operator === one)),
    [],
  )
  const { permits, forbids } = pack.program
  const changed = new Set(mutants.map(({ rule }) => rule))
  t.same(
    [...permits, ...forbids].filter(({ id }) => !changed.has(id)),
    [],
  )
  t.same(mutantsOf(pack.documents, pack), mutants, 'the same ones every time')
})

t.test(
  'a sample: suites and guardrails catch at least 95 of 100',
  { timeout: 300_000 },
  async (t) => {
    const campaign = new Campaign(pack)
    const sample = mutants.filter((_, i) => i % 40 === 0)
    const judged: Judged[] = sample.map((mutant) => ({ mutant, fate: campaign.fateOf(mutant) }))
    const { rate, survivors, refused, equivalent } = totalsOf(judged)
    const told = judged.flatMap(({ mutant, fate }) =>
      fate.fate === 'survived' ? [`${mutant.rule}: ${mutant.what}: ${fate.changes[0]}`] : [],
    )
    t.ok(sample.length - refused - equivalent > 50, 'mutants that change something')
    t.equal(told.length, survivors)
    t.ok(rate >= 0.95, `${(rate * 100).toFixed(1)} % of ${sample.length}`, { survivors: told })

    t.equal(campaign.fateOf(made('X-location', 'drop a rule', 'forbid')).fate, 'killed_by_tests')
    // Another rule forbids this purpose altogether, so that naming it opens nothing.
    const idle = planted('F23', (permit) => ({
      ...permit,
      purpose: [...permit.purpose, 'migration_enforcement'],
    }))
    t.equal(campaign.fateOf(idle).fate, 'equivalent')
  },
)

t.test(
  'without suites the guardrails catch what they speak of, and the rest is told',
  async (t) => {
    const campaign = new Campaign({ ...pack, suites: [] })
    t.same(campaign.fateOf(made('X-location-own', 'drop a rule', 'forbid')), {
      fate: 'killed_by_proof',
      by: 'G-location-own',
    })
    const bare = planted('F8', ({ obligations: _, ...permit }) => permit)
    const fate = campaign.fateOf(bare)
    t.equal(fate.fate, 'survived')
    t.match(fate, { changes: [/^changes: .*partner_contact/] })
    const lawless = planted('F9', ({ basis: { art9: _, ...basis }, ...permit }) => ({
      ...permit,
      basis,
    }))
    t.match(campaign.fateOf(lawless), { fate: 'refused', by: /S9/ })
  },
)
