// One disclosure from the question to the proof: read again, listed, proven, sealed, repeated, reviewed, doubted.
import { randomUUID } from 'node:crypto'
import { CompactSign, importJWK } from 'jose'
import sodium from 'libsodium-wrappers-sumo'
import t from 'tap'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import type { Answer } from '../support/agency-client.ts'
import { openReceipt } from '../support/independent-verifier.ts'
import { deposit, disclose, openCase, openLakesideCase } from '../support/lakeside-case.ts'
import { type Agency, EVENING, expectStatus, makeKey, startWorld } from '../support/world.ts'
import { saidBy } from '../support/written.ts'

const world = await startWorld({ environment: { OSTIARY_SUBJECT_LIMIT: '0' } })
t.teardown(() => world.stop())
const lake = await openLakesideCase(world)
const { marko, agencies } = lake
const { police, prosecution, programme, support } = agencies

const risk = await deposit(world, lake, police, 'police_officer', {
  type: 'risk_assessment',
  subject: marko,
  informant: 'PO',
  kind: 'assessment',
  fields: { risk_level: 'high', score: 17, indicators: ['strangulation', 'separation'] },
})
const question = {
  subject: marko,
  purpose: 'criminal_investigation',
  fields: ['risk_assessment.risk_level', 'risk_assessment.score', 'police_report.report_number'],
}
const ask = (idempotencyKey = randomUUID(), more: object = {}) =>
  disclose(lake, prosecution, 'prosecutor', { ...question, ...more }, { idempotencyKey })
const prosecutor = (method: string, path: string, headers: Record<string, string> = {}) =>
  prosecution.call('prosecutor', method, path, { headers })

t.test('it can be read again, without values', async (t) => {
  const asked = await expectStatus(201, ask())
  const read = await expectStatus(200, prosecutor('GET', `/v1/disclosures/${asked.body.id}`))
  const { fields, ...frame } = asked.body
  t.same(
    fields.map(({ value }: { value: unknown }) => value),
    ['high', 17],
  )
  t.same(read.body, {
    ...frame,
    caseId: lake.caseId,
    subjectId: marko,
    purpose: question.purpose,
    fields: fields.map(({ value: _, ...entry }: { value: unknown }) => entry),
  })
  t.notMatch(read.text, /"high"|"value"/, 'no value is kept with it')
  const etag = read.headers.get('etag') ?? ''
  const known = await prosecutor('GET', `/v1/disclosures/${asked.body.id}`, {
    'if-none-match': etag,
  })
  t.same([known.status, known.text], [304, ''])
  const colleague = await prosecution.call('org_admin', 'GET', `/v1/disclosures/${asked.body.id}`)
  t.equal(colleague.status, 200, 'by the agency, in whatever role')
  const source = await police.call('police_officer', 'GET', `/v1/disclosures/${asked.body.id}`)
  t.equal(saidBy(source), '404 not_found', 'not by its source')
})

t.test('it is listed by who asked and by whose records left, page by page', async (t) => {
  const second = await openCase(agencies)
  const known = await deposit(world, second, police, 'police_officer', {
    type: 'person',
    subject: second.marko,
    informant: 'PO',
    fields: { full_name: 'Marko N.' },
  })
  const made: string[] = []
  for (const minutes of [1, 2, 3, 4, 5]) {
    world.clock.set(new Date(Date.parse(EVENING) + minutes * 60_000))
    const answer = await disclose(second, prosecution, 'prosecutor', {
      subject: second.marko,
      purpose: 'criminal_investigation',
      fields: ['person.full_name'],
    })
    made.unshift(answer.body.id)
  }
  world.clock.set(EVENING)
  const subject = `subjectId=${second.marko}`
  const received = await pages(prosecution, 'prosecutor', `direction=received&${subject}&limit=2`)
  t.same(
    received.map(({ id }) => id),
    made,
    'newest first, each once',
  )
  t.match(received[0], { direction: 'received', outcome: 'full', subjectId: second.marko })
  const left = await pages(police, 'police_officer', `direction=made&${subject}&limit=2`)
  t.same(
    left.map(({ id }) => id),
    made,
  )
  t.same(left[0], {
    id: made[0],
    direction: 'made',
    caseId: second.caseId,
    subjectId: second.marko,
    purpose: 'criminal_investigation',
    decidedAt: '2026-11-16T20:05:00.000Z',
    recipientAgencyId: prosecution.id,
    recordId: known.body.id,
    fields: ['person.full_name'],
  })
  const window = `from=2026-11-16T20:02:00Z&to=2026-11-16T20:04:00Z`
  const some = await pages(prosecution, 'prosecutor', `${subject}&${window}`)
  t.same(
    some.map(({ id }) => id),
    made.slice(2, 4),
    'from the first moment up to, not including, the last',
  )
  const first = await prosecutor('GET', `/v1/disclosures?${subject}&limit=1`)
  const next = nextOf(first) ?? ''
  t.equal(saidBy(await police.call('police_officer', 'GET', next)), '400 invalid_cursor')
  const otherFilter = next.replace(second.marko, marko)
  t.equal(saidBy(await prosecutor('GET', otherFilter)), '400 invalid_cursor')
  t.notOk(Object.hasOwn(first.body, 'total'))
})

t.test('what his side gave to hers is not in its list', async (t) => {
  await deposit(world, lake, programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: marko,
    informant: 'PP',
    fields: { missed_unexcused_at: '2026-11-16T18:00:00Z' },
  })
  const fields = ['programme_engagement.missed_unexcused_at']
  const toHer = await disclose(lake, support, 'partner_contact_worker', {
    subject: marko,
    purpose: 'safety_urgent',
    fields,
    justification: 'weekly handover',
  })
  t.match(toHer.body.fields, [{ outcome: 'released' }])
  t.same(await pages(programme, 'org_admin', 'direction=made'), [])
  t.same(
    (await pages(support, 'org_admin', `direction=received&subjectId=${marko}`)).map(
      ({ id }) => id,
    ),
    [toHer.body.id],
  )
})

t.test('its place in the log is proven to anybody who has the key of the log', async (t) => {
  const asked = await expectStatus(201, ask())
  const path = `/v1/disclosures/${asked.body.id}/proof`
  const early = await prosecutor('GET', path)
  t.equal(early.status, 202, 'logged, and not yet published')
  t.match(early.headers.get('retry-after'), /^\d+$/)
  t.equal(early.text, '')
  await world.ostiary.publish()
  const proof = await expectStatus(200, prosecutor('GET', path))
  const { entry, tree } = openReceipt(proof.body, world.ostiary.logVkey)
  t.equal(tree.size, proof.body.treeSize)
  t.equal(entry.length, 64)
  const { publicPart } = proof.body
  t.match(publicPart, {
    disclosureId: asked.body.id,
    purpose: question.purpose,
    outcome: asked.body.outcome,
    event: { type: 'disclose.decided', id: asked.body.receipt.eventId, agencyId: prosecution.id },
  })
  t.same(
    publicPart.entries,
    asked.body.fields.map(({ value: _, ...one }: { value: unknown }) => one),
    'it opens to what was answered',
  )
  t.notMatch(proof.text, /"high"/)
  const forged = { ...proof.body, publicPart: { ...publicPart, outcome: 'none' } }
  t.throws(() => openReceipt(forged, world.ostiary.logVkey), { message: 'not in the log' })
  const served = await fetch(`${world.address}/log/checkpoint`)
  t.equal(await served.text(), proof.body.checkpoint)
})

t.test('sealed, it opens with the private key of the agency and with no other', async (t) => {
  await sodium.ready
  const pair = sodium.crypto_box_keypair()
  const sealingKey = Buffer.from(pair.publicKey).toString('base64url')
  t.equal(saidBy(await ask(undefined, { seal: true })), '422 sealing_key_missing')
  const changed = await expectStatus(
    200,
    prosecution.call('org_admin', 'PATCH', `/v1/agencies/${prosecution.id}`, {
      body: { sealingKey },
      headers: { 'if-match': '*' },
    }),
  )
  const plain = await expectStatus(201, ask())
  const sealed = await expectStatus(201, ask(undefined, { seal: true }))
  const entries = ({ body }: Answer): Record<string, unknown>[] => body.fields
  t.same(
    entries(sealed),
    entries(plain).map(({ value: _, ...entry }) => entry),
    'nothing but the values is gone from it',
  )
  t.notMatch(sealed.text, /"high"/)
  const { keyId, box } = sealed.body.sealed
  t.equal(keyId, changed.body.sealingKeyId)
  const bytes = Buffer.from(box, 'base64url')
  const opened = sodium.crypto_box_seal_open(bytes, pair.publicKey, pair.privateKey)
  t.same(JSON.parse(Buffer.from(opened).toString()), {
    disclosureId: sealed.body.id,
    leafHash: sealed.body.receipt.leafHash,
    values: { 0: 'high', 1: 17 },
  })
  const other = sodium.crypto_box_keypair()
  t.throws(() => sodium.crypto_box_seal_open(bytes, other.publicKey, other.privateKey))
})

t.test('repeated under its key, it is decided again over the versions of then', async (t) => {
  const key = randomUUID()
  const first = await expectStatus(201, ask(key))
  const amended = await expectStatus(
    200,
    police.call('police_officer', 'PATCH', `/v1/records/${risk.body.id}`, {
      body: {
        fields: { score: 3 },
        provenance: { informant: 'PO', kind: 'assessment', collectedAt: EVENING },
      },
      headers: { 'if-match': risk.headers.get('etag') ?? '' },
    }),
  )
  t.equal(amended.body.version, 2)
  const again = await expectStatus(201, ask(key))
  t.not(again.body.id, first.body.id, 'an answer of its own')
  t.not(again.body.receipt.eventId, first.body.receipt.eventId, 'an event of its own')
  t.equal(again.body.replayOf, first.body.id)
  t.same(again.body.fields, first.body.fields, 'the same values as then')
  const third = await expectStatus(201, ask(key))
  t.equal(third.body.replayOf, first.body.id, 'it always names the first')
  const fresh = await expectStatus(201, ask())
  t.match(fresh.body.fields, [{ value: 'high' }, { value: 3, version: 2 }], 'a new key, a new look')
  t.notOk(Object.hasOwn(fresh.body, 'replayOf'))
  const other = await ask(key, { fields: ['risk_assessment.score'] })
  t.equal(saidBy(other), '422 idempotency_key_reused')
  t.equal(
    (await disclose(lake, police, 'police_officer', question, { idempotencyKey: key })).status,
    201,
  )
})

t.test('sent many times at once under one key, it is one disclosure', async (t) => {
  const key = randomUUID()
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(key)))
  const said = answers.map(saidBy)
  t.same(
    said.filter((one) => one !== '201' && one !== '409 idempotency_key_in_progress'),
    [],
  )
  const done = answers.filter(({ status }) => status === 201)
  const firsts = done.filter(({ body }) => body.replayOf === undefined)
  t.equal(firsts.length, 1, 'one first')
  for (const { body } of done)
    if (body.replayOf !== undefined) t.equal(body.replayOf, firsts[0]?.body.id)
  t.equal((await ask(key)).body.replayOf, firsts[0]?.body.id)
})

t.test('a review wants the reviewer’s own signature over exactly this', async (t) => {
  await deposit(world, lake, prosecution, 'prosecutor', {
    type: 'criminal_proceedings',
    subject: marko,
    informant: 'PR',
    fields: { pp_mandate: 'mandatory' },
  })
  await deposit(world, lake, police, 'police_officer', {
    type: 'person',
    subject: marko,
    informant: 'PO',
    fields: { full_name: 'Marko Novak' },
  })
  const intake = {
    subject: marko,
    purpose: 'programme_intake',
    fields: ['person.full_name'],
  }
  const request = await expectStatus(201, disclose(lake, programme, 'pp_case_manager', intake))
  t.equal(request.body.outcome, 'review')
  const read = await programme.call('pp_case_manager', 'GET', `/v1/disclosures/${request.body.id}`)
  t.equal(read.body.underReview, true)
  const listed = await police.call('police_officer', 'GET', '/v1/reviews')
  const task = listed.body.items.find(
    ({ disclosureId }: { disclosureId: string }) => disclosureId === request.body.id,
  )
  const own = police.people.get('police_officer')?.privateJwk ?? {}
  const path = `/v1/disclosures/${request.body.id}/review`
  const decide = async (payload: object, key = own, more: object = {}) =>
    police.call('police_officer', 'POST', path, {
      body: {
        decision: 'approve',
        note: 'order in the file',
        signature: await sign(payload, key),
        ...more,
      },
    })
  const right = { hash: task.hash, decision: 'approve' }
  const { privateJwk: strange } = await makeKey()
  const invalid = '422 review_signature_invalid'
  t.equal(saidBy(await decide(right, strange)), invalid, 'key of somebody else')
  t.equal(saidBy(await decide({ ...right, decision: 'refuse' })), invalid, 'the other decision')
  t.equal(
    saidBy(await decide({ ...right, hash: listed.body.items.at(-1).id })),
    invalid,
    'another task',
  )
  t.equal(saidBy(await decide({ decision: 'approve' })), invalid, 'nothing of the task')
  t.equal(saidBy(await decide(right, own, { reviewId: randomUUID() })), '404 not_found')
  const keyless = await expectStatus(
    201,
    police.call('org_admin', 'POST', `/v1/agencies/${police.id}/practitioners`, {
      body: { localId: 'without a key', roles: ['police_officer'] },
    }),
  )
  const byKeyless = await police.client.call('POST', path, {
    body: { decision: 'approve', note: 'x', signature: await sign(right, own) },
    practitioner: { id: keyless.body.id, role: 'police_officer' },
  })
  t.equal(saidBy(byKeyless), '403 reviewer_not_allowed')
  const done = await decide(right, own, { reviewId: task.id })
  t.same([done.status, done.body.state], [200, 'approved'])
  const release = () =>
    programme.call('pp_case_manager', 'POST', `/v1/disclosures/${request.body.id}/release`)
  const released = await expectStatus(201, release())
  t.match(released.body, { outcome: 'full', releaseOf: request.body.id })
  t.match(released.body.fields, [{ value: 'Marko Novak', rules: ['F4-order'] }])
  const nothingToReview = await expectStatus(201, ask())
  const unasked = await prosecutor('POST', `/v1/disclosures/${nothingToReview.body.id}/release`)
  t.equal(saidBy(unasked), '409 review_not_open')
})

t.test('a source that is asked to look again does, and who asked is told', async (t) => {
  const second = await openCase(agencies)
  const doubted = await deposit(world, second, police, 'police_officer', {
    type: 'risk_assessment',
    subject: second.marko,
    informant: 'PO',
    fields: { risk_level: 'high', score: 17 },
  })
  const look = () =>
    expectStatus(
      201,
      disclose(second, prosecution, 'prosecutor', {
        subject: second.marko,
        purpose: 'criminal_investigation',
        fields: ['risk_assessment.risk_level', 'risk_assessment.score'],
      }),
    )
  world.clock.set('2027-01-15T09:00:00Z')
  t.teardown(() => world.clock.set(EVENING))
  const old = await look()
  t.match(old.body.fields, [{ stale: true }, { stale: false }])
  const path = `/v1/disclosures/${old.body.id}/verification-requests`
  const request = (fields: string[]) =>
    prosecution.call('prosecutor', 'POST', path, { body: { fields } })
  const notShown = await request(['risk_assessment.indicators'])
  t.equal(saidBy(notShown), '403 not_permitted')
  const tasks = await expectStatus(201, request(['risk_assessment.risk_level']))
  const dueAt = '2027-01-19T09:00:00.000Z'
  const recordId = doubted.body.id
  t.match(tasks.body.items, [{ recordId, fields: ['risk_assessment.risk_level'], dueAt }])
  const refs = { verificationRequestId: tasks.body.items[0].id, recordId }
  t.match(await noticesOf(police, 'police_officer', 'verification_requested'), [{ refs, dueAt }])
  await expectStatus(
    201,
    police.call('police_officer', 'POST', `/v1/records/${recordId}/verifications`, {
      body: { fields: ['risk_level'], verifiedAt: '2027-01-15T09:00:00Z', method: 'interview' },
    }),
  )
  t.match(await noticesOf(prosecution, 'prosecutor', 'verification_answered'), [{ refs }])
  t.match((await look()).body.fields[0], {
    stale: false,
    version: 2,
    provenance: { verifiedAt: '2027-01-15T09:00:00.000Z', method: 'interview' },
  })
})

t.test('his side is asked nothing on her behalf', async (t) => {
  const fields = ['programme_engagement.missed_unexcused_at']
  const fromHim = await disclose(lake, support, 'vss_advocate', {
    subject: marko,
    purpose: 'safety_urgent',
    fields,
    justification: 'handover',
  })
  t.match(fromHim.body.fields, [{ outcome: 'released' }])
  const path = `/v1/disclosures/${fromHim.body.id}/verification-requests`
  const asked = await support.call('vss_advocate', 'POST', path, { body: { fields } })
  t.equal(saidBy(asked), '403 not_permitted')
  t.same(await noticesOf(programme, 'pp_case_manager', 'verification_requested'), [])
})

interface Listed {
  readonly id: string
}

/** All items of a list, page after page. */
async function pages(of: Agency, role: PractitionerRole, query: string): Promise<Listed[]> {
  const items: Listed[] = []
  let next: string | undefined = `/v1/disclosures?${query}`
  while (next) {
    const page: Answer = await expectStatus(200, of.call(role, 'GET', next))
    items.push(...page.body.items)
    next = nextOf(page)
  }
  return items
}

function nextOf({ headers }: Answer): string | undefined {
  return /^<(.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
}

async function noticesOf(of: Agency, role: PractitionerRole, type: string): Promise<unknown[]> {
  const listed = await expectStatus(200, of.call(role, 'GET', '/v1/notices?limit=200'))
  return listed.body.items.filter((notice: { type: string }) => notice.type === type)
}

async function sign(payload: object, privateJwk: object): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256' })
    .sign(await importJWK(privateJwk, 'ES256'))
}
