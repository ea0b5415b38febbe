// A draft tried on past decisions: what would stay, what would leave, and what can be tried no more.
import t from 'tap'
import pg from 'pg'
import {
  askForDropout,
  askForHerPhone,
  concludeAgreement,
  depositBothSides,
  HER_PHONE,
  openLakesideCase,
} from '../support/lakeside-case.ts'
import { administrator, withScopes } from '../support/policy-people.ts'
import { expectStatus, startWorld } from '../support/world.ts'

t.setTimeout(300_000)
const world = await startWorld()
const database = new pg.Client({ connectionString: world.databaseUrl })
await database.connect()
t.teardown(async () => {
  await database.end()
  await world.stop()
})
const at = await openLakesideCase(world)
const { ana, marko, agencies } = at
const { programme } = agencies
await concludeAgreement(agencies)
await depositBothSides(world, at)
const WARNINGS = 3
let released = 0
for (let i = 0; i < WARNINGS; i++) {
  world.clock.advance(60_000)
  const { body } = await askForDropout(at)
  released = body.fields.filter(({ outcome }: { outcome: string }) => outcome === 'released').length
}
await askForHerPhone(at)

const author = await administrator(world.operator)
interface Document {
  readonly permit?: readonly { readonly id: string }[]
  readonly forbid?: readonly object[]
}
const { documents } = (await expectStatus(200, author.call('GET', '/v1/policies'))).body as {
  documents: Document[]
}
const draftOf = async (changed: readonly Document[]): Promise<string> => {
  const body = { documents: changed, reason: 'to try it' }
  return (await expectStatus(201, author.call('POST', '/v1/policies/drafts', { body }))).body.id
}
const WINDOW = { from: '2026-11-16', to: '2026-11-18T00:00:00Z' }
const replay = (id: string, window: object = WINDOW, by = author) =>
  by.call('POST', `/v1/policies/drafts/${id}/replay`, { body: window })

t.test('the policy in force changes nothing', async (t) => {
  const { body } = await expectStatus(200, replay(await draftOf(documents)))
  t.match(body, { decisions: WARNINGS + 1, changed: 0, refusals: 0, releases: 0, groups: [] })
  t.equal(body.complete, true)
  t.same(body.newFields, { perpetrator_programme: 0, victim_support: 0 })
  t.same(body.untried, { erased: 0, not_recorded: 0, policy_unknown: 0, unreadable: 0 })
})

t.test('without the permit, so many more refusals', async (t) => {
  const without = documents.map((document) => {
    if (!document.permit?.some(({ id }) => id === 'F9')) return document
    return { ...document, permit: document.permit.filter(({ id }) => id !== 'F9') }
  })
  t.notSame(without, documents)
  const { body, text } = await expectStatus(200, replay(await draftOf(without)))
  t.equal(body.refusals, WARNINGS * released)
  t.equal(body.changed, WARNINGS)
  t.equal(
    body.groups.reduce((sum: number, { count }: { count: number }) => sum + count, 0),
    body.refusals,
  )
  t.match(
    body.groups.find(({ field }: { field: string }) => field === 'programme_engagement.dropout_at'),
    {
      sector: 'victim_support',
      role: 'partner_contact_worker',
      purpose: 'safety_urgent',
      before: 'released',
      after: 'withheld',
      count: WARNINGS,
    },
  )
  t.match(body.sentence, `${WARNINGS + 1} decisions, ${WARNINGS * released} more refusals`)
  for (const secret of [HER_PHONE, ana, marko, at.caseId, '18:00:00'])
    t.notMatch(text, secret, 'neither values nor persons')
})

t.test('with a forbid, the same', async (t) => {
  const forbid = {
    id: 'X-all',
    unless: [],
    explain: 'silent',
    fields: ['programme_engagement/event', 'programme_engagement/status'],
  }
  const policy = { policy: 'stop', title: 'Stop it all', source: ['a test'], forbid: [forbid] }
  const { body } = await expectStatus(200, replay(await draftOf([...documents, policy])))
  t.equal(body.refusals, WARNINGS * released)
  t.ok(body.groups.every(({ after }: { after: string }) => after === 'silent'))
})

t.test('only decisions of the window count', async (t) => {
  const id = await draftOf(documents)
  const narrow = { from: '2026-11-16T20:01:00.000Z', to: '2026-11-16T20:02:00.000Z' }
  t.equal((await expectStatus(200, replay(id, narrow))).body.decisions, 1)
  const backwards = { from: WINDOW.to, to: WINDOW.from }
  t.match(await replay(id, backwards), { status: 400, body: { code: 'invalid_body' } })
})

t.test('not for the side that could find out by it what is kept from it', async (t) => {
  const id = await draftOf(documents)
  const client = await withScopes(world, programme, ['policies:write'])
  const his = await administrator(programme, { client })
  const refused = await replay(id, WINDOW, his)
  t.match(refused, { status: 403, body: { code: 'not_permitted' } })
  const person = { role: 'system_admin' } as const
  t.equal((await replay(id, WINDOW, await administrator(world.operator, person))).status, 403)
})

t.test('a replay is written down; erased persons are counted, not tried', async (t) => {
  await database.query('delete from subject_key where owner_id = $1 and agency_id = $2', [
    marko,
    programme.id,
  ])
  const id = await draftOf(documents)
  const { body } = await expectStatus(200, replay(id))
  t.match(body, { decisions: 1, untried: { erased: WARNINGS } })
  t.match(body.sentence, `${WARNINGS} erased`)
  const { rows } = await database.query(
    `select public_part from audit_event where type = 'policy.replayed' and public_part like $1`,
    [`%${id}%`],
  )
  t.equal(rows.length, 1)
})
