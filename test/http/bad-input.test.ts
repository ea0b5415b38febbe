// What does not fit is refused by a code of its own, with its place, and leaves nothing at all.
import { randomUUID } from 'node:crypto'
import { exportJWK } from 'jose'
import t, { type Test } from 'tap'
import { type Answer, readAnswer } from '../support/agency-client.ts'
import { type Changes, type ForgeKey, forgeKey, forgeProof } from '../support/forge.ts'
import { deposit, openLakesideCase } from '../support/lakeside-case.ts'
import { type Agency, CAST, expectStatus, startWorld } from '../support/world.ts'
import { inspect, ONE_EVENT } from '../support/written.ts'

const world = await startWorld({
  environment: { OSTIARY_FAILURE_LIMIT: '0', OSTIARY_SUBJECT_LIMIT: '0' },
})
t.teardown(() => world.stop())
const inspector = await inspect(world.databaseUrl)
t.teardown(() => inspector.end())
const { audited } = inspector
const { caseId, marko, agencies } = await openLakesideCase(world)
const { police, programme, support } = agencies
const known = await deposit(world, { caseId }, police, 'police_officer', {
  type: 'risk_assessment',
  subject: marko,
  informant: 'PO',
  fields: { risk_level: 'high' },
})

const NOW = world.clock.now().toISOString()
const LATER = new Date(world.clock.now().getTime() + 1000).toISOString()
const NOBODY = randomUUID()
const BIG = 'x'.repeat(1024 * 1024)

/** Status and code that the answer has, and where it says the fault is. */
type Verdict = readonly [said: string, pointer?: string]
/** What is changed of a body that would do; `undefined` takes a member out. */
type Change = readonly [name: string, change: object, ...Verdict]

/** Sends as somebody who may. */
const officer = (method: string, path: string, options: Parameters<Agency['call']>[3] = {}) =>
  police.call('police_officer', method, path, options)

async function holds(
  t: Test,
  name: string,
  call: () => Promise<Answer>,
  [said, pointer]: Verdict,
): Promise<void> {
  const sent = await audited(call)
  t.equal(sent.said, said, name)
  t.match(sent.answer.headers.get('content-type'), /^application\/problem\+json/, `${name}: form`)
  if (pointer !== undefined)
    t.equal(sent.answer.body.errors?.[0]?.pointer, pointer, `${name}: place`)
  t.same(sent.written, {}, `${name}: nothing was written`)
}

const provenance = { informant: 'PO', kind: 'fact', collectedAt: NOW }
const RECORDS = `/v1/cases/${caseId}/records`
const RECORD = `/v1/records/${known.body.id}`
const goodDeposit = {
  type: 'risk_assessment',
  subjectId: marko,
  fields: { risk_level: 'high' },
  provenance,
}

t.test('a deposit that does not fit', async (t) => {
  const from = (change: object) => ({ provenance: { ...provenance, ...change } })
  const changes: readonly Change[] = [
    ['unknown field', { fields: { risk_levle: 'high' } }, '400 unknown_field', '#/fields'],
    ['wrong type', { fields: { score: '17' } }, '400 wrong_field_type', '#/fields/score'],
    [
      'word of no list',
      { fields: { risk_level: 'x' } },
      '400 wrong_field_type',
      '#/fields/risk_level',
    ],
    [
      'no such day',
      { fields: { next_review_at: '2026-02-30' } },
      '400 wrong_field_type',
      '#/fields/next_review_at',
    ],
    ['no field', { fields: {} }, '400 invalid_body', '#/fields'],
    ['unknown record type', { type: 'horoscope' }, '400 unknown_record_type', '#/type'],
    [
      'future collectedAt',
      from({ collectedAt: LATER }),
      '400 collected_in_future',
      '#/provenance/collectedAt',
    ],
    [
      'future verifiedAt',
      from({ verifiedAt: LATER }),
      '400 collected_in_future',
      '#/provenance/verifiedAt',
    ],
    [
      'her word without her',
      from({ informant: 'V' }),
      '400 informant_person_required',
      '#/provenance/informantPersonId',
    ],
    [
      'her word from him',
      from({ informant: 'V', informantPersonId: marko }),
      '400 invalid_body',
      '#/provenance/informantPersonId',
    ],
    [
      'unknown informant',
      from({ informant: 'stars' }),
      '400 invalid_body',
      '#/provenance/informant',
    ],
    [
      'origin of nothing',
      { fieldProvenance: { score: { kind: 'fact' } } },
      '400 unknown_field',
      '#/fieldProvenance',
    ],
    ['about nobody', { subjectId: undefined }, '400 subject_required', '#/subjectId'],
    [
      'case record about somebody',
      { type: 'incident', fields: { place_type: 'online' } },
      '400 subject_not_allowed',
      '#/subjectId',
    ],
    [
      'her telephone under his name',
      { type: 'contact_location', fields: { safe_phone: '+38640555012' } },
      '400 subject_not_allowed',
      '#/fields/safe_phone',
    ],
    ['unknown member', { note: 'x' }, '400 unknown_member'],
    ['id that is none', { subjectId: 'marko' }, '400 invalid_body', '#/subjectId'],
    ['U+0000', { conditions: ['\0'] }, '400 malformed_json'],
    ['over 1 MiB', { conditions: [BIG] }, '413 body_too_large'],
  ]
  for (const [name, change, ...verdict] of changes)
    await holds(
      t,
      name,
      () => officer('POST', RECORDS, { body: { ...goodDeposit, ...change } }),
      verdict,
    )

  const bodies: readonly [string, string, string][] = [
    ['no JSON', '{"type":', '400 malformed_json'],
    ['no body', '', '400 invalid_body'],
    ['no object', '[]', '400 invalid_body'],
    ['prototype', '{"__proto__": {}}', '400 malformed_json'],
  ]
  for (const [name, body, said] of bodies)
    await holds(t, name, () => officer('POST', RECORDS, { body }), [said])
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  await holds(t, 'form', () => officer('POST', RECORDS, { body: 'type=x', headers: form }), [
    '415 unsupported_media_type',
  ])
  await holds(t, 'case id', () => officer('POST', '/v1/cases/x/records', { body: goodDeposit }), [
    '400 invalid_parameter',
  ])
})

t.test('a question that does not fit', async (t) => {
  const question = {
    caseId,
    subjectId: marko,
    purpose: 'criminal_investigation',
    fields: ['risk_assessment.risk_level'],
  }
  const fields = (...selectors: string[]) => ({ fields: selectors })
  const claim = (exception: object) => ({ exception })
  const changes: readonly Change[] = [
    ['unknown field', fields('risk_assessment.mood'), '400 unknown_field', '#/fields/0'],
    [
      'unknown type',
      fields('risk_assessment.score', 'horoscope.sign'),
      '400 unknown_field',
      '#/fields/1',
    ],
    [
      'group of nothing',
      fields('risk_assessment/stars'),
      '400 selector_matches_nothing',
      '#/fields/0',
    ],
    ['type of nothing', fields('horoscope.*'), '400 selector_matches_nothing', '#/fields/0'],
    ['everything', fields('*'), '400 unknown_field', '#/fields/0'],
    ['no field', fields(), '400 invalid_body', '#/fields'],
    ['unknown purpose', { purpose: 'curiosity' }, '400 unknown_purpose', '#/purpose'],
    [
      'unknown claim',
      claim({ code: 'because', note: 'x' }),
      '400 invalid_body',
      '#/exception/code',
    ],
    ['claim without a word', claim({ code: 'break_glass' }), '400 invalid_body'],
    ['unknown member', { urgent: true }, '400 unknown_member'],
    ['further in', claim({ code: 'break_glass', note: 'x', why: 'y' }), '400 unknown_member'],
    ['over 1 MiB', { justification: BIG }, '413 body_too_large'],
    ['sealed to no key', { seal: true }, '422 sealing_key_missing'],
  ]
  for (const path of ['/v1/disclosures', '/v1/disclosures/preview'])
    for (const [name, change, ...verdict] of changes) {
      const body = { ...question, ...change }
      await holds(t, `${path}, ${name}`, () => officer('POST', path, { body }), verdict)
    }
  const queries: readonly [string, string][] = [
    ['subject=x', '400 unknown_parameter'],
    ['subjectId=x', '400 invalid_parameter'],
    ['direction=sideways', '400 invalid_parameter'],
    ['limit=201', '400 invalid_parameter'],
    ['from=yesterday', '400 invalid_parameter'],
    ['cursor=b3N0aWFyeQ', '400 invalid_cursor'],
  ]
  for (const [query, said] of queries)
    await holds(t, query, () => officer('GET', `/v1/disclosures?${query}`), [said])
})

t.test('a change that does not fit', async (t) => {
  const amendment = { fields: { risk_level: 'medium' }, provenance }
  const amend = (change: object, match?: string) =>
    officer('PATCH', RECORD, {
      body: { ...amendment, ...change },
      headers: match === undefined ? {} : { 'if-match': match },
    })
  const future = { provenance: { ...provenance, collectedAt: LATER } }
  const changes: readonly [string, () => Promise<Answer>, string][] = [
    ['If-Match missing', () => amend({}), '428 precondition_required'],
    ['If-Match without quotes', () => amend({}, '1'), '400 precondition_invalid'],
    ['If-Match of another version', () => amend({}, '"7"'), '412 precondition_failed'],
    ['weak If-Match', () => amend({}, 'W/"1"'), '412 precondition_failed'],
    ['unknown field', () => amend({ fields: { mood: 'x' } }, '"1"'), '400 unknown_field'],
    ['wrong type', () => amend({ fields: { score: [] } }, '"1"'), '400 wrong_field_type'],
    ['nothing left', () => amend({ fields: { risk_level: null } }, '"1"'), '400 invalid_body'],
    ['collected in future', () => amend(future, '"1"'), '400 collected_in_future'],
    [
      'verified, not held',
      () => told('verifications', { fields: ['score'], verifiedAt: NOW }),
      '400 unknown_field',
    ],
    [
      'verified in future',
      () => told('verifications', { fields: ['risk_level'], verifiedAt: LATER }),
      '400 collected_in_future',
    ],
    [
      'contested, not held',
      () => told('contestations', { fields: ['score'] }),
      '400 unknown_field',
    ],
    ['unknown role', () => open({ persons: [{ role: 'hero' }] }), '400 invalid_body'],
    [
      'party of others',
      () => open({ actsFor: 'perpetrator', persons: [{ role: 'victim' }] }),
      '422 acts_for_not_allowed',
    ],
    ['member for the other side', () => join('victim'), '422 acts_for_not_allowed'],
    ['member twice', () => join('perpetrator'), '409 state_conflict'],
    ['method', () => officer('DELETE', RECORD), '405 method_not_allowed'],
    ['route', () => officer('POST', '/v1/records', { body: {} }), '404 no_such_route'],
  ]
  for (const [name, call, said] of changes) await holds(t, name, call, [said])

  function told(what: string, body: object) {
    return officer('POST', `${RECORD}/${what}`, { body })
  }
  function open(body: object) {
    return officer('POST', '/v1/cases', { body })
  }
  function join(actsFor: string) {
    const body = { agencyId: programme.id, actsFor }
    return officer('POST', `/v1/cases/${caseId}/members`, { body })
  }
})

t.test('an entry of the directory that does not fit', async (t) => {
  const { d, ...publicJwk } = police.privateJwk
  const keys = (...all: object[]) => ({ jwks: { keys: all } })
  const agency = {
    name: 'X',
    sector: 'police',
    country: 'SI',
    public: true,
    phases: [],
    competentAuthority: true,
    ...keys(publicJwk),
  }
  const agencyChanges: readonly Change[] = [
    ['private key', keys({ ...publicJwk, d }), '400 unknown_member'],
    [
      'key off its curve',
      keys({ ...publicJwk, y: publicJwk.x }),
      '422 key_unusable',
      '#/jwks/keys/0',
    ],
    ['one key twice', keys(publicJwk, publicJwk), '422 key_unusable'],
    ['no key', keys(), '400 invalid_body'],
    [
      'sealing key of small order',
      { sealingKey: 'A'.repeat(43) },
      '422 key_unusable',
      '#/sealingKey',
    ],
    ['unknown sector', { sector: 'astrology' }, '400 invalid_body', '#/sector'],
    ['unknown scope', { scopes: ['everything:write'] }, '400 invalid_body'],
    ['parent nobody knows', { parentId: NOBODY }, '400 invalid_body', '#/parentId'],
  ]
  for (const [name, change, ...verdict] of agencyChanges) {
    const body = { ...agency, ...change }
    const register = () => world.operator.call('system_admin', 'POST', '/v1/agencies', { body })
    await holds(t, `agency, ${name}`, register, verdict)
  }

  const practitionerChanges: readonly Change[] = [
    ['private key', { jwk: { ...publicJwk, d } }, '400 unknown_member'],
    ['unknown role', { roles: ['sheriff'] }, '400 invalid_body'],
    ['no role', { roles: [] }, '400 invalid_body'],
    ['unknown training', { trainings: [{ code: 'yoga', at: '2026-01-01' }] }, '400 invalid_body'],
    ['pseudonym taken', { localId: 'police_officer-1' }, '409 state_conflict'],
  ]
  for (const [name, change, ...verdict] of practitionerChanges) {
    const body = { localId: 'x', roles: ['police_officer'], ...change }
    const path = `/v1/agencies/${police.id}/practitioners`
    const register = () => police.call('org_admin', 'POST', path, { body })
    await holds(t, `practitioner, ${name}`, register, verdict)
  }

  const agreement = {
    title: 'X',
    parties: [police.id, support.id],
    purposes: ['referral'],
    validFrom: '2026-01-01',
    validTo: '2027-01-01',
    documentRef: 'x',
    signatories: [],
  }
  const agreementChanges: readonly Change[] = [
    ['ends before it begins', { validTo: '2025-01-01' }, '422 validity_window_invalid'],
    ['party nobody knows', { parties: [police.id, NOBODY] }, '400 invalid_body', '#/parties/1'],
    ['with oneself', { parties: [police.id, police.id] }, '400 invalid_body', '#/parties'],
    ['unknown purpose', { purposes: ['curiosity'] }, '400 unknown_purpose'],
  ]
  for (const [name, change, ...verdict] of agreementChanges) {
    const body = { ...agreement, ...change }
    const register = () => police.call('org_admin', 'POST', '/v1/agreements', { body })
    await holds(t, `agreement, ${name}`, register, verdict)
  }
})

t.test('headers that do not fit', async (t) => {
  const person = `${police.people.get('police_officer')?.id};role=police_officer`
  const send = (headers: Record<string, string>) =>
    police.client.call('POST', RECORDS, { body: goodDeposit, headers })
  const key = { 'idempotency-key': `"${randomUUID()}"` }
  const named = { 'ostiary-practitioner': person }
  const cases: readonly [string, Record<string, string>, string][] = [
    ['no key', named, '400 idempotency_key_missing'],
    [
      'key without quotes',
      { ...named, 'idempotency-key': randomUUID() },
      '400 idempotency_key_invalid',
    ],
    [
      'key that is no UUID',
      { ...named, 'idempotency-key': '"first"' },
      '400 idempotency_key_invalid',
    ],
    ['nobody named', key, '400 practitioner_header_missing'],
    ['an empty name', { ...key, 'ostiary-practitioner': '' }, '400 practitioner_header_invalid'],
    ['no role', { ...key, 'ostiary-practitioner': NOBODY }, '400 practitioner_header_invalid'],
    [
      'unknown role',
      { ...key, 'ostiary-practitioner': `${NOBODY};role=x` },
      '400 practitioner_header_invalid',
    ],
  ]
  for (const [name, headers, said] of cases) await holds(t, name, () => send(headers), [said])

  await expectStatus(201, send({ ...named, ...key }))
  const other = { ...goodDeposit, fields: { risk_level: 'medium' } }
  const reuse = () =>
    police.client.call('POST', RECORDS, { body: other, headers: { ...named, ...key } })
  await holds(t, 'key of another request', reuse, ['422 idempotency_key_reused'])
})

t.test('tokens and proofs that do not fit', async (t) => {
  const url = `/v1/cases/${caseId}`
  const id = police.people.get('police_officer')?.id ?? ''
  const key = await proofKeyOf(police)
  const accessToken = await police.client.token()
  const proof = (changes: Changes = {}, path = url, by = key) =>
    forgeProof(by, { method: 'GET', url: world.origin + path, accessToken }, changes)
  const claims = (changed: Record<string, unknown>) => proof({ claims: changed })
  const bound = { authorization: `DPoP ${accessToken}` }
  const get = async (headers: Record<string, string>) => {
    const named = { 'ostiary-practitioner': `${id};role=police_officer`, ...headers }
    return readAnswer(await fetch(world.address + url, { headers: named }))
  }
  const cases: readonly [string, Record<string, string>, string][] = [
    ['nothing', {}, '401 token_missing'],
    ['token without a proof', bound, '401 proof_missing'],
    ['bound token as bearer', { authorization: `Bearer ${accessToken}` }, '401 token_not_bound'],
    [
      'token that is none',
      { authorization: 'DPoP x.y.z', dpop: await proof() },
      '401 token_invalid',
    ],
    ['proof that is none', { ...bound, dpop: 'x.y.z' }, '401 proof_invalid'],
    [
      'another key',
      { ...bound, dpop: await proof({}, url, await forgeKey()) },
      '401 proof_invalid',
    ],
    ['another path', { ...bound, dpop: await proof({}, '/v1/notices') }, '401 proof_invalid'],
    ['another method', { ...bound, dpop: await claims({ htm: 'POST' }) }, '401 proof_invalid'],
    ['another token', { ...bound, dpop: await claims({ ath: 'x' }) }, '401 proof_invalid'],
    ['long ago', { ...bound, dpop: await claims({ iat: 1_700_000_000 }) }, '401 proof_invalid'],
  ]
  for (const [name, headers, said] of cases) {
    await holds(t, name, () => get(headers), [said])
    t.match(
      (await get(headers)).headers.get('www-authenticate'),
      /^DPoP/,
      `${name}: how to sign in`,
    )
  }
  const good = { ...bound, dpop: await proof() }
  t.equal((await get(good)).status, 200, 'a right one')
  const replayed = await audited(() => get(good))
  t.equal(replayed.said, '401 proof_replayed')
  // Whom a replayed request names is a claim of its own: in the private part alone.
  const event = { type: 'authority.refused', agency_id: police.id, practitioner_id: null }
  t.match(replayed.events, [event], 'a replayed proof is on record')
  t.same(replayed.written, ONE_EVENT)
})

t.test('a scope that the agency does not have', async (t) => {
  const poor = await world.onboard(CAST.hospital, ['physician'])
  await expectStatus(
    200,
    world.operator.call('system_admin', 'PATCH', `/v1/agencies/${poor.id}`, {
      body: { scopes: ['cases:read'] },
      headers: { 'if-match': '*' },
    }),
  )
  poor.client.forget()
  const body = { persons: [{ role: 'victim' }] }
  const open = () => poor.call('physician', 'POST', '/v1/cases', { body })
  // The first call signs in anew, which is an event as well.
  t.equal((await open()).status, 403)
  const { said, written, events } = await audited(open)
  t.equal(said, '403 scope_missing')
  t.same(written, ONE_EVENT, 'nothing but that it was refused')
  t.match(events, [{ type: 'authority.refused', agency_id: poor.id }])
})

/** The key to which the agency's tokens are bound. */
async function proofKeyOf({ client }: Agency): Promise<ForgeKey> {
  const { privateKey, publicKey } = client.proofKeys
  const [privateJwk, publicJwk] = await Promise.all([exportJWK(privateKey), exportJWK(publicKey)])
  return { privateJwk, publicJwk, alg: 'ES256', thumbprint: '' }
}
