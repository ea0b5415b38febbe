// Past decisions explained to data protection officers: as they were, to each as far as it may know.
import t from 'tap'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { compilePack, parsePack } from '../../src/services/policy-versions.ts'
import type { Tables } from '../../src/storage/database.ts'
import { activatePolicy } from '../../src/storage/policies.ts'
import { realCatalogue } from '../support/catalogue.ts'
import {
  askForDropout,
  askForHerPhone,
  concludeAgreement,
  depositBothSides,
  DROPOUT_REQUEST,
  HER_PHONE,
  openLakesideCase,
} from '../support/lakeside-case.ts'
import { type Agency, expectStatus, startWorld } from '../support/world.ts'

const world = await startWorld()
t.teardown(() => world.stop())
const owner = new Kysely<Tables>({
  dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: world.databaseUrl }) }),
})
t.teardown(() => owner.destroy())
const at = await openLakesideCase(world)
const { ana, marko, agencies } = at
const { police, programme, support } = agencies
await concludeAgreement(agencies)
await depositBothSides(world, at)

const explained = (agency: Agency, id: string, role: 'dpo' | 'org_admin' = 'dpo') =>
  agency.call(role, 'GET', `/v1/disclosures/${id}/explanation`)
const entryOf = (body: { entries: { field: string }[] }, field: string) =>
  body.entries.find((entry) => entry.field === field) as never as Record<string, never>

t.test('the officer of the agency that asked sees what was told, and cited', async (t) => {
  const { body: asked } = await askForDropout(at)
  const { body, text } = await expectStatus(200, explained(support, asked.id))
  t.same(body.views, ['recipient'])
  t.equal(body.policy.version, 1)
  t.equal(body.outcome, asked.outcome)
  t.same(body.request.requested, DROPOUT_REQUEST.fields)
  t.equal(body.request.justified, true)
  t.notOk('facts' in body)
  const told = entryOf(body, 'programme_engagement.dropout_at')
  t.equal(told['view'], 'told')
  t.equal(told['outcome'], 'released')
  t.match(told['cited'], [{ rule: /./, policy: /./, source: [/./] }])
  t.match(body.text, /programme_engagement\.dropout_at .*: released by/)
  t.notMatch(text, '2026-11-16T18:00:00', 'no value')
  // That she asked is not told to his side, nor who asked to those who have nothing to do with it.
  for (const stranger of [programme, police, agencies.hospital])
    t.equal((await explained(stranger, asked.id)).status, 404)
  t.equal((await explained(support, asked.id, 'org_admin')).status, 403)
})

t.test('what was silent is explained to the source alone', async (t) => {
  const { body: asked } = await askForHerPhone(at)
  const his = await expectStatus(200, explained(programme, asked.id))
  t.same(his.body.views, ['recipient'])
  t.same(his.body.entries, [])
  t.equal(his.body.text, '')
  t.notOk('facts' in his.body)

  const { body, text } = await expectStatus(200, explained(support, asked.id))
  t.same(body.views, ['source'])
  t.equal(body.facts, 'recorded')
  t.notOk('outcome' in body, 'what others of its entries came to is not the source’s')
  t.match(body.request, { recipient: { agencyId: programme.id, role: 'pp_case_manager' } })
  const entry = entryOf(body, 'contact_location.safe_phone')
  t.match(entry, {
    view: 'full',
    outcome: 'withheld',
    silent: true,
    told: [],
    consent: { state: 'missing' },
    regime: 'gdpr',
    facts: { informant: 'V', informantParties: ['victim'], contested: false },
  })
  const { forbids, permits } = entry as never as {
    forbids: { rule: string; result?: string }[]
    permits: { mismatches: string[] }[]
  }
  t.ok(forbids.some(({ result }) => result === 'stands'))
  t.ok(permits.some(({ mismatches }) => mismatches.length > 0))
  t.notMatch(text, HER_PHONE)
  t.equal((await explained(police, asked.id)).status, 404)
})

t.test('a preview is explained as well, and each reading is an event', async (t) => {
  const { body: asked } = await expectStatus(
    200,
    support.call('partner_contact_worker', 'POST', '/v1/disclosures/preview', {
      body: { caseId: at.caseId, ...DROPOUT_REQUEST, subjectId: marko },
    }),
  )
  const { body } = await expectStatus(200, explained(support, asked.id))
  t.equal(body.kind, 'preview')
  const { rows } = await sql<{ type: string; public_part: string }>`
    select type, public_part from audit_event where type = 'consult.explanation_viewed'
      and public_part::jsonb ->> 'disclosureId' = ${asked.id}`.execute(owner)
  t.equal(rows.length, 1)
  t.match(JSON.parse(rows[0]?.public_part ?? ''), { purpose: 'audit_compliance' })
})

t.test('after a change of policy the reasons are still those of then', async (t) => {
  const { body: before } = await askForHerPhone(at)
  const rulesOf = (body: { entries: { field: string }[] }) =>
    (entryOf(body, 'contact_location.safe_phone') as never as { rules: string[] }).rules
  const then = rulesOf((await expectStatus(200, explained(support, before.id))).body)
  t.ok(then.length > 0)
  await activate(`policy: nothing\ntitle: Nothing at all\nsource: [test]\n`)
  const { body: after } = await askForHerPhone(at)
  const [old, now] = await Promise.all(
    [before.id, after.id].map((id) => expectStatus(200, explained(support, id))),
  )
  t.equal(old?.body.policy.version, 1)
  t.same(rulesOf(old?.body), then)
  t.equal(now?.body.policy.version, 2)
  t.match(entryOf(now?.body, 'contact_location.safe_phone'), {
    silent: true,
    rules: [],
    reasons: [{ code: 'no_rule' }],
  })
})

t.test('once the person is erased, the facts are gone and the log still tells', async (t) => {
  const { body: asked } = await askForHerPhone(at)
  const his = await expectStatus(200, explained(programme, asked.id))
  await sql`delete from subject_key where owner_id = ${ana} and agency_id = ${support.id}`.execute(
    owner,
  )
  const { body } = await expectStatus(200, explained(support, asked.id))
  t.equal(body.facts, 'erased')
  t.match(body.entries, [
    { view: 'recorded', outcome: 'withheld', silent: true, reasons: [{ code: 'no_rule' }] },
  ])
  t.match(body.text, 'erased')
  t.same((await expectStatus(200, explained(programme, asked.id))).text, his.text)
})

async function activate(text: string): Promise<void> {
  const catalogue = realCatalogue()
  const documents = parsePack([{ file: 'a.yaml', text }])
  const { hash } = compilePack(documents, catalogue)
  await owner
    .transaction()
    .execute((tx) => activatePolicy(tx, { hash, documents }, world.clock.now()))
}
