import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Answer } from '../support/agency-client.ts'
import { type Agency, CAST, startWorld } from '../support/world.ts'

const world = await startWorld()
t.teardown(() => world.stop())
const police = await world.onboard(CAST.police, ['police_officer', 'org_admin'])
const support = await world.onboard(CAST.support, ['vss_advocate', 'org_admin'])
const programme = await world.onboard(CAST.programme, ['pp_case_manager', 'org_admin'])

const collectedAt = '2026-11-16T19:00:00Z'
const etagOf = ({ headers }: Answer) => headers.get('etag') ?? ''
const said = ({ status, body }: Answer) => (status < 400 ? status : `${status} ${body.code}`)

const opened = await police.call('police_officer', 'POST', '/v1/cases', {
  body: {
    reference: 'PU-1',
    persons: [{ role: 'victim', localId: 'A' }, { role: 'perpetrator_alleged' }],
  },
})
const caseId: string = opened.body.id
const [ana, marko] = opened.body.persons.map(({ id }: { id: string }) => id)

t.test('the directory: tags, conditions, pages', async (t) => {
  const path = `/v1/agencies/${support.id}`
  const read = await support.client.call('GET', path)
  t.equal(read.status, 200)
  t.equal(etagOf(read), '"1"')
  const known = await support.client.call('GET', path, { headers: { 'if-none-match': '"1"' } })
  t.equal(known.status, 304)
  t.equal(known.text, '')
  const patch = (headers: Record<string, string>, body: object = { phases: [3] }) =>
    support.call('org_admin', 'PATCH', path, { headers, body })
  t.equal(said(await patch({})), '428 precondition_required')
  t.equal(said(await patch({ 'if-match': '"7"' })), '412 precondition_failed')
  const merge = { 'if-match': '"1"', 'content-type': 'application/merge-patch+json' }
  const changed = await patch(merge)
  t.equal(said(changed), 200)
  t.equal(etagOf(changed), '"2"')
  t.same(changed.body.phases, [3])
  t.equal(said(await patch({ 'if-match': '*' }, { public: true })), '403 not_permitted')

  const men = `/v1/agencies/${programme.id}`
  const inactive = await programme.client.call('GET', men)
  t.equal(inactive.body.active, false)
  t.equal(etagOf(inactive), '"1.inactive"')
  const renamed = await programme.call('org_admin', 'PATCH', men, {
    headers: { 'if-match': etagOf(inactive) },
    body: { name: 'Change Path West' },
  })
  t.equal(said(renamed), 200, 'a change may start from it')

  const names: string[] = []
  let next: string | undefined = '/v1/agencies?limit=2'
  while (next) {
    const page: Answer = await police.client.call('GET', next)
    names.push(...page.body.items.map(({ name }: { name: string }) => name))
    next = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
  }
  t.same(names, ['Change Path West', 'Lighthouse', 'Ostiary Lakeside', 'Police of Lakeside'])
  t.equal(
    said(await police.client.call('GET', '/v1/agencies?sector=horoscope')),
    '400 invalid_parameter',
  )
  t.equal(said(await police.client.call('GET', `/v1/agencies/${randomUUID()}`)), '404 not_found')
})

t.test('a private key is no key to register', async (t) => {
  const { d, ...publicJwk } = support.privateJwk
  const body = (jwk: object) => ({
    name: 'X',
    sector: 'police',
    country: 'SI',
    public: true,
    phases: [],
    competentAuthority: true,
    jwks: { keys: [jwk] },
  })
  const register = (jwk: object) =>
    world.operator.call('system_admin', 'POST', '/v1/agencies', { body: body(jwk) })
  const refused = await register({ ...publicJwk, d })
  t.ok(refused.status === 400 || refused.status === 422)
  t.notMatch(refused.text, String(d))
  t.equal(said(await register({ ...publicJwk, y: publicJwk.x })), '422 key_unusable')
})

t.test('practitioners', async (t) => {
  const made = await police.call('org_admin', 'POST', `/v1/agencies/${police.id}/practitioners`, {
    body: { localId: 'second', roles: ['police_officer'] },
  })
  t.equal(said(made), 201)
  t.equal(etagOf(made), '"1"')
  const path = `/v1/practitioners/${made.body.id}`
  const off = await police.call('org_admin', 'PATCH', path, {
    headers: { 'if-match': '"1"' },
    body: { active: false },
  })
  t.match(off.body, { active: false, localId: 'second' })
  const acting = { id: made.body.id, role: 'police_officer' }
  const view = await police.client.call('GET', `/v1/cases/${caseId}`, { practitioner: acting })
  t.equal(said(view), '403 practitioner_not_recognised')
  const foreign = await support.call('org_admin', 'PATCH', path, {
    headers: { 'if-match': '*' },
    body: { active: true },
  })
  t.equal(said(foreign), '404 not_found')
})

t.test('agreements', async (t) => {
  const body = {
    title: 'Partner contact',
    parties: [programme.id, support.id],
    purposes: ['partner_contact'],
    validFrom: '2026-01-01',
    validTo: '2027-01-01',
    documentRef: 'file 7',
    signatories: ['both heads'],
  }
  const made = await support.call('org_admin', 'POST', '/v1/agreements', { body })
  t.equal(said(made), 201)
  t.match(made.body, { inForce: false, validTo: '2027-01-01T00:00:00.000Z' })
  const path = `/v1/agreements/${made.body.id}`
  t.equal(etagOf(await programme.client.call('GET', path)), etagOf(made))
  const accepted = await programme.call('org_admin', 'POST', `${path}/acceptance`)
  t.equal(said(accepted), 200)
  t.match(accepted.body, { inForce: true })
  t.same(
    accepted.body.acceptances.map(({ agencyId }: { agencyId: string }) => agencyId).sort(),
    [support.id, programme.id].sort(),
  )
  t.equal(said(await police.client.call('GET', path)), '404 not_found')
  const list = await programme.client.call('GET', '/v1/agreements')
  t.same(list.body.items, [accepted.body])
  t.equal(etagOf(await programme.client.call('GET', `/v1/agencies/${programme.id}`)), '"2"')
  const ended = await programme.call('org_admin', 'POST', `${path}/termination`)
  t.match(ended.body, { inForce: false, terminatedAt: world.clock.now().toISOString() })
  const again = await programme.call('org_admin', 'POST', `${path}/termination`, { body: {} })
  t.same(again.body, ended.body)
})

t.test('cases: his side gets what it may see, tag and all', async (t) => {
  t.match(opened.body, { reference: 'PU-1', members: [{ agencyId: police.id, actsFor: 'all' }] })
  const members = `/v1/cases/${caseId}/members`
  const join = (agency: Agency, actsFor: string, by = police) =>
    by.call(by === police ? 'police_officer' : 'vss_advocate', 'POST', members, {
      body: { agencyId: agency.id, actsFor },
    })
  const joined = await join(programme, 'perpetrator')
  t.equal(said(joined), 201)
  t.same(Object.keys(joined.body).sort(), ['actsFor', 'agencyId', 'since'])
  const view = () => programme.call('pp_case_manager', 'GET', `/v1/cases/${caseId}`)
  const before = await view()
  t.same(before.body.persons, [{ id: marko, role: 'perpetrator_alleged' }])
  t.equal(before.headers.get('cache-control'), 'no-store')
  t.equal(said(await join(support, 'perpetrator')), '422 acts_for_not_allowed')
  t.equal(said(await join(support, 'victim')), 201)
  t.equal(said(await join(support, 'victim')), '409 state_conflict')
  t.equal(said(await join(programme, 'perpetrator', support)), '403 not_permitted')
  const child = await support.call('vss_advocate', 'POST', `/v1/cases/${caseId}/persons`, {
    body: { role: 'child_witness', otherRoles: ['other_dependant'], localId: 'L' },
  })
  t.match(child.body, { role: 'child_witness', otherRoles: ['other_dependant'], localId: 'L' })
  const after = await view()
  t.equal(after.text, before.text)
  t.equal(etagOf(after), etagOf(before))
  const gone = await programme.call('org_admin', 'DELETE', `${members}/${programme.id}`)
  t.equal(gone.status, 204)
  t.equal(said(await view()), '404 not_found')
})

t.test('records: a version for every change', async (t) => {
  const provenance = { informant: 'PO', kind: 'assessment', collectedAt }
  const body = {
    type: 'risk_assessment',
    subjectId: ana,
    fields: { risk_level: 'high' },
    provenance,
  }
  const path = `/v1/cases/${caseId}/records`
  const idempotencyKey = randomUUID()
  const deposit = (sent: object = body, key = idempotencyKey) =>
    police.call('police_officer', 'POST', path, { body: sent, idempotencyKey: key })
  const made = await deposit()
  t.equal(said(made), 201)
  t.same(Object.keys(made.body), ['id', 'version'])
  t.equal((await deposit()).text, made.text)
  t.equal(said(await deposit({ ...body, conditions: ['x'] })), '422 idempotency_key_reused')
  t.equal(said(await deposit({ ...body, subjectId: randomUUID() }, randomUUID())), '404 not_found')
  const wrong = await deposit({ ...body, fields: { risk_level: 'Zq8mXv2' } }, randomUUID())
  t.equal(said(wrong), '400 wrong_field_type')
  t.notMatch(wrong.text, 'Zq8mXv2')

  const record = `/v1/records/${made.body.id}`
  const amend = (tag: string, more: object = {}) =>
    police.call('police_officer', 'PATCH', record, {
      headers: { 'if-match': tag },
      body: { fields: { risk_level: 'medium' }, provenance, ...more },
    })
  t.equal(etagOf(await amend(etagOf(made))), '"2"')
  t.equal(said(await amend('"1"')), '412 precondition_failed')
  t.equal(said(await amend('"2"', { fields: { risk_level: null } })), '400 invalid_body')
  const verified = await police.call('police_officer', 'POST', `${record}/verifications`, {
    body: { fields: ['risk_level'], verifiedAt: collectedAt, method: 'call' },
  })
  t.same([verified.status, verified.body.version], [201, 3])
  const contested = await police.call('police_officer', 'POST', `${record}/contestations`, {
    body: { fields: ['risk_assessment.risk_level'], contestedBy: ana, note: 'not so' },
  })
  t.same([contested.status, etagOf(contested)], [201, '"4"'])
  const foreign = await support.call('vss_advocate', 'POST', `${record}/contestations`, {
    body: { fields: ['risk_level'] },
  })
  t.equal(said(foreign), '404 not_found')
})

t.test('consents: as easily taken back as given', async (t) => {
  const item = {
    purpose: 'risk_management',
    recipient: { agencyId: programme.id },
    fields: ['risk_assessment.risk_level'],
  }
  const body = {
    caseId,
    subjectId: ana,
    items: [item],
    explicit: true,
    separate: true,
    conditionOfService: false,
    coercionChecked: true,
    language: 'hr',
    noticeVersion: '2026-3',
    evidenceRef: 'form 88',
    inAbsenceOfOtherParty: true,
  }
  const record = (more: object = {}) =>
    support.call('vss_advocate', 'POST', '/v1/consents', { body: { ...body, ...more } })
  t.equal(said(await record({ separate: false })), '422 consent_bundled')
  const made = await record()
  t.equal(said(made), 201)
  t.match(made.body, { state: 'given', items: [item], separate: true })
  const path = `/v1/consents/${made.body.id}`
  const read = await support.call('vss_advocate', 'GET', path)
  t.same([read.text, etagOf(read)], [made.text, etagOf(made)])
  t.equal(said(await police.call('police_officer', 'GET', path)), '404 not_found')
  const withdrawn = await police.call('police_officer', 'POST', `${path}/withdrawal`)
  t.match([withdrawn.status, withdrawn.body], [200, { state: 'withdrawn' }])
  const again = await support.call('vss_advocate', 'POST', `${path}/withdrawal`, {
    body: { note: 'by telephone' },
  })
  t.equal(again.text, withdrawn.text)
})
