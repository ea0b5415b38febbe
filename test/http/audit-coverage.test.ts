// Every operation of the contract writes the audit events that the contract says, with everything in them
// that has to be and nothing that must not be.
import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import { EVENT_TYPES, type EventType } from '../../src/domain/log/event.ts'
import { loadContract } from '../../src/http/document.ts'
import { type Answer, readAnswer } from '../support/agency-client.ts'
import {
  alwaysDeclared,
  checkShape,
  declaredEvents,
  eventReader,
  headerOf,
  type StoredEvent,
} from '../support/audit-shapes.ts'
import { concludeAgreement, openCase, openLakesideCase } from '../support/lakeside-case.ts'
import { administrator, signed, withScopes } from '../support/policy-people.ts'
import { GUARD, rules, startSmall } from '../support/small-pack.ts'
import { type Agency, CAST, startWorld } from '../support/world.ts'
import { saidBy } from '../support/written.ts'

t.setTimeout(600_000)
const SUBJECT_LIMIT = 40
const { resolved } = await loadContract(new URL('../../openapi.yaml', import.meta.url))
const declared = new Map(declaredEvents(resolved).map((one) => [one.operation, one]))
const always = alwaysDeclared(resolved)

const world = await startWorld({ environment: { OSTIARY_SUBJECT_LIMIT: String(SUBJECT_LIMIT) } })
t.teardown(() => world.stop())
const reader = await eventReader(world.databaseUrl)
t.teardown(() => reader.end())

/** Values and words, none of which may be found in any event. */
const canaries: string[] = []
const canary = (): string => {
  const text = `zq${randomUUID().replaceAll('-', '')}`
  canaries.push(text)
  return text
}
/** Which types each operation wrote, refusals aside. */
const driven = new Map<string, Set<EventType>>()

/** Carries out an operation, and holds what it wrote to what the contract says. */
async function drive(
  t: Test,
  operation: string,
  status: number,
  types: readonly EventType[],
  calling: Promise<Answer>,
): Promise<{ answer: Answer; events: StoredEvent[] }> {
  const answer = await calling
  t.equal(answer.status, status, `${operation}: ${status < 400 ? answer.status : saidBy(answer)}`)
  if (answer.status !== status) t.comment(answer.text)
  const events = await reader.ofRequest(answer)
  t.same(events.map(({ type }) => type).sort(), [...types].sort(), `${operation} writes`)
  const may = [...(declared.get(operation)?.types ?? []), ...always]
  for (const event of events) {
    t.ok(may.includes(event.type), `${operation} may write ${event.type}`)
    t.equal(headerOf(event)['operation'], operation)
    checkShape(t, event)
  }
  const seen = driven.get(operation) ?? new Set()
  for (const type of types) seen.add(type)
  if (status < 400) driven.set(operation, seen)
  return { answer, events }
}

/** Somebody without authority tries: one event says who, what and why not. */
async function turnAway(
  t: Test,
  operation: string,
  said: string,
  calling: Promise<Answer>,
  target?: string,
): Promise<void> {
  const [status, code] = said.split(' ')
  const type = code === 'rate_limited' ? 'authority.limited' : 'authority.refused'
  const { events } = await drive(t, operation, Number(status), [type], calling)
  if (code !== 'rate_limited') t.equal(events[0]?.public['refused'], code, `${operation}: why`)
  if (target !== undefined) t.equal(events[0]?.public['target'], target, `${operation}: what`)
}

const at = await openLakesideCase(world)
const { agencies, caseId, ana, marko } = at
const { police, prosecution, programme, support } = agencies
await concludeAgreement(agencies)
const stranger = await world.onboard({ ...CAST.hospital, name: 'Hillside Hospital' }, [
  'physician',
  'org_admin',
  'dpo',
])
const ifMatch = (answer: Answer) => ({ headers: { 'if-match': answer.headers.get('etag') ?? '*' } })
const provenance = (informant: string) => ({
  informant,
  kind: 'fact',
  collectedAt: world.clock.now().toISOString(),
  verifiedAt: world.clock.now().toISOString(),
  method: canary(),
})
const by = (agency: Agency, role: PractitionerRole) => ({
  get: (path: string) => agency.call(role, 'GET', path),
  post: (path: string, body?: object) =>
    agency.call(role, 'POST', path, body === undefined ? {} : { body }),
  patch: (path: string, body: object, match: object = { headers: { 'if-match': '*' } }) =>
    agency.call(role, 'PATCH', path, { body, ...match }),
  delete: (path: string) => agency.call(role, 'DELETE', path),
})
const officer = by(police, 'police_officer')
const advocate = by(support, 'vss_advocate')
const manager = by(support, 'org_admin')
const doctor = by(stranger, 'physician')
const admin = by(stranger, 'org_admin')

t.test('agencies, practitioners, agreements', async (t) => {
  const operator = by(world.operator, 'system_admin')
  const entry = {
    ...{ name: canary(), sector: 'court', country: 'SI', public: true, phases: [] },
    ...{ competentAuthority: true, contacts: [] },
    jwks: { keys: [(await manager.get(`/v1/agencies/${support.id}`)).body.jwks.keys[0]] },
  }
  await drive(t, 'createAgency', 201, ['agency.created'], operator.post('/v1/agencies', entry))
  await turnAway(t, 'createAgency', '403 not_permitted', withOperatorScope(entry))
  await drive(t, 'listAgencies', 200, [], manager.get('/v1/agencies'))
  const own = `/v1/agencies/${support.id}`
  const read = await drive(t, 'getAgency', 200, [], manager.get(own))
  const { events } = await drive(
    t,
    'updateAgency',
    200,
    ['agency.changed'],
    manager.patch(own, { name: canary(), phases: [3] }, ifMatch(read.answer)),
  )
  t.match(events[0]?.public['settings'], { name: true, phases: { from: [], to: [3] } })
  await turnAway(
    t,
    'updateAgency',
    '403 not_permitted',
    admin.patch(own, { phases: [1] }),
    support.id,
  )
  const person = { localId: canary(), roles: ['vss_advocate'], trainings: [] }
  const made = await drive(
    t,
    'createPractitioner',
    201,
    ['practitioner.created'],
    manager.post(`${own}/practitioners`, person),
  )
  await turnAway(
    t,
    'createPractitioner',
    '403 not_permitted',
    admin.post(`${own}/practitioners`, person),
  )
  const path = `/v1/practitioners/${made.answer.body.id}`
  const changed = await drive(
    t,
    'updatePractitioner',
    200,
    ['practitioner.changed'],
    manager.patch(path, { localId: canary(), roles: ['shelter_worker'] }, ifMatch(made.answer)),
  )
  t.same(changed.events[0]?.public['settings'], {
    roles: { from: ['vss_advocate'], to: ['shelter_worker'] },
    localId: true,
  })
  await turnAway(t, 'updatePractitioner', '404 not_found', admin.patch(path, { active: false }))

  const statement = {
    ...{ title: canary(), parties: [support.id, programme.id], purposes: ['partner_contact'] },
    ...{ validFrom: '2026-01-01T00:00:00Z', validTo: '2028-01-01T00:00:00Z' },
    ...{ documentRef: canary(), signatories: [canary()], scope: canary(), terms: [canary()] },
  }
  const agreed = await drive(
    t,
    'createAgreement',
    201,
    ['agreement.created'],
    manager.post('/v1/agreements', statement),
  )
  await turnAway(t, 'createAgreement', '403 not_permitted', admin.post('/v1/agreements', statement))
  const agreement = `/v1/agreements/${agreed.answer.body.id}`
  const partner = by(programme, 'org_admin')
  await drive(t, 'listAgreements', 200, [], manager.get('/v1/agreements'))
  await drive(t, 'getAgreement', 200, [], manager.get(agreement))
  await turnAway(t, 'getAgreement', '404 not_found', admin.get(agreement), agreed.answer.body.id)
  const signatory = { signatory: canary() }
  await drive(
    t,
    'acceptAgreement',
    200,
    ['agreement.accepted'],
    partner.post(`${agreement}/acceptance`, signatory),
  )
  await turnAway(t, 'acceptAgreement', '404 not_found', admin.post(`${agreement}/acceptance`, {}))
  const reason = { reason: canary() }
  await turnAway(
    t,
    'terminateAgreement',
    '404 not_found',
    admin.post(`${agreement}/termination`, reason),
  )
  await drive(
    t,
    'terminateAgreement',
    200,
    ['agreement.terminated'],
    manager.post(`${agreement}/termination`, reason),
  )
})

t.test('cases, records, consents', async (t) => {
  const persons = [{ role: 'victim', localId: canary() }, { role: 'perpetrator_alleged' }]
  const opened = await drive(
    t,
    'createCase',
    201,
    ['case.created'],
    officer.post('/v1/cases', { reference: canary(), actsFor: 'all', persons }),
  )
  const path = `/v1/cases/${opened.answer.body.id}`
  const person = { role: 'child_witness', localId: canary() }
  const member = { agencyId: stranger.id, actsFor: 'victim' }
  for (const [operation, call] of [
    ['getCase', () => doctor.get(path)],
    ['getCaseDuties', () => doctor.get(`${path}/duties`)],
    ['getIntake', () => doctor.get(`${path}/intake`)],
    ['addPerson', () => doctor.post(`${path}/persons`, person)],
    ['addMember', () => doctor.post(`${path}/members`, member)],
    ['removeMember', () => doctor.delete(`${path}/members/${police.id}`)],
  ] as const)
    await turnAway(t, operation, '404 not_found', call())
  await drive(t, 'getCase', 200, ['consult.case_viewed'], officer.get(path))
  await drive(t, 'getCaseDuties', 200, ['consult.case_viewed'], officer.get(`${path}/duties`))
  await drive(t, 'getIntake', 200, ['consult.case_viewed'], officer.get(`${path}/intake`))
  await drive(t, 'addPerson', 201, ['case.person_added'], officer.post(`${path}/persons`, person))
  await drive(t, 'addMember', 201, ['case.member_added'], officer.post(`${path}/members`, member))
  await drive(
    t,
    'removeMember',
    204,
    ['case.member_removed'],
    officer.delete(`${path}/members/${stranger.id}`),
  )

  const phone = '+38640555987'
  canaries.push(phone)
  const body = {
    ...{ type: 'contact_location', subjectId: ana, fields: { safe_phone: phone } },
    provenance: { ...provenance('V'), informantPersonId: ana },
    conditions: [canary()],
  }
  const records = `/v1/cases/${caseId}/records`
  const deposited = await drive(
    t,
    'depositRecord',
    201,
    ['collect.deposited'],
    advocate.post(records, body),
  )
  t.same(deposited.events[0]?.public['fields'], ['contact_location.safe_phone'])
  t.equal(headerOf(deposited.events[0]!)['subjectId'], ana)
  await turnAway(t, 'depositRecord', '404 not_found', doctor.post(records, body))
  const { id } = deposited.answer.body
  const record = `/v1/records/${id}`
  const next = { fields: { safe_phone: phone.replace('7', '8') }, provenance: body.provenance }
  canaries.push(next.fields.safe_phone)
  const amended = advocate.patch(record, next, ifMatch(deposited.answer))
  const { events } = await drive(t, 'amendRecord', 200, ['alter.amended'], amended)
  t.match(events[0]?.private['recordDigest'], /^[A-Za-z0-9+/]{43}=$/)
  await turnAway(t, 'amendRecord', '404 not_found', doctor.patch(record, next), id)
  const fields = ['safe_phone']
  const confirmed = { fields, verifiedAt: world.clock.now().toISOString(), method: canary() }
  const look = `${record}/verifications`
  await drive(t, 'verifyFields', 201, ['alter.verified'], advocate.post(look, confirmed))
  await turnAway(t, 'verifyFields', '404 not_found', doctor.post(look, confirmed), id)
  const doubt = { fields, note: canary() }
  const doubts = `${record}/contestations`
  await drive(t, 'contestFields', 201, ['alter.contested'], advocate.post(doubts, doubt))
  await turnAway(t, 'contestFields', '404 not_found', doctor.post(doubts, doubt), id)

  const consent = {
    ...{ caseId, subjectId: ana, explicit: true, separate: true, conditionOfService: false },
    ...{ coercionChecked: true, inAbsenceOfOtherParty: true, language: 'sl' },
    ...{ noticeVersion: canary(), evidenceRef: canary(), capacityCheckedBy: canary() },
    items: [
      {
        purpose: 'risk_management',
        recipient: { agencyId: programme.id },
        recipientRoles: ['pp_case_manager'],
        fields: ['risk_assessment.risk_level'],
      },
    ],
  }
  const idempotencyKey = randomUUID()
  const taken = () =>
    support.call('vss_advocate', 'POST', '/v1/consents', { body: consent, idempotencyKey })
  const given = await drive(t, 'recordConsent', 201, ['consent.recorded'], taken())
  // The same under the same key: what was recorded is read, not recorded again.
  await drive(t, 'recordConsent', 201, ['consult.consent_viewed'], taken())
  await turnAway(t, 'recordConsent', '404 not_found', doctor.post('/v1/consents', consent))
  const kept = `/v1/consents/${given.answer.body.id}`
  await drive(t, 'getConsent', 200, ['consult.consent_viewed'], advocate.get(kept))
  await turnAway(t, 'getConsent', '404 not_found', doctor.get(kept), given.answer.body.id)
  const withdrawal = () => advocate.post(`${kept}/withdrawal`, { note: canary() })
  await turnAway(t, 'withdrawConsent', '404 not_found', doctor.post(`${kept}/withdrawal`, {}))
  await drive(t, 'withdrawConsent', 200, ['consent.withdrawn'], withdrawal())
  await drive(t, 'withdrawConsent', 200, ['consult.consent_viewed'], withdrawal())
})

const outcomes: { asked?: string; dropout?: string; eventId?: string } = {}

t.test('disclosures, reviews, notices', async (t) => {
  const worker = by(programme, 'pp_case_manager')
  const contact = by(support, 'partner_contact_worker')
  const engagement = await worker.post(`/v1/cases/${caseId}/records`, {
    ...{ type: 'programme_engagement', subjectId: marko, provenance: provenance('PP') },
    fields: { status: 'dropout', dropout_at: '2026-11-16T18:17:23.000Z' },
  })
  t.equal(engagement.status, 201)
  canaries.push('18:17:23')
  const question = {
    ...{ caseId, subjectId: marko, purpose: 'safety_urgent', justification: canary() },
    fields: ['programme_engagement/event', 'programme_engagement/status'],
    ethicsNote: canary(),
  }
  const asked = await drive(
    t,
    'requestDisclosure',
    201,
    ['disclose.decided'],
    contact.post('/v1/disclosures', question),
  )
  const event = asked.events[0]!
  t.match(event.public, {
    event: {
      ...{ agencyId: support.id, clientId: support.clientId, role: 'partner_contact_worker' },
      ...{
        caseId,
        subjectId: marko,
        channel: 'sender_constrained',
        result: asked.answer.body.outcome,
      },
      practitionerId: support.people.get('partner_contact_worker')?.id,
      requestId: asked.answer.headers.get('request-id'),
    },
    ...{ purpose: 'safety_urgent', requested: question.fields, justified: true, exception: null },
    recipient: support.id,
    transfers: [{ agencyId: programme.id, transfer: 'external', crossBorder: false }],
  })
  const entries = event.public['entries'] as { outcome: string; rules: string[] }[]
  t.ok(entries.some(({ outcome, rules }) => outcome === 'released' && rules.length > 0))
  const { id } = asked.answer.body
  outcomes.dropout = id
  outcomes.eventId = event.id
  const preview = '/v1/disclosures/preview'
  await drive(t, 'previewDisclosure', 200, ['disclose.previewed'], contact.post(preview, question))
  for (const [operation, path] of [
    ['requestDisclosure', '/v1/disclosures'],
    ['previewDisclosure', preview],
  ] as const) {
    const refused = await drive(
      t,
      operation,
      404,
      ['disclose.refused'],
      doctor.post(path, question),
    )
    t.match(refused.events[0]?.public, { justified: true, refused: 'not_found' })
    t.same(refused.events[0]?.private['cause'], 'not_a_member')
  }
  await t.test('what would not open is told, and by whom it was asked', async (t) => {
    await breakRecord(engagement.body.id)
    const types = ['disclose.decided', 'disclose.unreadable'] as const
    await drive(t, 'requestDisclosure', 201, types, contact.post('/v1/disclosures', question))
    await breakRecord(engagement.body.id)
  })

  const list = `/v1/disclosures?direction=received&subjectId=${marko}`
  const listed = await drive(
    t,
    'listDisclosures',
    200,
    ['consult.disclosures_listed'],
    contact.get(list),
  )
  t.equal(headerOf(listed.events[0]!)['subjectId'], marko)
  t.ok((listed.events[0]?.public['disclosures'] as string[]).includes(id))
  await world.ostiary.publish()
  const path = `/v1/disclosures/${id}`
  const views = {
    getDisclosure: ['consult.disclosure_viewed', path],
    proveDisclosure: ['consult.proof_viewed', `${path}/proof`],
    explainDisclosure: ['consult.explanation_viewed', `${path}/explanation`],
  } as const
  const dpo = { own: by(support, 'dpo'), strange: by(stranger, 'dpo') }
  for (const [operation, [type, of]] of Object.entries(views)) {
    await drive(t, operation, 200, [type], dpo.own.get(of))
    await turnAway(t, operation, '404 not_found', dpo.strange.get(of), id)
  }

  const waiting = await reviewed(t)
  await drive(
    t,
    'releaseDisclosure',
    201,
    ['disclose.decided'],
    worker.post(`/v1/disclosures/${waiting}/release`),
  )
  await turnAway(
    t,
    'releaseDisclosure',
    '404 not_found',
    doctor.post(`/v1/disclosures/${waiting}/release`),
    waiting,
  )

  await officer.post(`/v1/cases/${caseId}/records`, {
    ...{ type: 'risk_assessment', subjectId: marko, provenance: provenance('PO') },
    fields: { risk_level: 'high', score: 17 },
  })
  const prosecutor = by(prosecution, 'prosecutor')
  const seen = await prosecutor.post('/v1/disclosures', {
    ...{ caseId, subjectId: marko, purpose: 'criminal_investigation' },
    fields: ['risk_assessment.risk_level'],
  })
  outcomes.asked = seen.body.id
  await t.test('a transfer across a border is told as one', async (t) => {
    const move = (country: string) =>
      reader.db.query('update agency set country = $2 where id = $1', [prosecution.id, country])
    await move('AT')
    const { events } = await drive(
      t,
      'requestDisclosure',
      201,
      ['disclose.decided'],
      prosecutor.post('/v1/disclosures', {
        ...{ caseId, subjectId: marko, purpose: 'criminal_investigation' },
        fields: ['risk_assessment.risk_level'],
      }),
    )
    t.same(events[0]?.public['transfers'], [
      { agencyId: police.id, crossBorder: true, transfer: 'external' },
    ])
    await move('SI')
  })
  const again = `/v1/disclosures/${seen.body.id}/verification-requests`
  const fields = { fields: ['risk_assessment.risk_level'] }
  await drive(
    t,
    'requestVerification',
    201,
    ['verification.requested'],
    prosecutor.post(again, fields),
  )
  await turnAway(t, 'requestVerification', '404 not_found', doctor.post(again, fields))

  const notices = await drive(
    t,
    'listNotices',
    200,
    ['consult.notices_listed'],
    officer.get('/v1/notices?limit=200'),
  )
  await drive(t, 'listNotices', 200, [], doctor.get('/v1/notices?acknowledged=true'))
  const acknowledged = `/v1/notices/${notices.answer.body.items[0].id}/acknowledgement`
  await turnAway(t, 'acknowledgeNotice', '404 not_found', doctor.post(acknowledged))
  await drive(t, 'acknowledgeNotice', 200, ['notice.acknowledged'], officer.post(acknowledged))

  // Nobody asks, and so nobody is told in time.
  const untold = await openCase(agencies)
  const late = await by(programme, 'pp_case_manager').post(`/v1/cases/${untold.caseId}/records`, {
    ...{ type: 'programme_engagement', subjectId: untold.marko, provenance: provenance('PP') },
    fields: { status: 'dropout', dropout_at: world.clock.now().toISOString() },
  })
  t.equal(late.status, 201, late.text)
})

t.test('reading the log itself', async (t) => {
  const officerOf = by(support, 'dpo')
  const use = 'lawfulUse=lawfulness_check'
  const search = '/v1/audit/search'
  const body = { lawfulUse: 'lawfulness_check', subjectId: marko }
  await drive(t, 'searchAuditEvents', 200, ['consult.log_searched'], officerOf.post(search, body))
  await turnAway(t, 'searchAuditEvents', '403 not_permitted', manager.post(search, body))
  const event = `/v1/audit/events/${outcomes.eventId}`
  await drive(
    t,
    'getAuditEvent',
    200,
    ['consult.log_event_viewed'],
    officerOf.get(`${event}?${use}`),
  )
  const strange = by(stranger, 'dpo')
  await turnAway(t, 'getAuditEvent', '404 not_found', strange.get(`${event}?${use}`))
  const proof = `${event}/proof?${use}`
  await drive(t, 'proveAuditEvent', 200, ['consult.log_proof_viewed'], officerOf.get(proof))
  await turnAway(t, 'proveAuditEvent', '404 not_found', strange.get(proof))
  const exported = `/v1/audit/export?${use}&format=jsonl`
  await drive(
    t,
    'exportAuditEvents',
    200,
    ['consult.log_exported', 'consult.log_exported'],
    officerOf.get(exported),
  )
  await turnAway(t, 'exportAuditEvents', '403 not_permitted', manager.get(exported))
})

t.test('policies', async (t) => {
  const author = await administrator(world.operator)
  const second = await administrator(world.operator)
  const chief = by(police, 'org_admin')
  await drive(t, 'getGlossary', 200, [], chief.get('/v1/glossary'))
  await drive(t, 'getPolicies', 200, [], chief.get('/v1/policies'))
  await drive(t, 'listPolicyVersions', 200, [], chief.get('/v1/policies/versions'))
  await drive(t, 'getPolicyVersion', 200, [], chief.get('/v1/policies/versions/1'))
  const version = await startSmall(world.databaseUrl, world.clock.now())
  const drafts = '/v1/policies/drafts'
  const pack = { documents: [rules({ fields: 'incident.occurred_at' }), GUARD], reason: canary() }
  const post = (path: string, body?: object, who = author) =>
    who.call('POST', path, body === undefined ? {} : { body })
  const created = ['policy.draft_created'] as const
  const made = await drive(t, 'createPolicyDraft', 201, created, post(drafts, pack))
  await turnAway(t, 'createPolicyDraft', '403 scope_missing', chief.post(drafts, pack))
  const { id } = made.answer.body
  const path = `${drafts}/${id}`
  const none = `${drafts}/${randomUUID()}`
  await drive(t, 'listPolicyDrafts', 200, [], author.call('GET', drafts))
  await drive(t, 'getPolicyDraft', 200, [], author.call('GET', path))
  await turnAway(t, 'getPolicyDraft', '404 not_found', chief.get(none))
  await drive(
    t,
    'replacePolicyDraft',
    200,
    ['policy.draft_changed'],
    author.call('PUT', path, { body: pack, headers: { 'if-match': '*' } }),
  )
  await drive(t, 'checkPolicyDraft', 200, [], post(`${path}/check`))
  await turnAway(t, 'checkPolicyDraft', '404 not_found', post(`${none}/check`))
  const shown = await drive(t, 'diffPolicyDraft', 200, [], post(`${path}/diff`, {}, second))
  const window = { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' }
  await drive(t, 'replayPolicyDraft', 200, ['policy.replayed'], post(`${path}/replay`, window))
  await turnAway(t, 'replayPolicyDraft', '404 not_found', post(`${none}/replay`, window))
  const until = { until: new Date(world.clock.now().getTime() + 60_000).toISOString() }
  await drive(
    t,
    'openPolicyDraft',
    200,
    ['policy.draft_opened'],
    post(`${path}/consultation`, until),
  )
  const text = { text: canary() }
  const comments = `${path}/comments`
  await drive(
    t,
    'commentOnPolicyDraft',
    201,
    ['policy.draft_commented'],
    chief.post(comments, text),
  )
  await drive(t, 'listPolicyDraftComments', 200, [], chief.get(comments))
  world.clock.advance(120_000)
  const { hash, diffHash } = shown.answer.body
  const approvals = `${path}/approvals`
  const forged = { signature: await signed(author.privateJwk, { draftId: id, hash, diffHash }) }
  await turnAway(
    t,
    'approvePolicyDraft',
    '422 approval_signature_invalid',
    post(approvals, forged, second),
    id,
  )
  const right = { signature: await signed(second.privateJwk, { draftId: id, hash, diffHash }) }
  const approved = ['policy.draft_approved'] as const
  await drive(t, 'approvePolicyDraft', 200, approved, post(approvals, right, second))
  await drive(t, 'activatePolicyDraft', 200, ['policy.activated'], post(`${path}/activation`))
  await turnAway(t, 'activatePolicyDraft', '404 not_found', post(`${none}/activation`))
  const back = await drive(
    t,
    'reactivatePolicyVersion',
    201,
    created,
    post(`/v1/policies/versions/${version}/reactivation`, { reason: canary() }),
  )
  await drive(
    t,
    'withdrawPolicyDraft',
    200,
    ['policy.draft_withdrawn'],
    post(`${drafts}/${back.answer.body.id}/withdrawal`),
  )
})

t.test('what is public leaves nothing', async (t) => {
  const before = (await reader.all()).length
  for (const { operation, path, public: open } of declared.values()) {
    if (!open) continue
    const url = path.replace('{level}', '0').replace('{index}', '000.p/4')
    const answer = await readAnswer(await fetch(`${world.address}${url}`))
    t.ok(answer.status < 500, `${operation} answers ${answer.status}`)
    driven.set(operation, new Set())
  }
  t.equal((await reader.all()).length, before)
})

t.test('who is not who they say, and who asks too often', async (t) => {
  const { id } = stranger.people.get('physician')!
  const wrong = { practitioner: { id, role: 'police_officer' } }
  const path = `/v1/cases/${caseId}`
  await turnAway(
    t,
    'getCase',
    '403 practitioner_not_recognised',
    stranger.client.call('GET', path, wrong),
  )
  const question = {
    ...{
      caseId,
      subjectId: ana,
      purpose: 'safety_urgent',
      fields: ['contact_location.safe_phone'],
    },
  }
  const probe = () => by(programme, 'pp_case_manager').post('/v1/disclosures/preview', question)
  for (let i = 0; i < SUBJECT_LIMIT; i++) await probe()
  const limited = await drive(t, 'previewDisclosure', 429, ['authority.limited'], probe())
  t.equal(limited.events[0]?.public['refused'], 'too_many_about_one_person')
  t.equal(headerOf(limited.events[0]!)['subjectId'], ana)
  for (let i = 0; i < 30; i++) t.equal((await probe()).status, 429)
  world.clock.advance(60_000)
  await world.ostiary.runClocks()
  const all = await reader.all()
  t.equal(all.filter(({ type }) => type === 'authority.limited').length, 10, 'the first ten')
  t.match(all.find(({ type }) => type === 'signin.refusals_counted')?.public, {
    ...{ of: 'authority.limited', refused: 'too_many_about_one_person', count: 21 },
    event: { agencyId: programme.id },
  })
})

/** Written by commands, by erasure and by alarms, which have tests of their own. */
const isElsewhere = (type: EventType): boolean =>
  /^(erase|integrity)\./.test(type) || ['database.migrated', 'key.rotated'].includes(type)

t.test('nothing is left out, and nothing is in any event that must not be', async (t) => {
  world.clock.advance(10 * 86_400_000)
  await world.ostiary.runClocks()
  await t.rejects(stranger.client.grant({ scope: 'no:such' }))
  const all = await reader.all()
  for (const event of all) checkShape(t, event)
  const found = canaries.filter((text) =>
    all.some(({ texts }) => texts.some((part) => part.includes(text))),
  )
  t.same(found, [], `none of ${canaries.length} words and values in ${all.length} events`)
  t.ok(canaries.length > 30)
  const unseen = EVENT_TYPES.filter((type) => !all.some((event) => event.type === type))
  t.same(
    unseen.filter((type) => !isElsewhere(type)),
    [],
    'every type was seen',
  )
  t.same(
    [...declared.keys()].filter((operation) => !driven.has(operation)),
    [],
    'every operation was driven in its good case',
  )
  for (const [operation, { types }] of declared)
    if (types.length > 0 && driven.has(operation))
      t.same(
        types.filter((type) => !driven.get(operation)?.has(type) && !isOther(operation, type)),
        [],
        `${operation} wrote everything that it may write`,
      )
})

/** The release after review goes through the same gate as a request, which wrote these. */
const isOther = (operation: string, type: EventType): boolean =>
  ['disclose.refused', 'disclose.unreadable'].includes(type) &&
  ['releaseDisclosure', 'requestDisclosure', 'previewDisclosure'].includes(operation)

/** Flips a byte of the ciphertexts of a record, past the server; done twice, it is whole again. */
async function breakRecord(id: string): Promise<void> {
  await reader.db.query(
    'update record_version set sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) where record_id = $1',
    [id],
  )
}

/** A request that waits for the police, with its notes opened and the review decided; gives its id. */
async function reviewed(t: Test): Promise<string> {
  const prosecutor = by(prosecution, 'prosecutor')
  const records = `/v1/cases/${caseId}/records`
  await prosecutor.post(records, {
    ...{ type: 'criminal_proceedings', subjectId: marko, provenance: provenance('PR') },
    fields: { pp_mandate: 'mandatory' },
  })
  await officer.post(records, {
    ...{ type: 'person', subjectId: marko, provenance: provenance('PO') },
    fields: { full_name: canary() },
  })
  const intake = {
    ...{ caseId, subjectId: marko, purpose: 'programme_intake', fields: ['person.full_name'] },
    justification: canary(),
  }
  const worker = by(programme, 'pp_case_manager')
  const [first] = [await worker.post('/v1/disclosures', intake)]
  // One that nobody decides.
  await worker.post('/v1/disclosures', intake)
  const { id } = first.body
  const listed = await drive(
    t,
    'listReviews',
    200,
    ['consult.reviews_listed', 'consult.review_viewed', 'consult.review_viewed'],
    officer.get('/v1/reviews'),
  )
  const { hash } = listed.answer.body.items.find(
    ({ disclosureId }: { disclosureId: string }) => disclosureId === id,
  )
  const review = async (key: object) =>
    officer.post(`/v1/disclosures/${id}/review`, {
      ...{ decision: 'approve', note: canary() },
      signature: await signed(key, { hash, decision: 'approve' }),
    })
  const { privateJwk: strange } = support.people.get('vss_advocate')!
  const invalid = '422 review_signature_invalid'
  await turnAway(t, 'reviewDisclosure', invalid, review(strange), id)
  const { privateJwk } = police.people.get('police_officer')!
  await drive(t, 'reviewDisclosure', 200, ['review.decided'], review(privateJwk))
  return id
}

/** An agency that is not the operator, with the operator's scope. */
async function withOperatorScope(body: object): Promise<Answer> {
  const client = await withScopes(world, stranger, ['agencies:write'])
  const { id } = stranger.people.get('org_admin')!
  return client.call('POST', '/v1/agencies', {
    body,
    practitioner: { id, role: 'org_admin' },
    idempotencyKey: randomUUID(),
  })
}
