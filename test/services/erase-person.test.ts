// Erasure of a person at one agency: what it destroys, what it leaves to others, and that every proof stands.
import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import t from 'tap'
import { eventDigest } from '../../src/domain/log/event-digest.ts'
import { makeErasePerson } from '../../src/services/erase-person.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import * as erasure from '../../src/storage/erasure.ts'
import * as locks from '../../src/storage/locks.ts'
import { transactions } from '../../src/storage/transaction.ts'
import { openOwner } from '../../src/wire/database.ts'
import { openReceipt, readWholeLog } from '../support/independent-verifier.ts'
import { concludeAgreement, deposit, disclose, openLakesideCase } from '../support/lakeside-case.ts'
import { type Agency, expectStatus, startWorld } from '../support/world.ts'

const world = await startWorld({ environment: { OSTIARY_LOG_TICK: '3600000' } })
const owner = openOwner({ owner: world.databaseUrl })
t.teardown(async () => {
  await owner.destroy()
  await world.stop()
})
const at = await openLakesideCase(world)
const { marko, ana, caseId, agencies } = at
const { police, programme, support } = agencies
await concludeAgreement(agencies)
const now = () => world.clock.now()
const runtime = { now, uuid: () => randomUUID(), random: (count: number) => randomBytes(count) }
const recordEvent = makeRecordEvent({ storage: auditEvents, runtime, origin: 'test.example/log' })
const erasePerson = makeErasePerson({ storage: erasure, locks, recordEvent, runtime })
const erase = (agency: Agency, personId: string) =>
  transactions(owner)(agency.id, (tx) =>
    erasePerson(tx, { agencyId: agency.id, personId, ground: 'retention_ended' }),
  )

const vkey = (await (await fetch(`${world.address}/log/vkey`)).text()).trim()
const wholeLog = () =>
  readWholeLog(async (path) => {
    const response = await fetch(`${world.address}/log/${path}`)
    return response.status === 404 ? undefined : new Uint8Array(await response.arrayBuffer())
  }, vkey)
async function rows<Row>(text: string): Promise<Row[]> {
  return (await sql.raw<Row>(text).execute(owner)).rows
}

const STATUS = 'programme_engagement.status'
const attendance = {
  subject: marko,
  purpose: 'safety_urgent',
  fields: [STATUS, 'programme_engagement.dropout_at'],
  justification: 'she heard that he stayed away',
}
const ask = (key?: string) =>
  expectStatus(
    201,
    disclose(
      at,
      support,
      'partner_contact_worker',
      attendance,
      key === undefined ? {} : { idempotencyKey: key },
    ),
  )
const statuses = (body: { fields: { field: string; value?: unknown }[] }) =>
  body.fields.flatMap(({ field, value }) => (field === STATUS && value !== undefined ? value : []))
const proof = (agency: Agency, id: string, role: 'partner_contact_worker' | 'pp_case_manager') =>
  agency.call(role, 'GET', `/v1/disclosures/${id}/proof`)
const explanation = (agency: Agency, id: string) =>
  agency.call('dpo', 'GET', `/v1/disclosures/${id}/explanation`)

const recorded = await deposit(world, at, programme, 'pp_case_manager', {
  type: 'programme_engagement',
  subject: marko,
  informant: 'PP',
  fields: { status: 'dropout', dropout_at: '2026-11-16T18:00:00.000Z' },
})
await deposit(world, at, support, 'vss_advocate', {
  type: 'risk_assessment',
  subject: ana,
  informant: 'V',
  toldBy: ana,
  kind: 'assessment',
  fields: { risk_level: 'high' },
})

await deposit(world, at, police, 'police_officer', {
  type: 'person',
  subject: marko,
  informant: 'PO',
  fields: { full_name: 'Marko Novak' },
})

const key = randomUUID()
const asked = await ask(key)
// The programme asks as well, so that it has disclosures of its own about him.
const own = await expectStatus(
  201,
  disclose(at, programme, 'pp_case_manager', {
    subject: marko,
    purpose: 'programme_delivery',
    fields: ['programme_engagement.status'],
  }),
)
await world.ostiary.publish()
const before = {
  support: (await expectStatus(200, proof(support, asked.body.id, 'partner_contact_worker'))).body,
  programme: (await expectStatus(200, proof(programme, own.body.id, 'pp_case_manager'))).body,
  log: await wholeLog(),
}

t.test('not while the agency owes news about the person', async (t) => {
  t.same(statuses(asked.body), ['dropout'])
  t.equal((await rows('select from duty where state = $$open$$')).length, 1)
  await t.rejects(erase(programme, marko), { code: 'state_conflict' })
  t.same(await rows('select from audit_salt_destroyed'), [])
  await t.rejects(erase(programme, randomUUID()), { code: 'not_found' })
  await world.ostiary.runClocks()
  t.equal((await rows('select from duty where state = $$open$$')).length, 0, 'it was told')
})

t.test('erased: key, salts, and nothing of the log', async (t) => {
  const [caused] = await rows<{ ids: string[] }>(
    `select array_agg(id::text) as ids from audit_event where agency_id = '${programme.id}' and subject_id = '${marko}'`,
  )
  const erased = await erase(programme, marko)
  t.match(erased, { events: caused!.ids.length, versions: 1, keyDestroyed: true })
  t.ok(caused!.ids.length >= 2, 'deposit and disclosure at least')
  const [event] = await rows<{ public_part: string }>(
    `select public_part from audit_event where id = '${erased.eventId}'`,
  )
  t.match(JSON.parse(event!.public_part), {
    ground: 'retention_ended',
    events: caused!.ids.length,
    digest: eventDigest(caused!.ids),
  })
  const [left] = await rows<Record<string, number>>(`select
    (select count(*)::int from subject_key where owner_id = '${marko}' and agency_id = '${programme.id}') as key,
    (select count(*)::int from audit_salt s join audit_event e on e.id = s.event_id
      where e.agency_id = '${programme.id}' and e.subject_id = '${marko}' and e.id <> '${erased.eventId}') as salts,
    (select count(*)::int from audit_salt where event_id = '${erased.eventId}') as vouching,
    (select count(*)::int from audit_salt_destroyed where erased_by = '${erased.eventId}') as destroyed`)
  t.same(left, { key: 0, salts: 0, vouching: 1, destroyed: caused!.ids.length })
  t.same(await erase(programme, marko), { events: 0, versions: 0, keyDestroyed: false })
})

t.test('a repeated request finds it gone; so does a new one', async (t) => {
  const again = await ask(key)
  t.equal(again.body.replayOf, asked.body.id)
  t.same(statuses(again.body), [])
  t.same(statuses((await ask()).body), [])
  t.same(
    await rows(`select from audit_event where type = 'disclose.unreadable'`),
    [],
    'it is absent, not something that failed to open',
  )
})

t.test('and it stays gone under the key that new business makes', async (t) => {
  await expectStatus(
    201,
    disclose(at, programme, 'pp_case_manager', {
      subject: marko,
      purpose: 'programme_delivery',
      fields: ['programme_engagement.status', 'person.full_name'],
    }),
  )
  t.equal(
    (await rows(`select from subject_key where agency_id = '${programme.id}'`)).length > 0,
    true,
  )
  t.same(statuses((await ask()).body), [])
  const path = `/v1/records/${recorded.body.id}/contestations`
  t.match(
    await programme.call('pp_case_manager', 'POST', path, { body: { fields: ['status'] } }),
    { status: 404 },
    'nothing can be made of the old record',
  )
  await deposit(world, at, programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: marko,
    informant: 'PP',
    fields: { status: 'active' },
  })
  t.same(statuses((await ask()).body), ['active'], 'what is recorded anew can be asked for')
})

t.test('what others hold of him, and she, are as before', async (t) => {
  const again = await disclose(at, police, 'police_officer', {
    subject: marko,
    purpose: 'criminal_investigation',
    fields: ['person.full_name'],
  })
  t.match(again.body.fields, [{ value: 'Marko Novak' }])
  const [keys] = await rows<Record<string, number>>(
    `select count(*)::int as keys from subject_key where owner_id = '${marko}' and agency_id in ('${police.id}', '${support.id}')`,
  )
  t.same(keys, { keys: 2 })
  const { body } = await expectStatus(
    201,
    disclose(at, support, 'vss_advocate', {
      subject: ana,
      purpose: 'risk_management',
      fields: ['risk_assessment.risk_level'],
    }),
  )
  t.same(
    body.fields.map(({ value }: { value: unknown }) => value),
    ['high'],
  )
})

t.test('every proof that was given out stands', async (t) => {
  await world.ostiary.publish()
  const log = await wholeLog()
  t.ok(log.size > before.log.size)
  for (const [index, entry] of before.log.entries.entries())
    if (!entry.equals(log.entries[index]!)) t.fail('an entry was changed')
  for (const receipt of [before.support, before.programme]) {
    const { entry } = openReceipt(receipt, vkey)
    t.ok(log.entries[receipt.leafIndex]!.equals(entry))
  }
  // Its own event of the erased agency opens no more, and only that agency hears why.
  const gone = await proof(programme, own.body.id, 'pp_case_manager')
  t.match(gone, { status: 410, body: { code: 'proof_erased' } })
  t.match(await proof(support, own.body.id, 'partner_contact_worker'), {
    status: 404,
    body: { code: 'not_found' },
  })
  const fresh = await expectStatus(200, proof(support, asked.body.id, 'partner_contact_worker'))
  openReceipt(fresh.body, vkey)
})

t.test('explanations say that the facts were erased', async (t) => {
  // Not one from before: what it was decided on was in part the programme's, and closed with its key.
  world.clock.advance(60_000)
  const named = await expectStatus(
    201,
    disclose(at, support, 'partner_contact_worker', {
      ...attendance,
      fields: ['person.full_name'],
    }),
  )
  world.clock.advance(60_000)
  const officer = async () => (await expectStatus(200, explanation(police, named.body.id))).body
  t.match(await officer(), { facts: 'recorded', entries: [{ view: 'full' }] })
  await erase(police, marko)
  t.match(await officer(), {
    facts: 'erased',
    entries: [{ view: 'recorded', field: 'person.full_name' }],
  })
  // Also where he has a key again, under which the facts of then do not lie.
  await deposit(world, at, police, 'police_officer', {
    type: 'person',
    subject: marko,
    informant: 'PO',
    fields: { full_name: 'Marko N.' },
  })
  t.match(await officer(), { facts: 'erased' })
  const { body } = await expectStatus(200, explanation(support, asked.body.id))
  t.same(body.views, ['recipient'], 'what its requester was told')
  t.match(body.entries, [{ field: STATUS, outcome: 'released' }])
})

t.test('by command', async (t) => {
  const { OSTIARY_TEST_PG: _, NODE_OPTIONS: __, ...outer } = process.env
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['src/cli/main.ts', 'person', 'erase', ...args], {
      env: { ...outer, DATABASE_URL: world.databaseUrl },
    }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
  const who = [ana, '--agency', support.id]
  t.match(await run(...who, '--ground', 'whim'), { code: 1, stderr: /--ground must be one of/ })
  t.match(await run('Ana', '--agency', support.id, '--ground', 'objection'), {
    code: 1,
    stderr: /by their ids/,
  })
  t.match(await run(...who, '--ground', 'consent_withdrawn'), {
    code: 0,
    stdout: /erased: the key, 1 record versions/,
  })
  const [event] = await rows<{ public_part: string }>(
    `select public_part from audit_event where type = 'erase.person_erased' and subject_id = '${ana}'`,
  )
  t.match(JSON.parse(event!.public_part), {
    event: { agencyId: support.id, channel: 'command_line', operation: 'person erase' },
    ground: 'consent_withdrawn',
  })
  t.match(await run(...who, '--ground', 'objection', '--json'), {
    code: 0,
    stdout: /"keyDestroyed": false/,
  })
})

t.test('no role may do it without a grant, and salts go no other way', async (t) => {
  const attempts = [
    `select * from erase_person('${marko}', '{}', '${randomUUID()}', now())`,
    `select * from erasable_events('${marko}')`,
    `delete from audit_salt`,
    `insert into audit_salt_destroyed values ('${randomUUID()}', now(), '${randomUUID()}')`,
    `insert into audit_retired (month, partition, events, digest, retired_by) values (now(), 'x', 0, '', '${randomUUID()}')`,
  ]
  for (const role of ['ostiary_app', 'ostiary_gate', 'ostiary_worker', 'ostiary_auditor'])
    for (const attempt of attempts)
      await t.rejects(
        owner.transaction().execute(async (tx) => {
          await sql.raw(`set local role ${role}`).execute(tx)
          await sql.raw(attempt).execute(tx)
        }),
        { code: '42501' },
        `${role}: ${attempt}`,
      )
  await t.rejects(rows('delete from audit_salt'), { code: '23001' }, 'nor the owner by mistake')
  await t.rejects(rows('update audit_salt set public_salt = private_salt'), { code: '23001' })
  for (const table of ['audit_salt_destroyed', 'subject_key_destroyed', 'record_version_erased'])
    await t.rejects(rows(`delete from ${table}`), { code: '23001' }, table)
  // Another agency's events, or those about somebody else, cannot be smuggled in.
  const [others] = await rows<{ ids: string }>(
    `select array_agg(id)::text as ids from audit_event where agency_id = '${support.id}' and subject_id = '${marko}'`,
  )
  await t.rejects(
    transactions(owner)(programme.id, async (tx) => {
      const { eventId } = await recordEvent(tx, {
        type: 'erase.person_erased',
        agencyId: programme.id,
        subjectId: marko,
        caseId,
        at: now(),
        public: {},
        private: {},
      })
      await erasure.erasePerson(tx, {
        personId: marko,
        events: others!.ids.slice(1, -1).split(','),
        erasedBy: eventId,
        at: now(),
      })
    }),
    { code: '23001' },
  )
})
