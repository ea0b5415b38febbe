/** The demo's part about rules: what nobody can put in force, and how a change gets there. */
import assert from 'node:assert/strict'
import { administrator, approve } from '../support/policy-people.ts'
import { type Agency, expectStatus } from '../support/world.ts'
import { step } from './story.ts'

interface Statement {
  readonly id: string
  readonly obligations?: readonly string[]
}

interface Document {
  readonly policy: string
  readonly permit?: readonly Statement[]
  readonly forbid?: readonly Statement[]
}

/** What the test of `F15-school` expects. */
const TESTED =
  /(by: \[F15-school\],[^}]*obligations: \[do_not_reveal_to_other_party, no_onward_sharing)\]/

/** The statements of one document, changed. */
function changed(
  documents: readonly Document[],
  policy: string,
  change: (document: Document) => Document,
): readonly Document[] {
  return documents.map((document) => (document.policy === policy ? change(document) : document))
}

/** A careless draft and a careful one. */
export async function changeRules(operator: Agency): Promise<void> {
  const author = await administrator(operator)
  const second = await administrator(operator)
  const { documents, version } = (await expectStatus(200, author.call('GET', '/v1/policies'))).body
  const draft = async (
    reason: string,
    of: readonly Document[],
    suites?: readonly string[],
  ): Promise<string> => {
    const body = { documents: of, reason, ...(suites ? { suites } : {}) }
    const made = await expectStatus(201, author.call('POST', '/v1/policies/drafts', { body }))
    return made.body.id
  }

  step('An administrator drafts: the exclusion that keeps addresses from his side is gone')
  const careless = await draft(
    'the programme asks so often',
    changed(documents, 'standing-exclusions', ({ forbid = [], ...rest }) => ({
      ...rest,
      forbid: forbid.filter(({ id }) => !['X-location', 'X-location-own'].includes(id)),
    })),
  )
  const checked = await expectStatus(
    200,
    author.call('POST', `/v1/policies/drafts/${careless}/check`),
  )
  const { proof, tests } = checked.body
  const broken = proof.guardrails.filter(({ holds }: { holds: boolean }) => !holds)
  assert.ok(broken.length > 0 && !checked.body.sound, 'no draft gets past its guardrails')
  const kept = proof.guardrails.length - broken.length
  console.log(
    `      ${kept} of ${proof.guardrails.length} guardrails proven over ${Number(proof.combinations).toExponential(1)} combinations; ${tests.failed.length} of its tests fail`,
  )
  for (const { id, title, counterexample } of broken) {
    console.log(`      ${id} breaks: ${title}`)
    const { situation, rules } = counterexample
    console.log(
      `        this could happen: ${situation.field} to a ${situation.sector} acting for the ${situation.actsFor}, for ${situation.purpose}, by ${rules.join(', ')}`,
    )
  }
  await expectStatus(200, approve(second, careless))
  const refused = await author.call('POST', `/v1/policies/drafts/${careless}/activation`)
  assert.equal(refused.status, 422, refused.text)
  console.log(`      activation, though somebody approved it: 422 ${refused.body.code}`)

  step('Another draft: schools tell child protection what came of it; a second person approves')
  const { suites } = (
    await expectStatus(200, author.call('GET', `/v1/policies/versions/${version}`))
  ).body
  const careful = await draft(
    'nobody hears what became of the child',
    changed(documents, 'child-protection', ({ permit = [], ...rest }) => ({
      ...rest,
      permit: permit.map((rule) =>
        rule.id === 'F15-school'
          ? { ...rule, obligations: [...(rule.obligations ?? []), 'report_outcome_to_source'] }
          : rule,
      ),
    })),
    // What the rule says, its test says, too: without this the draft would not get through.
    suites.map((suite: string) => suite.replace(TESTED, '$1, report_outcome_to_source]')),
  )
  const shown = await expectStatus(
    200,
    second.call('POST', `/v1/policies/drafts/${careful}/diff`, { body: {} }),
  )
  for (const { text } of shown.body.changes) console.log(`      ${text}`)
  await expectStatus(200, approve(second, careful))
  const active = await expectStatus(
    200,
    author.call('POST', `/v1/policies/drafts/${careful}/activation`),
  )
  assert.equal(active.body.version, version + 1)
  console.log(`      version ${active.body.version} is in force: ${active.body.hash.slice(0, 23)}…`)
}
