// From an empty server to a case at work: who takes part, what each sees, what each is told, by which rules.
import t from 'tap'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import { AgencyClient, type Answer } from '../support/agency-client.ts'
import { acceptAgreement, deposit, disclose, openLakesideCase } from '../support/lakeside-case.ts'
import {
  type Agency,
  type AgencyName,
  expectStatus,
  makeKey,
  startWorld,
} from '../support/world.ts'
import { inspect, saidBy } from '../support/written.ts'

const world = await startWorld()
t.teardown(() => world.stop())
const { audited, end } = await inspect(world.databaseUrl)
t.teardown(() => end())
const lake = await openLakesideCase(world)
const { caseId, ana, marko, lea, agencies } = lake
const { police, prosecution, programme, support, hospital } = agencies

const patch = (of: Agency, path: string, body: object, tag = '*') =>
  of.call('org_admin', 'PATCH', path, { body, headers: { 'if-match': tag } })

t.test('the directory shows everybody, and own matters to oneself alone', async (t) => {
  const path = `/v1/agencies/${police.id}`
  const own = await expectStatus(200, police.client.call('GET', path))
  t.match(own.body, { clientId: police.clientId, scopes: Array })
  t.match(own.body, { name: 'Police of Lakeside', sector: 'police', active: true })
  const others = await expectStatus(200, support.client.call('GET', path))
  t.notOk(Object.hasOwn(others.body, 'clientId'))
  t.notOk(Object.hasOwn(others.body, 'scopes'))
  const sector = await expectStatus(200, support.client.call('GET', '/v1/agencies?sector=hospital'))
  t.match(sector.body.items, [{ id: hospital.id }])
  t.match(Object.keys(sector.body), ['items'], 'no totals')
})

t.test('an agency changes its key without a gap, and the old one is worth nothing', async (t) => {
  const joined = await world.onboard(
    { name: 'Elsewhere', sector: 'shelter', actsFor: 'victim', public: false },
    ['org_admin'],
  )
  const { privateJwk, publicJwk } = await makeKey()
  const { d: _, ...oldKey } = joined.privateJwk
  const path = `/v1/agencies/${joined.id}`
  const connect = (key: object) =>
    AgencyClient.connect({
      origin: world.origin,
      clientId: joined.clientId,
      privateJwk: key,
      reach: () => world.address,
    })
  const fresh = await connect(privateJwk)
  await t.rejects(fresh.grant(), 'not registered yet')
  await expectStatus(200, patch(joined, path, { jwks: { keys: [oldKey, publicJwk] } }))
  t.ok((await fresh.grant()).access_token, 'both while they overlap')
  t.ok((await joined.client.grant()).access_token)
  await expectStatus(200, patch(joined, path, { jwks: { keys: [publicJwk] } }))
  t.ok((await fresh.grant()).access_token)
  await t.rejects(joined.client.grant(), 'the old one alone no more')
})

t.test('of two changes from one state the first wins', async (t) => {
  const path = `/v1/agencies/${hospital.id}`
  const read = await expectStatus(200, hospital.client.call('GET', path))
  const tag = read.headers.get('etag') ?? ''
  const both = await Promise.all([
    patch(hospital, path, { phases: [1] }, tag),
    patch(hospital, path, { phases: [2] }, tag),
  ])
  t.same(both.map(saidBy).sort(), ['200', '412 precondition_failed'])
  const after = await hospital.client.call('GET', path)
  t.not(after.headers.get('etag'), tag)
})

t.test('practitioners change roles, and lose them, from the next call on', async (t) => {
  const made = await expectStatus(
    201,
    support.call('org_admin', 'POST', `/v1/agencies/${support.id}/practitioners`, {
      body: { localId: 'mira', roles: ['shelter_worker'] },
    }),
  )
  const path = `/v1/practitioners/${made.body.id}`
  const see = (role: PractitionerRole) =>
    support.client.call('GET', `/v1/cases/${caseId}`, {
      practitioner: { id: made.body.id, role },
    })
  t.equal(saidBy(await see('shelter_worker')), '200')
  t.equal(saidBy(await see('vss_advocate')), '403 practitioner_not_recognised')
  await expectStatus(200, patch(support, path, { roles: ['vss_advocate'] }))
  t.equal(saidBy(await see('shelter_worker')), '403 practitioner_not_recognised')
  t.equal(saidBy(await see('vss_advocate')), '200')
  await expectStatus(200, patch(support, path, { active: false }))
  t.equal(saidBy(await see('vss_advocate')), '403 practitioner_not_recognised')
})

t.test('each member sees its side of the case [R18]', async (t) => {
  const all = [police.id, prosecution.id, programme.id, support.id]
  const everybody = [...all, agencies.childProtection.id, hospital.id]
  const hers = everybody.filter((id) => id !== programme.id)
  const views: Record<
    AgencyName,
    { role: PractitionerRole; persons: string[]; members: string[] }
  > = {
    police: { role: 'police_officer', persons: [ana, marko, lea], members: everybody },
    prosecution: { role: 'prosecutor', persons: [ana, marko, lea], members: everybody },
    programme: { role: 'pp_case_manager', persons: [marko], members: [programme.id] },
    support: { role: 'vss_advocate', persons: [ana, marko, lea], members: hers },
    childProtection: { role: 'cp_worker', persons: [ana, marko, lea], members: hers },
    hospital: { role: 'physician', persons: [ana, marko, lea], members: hers },
  }
  const tags = new Set<string>()
  for (const [name, { role, persons, members }] of Object.entries(views)) {
    const agency = agencies[name as AgencyName]
    const seen = await audited(() => agency.call(role, 'GET', `/v1/cases/${caseId}`))
    const { body, headers } = seen.answer
    t.same(idsOf(body.persons, 'id'), [...persons].sort(), `${name}: persons`)
    t.same(idsOf(body.members, 'agencyId'), [...members].sort(), `${name}: members`)
    t.equal(headers.get('cache-control'), 'no-store')
    t.match(seen.events, [{ type: 'consult.case_viewed', agency_id: agency.id, case_id: caseId }])
    if (name !== 'police') t.notMatch(seen.answer.text, /LK-2026|"localId"/, `${name}: own words`)
    tags.add(headers.get('etag') ?? '')
  }
  t.ok(tags.size >= 3, 'different views have different tags')
})

t.test('a notice is for its role, and is acknowledged once', async (t) => {
  const list = (role: PractitionerRole, query = '') =>
    support.call(role, 'GET', `/v1/notices?limit=100${query}`)
  const added = (await list('vss_advocate')).body.items.find(isAddition)
  t.match(added, { type: 'case_member_added', urgency: '24h', refs: { caseId } })
  t.notOk(Object.hasOwn(added, 'acknowledgedAt'))
  const path = `/v1/notices/${added.id}/acknowledgement`
  const first = await audited(() => support.call('vss_advocate', 'POST', path))
  t.equal(first.answer.body.acknowledgedAt, world.clock.now().toISOString())
  t.match(first.events, [{ type: 'notice.acknowledged', agency_id: support.id }])
  world.clock.advance(60_000)
  const second = await support.call('partner_contact_worker', 'POST', path)
  t.same(second.body, first.answer.body, 'a second time changes nothing')
  const open = (await list('vss_advocate', '&acknowledged=false')).body.items
  t.notOk(open.some(({ id }: { id: string }) => id === added.id))
  const done = (await list('vss_advocate', '&acknowledged=true')).body.items
  t.ok(done.some(({ id }: { id: string }) => id === added.id))

  await deposit(world, lake, support, 'vss_advocate', {
    type: 'contact_location',
    subject: ana,
    informant: 'V',
    toldBy: ana,
    fields: { safe_phone: '+38640555012' },
  })
  for (const minute of [1, 2, 3]) {
    world.clock.advance(minute * 60_000)
    await expectStatus(201, breakGlass())
  }
  const dpo = await notices(support, 'dpo', 2)
  t.same(
    dpo.map(({ type }) => type),
    ['exception_used', 'exception_used', 'exception_used', 'case_member_added'],
    'newest first, page by page',
  )
  t.match(dpo[0], { role: 'dpo', urgency: 'immediate' })
  t.notMatch(JSON.stringify(dpo), /38640555012|shouting/, 'ids only')
  const advocates = (await list('vss_advocate')).body.items
  t.notOk(advocates.some(({ type }: { type: string }) => type === 'exception_used'))
  const foreignRole = await support.call(
    'vss_advocate',
    'POST',
    `/v1/notices/${dpo[0]?.id}/acknowledgement`,
  )
  t.equal(saidBy(foreignRole), '404 not_found', 'what is for another role')
})

t.test('the rules are there to be read, each with its law [R6]', async (t) => {
  const read = await expectStatus(200, support.client.call('GET', '/v1/policies'))
  const { version, hash, documents } = read.body
  const tag = read.headers.get('etag') ?? ''
  const known = await support.client.call('GET', '/v1/policies', {
    headers: { 'if-none-match': tag },
  })
  t.same([known.status, known.text], [304, ''])
  const versions = await expectStatus(200, support.client.call('GET', '/v1/policies/versions'))
  t.match(versions.body.items, [{ version, hash }])
  const answer = await disclose(lake, hospital, 'physician', {
    subject: marko,
    purpose: 'care_treatment',
    fields: ['health.care_needs'],
  })
  t.same(answer.body.policy, { version, hash }, 'by which a disclosure is decided')
  t.match(
    read.body.settings.dropout_deadline,
    { value: 'PT24H', origin: { document: 'settings default' } },
    'each setting says its value and where it comes from',
  )
  t.ok(documents.length >= 10)
  for (const { policy, source, permit = [], forbid = [] } of documents) {
    t.ok(source.length > 0, `${policy} says where it comes from`)
    for (const { id, basis, necessary } of permit) {
      t.ok(basis.gdpr ?? basis.led, `${id} stands on a law`)
      t.type(necessary.because, 'string', `${id} says why`)
    }
    for (const { id, source: own = source } of forbid) t.ok(own.length > 0, `${id} says why not`)
  }
})

t.test('agreements bind and are told to who is bound', async (t) => {
  const body = {
    title: 'Partner contact',
    parties: [programme.id, support.id],
    purposes: ['partner_contact', 'risk_management'],
    validFrom: '2026-11-01',
    validTo: '2026-12-01',
    documentRef: 'register 2026/14',
    signatories: ['both directors'],
  }
  const made = await expectStatus(
    201,
    programme.call('org_admin', 'POST', '/v1/agreements', { body }),
  )
  t.equal(made.body.inForce, false)
  t.equal((await acceptAgreement(support, made.body.id)).body.inForce, true)
  const refs = { agreementId: made.body.id }
  const told = async (of: Agency, type: string) =>
    (await notices(of, 'org_admin', 200)).filter((notice) => notice.type === type)
  t.match(await told(support, 'agreement_recorded'), [{ refs, urgency: '7d' }])
  t.same(await told(programme, 'agreement_recorded'), [], 'who recorded it knows')
  t.equal((await programme.client.call('GET', `/v1/agencies/${programme.id}`)).body.active, true)
  const path = `/v1/agreements/${made.body.id}`
  t.equal(saidBy(await police.client.call('GET', path)), '404 not_found', 'none of theirs')
  const past = { at: '2026-11-02T00:00:00Z' }
  const end = (ending: object) =>
    support.call('org_admin', 'POST', `${path}/termination`, { body: ending })
  t.equal(saidBy(await end(past)), '422 validity_window_invalid')
  const later = await expectStatus(200, end({ at: '2026-11-20T00:00:00Z', reason: 'moved away' }))
  t.match(later.body, { inForce: true, terminatedAt: '2026-11-20T00:00:00.000Z' })
  t.match(await told(programme, 'agreement_terminated'), [{ refs }])
  world.clock.set('2026-11-20T00:00:00Z')
  t.equal((await programme.client.call('GET', path)).body.inForce, false)
  t.equal((await programme.client.call('GET', `/v1/agencies/${programme.id}`)).body.active, false)
  await world.ostiary.runClocks()
  await world.ostiary.runClocks()
  for (const party of [programme, support])
    t.match(await told(party, 'agreement_expired'), [{ refs }], 'told once, by the clock')
})

function breakGlass(): Promise<Answer> {
  return disclose(lake, police, 'police_officer', {
    subject: ana,
    purpose: 'safety_urgent',
    fields: ['contact_location.safe_phone'],
    justification: 'not seen since midnight',
    exception: { code: 'break_glass', note: 'neighbours heard shouting' },
  })
}

interface Notice {
  readonly id: string
  readonly type: string
}

/** All notices for a role, page after page. */
async function notices(of: Agency, role: PractitionerRole, limit: number): Promise<Notice[]> {
  const items: Notice[] = []
  let next: string | undefined = `/v1/notices?limit=${limit}`
  while (next) {
    const page: Answer = await expectStatus(200, of.call(role, 'GET', next))
    items.push(...page.body.items)
    next = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
  }
  return items
}

const isAddition = ({ type }: Notice): boolean => type === 'case_member_added'

function idsOf(items: readonly Record<string, string>[], member: string): string[] {
  return items.map((item) => item[member] ?? '').sort()
}
