// The audit log for those who supervise: who saw which field of whom, why, under which rule.
import t from 'tap'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Tables } from '../../src/storage/database.ts'
import { CRITERIA } from '../../src/domain/audit/criteria.ts'
import {
  AUDIT_OUTCOMES,
  AUDIT_VIEWS,
  classOf,
  LAWFUL_USES,
  OWN_PRIVATE_TYPES,
} from '../../src/domain/audit/vocabulary.ts'
import { EVENT_SHAPES } from '../../src/domain/log/event-shapes.ts'
import { EVENT_TYPES } from '../../src/domain/log/event.ts'
import { makeErasePerson } from '../../src/services/erase-person.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import * as erasure from '../../src/storage/erasure.ts'
import * as locks from '../../src/storage/locks.ts'
import { transactions } from '../../src/storage/transaction.ts'
import { RUNTIME } from '../../src/wire/runtime.ts'
import { verifyReceipt } from '../../src/domain/log/receipt.ts'
import { logIdentity } from '../../src/domain/log/checkpoint.ts'
import { concludeAgreement, deposit, disclose, openLakesideCase } from '../support/lakeside-case.ts'
import { type Agency, expectStatus, startWorld } from '../support/world.ts'
import { openapi } from './frame.ts'

const world = await startWorld()
t.teardown(() => world.stop())
const owner = new Kysely<Tables>({
  dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: world.databaseUrl }) }),
})
t.teardown(() => owner.destroy())
const at = await openLakesideCase(world)
const { ana, marko, caseId, agencies } = at
const { police, programme, support, hospital } = agencies
const authority = await world.onboard(
  {
    name: 'Data Protection Authority',
    sector: 'supervisory_authority',
    actsFor: 'all',
    public: true,
  },
  ['dpo', 'auditor', 'org_admin'],
)
const foreign = await world.onboard(
  { name: 'Authority Elsewhere', sector: 'supervisory_authority', actsFor: 'all', public: true },
  ['dpo'],
)
await sql`update agency set country = 'AT' where id = ${foreign.id}`.execute(owner)

await concludeAgreement(agencies)
await deposit(world, at, programme, 'pp_case_manager', {
  type: 'programme_engagement',
  subject: marko,
  informant: 'PP',
  fields: { status: 'dropout', dropout_at: '2026-11-16T18:00:00.000Z' },
})
const PHONE = '+38640555012'
const WORDS = 'weekly handover zqwords77'
await deposit(world, at, support, 'vss_advocate', {
  type: 'contact_location',
  subject: ana,
  informant: 'V',
  toldBy: ana,
  fields: { safe_phone: PHONE },
})
const warning = await expectStatus(
  201,
  disclose(at, support, 'partner_contact_worker', {
    subject: marko,
    purpose: 'safety_urgent',
    fields: ['programme_engagement/event', 'programme_engagement/status'],
    justification: WORDS,
  }),
)
const silent = await expectStatus(
  201,
  disclose(at, programme, 'pp_case_manager', {
    subject: ana,
    purpose: 'risk_management',
    fields: ['contact_location.*'],
    justification: 'his own words zqhiswords',
  }),
)
const glass = await expectStatus(
  201,
  disclose(at, police, 'police_officer', {
    subject: ana,
    purpose: 'safety_urgent',
    fields: ['contact_location/v'],
    justification: 'emergency call zqpolice',
    exception: { code: 'break_glass', note: 'life in danger zqglass' },
  }),
)
await world.ostiary.publish()

type Found = {
  id: string
  type: string
  view: string
  disclosureId?: string
  agencyId?: string
  practitionerId?: string
  reasons: string[]
  rules: string[]
  released: string[]
  fields: string[]
  outcome?: string
  links: { event: string; explanation?: string; proof?: string }
}
const USE = 'lawfulness_check'
const search = async (
  agency: Agency,
  filter: Record<string, unknown> = {},
  role: 'dpo' | 'auditor' | 'org_admin' = 'dpo',
): Promise<Found[]> => {
  const body = { lawfulUse: USE, ...filter }
  const found = await expectStatus(
    200,
    agency.call(role, 'POST', '/v1/audit/search?limit=200', { body }),
  )
  return found.body.items
}
const open = (agency: Agency, id: string, role: 'dpo' | 'auditor' | 'org_admin' = 'dpo') =>
  agency.call(role, 'GET', `/v1/audit/events/${id}?lawfulUse=${USE}`)
const eventsOf = (type: string) =>
  sql<{ id: string; part: Record<string, never> }>`
    select id, public_part::jsonb as part from audit_event where type = ${type} order by at, id`
    .execute(owner)
    .then(({ rows }) => rows)
const about = (items: Found[], { body }: { body: { id: string } }) =>
  items.filter(({ disclosureId }) => disclosureId === body.id)

t.test('who saw which field of whom, why, under which rule', async (t) => {
  // Marko's programme: who received his drop-out?
  const [seen, ...more] = await search(programme, { released: 'programme_engagement.dropout_at' })
  t.same([seen, ...more], [undefined], 'his side is not told that her service asked')

  const [mine] = await search(support, { released: 'programme_engagement.dropout_at' })
  t.match(mine, {
    view: 'actor',
    type: 'disclose.decided',
    agencyId: support.id,
    practitionerId: support.people.get('partner_contact_worker')?.id ?? '',
    role: 'partner_contact_worker',
    subjectId: marko,
    caseId,
    purpose: 'safety_urgent',
    disclosureId: warning.body.id,
    parties: [programme.id],
  })
  t.ok(mine?.rules.length)

  // Her service: who asked for where she is, and what became of it?
  const hers = await search(support, { subjectId: ana, field: 'contact_location.safe_phone' })
  const [police_] = about(hers, glass)
  t.match(police_, {
    view: 'source',
    agencyId: police.id,
    role: 'police_officer',
    exception: 'break_glass',
    links: { explanation: `/v1/disclosures/${glass.body.id}/explanation` },
  })
  t.notOk(police_?.practitionerId, 'who works at the police is their own matter')
  t.notOk(police_?.links.proof)
  const [his] = about(hers, silent)
  t.match(his, { view: 'source', agencyId: programme.id, outcome: 'none', released: [] })
  t.ok(his?.reasons.length, 'with the true cause')

  const asked = await search(programme, { field: 'contact_location.safe_phone' })
  t.same(
    about(asked, silent).map(({ view, reasons }) => ({ view, reasons })),
    [{ view: 'actor', reasons: [] }],
  )
  t.same(about(await search(hospital), glass), [], 'nobody else’s matter')
})

t.test('every filter finds what has it, and nothing else', async (t) => {
  const all = await search(authority)
  t.ok(all.length > 20)
  const event = about(all, glass)[0]!
  const filters: Record<string, (one: never) => boolean> = {}
  const filter = (given: Record<string, unknown>, fits: (one: never) => boolean) =>
    (filters[JSON.stringify(given)] = fits)
  filter({ subjectId: ana }, (one: { subjectId: string }) => one.subjectId === ana)
  filter({ caseId }, (one: { caseId: string }) => one.caseId === caseId)
  filter({ practitionerId: event.practitionerId }, (one: Found) =>
    Boolean(event.practitionerId && one.practitionerId === event.practitionerId),
  )
  filter({ role: 'vss_advocate' }, (one: { role: string }) => one.role === 'vss_advocate')
  filter(
    { purpose: 'safety_urgent' },
    (one: { purpose: string }) => one.purpose === 'safety_urgent',
  )
  filter({ outcome: 'none' }, (one: Found) => one.outcome === 'none')
  filter({ exception: 'any' }, (one: { exception?: string }) => one.exception !== undefined)
  filter(
    { exception: 'break_glass' },
    (one: { exception?: string }) => one.exception === 'break_glass',
  )
  filter({ type: 'collect.deposited' }, (one: Found) => one.type === 'collect.deposited')
  filter({ class: 'collect' }, (one: Found) => one.type.startsWith('collect.'))
  filter({ disclosureId: glass.body.id }, (one: Found) => one.disclosureId === glass.body.id)
  filter({ rule: event.rules[0] }, (one: Found) => one.rules.includes(event.rules[0]!))
  filter({ agencyId: hospital.id }, (one: { parties: string[]; agencyId: string }) =>
    one.parties.includes(hospital.id),
  )
  filter({ released: 'contact_location.safe_phone' }, (one: Found) =>
    one.released.includes('contact_location.safe_phone'),
  )
  filter(
    { field: 'contact_location.safe_phone', outcome: 'none' },
    (one: Found) =>
      one.outcome === 'none' &&
      one.fields.some((name) => /^contact_location([.](safe_phone|[*])|[/])/.test(name)),
  )
  const reason = about(all, silent)[0]!.reasons[0]!
  filter({ reason }, (one: Found) => one.reasons.includes(reason))
  for (const [given, fits] of Object.entries(filters)) {
    const found = await search(authority, JSON.parse(given))
    t.ok(found.length > 0, given)
    t.same(
      found
        .map(({ id }) => id)
        .filter((id) => all.some((one) => one.id === id))
        .sort(),
      all
        .filter((one) => fits(one as never))
        .map(({ id }) => id)
        .sort(),
      given,
    )
  }
  t.same(await search(authority, { type: 'collect.deposited', class: 'consult' }), [])
  t.same(await search(authority, { from: '2026-11-17T00:00:00Z' }), [])
  t.ok((await search(authority, { to: '2026-11-17T00:00:00Z' })).length >= all.length)
  const [one] = await search(authority, { type: 'disclose.decided' })
  const requestId = (one as never as { requestId: string }).requestId
  t.match(await search(authority, { requestId }), [{ id: one?.id }])
})

t.test('who may search, and for what', async (t) => {
  const refused = (role: 'org_admin', agency = support) =>
    agency.call(role, 'POST', '/v1/audit/search', { body: { lawfulUse: USE } })
  t.equal((await refused('org_admin')).status, 403)
  t.equal((await open(support, warning.body.receipt.eventId, 'org_admin')).status, 403)
  t.equal((await refused('org_admin', authority)).status, 403)
  t.ok((await search(authority, {}, 'auditor')).length > 0)
  const refusals = await eventsOf('authority.refused')
  t.ok(refusals.filter(({ part }) => part['operation'] === 'searchAuditEvents').length >= 2)

  const ask = (body: unknown) => support.call('dpo', 'POST', '/v1/audit/search', { body })
  for (const [body, pointer] of [
    [{}, '#'],
    [{ lawfulUse: 'curiosity' }, '#/lawfulUse'],
    [{ lawfulUse: USE, subjectId: "' or true --" }, '#/subjectId'],
    [{ lawfulUse: USE, rule: "F9' or '1'='1" }, '#/rule'],
    [{ lawfulUse: USE, reason: '{no_rule}; drop table audit_view' }, '#/reason'],
    [{ lawfulUse: USE, field: 'contact_location.safe_fone' }, '#/field'],
    [{ lawfulUse: USE, released: 'nothing.*' }, '#/released'],
    [{ lawfulUse: USE, outcome: 'all' }, '#/outcome'],
    [{ lawfulUse: USE, limit: 5 }, '#'],
  ] as const) {
    const answer = await ask(body)
    t.equal(answer.status, 400, JSON.stringify(body))
    t.equal(answer.body.errors[0].pointer, pointer, JSON.stringify(body))
  }
  const backwards = { lawfulUse: USE, from: '2026-11-17T00:00:00Z', to: '2026-11-16T00:00:00Z' }
  t.equal((await ask(backwards)).status, 422)
  const path = `/v1/audit/events/${warning.body.receipt.eventId}`
  const noUse = await support.call('dpo', 'GET', path)
  t.equal(noUse.status, 400)
  t.equal((await support.call('dpo', 'GET', `${path}?lawfulUse=curiosity`)).status, 400)
})

t.test('each sees what concerns it; an authority its own country', async (t) => {
  const ids = async (agency: Agency) => new Set((await search(agency)).map(({ id }) => id))
  const [hers, his, theirs] = await Promise.all([support, programme, police].map(ids))
  const { eventId } = warning.body.receipt
  t.ok(hers?.has(eventId))
  t.notOk(his?.has(eventId))
  t.notOk(theirs?.has(eventId), 'police have nothing to do with it')
  for (const [agency, mine] of [
    [support, hers],
    [programme, his],
    [police, theirs],
  ] as const) {
    const { rows } = await sql<{ id: string }>`
      select id from audit_event where agency_id = ${agency.id}
        and id in (select event_id from log_position)`.execute(owner)
    t.ok(
      rows.every(({ id }) => mine?.has(id) || rows.length > 200),
      'all of its own',
    )
  }
  const whole = await search(authority, { caseId })
  t.ok(whole.length > 0 && whole.every(({ view }) => view === 'whole'))
  t.ok(about(whole, silent)[0]?.reasons.length, 'with true causes')
  t.same(
    (await search(foreign)).filter(({ agencyId }) => agencyId !== foreign.id),
    [],
    'another country’s has no part in it',
  )
  t.equal((await open(foreign, eventId)).status, 404)
  t.equal((await open(police, eventId)).status, 404)
  t.equal((await open(programme, eventId)).status, 404)
})

t.test('an opened event: each part to whom it is open, words only to their own', async (t) => {
  const { eventId } = warning.body.receipt
  const before = (await eventsOf('consult.log_event_viewed')).length
  const mine = await expectStatus(200, open(support, eventId))
  t.same(mine.body.views, ['actor'])
  t.equal(mine.body.public.disclosureId, warning.body.id)
  t.notOk('private' in mine.body)
  t.same(mine.body.notes, [{ kind: 'justification', state: 'opened', text: WORDS }])
  t.equal(mine.body.links.explanation, `/v1/disclosures/${warning.body.id}/explanation`)
  const explained = await support.call('dpo', 'GET', mine.body.links.explanation)
  t.equal(explained.status, 200, 'why, one step away')
  const events = await eventsOf('consult.log_event_viewed')
  t.equal(events.length, before + 1)
  t.match(events.at(-1)?.part, { eventId, lawfulUse: USE, views: ['actor'] })

  const source = await expectStatus(200, open(support, silent.body.receipt.eventId))
  t.same(source.body.views, ['source'])
  for (const member of ['public', 'private', 'notes', 'practitionerId', 'requestId'])
    t.notOk(member in source.body, member)
  t.match(source.body.source.entries, [
    { field: 'contact_location.safe_phone', outcome: 'withheld', silent: true },
  ])
  t.ok(source.body.source.entries[0].reasons.length)
  t.match(source.body.source.asked, { purpose: 'risk_management' })
  t.notMatch(source.text, 'zqhiswords')
  t.notOk(source.body.links.proof)

  const his = await expectStatus(200, open(programme, silent.body.receipt.eventId))
  t.same(his.body.views, ['actor'])
  t.same(his.body.public.entries, [])
  t.match(his.body.notes, [{ text: 'his own words zqhiswords' }])

  const whole = await expectStatus(200, open(authority, glass.body.receipt.eventId, 'auditor'))
  t.same(whole.body.views, ['whole'])
  t.ok(whole.body.private.considered.length > 0)
  t.match(
    whole.body.notes.map(({ kind, text }: { kind: string; text: string }) => [kind, text]),
    [
      ['justification', 'emergency call zqpolice'],
      ['exception_note', 'life in danger zqglass'],
    ],
  )
  const reasons = await authority.call('auditor', 'GET', whole.body.links.explanation)
  t.equal(reasons.status, 200, 'and why')
  t.match(reasons.body.views, ['authority'])
  for (const { text } of [mine, source, his, whole, reasons]) t.notMatch(text, PHONE, 'no value')
})

t.test(
  'proofs: whole for whom it is open whole, else the public part, none for a source',
  async (t) => {
    const identity = logIdentity(world.ostiary.logVkey)!
    const prove = (agency: Agency, id: string) =>
      agency.call('dpo', 'GET', `/v1/audit/events/${id}/proof?lawfulUse=integrity_security`)
    const { eventId } = glass.body.receipt
    const both = await expectStatus(200, prove(authority, eventId))
    const verified = verifyReceipt(both.body, identity)
    t.ok(verified.ok && verified.value.privatePart)
    const own = await expectStatus(200, prove(police, eventId))
    t.notOk('privatePart' in own.body)
    t.ok(verifyReceipt(own.body, identity).ok)
    t.equal((await prove(support, eventId)).status, 404)
    const [opened] = await eventsOf('consult.log_event_viewed')
    await world.ostiary.publish()
    const reader = await search(support, { type: 'consult.log_event_viewed' })
    const ownRead = await expectStatus(200, prove(support, reader[0]!.id))
    t.ok('privatePart' in ownRead.body, 'nothing in it but its own')
    t.ok(verifyReceipt(ownRead.body, identity).ok)
    t.ok(opened)
    const late = await expectStatus(
      201,
      disclose(at, support, 'partner_contact_worker', {
        subject: marko,
        purpose: 'safety_urgent',
        fields: ['programme_engagement/status'],
        justification: 'x',
      }),
    )
    const pending = await prove(support, late.body.receipt.eventId)
    t.equal(pending.status, 202)
    t.match(pending.headers.get('retry-after'), /^\d+$/)
    t.equal((await open(support, late.body.receipt.eventId)).status, 200, 'but it can be opened')
  },
)

t.test('pages: newest first, bound to agency and search, whole under load', async (t) => {
  const read = (agency: Agency, path: string, filter = {}) =>
    agency.call('dpo', 'POST', path, { body: { lawfulUse: USE, ...filter } })
  const next = (headers: Headers) => /<([^>]+)>/.exec(headers.get('link') ?? '')?.[1]
  const whole = (await search(support)).map(({ id, view }) => `${id} ${view}`)
  const seen: string[] = []
  let path: string | undefined = '/v1/audit/search?limit=3'
  let pages = 0
  while (path) {
    const page: Awaited<ReturnType<typeof read>> = await expectStatus(200, read(support, path))
    seen.push(...page.body.items.map(({ id, view }: Found) => `${id} ${view}`))
    path = next(page.headers)
    pages += 1
    // What happens meanwhile, the searches themselves among it, comes before the first page.
    if (pages % 2 === 0) {
      world.clock.advance(1000)
      await world.ostiary.publish()
    }
  }
  t.ok(pages > 3)
  t.equal(new Set(seen).size, seen.length, 'nothing twice')
  t.same(
    whole.filter((one) => !seen.includes(one)),
    [],
    'nothing lost',
  )
  const first = await expectStatus(200, read(support, '/v1/audit/search?limit=2'))
  const cursor = next(first.headers) ?? ''
  t.equal((await read(police, cursor)).body.code, 'invalid_cursor')
  t.equal((await read(support, cursor, { subjectId: ana })).body.code, 'invalid_cursor')
  t.equal(
    (
      await read(
        support,
        cursor.replace(/(cursor=.{20})./, (_, start: string) => `${start}~`.replace('~', '_')),
      )
    ).body.code,
    'invalid_cursor',
  )
})

t.test('exports: as a file, both ends of them events', async (t) => {
  await world.ostiary.publish()
  const exported = (query: string) =>
    support.call('dpo', 'GET', `/v1/audit/export?lawfulUse=self_monitoring&${query}`)
  const expected = await search(support, { subjectId: ana })
  const lines = await expectStatus(200, exported(`subjectId=${ana}`))
  t.match(lines.headers.get('content-type'), 'application/x-ndjson')
  t.match(
    lines.headers.get('content-disposition'),
    /^attachment; filename="audit-\d{4}-\d\d-\d\d\.jsonl"$/,
  )
  const items = lines.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Found)
  t.same(
    new Set(items.map(({ id, view }) => `${id}${view}`)),
    new Set(expected.map(({ id, view }) => `${id}${view}`)),
  )
  const csv = await expectStatus(200, exported(`subjectId=${ana}&format=csv`))
  const rows = csv.text.trimEnd().split('\r\n')
  t.equal(rows.length, items.length + 1)
  t.match(rows[0], /^"id","at","type","view"/)
  const events = await eventsOf('consult.log_exported')
  t.same(
    events.map(({ part }) => `${part['format']} ${part['stage']} ${part['lawfulUse']}`).sort(),
    [
      'csv begun self_monitoring',
      'csv completed self_monitoring',
      'jsonl begun self_monitoring',
      'jsonl completed self_monitoring',
    ],
  )
  t.ok(events.some(({ part }) => part['count'] === items.length && part['stage'] === 'completed'))
  t.notMatch(lines.text + csv.text, /zqwords77|zqpolice|zqglass|38640555012/)
  t.equal((await exported('subjectId=nobody')).status, 400)
  t.equal((await exported('field=nothing.at_all')).body.errors[0].pointer, '#/query/field')
  const admin = await support.call('org_admin', 'GET', '/v1/audit/export?lawfulUse=self_monitoring')
  t.equal(admin.status, 403)
})

t.test('whoever begins to act for the perpetrator sees no more who asked', async (t) => {
  const before = await search(hospital, { view: 'source' })
  t.same(before, [])
  await deposit(world, at, hospital, 'physician', {
    type: 'health',
    subject: ana,
    informant: 'HE',
    fields: { injury_findings: 'bruises' },
  })
  await expectStatus(
    201,
    disclose(at, support, 'vss_advocate', {
      subject: ana,
      purpose: 'care_treatment',
      fields: ['health.injury_findings'],
    }),
  )
  await world.ostiary.publish()
  const [seen] = await search(hospital, { view: 'source' })
  t.match(seen, { agencyId: support.id, fields: ['health.injury_findings'] })
  await sql`update case_member set acts_for = 'perpetrator' where agency_id = ${hospital.id}`.execute(
    owner,
  )
  t.same(await search(hospital, { view: 'source' }), [])
  t.equal((await open(hospital, seen!.id)).status, 404)
})

t.test('once a person is erased, words and salts are gone and the event stays', async (t) => {
  const { eventId } = glass.body.receipt
  const erase = makeErasePerson({
    storage: erasure,
    locks,
    recordEvent: makeRecordEvent({
      storage: auditEvents,
      runtime: RUNTIME,
      origin: 'test.example/log',
    }),
    runtime: RUNTIME,
  })
  await transactions(owner)(police.id, (tx) =>
    erase(tx, { agencyId: police.id, personId: ana, ground: 'retention_ended' }),
  )
  // A new key for what is recorded anew must not be tried on what lies under the old one.
  await expectStatus(
    201,
    disclose(at, police, 'police_officer', {
      subject: ana,
      purpose: 'safety_urgent',
      fields: ['contact_location/v'],
      justification: 'again',
    }),
  )
  for (const agency of [police, authority]) {
    const opened = await expectStatus(200, open(agency, eventId))
    t.same(opened.body.notes, [{ kind: 'disclosure_notes', state: 'erased' }])
    const proof = `/v1/audit/events/${eventId}/proof?lawfulUse=integrity_security`
    const proven = await agency.call('dpo', 'GET', proof)
    t.equal(proven.status, 410)
    t.equal(proven.body.code, 'proof_erased')
  }
  await world.ostiary.publish()
  t.ok(about(await search(support, { subjectId: ana }), glass).length > 0, 'it can still be found')
})

t.test('closed lists are the same in domain, database and contract', async (t) => {
  const { rows } = await sql<{ type: string }>`
    select type from unnest(${EVENT_TYPES as readonly string[]}::text[]) type where private_part_is_own(type)`.execute(
    owner,
  )
  t.same(rows.map(({ type }) => type).sort(), [...OWN_PRIVATE_TYPES].sort())
  // What their private parts may hold: digests, signatures and numbers of what whoever acted gave in.
  const harmless = /^(\w+Digest|hash|signature|draftId|reactivates|filters|count|begunBy)$/
  for (const type of OWN_PRIVATE_TYPES)
    for (const name of EVENT_SHAPES[type].private) t.match(name, harmless, type)
  const { schemas } = (await openapi()).resolved.components as never as {
    schemas: Record<string, { enum: string[] }>
  }
  t.same(schemas['AuditEventType']?.enum, EVENT_TYPES)
  t.same(schemas['AuditEventClass']?.enum, [...new Set(EVENT_TYPES.map(classOf))].sort())
  t.same(schemas['LawfulUse']?.enum, LAWFUL_USES)
  t.same(schemas['AuditView']?.enum, AUDIT_VIEWS)
  t.same(schemas['AuditOutcome']?.enum, AUDIT_OUTCOMES)
  const { properties } = schemas['AuditSearch'] as never as { properties: object }
  t.same(Object.keys(properties).sort(), [...CRITERIA, 'lawfulUse'].sort())
})
