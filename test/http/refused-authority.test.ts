// Who has no authority is refused, whatever is missing, in a way that tells nothing; and that is on record.
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Answer } from '../support/agency-client.ts'
import { acceptAgreement, deposit, openCase, openLakesideCase } from '../support/lakeside-case.ts'
import { type Agency, CAST, expectStatus, startWorld } from '../support/world.ts'
import { inspect, ONE_EVENT, shapeOf } from '../support/written.ts'

const world = await startWorld({ environment: { OSTIARY_SUBJECT_LIMIT: '0' } })
t.teardown(() => world.stop())
const { audited, db, end } = await inspect(world.databaseUrl)
t.teardown(() => end())

const lake = await openLakesideCase(world)
const { caseId, ana, marko } = lake
const { police, programme, support, hospital } = lake.agencies
/** Another case of the same agencies. */
const second = await openCase(lake.agencies)
/** A case that the hospital alone works. */
const theirs = await theirCase()
const NOBODY = randomUUID()
const NOW = world.clock.now().toISOString()

const provenance = { informant: 'PO', kind: 'fact', collectedAt: NOW }
const newRecord = {
  type: 'risk_assessment',
  subjectId: marko,
  fields: { risk_level: 'high' },
  provenance,
}
const question = {
  caseId,
  subjectId: marko,
  purpose: 'criminal_investigation',
  fields: ['risk_assessment.risk_level'],
}

const agreement = {
  title: 'Partner contact',
  parties: [programme.id, support.id],
  purposes: ['partner_contact'],
  validFrom: '2026-01-01',
  validTo: '2027-01-01',
  documentRef: 'register 2026/14',
  signatories: ['both directors'],
}

const officer = (method: string, path: string, body?: object) =>
  police.call('police_officer', method, path, {
    ...(body === undefined ? {} : { body }),
    ...(method === 'PATCH' ? { headers: { 'if-match': '*' } } : {}),
  })

t.test('what is hidden and what is not there get one answer, and both are on record', async (t) => {
  const ask = (change: object) => officer('POST', '/v1/disclosures', { ...question, ...change })
  const preview = (change: object) =>
    officer('POST', '/v1/disclosures/preview', { ...question, ...change })
  const put = (change: object, inCase = caseId) =>
    officer('POST', `/v1/cases/${inCase}/records`, { ...newRecord, ...change })
  const word = (informantPersonId: string) => ({
    provenance: { ...provenance, informant: 'V', informantPersonId },
  })
  const signed = { decision: 'approve', note: 'x', signature: 'x.y.z' }
  const confirmed = { fields: ['strangulation_signs'], verifiedAt: NOW }

  /** What it is, the id of what is hidden, and the request that names it. */
  const requests: readonly [string, string, (id: string) => Promise<Answer>, string?][] = [
    [
      'subject of another case',
      second.marko,
      (subjectId) => ask({ subjectId }),
      'disclose.refused',
    ],
    [
      'subject of a case of others',
      theirs.patient,
      (subjectId) => ask({ subjectId }),
      'disclose.refused',
    ],
    [
      'case of others',
      theirs.caseId,
      (id) => ask({ caseId: id, subjectId: theirs.patient }),
      'disclose.refused',
    ],
    [
      'preview, subject of another case',
      second.marko,
      (subjectId) => preview({ subjectId }),
      'disclose.refused',
    ],
    ['preview, case of others', theirs.caseId, (id) => preview({ caseId: id }), 'disclose.refused'],
    ['reading a case', theirs.caseId, (id) => officer('GET', `/v1/cases/${id}`)],
    [
      'bringing a person in',
      theirs.caseId,
      (id) => officer('POST', `/v1/cases/${id}/persons`, { role: 'witness' }),
    ],
    [
      'bringing a member in',
      theirs.caseId,
      (id) =>
        officer('POST', `/v1/cases/${id}/members`, { agencyId: support.id, actsFor: 'victim' }),
    ],
    [
      'ending a membership',
      theirs.caseId,
      (id) => officer('DELETE', `/v1/cases/${id}/members/${hospital.id}`),
    ],
    ['deposit in a case', theirs.caseId, (id) => put({ subjectId: theirs.patient }, id)],
    ['deposit about a person', second.ana, (subjectId) => put({ subjectId })],
    ['word of a person', second.ana, (id) => put(word(id))],
    [
      'amending a record',
      theirs.recordId,
      (id) =>
        officer('PATCH', `/v1/records/${id}`, {
          fields: { strangulation_signs: false },
          provenance,
        }),
    ],
    [
      'verifying a record',
      theirs.recordId,
      (id) => officer('POST', `/v1/records/${id}/verifications`, confirmed),
    ],
    [
      'contesting a record',
      theirs.recordId,
      (id) =>
        officer('POST', `/v1/records/${id}/contestations`, { fields: ['strangulation_signs'] }),
    ],
    ['reading a disclosure', theirs.disclosureId, (id) => officer('GET', `/v1/disclosures/${id}`)],
    ['its proof', theirs.disclosureId, (id) => officer('GET', `/v1/disclosures/${id}/proof`)],
    ['its release', theirs.disclosureId, (id) => officer('POST', `/v1/disclosures/${id}/release`)],
    [
      'its review',
      theirs.disclosureId,
      (id) => officer('POST', `/v1/disclosures/${id}/review`, signed),
    ],
    [
      'verification of what it showed',
      theirs.disclosureId,
      (id) =>
        officer('POST', `/v1/disclosures/${id}/verification-requests`, { fields: ['health/inj'] }),
    ],
    [
      'consent of a person',
      second.ana,
      (id) => officer('POST', '/v1/consents', consentOf(caseId, id)),
    ],
    [
      'consent in a case',
      theirs.caseId,
      (id) => officer('POST', '/v1/consents', consentOf(id, theirs.patient)),
    ],
    ['reading a consent', theirs.consentId, (id) => officer('GET', `/v1/consents/${id}`)],
    [
      'withdrawing a consent',
      theirs.consentId,
      (id) => officer('POST', `/v1/consents/${id}/withdrawal`),
    ],
    [
      'acknowledging a notice',
      theirs.noticeId,
      (id) => officer('POST', `/v1/notices/${id}/acknowledgement`),
    ],
  ]
  for (const [name, hiddenId, call, type = 'authority.refused'] of requests) {
    const hidden = await audited(() => call(hiddenId))
    const missing = await audited(() => call(NOBODY))
    t.equal(hidden.said, '404 not_found', name)
    t.same(shapeOf(hidden.answer), shapeOf(missing.answer), `${name}: as if it were not there`)
    for (const one of [hidden, missing]) {
      t.match(one.events, [{ type, agency_id: police.id }], `${name}: on record`)
      t.same(one.written, ONE_EVENT, `${name}: and nothing else`)
    }
  }
})

t.test('the perpetrator’s side cannot tell her from nobody', async (t) => {
  const manager = (path: string, body: object) =>
    programme.call('pp_case_manager', 'POST', path, { body })
  const requests: Record<string, (subjectId: string) => Promise<Answer>> = {
    consent: (id) => manager('/v1/consents', consentOf(caseId, id)),
    deposit: (subjectId) =>
      manager(`/v1/cases/${caseId}/records`, {
        ...newRecord,
        subjectId,
        provenance: { ...provenance, informant: 'PP' },
      }),
    'her word': (informantPersonId) =>
      manager(`/v1/cases/${caseId}/records`, {
        ...newRecord,
        provenance: { ...provenance, informant: 'V', informantPersonId },
      }),
  }
  for (const [name, call] of Object.entries(requests)) {
    const her = await audited(() => call(ana))
    const nobody = await audited(() => call(NOBODY))
    t.equal(her.said, '404 not_found', name)
    t.same(shapeOf(her.answer), shapeOf(nobody.answer), `${name}: as if she were not there`)
    t.same(her.written, nobody.written, `${name}: and the log grows alike`)
  }
})

t.test('who acts is somebody of the agency, active, in a role that is held', async (t) => {
  const officerId = police.people.get('police_officer')?.id ?? ''
  const advocateId = support.people.get('vss_advocate')?.id ?? ''
  const faults = {
    'practitioner of another agency': { id: advocateId, role: 'vss_advocate' },
    'role not held': { id: officerId, role: 'prosecutor' },
    inactive: { id: await employInactive(police), role: 'police_officer' },
    unknown: { id: NOBODY, role: 'police_officer' },
  }
  type By = { practitioner: { id: string; role: string } }
  const post = (path: string, body: object) => (by: By) =>
    police.client.call('POST', path, { body, idempotencyKey: randomUUID(), ...by })
  const operations: Record<string, (by: By) => Promise<Answer>> = {
    question: post('/v1/disclosures', question),
    preview: post('/v1/disclosures/preview', question),
    deposit: post(`/v1/cases/${caseId}/records`, newRecord),
    consent: post('/v1/consents', consentOf(caseId, ana)),
    case: (by) => police.client.call('GET', `/v1/cases/${caseId}`, by),
    reviews: (by) => police.client.call('GET', '/v1/reviews', by),
    notices: (by) => police.client.call('GET', '/v1/notices', by),
    agencies: (by) => police.client.call('GET', '/v1/agencies', by),
  }
  for (const [operation, call] of Object.entries(operations)) {
    const answers: unknown[] = []
    for (const [fault, practitioner] of Object.entries(faults)) {
      const name = `${operation}, ${fault}`
      const one = await audited(() => call({ practitioner }))
      t.equal(one.said, '403 practitioner_not_recognised', name)
      const by = { agency_id: police.id, practitioner_id: practitioner.id }
      t.match(one.events, [{ type: 'authority.refused', ...by }], `${name}: on record`)
      t.same(one.written, ONE_EVENT, `${name}: and nothing else`)
      answers.push(shapeOf(one.answer))
    }
    for (const other of answers.slice(1)) t.same(other, answers[0], `${operation}: all alike`)
  }
})

t.test('who may do something else may not do this, and that is on record', async (t) => {
  const director = (method: string, path: string, body?: object) =>
    support.call('org_admin', method, path, body === undefined ? {} : { body })
  const patch = { body: { name: 'X' }, headers: { 'if-match': '*' } }
  const requests: Record<string, () => Promise<Answer>> = {
    'an administrator deposits': () => director('POST', `/v1/cases/${caseId}/records`, newRecord),
    'an administrator opens a case': () =>
      director('POST', '/v1/cases', { persons: [{ role: 'victim' }] }),
    'an administrator takes a consent': () =>
      director('POST', '/v1/consents', consentOf(caseId, ana)),
    'her advocate brings an agency in': () =>
      support.call('vss_advocate', 'POST', `/v1/cases/${caseId}/members`, {
        body: { agencyId: hospital.id, actsFor: 'victim' },
      }),
    'her advocate lets an agency go': () =>
      support.call('vss_advocate', 'DELETE', `/v1/cases/${caseId}/members/${hospital.id}`),
    'an agency registers another': () =>
      director('POST', '/v1/agencies', {
        name: 'X',
        sector: 'police',
        country: 'SI',
        public: true,
        phases: [],
        competentAuthority: true,
        jwks: { keys: [publicHalf(support)] },
      }),
    'an agency renames another': () =>
      support.call('org_admin', 'PATCH', `/v1/agencies/${police.id}`, patch),
    'an advocate changes the agency': () =>
      support.call('vss_advocate', 'PATCH', `/v1/agencies/${support.id}`, patch),
    'an agency makes an agreement of others': () =>
      director('POST', '/v1/agreements', { ...agreement, parties: [police.id, hospital.id] }),
    'an officer accepts an agreement': () =>
      police.call('police_officer', 'POST', `/v1/agreements/${randomUUID()}/acceptance`),
    'an officer makes an agreement': () =>
      police.call('police_officer', 'POST', '/v1/agreements', { body: agreement }),
  }
  for (const [name, call] of Object.entries(requests)) {
    const one = await audited(call)
    t.equal(one.said, '403 not_permitted', name)
    t.match(one.events, [{ type: 'authority.refused' }], `${name}: on record`)
    t.same(one.written, ONE_EVENT, `${name}: and nothing else`)
  }
})

t.test('an agreement that has ended', async (t) => {
  const made = await expectStatus(
    201,
    support.call('org_admin', 'POST', '/v1/agreements', { body: agreement }),
  )
  await deposit(world, lake, programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: marko,
    informant: 'PP',
    fields: { status: 'intake' },
  })
  const ask = () =>
    support.call('partner_contact_worker', 'POST', '/v1/disclosures', {
      body: {
        caseId,
        subjectId: marko,
        purpose: 'partner_contact',
        fields: ['programme_engagement.status'],
      },
    })
  const none = { outcome: 'withheld', reasons: [{ code: 'no_agreement' }] }
  t.match((await ask()).body.fields, [none], 'not accepted, it is none')
  await acceptAgreement(programme, made.body.id)
  t.match((await ask()).body.fields, [{ outcome: 'released' }])
  await support.call('org_admin', 'POST', `/v1/agreements/${made.body.id}/termination`)
  const ended = await audited(ask)
  t.match(ended.answer.body, {
    outcome: 'none',
    fields: [none],
  })
  t.match(ended.events, [{ type: 'disclose.decided', agency_id: support.id }])
  t.equal(ended.written['release_ledger'], undefined, 'nothing has left')
})

t.test('a member that has left', async (t) => {
  await police.call('police_officer', 'DELETE', `/v1/cases/${second.caseId}/members/${support.id}`)
  const left = await audited(() =>
    support.call('vss_advocate', 'POST', '/v1/disclosures', {
      body: { ...question, caseId: second.caseId, subjectId: second.marko },
    }),
  )
  t.equal(left.said, '404 not_found')
  t.match(left.events, [{ type: 'disclose.refused', agency_id: support.id }])
  t.same(left.written, ONE_EVENT)
})

t.test('an agency that is suspended, from one call to the next', async (t) => {
  const gone = await world.onboard(CAST.support, ['vss_advocate'])
  const read = () => gone.call('vss_advocate', 'GET', '/v1/notices')
  t.equal((await read()).status, 200)
  const set = (active: boolean) =>
    expectStatus(
      200,
      world.operator.call('system_admin', 'PATCH', `/v1/agencies/${gone.id}`, {
        body: { active },
        headers: { 'if-match': '*' },
      }),
    )
  await set(false)
  const suspended = await audited(read)
  t.equal(suspended.said, '401 token_invalid', 'with a token that was good before')
  t.match(suspended.events, [{ type: 'authority.refused', agency_id: gone.id }])
  t.same(suspended.written, ONE_EVENT)
  await t.rejects(gone.client.grant(), 'and there are no new ones')
  await set(true)
  t.equal((await read()).status, 200, 'let in again')
})

/** Whatever the hospital has of its own, each by its id. */
async function theirCase() {
  const call = async (path: string, body: object): Promise<Answer['body']> =>
    (await expectStatus(201, hospital.call('physician', 'POST', path, { body }))).body
  const opened = await call('/v1/cases', { actsFor: 'victim', persons: [{ role: 'victim' }] })
  const patient: string = opened.persons[0].id
  const record = await call(`/v1/cases/${opened.id}/records`, {
    type: 'health',
    subjectId: patient,
    fields: { strangulation_signs: true },
    provenance: { informant: 'HE', kind: 'fact', collectedAt: world.clock.now().toISOString() },
  })
  const disclosure = await call('/v1/disclosures', {
    caseId: opened.id,
    subjectId: patient,
    purpose: 'care_treatment',
    fields: ['health/inj'],
  })
  const consent = await call('/v1/consents', consentOf(opened.id, patient))
  const { rows } = await db.query<{ id: string }>('select id from notice where agency_id = $1', [
    hospital.id,
  ])
  return {
    caseId: opened.id as string,
    patient,
    recordId: record.id as string,
    disclosureId: disclosure.id as string,
    consentId: consent.id as string,
    noticeId: rows[0]?.id ?? '',
  }
}

function consentOf(inCase: string, subjectId: string): object {
  return {
    caseId: inCase,
    subjectId,
    items: [
      { purpose: 'care_treatment', recipient: { agencyId: support.id }, fields: ['person/id'] },
    ],
    explicit: true,
    separate: true,
    conditionOfService: false,
    coercionChecked: true,
    inAbsenceOfOtherParty: true,
    language: 'sl',
    noticeVersion: '2026-3',
    evidenceRef: 'form 88',
  }
}

async function employInactive(of: Agency): Promise<string> {
  const body = { localId: 'off duty', roles: ['police_officer'], active: false }
  const path = `/v1/agencies/${of.id}/practitioners`
  return (await expectStatus(201, of.call('org_admin', 'POST', path, { body }))).body.id
}

function publicHalf({ privateJwk: { d: _, ...publicJwk } }: Agency): object {
  return publicJwk
}
