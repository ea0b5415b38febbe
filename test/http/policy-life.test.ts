// A policy version from the first draft to its end: who may do what, what has to be true, what is written down.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { AgencyClient, type Answer } from '../support/agency-client.ts'
import {
  type Administrator,
  administrator,
  approve,
  signed,
  withScopes,
} from '../support/policy-people.ts'
import { GUARD, rules, startSmall, SUITE } from '../support/small-pack.ts'
import { CAST, expectStatus, makeKey, startWorld } from '../support/world.ts'
import { saidBy } from '../support/written.ts'

t.setTimeout(600_000)
const world = await startWorld()
const database = new pg.Client({ connectionString: world.databaseUrl })
await database.connect()
t.teardown(async () => {
  await database.end()
  await world.stop()
})
await startSmall(world.databaseUrl, world.clock.now())
const author = await administrator(world.operator)
const second = await administrator(world.operator)
const police = await world.onboard(CAST.police, ['police_officer', 'org_admin'])

const POLICIES = '/v1/policies'
const DRAFTS = `${POLICIES}/drafts`
const pack = (more: Parameters<typeof rules>[0] = {}) => ({ documents: [rules(more), GUARD] })
const draftOf = async (body: object, by: Administrator = author): Promise<string> =>
  (await expectStatus(201, by.call('POST', DRAFTS, { body }))).body.id
const check = (id: string) => author.call('POST', `${DRAFTS}/${id}/check`)
const activate = (id: string, by: Administrator = author) =>
  by.call('POST', `${DRAFTS}/${id}/activation`)
const rows = async (text: string, values: unknown[] = []) =>
  (await database.query(text, values)).rows
const events = async (): Promise<string[]> =>
  (await rows(`select type from audit_event where type like 'policy.%' `)).map(({ type }) => type)
const inForce = async (): Promise<number> => (await author.call('GET', POLICIES)).body.version

t.test('from draft to decision, and everything that was done is written down', async (t) => {
  const before = await inForce()
  const made = await expectStatus(
    201,
    author.call('POST', DRAFTS, {
      body: { ...pack({ fields: 'incident.occurred_at' }), reason: 'the day is enough' },
    }),
  )
  const { id } = made.body
  t.match(made.body, { state: 'open', basedOn: before, approvals: [], reason: 'the day is enough' })
  t.same(made.body.suites, [SUITE], 'the tests of the version stay with it')
  const checked = await expectStatus(200, check(id))
  t.match(checked.body, {
    sound: true,
    faults: [],
    tests: { passed: 1, failed: [] },
    proof: { holds: true, guardrails: [{ id: 'GR-programme', holds: true }] },
  })
  const shown = await expectStatus(200, second.call('POST', `${DRAFTS}/${id}/diff`, { body: {} }))
  t.equal(shown.body.empty, false)
  t.match(shown.body.statements, [{ kind: 'permit', id: 'T1', change: 'changed' }])
  t.ok(shown.body.changes.every(({ kind }: { kind: string }) => kind === 'loses'))
  t.equal(saidBy(await activate(id)), '409 draft_not_approved')
  await expectStatus(200, approve(second, id))
  const again = await expectStatus(200, approve(second, id))
  t.equal(again.body.approvals.length, 1, 'said twice, it is one approval')
  const active = await expectStatus(200, activate(id))
  t.match(active.body, {
    version: before + 1,
    active: true,
    basedOn: before,
    reason: 'the day is enough',
    authors: [{ practitionerId: author.id }],
    approvals: [{ practitionerId: second.id }],
    activatedBy: { practitionerId: author.id },
  })
  t.equal(await inForce(), before + 1)
  t.equal(saidBy(await activate(id)), '409 state_conflict', 'once')
  const history = await author.call('GET', `${POLICIES}/versions`)
  t.match(history.body.items[0], active.body, 'the history says who, when and why')
  const version = await author.call('GET', `${POLICIES}/versions/${before + 1}`)
  t.equal(version.body.documents.length, 2)
  t.same(version.body.suites, [SUITE])
  t.same((await events()).sort(), [
    // The first by the set-up of the server.
    'policy.activated',
    'policy.activated',
    'policy.draft_approved',
    'policy.draft_created',
  ])
  const told = await police.call('org_admin', 'GET', '/v1/notices')
  t.match(told.body.items[0], { type: 'policy_activated', refs: { version: String(before + 1) } })
})

t.test('all faults at once, with their places; nothing with a fault goes on', async (t) => {
  const wrong = rules({ to: 'victim_suport', fields: 'incident/cor' })
  const id = await draftOf({
    documents: [wrong, { policy: 'x', title: 'X', source: ['y'], permit: [{ id: 'P' }] }],
    suites: ['suite: [1'],
  })
  const { body } = await expectStatus(200, check(id))
  t.equal(body.sound, false)
  t.notOk('proof' in body)
  const of = (file: string) => body.faults.filter((fault: { file: string }) => fault.file === file)
  t.match(of('documents/0'), [
    { code: 'unknown_name', place: { line: 8 }, nearest: 'victim_support' },
  ])
  t.ok(of('documents/1').length > 2, 'of every document')
  t.ok(of('suites/0').length > 0, 'and of its tests')
  t.equal(saidBy(await approve(second, id)), '422 draft_has_faults')
})

t.test(
  'without citation, with a failing test, with a broken guardrail: not in force [R6]',
  async (t) => {
    const before = await inForce()
    const uncited = await draftOf(pack({ source: '' }))
    t.match((await check(uncited)).body.faults, [{ code: 'missing_key', file: 'documents/0' }])
    t.equal(saidBy(await approve(second, uncited)), '422 draft_has_faults')

    const failing = await draftOf(pack({ fields: 'incident.place_type' }))
    t.match((await check(failing)).body, {
      sound: false,
      tests: { failed: [{ suite: 'police-refer', problems: [/withheld/] }] },
    })
    await expectStatus(200, approve(second, failing))
    t.equal(saidBy(await activate(failing)), '422 draft_tests_fail')

    const broken = await draftOf(pack({ to: 'victim_support, perpetrator_programme' }))
    const { body } = await check(broken)
    t.match(body, { sound: false, proof: { holds: false, guardrails: [{ holds: false }] } })
    const { counterexample } = body.proof.guardrails[0]
    t.same(counterexample.rules, ['T1'], 'a request that could happen, and the rule that lets it')
    t.ok(Object.keys(counterexample.situation).length > 3)
    await expectStatus(200, approve(second, broken))
    t.equal(saidBy(await activate(broken)), '422 draft_guardrail_broken')
    t.equal(await inForce(), before)
  },
)

t.test('four eyes', async (t) => {
  const id = await draftOf(pack())
  const path = `${DRAFTS}/${id}`
  const { hash, diffHash } = (await second.call('POST', `${path}/diff`, { body: {} })).body
  const right = { draftId: id, hash, diffHash }
  const post = (who: Administrator, signature: string) =>
    who.call('POST', `${path}/approvals`, { body: { signature } })
  t.equal(saidBy(await approve(author, id)), '403 approver_not_allowed', 'not the author')

  const key = await makeKey()
  const keyless = await administrator(world.operator, { key })
  for (const [name, payload] of Object.entries({
    'another content': { ...right, hash: `sha256:${'0'.repeat(64)}` },
    'another difference': { ...right, diffHash: hash },
    'another draft': { ...right, draftId: randomUUID() },
    'nothing at all': {},
  }))
    t.equal(
      saidBy(await post(second, await signed(second.privateJwk, payload))),
      '422 approval_signature_invalid',
      name,
    )
  const forged = await signed(author.privateJwk, right)
  t.equal(saidBy(await post(second, forged)), '422 approval_signature_invalid', 'another key')
  const [head, , tail] = (await signed(second.privateJwk, {})).split('.')
  const body = Buffer.from(JSON.stringify(right)).toString('base64url')
  const pasted = `${head}.${body}.${tail}`
  t.equal(saidBy(await post(second, pasted)), '422 approval_signature_invalid', 'put together')
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url')
  t.match(saidBy(await post(second, `${unsigned}.${body}.${tail}`)), /^422/, 'alg none')

  // One key under two names is one person.
  const twin = await administrator(world.operator, { key })
  const theirs = await draftOf(pack({ fields: 'incident.place_type, incident/core' }), keyless)
  t.equal(saidBy(await approve(twin, theirs)), '403 approver_not_allowed')

  const dpo = await administrator(world.operator, { role: 'dpo' })
  t.equal(saidBy(await approve(dpo, id)), '403 not_permitted', 'the role is org_admin')
  t.match(
    saidBy(
      await police.call('org_admin', 'POST', `${path}/approvals`, {
        body: { signature: pasted },
      }),
    ),
    '403 scope_missing',
  )
  t.equal(saidBy(await activate(id)), '409 draft_not_approved')

  await t.test('an approval is void once the draft changes', async (t) => {
    await expectStatus(200, approve(second, id))
    const signature = await signed(second.privateJwk, right)
    const read = await author.call('GET', path)
    const etag = read.headers.get('etag') ?? ''
    t.match(read.body.approvals, [{ valid: true }])
    const put = (match: string | undefined, body: object, who = author) =>
      who.call('PUT', path, { body, headers: match === undefined ? {} : { 'if-match': match } })
    t.equal(saidBy(await put(undefined, pack())), '428 precondition_required')
    t.equal(saidBy(await put('"77"', pack())), '412 precondition_failed')
    const changed = await expectStatus(200, put(etag, pack({ fields: 'incident.*' })))
    t.match(changed.body.approvals, [{ valid: false }])
    t.equal(saidBy(await activate(id)), '409 draft_not_approved')
    t.equal(saidBy(await post(second, signature)), '422 approval_signature_invalid', 'replayed')
    // Whoever edits becomes an author.
    const next = changed.headers.get('etag') ?? ''
    await expectStatus(200, put(next, pack(), second))
    t.equal(saidBy(await approve(second, id)), '403 approver_not_allowed')
    await expectStatus(200, approve(keyless, id))
  })
  await expectStatus(200, author.call('POST', `${path}/withdrawal`))
  t.equal(saidBy(await activate(id)), '409 state_conflict', 'withdrawn')
})

t.test('of two activations at once one wins, and what is left must be rebased', async (t) => {
  const [one, two] = await Promise.all([
    draftOf(pack({ fields: 'incident/core, person/id' })),
    draftOf(pack({ fields: 'incident/core, person/demo' })),
  ])
  await expectStatus(200, approve(second, one))
  await expectStatus(200, approve(second, two))
  const before = await inForce()
  const answers = await Promise.all([activate(one), activate(one), activate(two)])
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  const lost = answers.filter(({ status }) => status !== 200).map(saidBy)
  t.ok(lost.every((said) => /^409 (draft_outdated|state_conflict|version_conflict)$/.test(said)))
  t.equal(await inForce(), before + 1)
  const late = answers[2]?.status === 200 ? one : two
  t.equal(saidBy(await activate(late)), '409 draft_outdated')
  t.equal(saidBy(await approve(second, late)), '409 draft_outdated')
  const read = await author.call('GET', `${DRAFTS}/${late}`)
  const rebased = await author.call('PUT', `${DRAFTS}/${late}`, {
    body: { documents: read.body.documents, basedOn: before + 1 },
    headers: { 'if-match': read.headers.get('etag') ?? '' },
  })
  t.equal(rebased.status, 200)
  t.equal(saidBy(await activate(late)), '409 draft_not_approved', 'by whom it was seen anew')
})

t.test('an older version comes back as a new one, by the same way', async (t) => {
  const now = await inForce()
  t.equal(
    saidBy(await author.call('POST', `${POLICIES}/versions/${now}/reactivation`, { body: {} })),
    '409 state_conflict',
  )
  const back = await expectStatus(
    201,
    author.call('POST', `${POLICIES}/versions/2/reactivation`, {
      body: { reason: 'it was right' },
    }),
  )
  t.match(back.body, { basedOn: now, reactivates: 2, state: 'open' })
  t.equal(saidBy(await activate(back.body.id)), '409 draft_not_approved')
  await expectStatus(200, approve(second, back.body.id))
  const active = await expectStatus(200, activate(back.body.id))
  const [older] = await rows('select hash from policy_version where version = 2')
  t.match(active.body, { version: now + 1, reactivates: 2, hash: older.hash })
  t.equal(
    saidBy(await author.call('POST', `${POLICIES}/versions/999/reactivation`, { body: {} })),
    '404 not_found',
  )
})

t.test('affected agencies see what is open, are told, and may speak [R132]', async (t) => {
  const id = await draftOf(pack({ fields: 'incident.*' }))
  const path = `${DRAFTS}/${id}`
  const read = () => police.call('police_officer', 'GET', path)
  const comment = (text: unknown) =>
    police.call('police_officer', 'POST', `${path}/comments`, { body: { text } })
  t.equal(saidBy(await read()), '404 not_found', 'not before it is open')
  t.equal(saidBy(await comment('too early')), '404 not_found')
  const listed = await police.call('police_officer', 'GET', DRAFTS)
  t.notOk(listed.body.items.some((draft: { id: string }) => draft.id === id))
  t.equal(
    saidBy(await police.call('org_admin', 'POST', DRAFTS, { body: pack() })),
    '403 scope_missing',
  )
  world.clock.advance(1000)
  const until = new Date(world.clock.now().getTime() + 86_400_000).toISOString()
  const opened = await author.call('POST', `${path}/consultation`, { body: { until } })
  t.match(opened.body, { commentUntil: until })
  const told = await police.call('org_admin', 'GET', '/v1/notices')
  t.match(told.body.items[0], { type: 'policy_draft_opened', refs: { draftId: id }, dueAt: until })
  t.equal((await read()).status, 200)
  const said = await expectStatus(201, comment('this tells too much'))
  t.match(said.body, { text: 'this tells too much', agencyId: police.id, current: true })
  const { clientId, privateJwk } = police
  const less = await AgencyClient.connect({
    ...{ origin: world.origin, clientId, privateJwk, reach: () => world.address },
    scopes: ['agencies:read'],
  })
  const person = { id: police.people.get('org_admin')!.id, role: 'org_admin' }
  t.equal(
    saidBy(
      await less.call('POST', `${path}/comments`, {
        body: { text: 'me too' },
        practitioner: person,
      }),
    ),
    '403 scope_missing',
  )
  t.equal(saidBy(await comment('')), '400 invalid_body')
  t.equal(saidBy(await comment('x'.repeat(4001))), '400 invalid_body')
  const heard = await author.call('GET', `${path}/comments?limit=1`)
  t.match(heard.body.items, [{ text: 'this tells too much' }])
  t.equal(
    saidBy(await police.call('police_officer', 'GET', `${DRAFTS}/${randomUUID()}/comments`)),
    '404 not_found',
  )

  await expectStatus(200, approve(second, id))
  t.equal(saidBy(await activate(id)), '409 comment_period_open', 'they have their time')
  world.clock.advance(86_400_001)
  await expectStatus(200, activate(id))
  t.equal(saidBy(await comment('too late')), '409 state_conflict')
  const event = (await rows(`select public_part || private_part as text from audit_event
    where type = 'policy.draft_commented'`)) as { text: string }[]
  t.ok(event.length === 1 && !event[0]!.text.includes('tells too much'), 'not in the log for ever')
})

t.test('an approval ends with the authority of whoever gave it', async (t) => {
  const leaving = await administrator(world.operator)
  const id = await draftOf(pack({ fields: 'incident.occurred_at' }))
  await expectStatus(200, approve(leaving, id))
  const path = `/v1/practitioners/${leaving.id}`
  const { rows: kept } = await database.query('select version from practitioner where id = $1', [
    leaving.id,
  ])
  await expectStatus(
    200,
    world.operator.call('org_admin', 'PATCH', path, {
      body: { active: false },
      headers: {
        'if-match': `"${kept[0].version}"`,
        'content-type': 'application/merge-patch+json',
      },
    }),
  )
  t.equal(saidBy(await activate(id)), '409 draft_not_approved', 'has left since')
  await expectStatus(200, approve(second, id))
  await expectStatus(200, activate(id))
})

t.test('rules to or from programmes wait for victim support to be heard [R137]', async (t) => {
  const support = await world.onboard(CAST.support, ['vss_advocate', 'org_admin'])
  const programme = rules({ fields: 'programme_engagement.status' })
    .replace('police-refer', 'handover')
    .replace('T1', 'T2')
    .replace('[police]', '[perpetrator_programme]')
    .replace('subject: [victim]', 'subject: [perpetrator_convicted]')
  const body = { documents: [...pack().documents, programme] }
  const id = await draftOf(body)
  await expectStatus(200, approve(second, id))
  t.equal(saidBy(await activate(id)), '409 comment_period_open')
  await expectStatus(200, author.call('POST', `${DRAFTS}/${id}/consultation`, { body: {} }))
  const told = await support.call('org_admin', 'GET', '/v1/notices')
  t.match(told.body.items[0], { type: 'policy_draft_opened', refs: { draftId: id } })
  await expectStatus(
    201,
    support.call('vss_advocate', 'POST', `${DRAFTS}/${id}/comments`, { body: { text: 'agreed' } }),
  )
  world.clock.advance(1000)
  await expectStatus(200, activate(id))
})

t.test('a guardrail does not go unheard', async (t) => {
  const { documents } = (await author.call('GET', POLICIES)).body
  const kept = documents.filter((document: object) => !('guardrail' in document))
  t.equal(kept.length, documents.length - 1)
  const id = await draftOf({ documents: kept })
  await expectStatus(200, approve(second, id))
  t.equal(saidBy(await activate(id)), '409 comment_period_open')
})

t.test('an agreement may ask for the approval of another agency', async (t) => {
  const { operator } = world
  const agreement = await expectStatus(
    201,
    operator.call('org_admin', 'POST', '/v1/agreements', {
      body: {
        title: 'Rules are changed together',
        parties: [operator.id, police.id],
        purposes: ['referral'],
        validFrom: '2026-01-01T00:00:00Z',
        validTo: '2028-01-01T00:00:00Z',
        documentRef: 'LK-AG-20',
        signatories: ['M. Sivec'],
        policyApproval: 'other_agency',
      },
    }),
  )
  t.equal(agreement.body.policyApproval, 'other_agency')
  await expectStatus(
    200,
    police.call('org_admin', 'POST', `/v1/agreements/${agreement.body.id}/acceptance`),
  )
  const id = await draftOf(pack({ fields: 'incident/core, person/id' }))
  t.equal(saidBy(await approve(second, id)), '403 approver_not_allowed')
  // Who is no party is not shown the agreement, and held to it all the same.
  const outside = await world.onboard(CAST.prosecution, ['org_admin'])
  const stranger = await administrator(outside, {
    client: await withScopes(world, outside, ['policies:approve', 'policies:write']),
  })
  t.equal(saidBy(await approve(stranger, id)), '403 approver_not_allowed')
  const client = await withScopes(world, police, ['policies:approve'])
  const third = await administrator(police, { client })
  await expectStatus(200, approve(third, id))
  t.equal(saidBy(await activate(id)), '409 comment_period_open', 'T2 goes away')
  await expectStatus(200, author.call('POST', `${DRAFTS}/${id}/consultation`, { body: {} }))
  await expectStatus(200, activate(id))
})

t.test('huge and hostile texts', async (t) => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghij'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`)}]`),
  ].join('\n')
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
  const id = await draftOf({
    documents: [
      bomb,
      deep,
      'policy: a\npolicy: b',
      `x: ${'y'.repeat(280_000)}`,
      '--- a\n--- b',
      '!!js/function x',
    ],
    suites: [bomb],
  })
  const began = performance.now()
  const { body } = await expectStatus(200, check(id))
  t.ok(body.faults.length >= 6 && performance.now() - began < 30_000)
  for (const i of [0, 1, 2, 3, 4, 5])
    t.ok(
      body.faults.some(({ file }: { file: string }) => file === `documents/${i}`),
      `document ${i}`,
    )
  t.match(
    saidBy(await author.call('POST', DRAFTS, { body: { documents: ['x'.repeat(1_100_000)] } })),
    '413 body_too_large',
  )
  const nested = `{"documents":[${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}]}`
  t.equal(saidBy(await author.call('POST', DRAFTS, { body: nested })), '400 invalid_body')
  for (const [name, wrong] of Object.entries({
    'no document': {},
    'an empty list': { documents: [] },
    'an unknown version': { ...pack(), basedOn: 4711 },
    'a number': { documents: [7] },
  }))
    t.equal(saidBy(await author.call('POST', DRAFTS, { body: wrong })), '400 invalid_body', name)
  t.equal(
    saidBy(await author.call('POST', DRAFTS, { body: { ...pack(), fields: [] } })),
    '400 unknown_member',
  )
  const many: Answer[] = []
  for (let i = 0; i < 22; i++) many.push(await author.call('POST', DRAFTS, { body: pack() }))
  t.equal(saidBy(many.at(-1)!), '409 state_conflict', 'nobody reads more drafts than that')
})

t.test('what the database itself refuses', async (t) => {
  const app = new pg.Client({ connectionString: world.databaseUrl })
  await app.connect()
  t.teardown(() => app.end())
  await app.query('set role ostiary_app')
  await app.query(`select set_config('app.agency', $1, false)`, [world.operator.id])
  const [open] = await rows(
    `select id, revision, hash from policy_draft where state = 'open' limit 1`,
  )
  const forced = await app.query(
    `select activate_policy_draft($1, $2, $3, 'sha256:x', '[]', '{}', now()) as version`,
    [open.id, open.revision, open.hash],
  )
  t.equal(forced.rows[0].version, null, 'without an approval there is no version')
  for (const statement of [
    `update policy_draft set state = 'activated'`,
    `update policy_draft set authors = '[]', agency_id = agency_id`,
    'delete from policy_draft',
    `update policy_approval set hash = ''`,
    `update policy_version set documents = '[]'`,
    `insert into policy_active (version) values (1)`,
    `insert into policy_approval select id, revision, agency_id, (authors -> 0 ->> 'practitionerId')::uuid, hash, '', '', '{}', now()
       from policy_draft where state = 'open' limit 1`,
  ])
    await t.rejects(app.query(statement), statement)
})
