import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import type { Purpose } from '../../src/domain/case/vocabulary.ts'
import type { Caller } from '../../src/services/caller.ts'
import type { NewConsent } from '../../src/services/record-consent.ts'
import { lockShared } from '../../src/storage/locks.ts'
import { claimOf, createWorld } from './world.ts'

const world = await createWorld()
t.teardown(() => world.end())
const { services } = world

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )

const police = await world.agency('police')
const lighthouse = await world.agency('victim_support')
const programme = await world.agency('perpetrator_programme')
const hospital = await world.agency('hospital')
const officer = await police.as('police_officer')
const advocate = await lighthouse.as('vss_advocate')
const caseManager = await programme.as('pp_case_manager')
const physician = await hospital.as('physician')
const opened = await services.openCase(officer, {
  persons: [{ role: 'victim' }, { role: 'perpetrator_alleged' }, { role: 'witness' }],
})
const caseId = opened.id
const [ana, marko, witness] = opened.persons.map(({ id }) => id) as [string, string, string]
for (const [agency, actsFor] of [
  [lighthouse, 'victim'],
  [hospital, 'victim'],
  [programme, 'perpetrator'],
] as const)
  await services.addMember(officer, caseId, { agencyId: agency.id, actsFor })

/** S4: Ana lets the programme know how high the risk is. */
const statement = (more: Partial<NewConsent> = {}): NewConsent => ({
  caseId,
  subjectId: ana,
  items: [
    {
      purpose: 'risk_management',
      recipient: { agencyId: programme.id },
      recipientRoles: ['pp_case_manager'],
      fields: ['risk_assessment.risk_level', 'partner_contact/fb'],
    },
  ],
  explicit: true,
  separate: true,
  conditionOfService: false,
  coercionChecked: true,
  inAbsenceOfOtherParty: true,
  language: 'hr',
  noticeVersion: '2026-3',
  evidenceRef: 'signed form 2026/88',
  ...more,
})
const record = (caller: Caller, more: Partial<NewConsent> = {}, claim = claimOf(caller)) =>
  services.recordConsent(caller, statement(more), claim)
const countOf = async (table: 'consent' | 'audit_event') =>
  (
    await world.owner
      .selectFrom(table)
      .select(sql<number>`count(*)::int`.as('n'))
      .execute()
  )[0]!.n

t.test('a consent is kept item by item, and shown to who recorded it [R31]', async (t) => {
  await world.events()
  const consent = await record(advocate, { interpreterId: 'I-7' })
  t.match(consent, {
    state: 'given',
    caseId,
    subjectId: ana,
    interpreterId: 'I-7',
    separate: true,
    givenAt: '2026-11-16T09:00:00.000Z',
    expiresAt: '2027-05-16T09:00:00.000Z',
  })
  t.ok(consent.items[0]!.fields.includes('partner_contact.partner_feedback_change'))
  t.notOk(consent.items[0]!.fields.includes('partner_contact/fb'), 'selectors became fields')
  t.match(await world.events(), [
    { type: 'consent.recorded', caseId, subjectId: ana, public: { consentId: consent.id } },
  ])
  t.same(await services.viewConsent(advocate, consent.id), consent)
  for (const caller of [officer, caseManager, physician])
    t.equal(await code(services.viewConsent(caller, consent.id)), 'not_found')
  world.at('2027-05-16T09:00:00Z')
  t.equal((await services.viewConsent(advocate, consent.id)).state, 'expired')
  world.at('2026-11-16T09:00:00Z')
})

t.test('S36, what is no consent is not kept, and nothing else is', async (t) => {
  const before = [await countOf('consent'), await countOf('audit_event')]
  const social = { sector: 'social_services' } as const
  const item = statement().items[0]!
  for (const [wanted, more] of [
    ['consent_bundled', { separate: false }],
    ['consent_bundled', { conditionOfService: true }],
    ['consent_coerced', { coercionChecked: false }],
    ['consent_coerced', { inAbsenceOfOtherParty: false }],
    ['consent_not_explicit', { explicit: false }],
    ['consent_recipient_too_wide', { items: [{ ...item, recipient: social }] }],
    [
      'consent_recipient_too_wide',
      { items: [{ ...item, recipient: social, fields: ['person.full_name'] }] },
    ],
    ['unknown_field', { items: [{ ...item, fields: ['risk_assessment.mood'] }] }],
    ['selector_matches_nothing', { items: [{ ...item, fields: ['mood/all'] }] }],
    ['invalid_body', { items: [{ ...item, recipient: { agencyId: randomUUID() } }] }],
    ['validity_window_invalid', { expiresAt: '2026-11-16T09:00:00Z' }],
    ['validity_window_invalid', { expiresAt: '2028-11-16T09:00:01Z' }],
  ] as [string, Partial<NewConsent>][])
    t.equal(await code(record(advocate, more)), wanted, JSON.stringify(more))
  t.same([await countOf('consent'), await countOf('audit_event')], before)
  const name = [{ ...item, recipient: social, fields: ['person.full_name'] }]
  t.equal(
    await code(record(caseManager, { subjectId: marko, items: name, explicit: false })),
    'done',
  )
})

t.test('nobody consents for the other party', async (t) => {
  await world.events()
  t.equal(await code(record(caseManager)), 'not_found', 'he does not know her')
  const partner = await services.addPerson(caseManager, caseId, {
    role: 'current_partner_of_perpetrator',
  })
  t.equal(await code(record(caseManager, { subjectId: partner.id })), 'not_found', 'and if he does')
  t.equal(await code(record(caseManager, { subjectId: randomUUID() })), 'not_found')
  t.equal(await code(record(advocate, { subjectId: marko })), 'not_permitted')
  const events = await world.events()
  t.equal(events.filter(({ type }) => type === 'authority.refused').length, 4)
  t.equal(await code(record(caseManager, { subjectId: marko })), 'done')
  t.equal(await code(record(advocate, { subjectId: witness })), 'done')
  t.equal(await code(record(officer)), 'done', 'the police hear everybody')
  t.equal(await code(record(await lighthouse.as('org_admin'))), 'not_permitted')
  t.equal(await code(record(advocate, { caseId: randomUUID() })), 'not_found')
})

t.test('a repeated recording is the same consent', async (t) => {
  const claim = claimOf(advocate)
  const first = await record(advocate, {}, claim)
  const before = await countOf('audit_event')
  t.same(await record(advocate, {}, claim), first)
  t.equal(await countOf('audit_event'), before + 1, 'it was read')
  const other = { ...claim, fingerprint: new Uint8Array([7]) }
  t.equal(await code(record(advocate, {}, other)), 'idempotency_key_reused')
  const deposit = { type: 'incident', fields: { children_present: true } }
  const provenance = { informant: 'PO', kind: 'fact', collectedAt: '2026-11-16T08:00:00Z' } as const
  t.equal(
    await code(services.depositRecord(advocate, caseId, { ...deposit, provenance }, claim)),
    'idempotency_key_reused',
    'a key is one operation’s',
  )
})

t.test('S4, withdrawing is as easy as giving, wherever she goes [R31]', async (t) => {
  const note = 'she rang from a friend’s phone'
  for (const { name, caller, can } of [
    { name: 'where it was recorded', caller: await lighthouse.as('org_admin'), can: true },
    { name: 'at another agency of hers', caller: physician, can: true },
    { name: 'at the police', caller: officer, can: true },
    { name: 'not on his side', caller: caseManager, can: false },
    {
      name: 'not outside of the case',
      caller: await (await world.agency('shelter')).as('shelter_worker'),
      can: false,
    },
  ]) {
    world.at('2026-11-16T09:00:00Z')
    const consent = await record(advocate)
    world.at('2026-11-16T10:00:00Z')
    await world.events()
    const withdrawal = services.withdrawConsent(caller, consent.id, { note })
    if (!can) {
      t.equal(await code(withdrawal), 'not_found', name)
      t.match(await world.events(), [{ type: 'authority.refused' }])
      t.equal((await services.viewConsent(advocate, consent.id)).state, 'given')
      continue
    }
    const withdrawn = await withdrawal
    t.match(withdrawn, { state: 'withdrawn', withdrawnAt: '2026-11-16T10:00:00.000Z' }, name)
    t.match(await world.events(), [
      { type: 'consent.withdrawn', agencyId: caller.agencyId, subjectId: ana },
    ])
    world.at('2026-11-16T11:00:00Z')
    t.same(await services.withdrawConsent(caller, consent.id), withdrawn, 'once and for all')
    const again = await world.events()
    t.match(
      again,
      [{ type: 'consult.consent_viewed', subjectId: ana }],
      'read, not withdrawn again',
    )
    t.equal(again.length, 1)
    const told = await world.owner
      .selectFrom('notice')
      .select('refs')
      .where('agency_id', '=', lighthouse.id)
      .where('type', '=', 'consent_withdrawn')
      .execute()
    t.equal(
      told.some(({ refs }) => refs['consentId'] === consent.id),
      caller.agencyId !== lighthouse.id,
      'who recorded it hears of it',
    )
  }
  t.notOk((await world.dump()).includes(note))
  t.equal(await code(services.withdrawConsent(advocate, randomUUID())), 'not_found')
  world.at('2026-11-16T09:00:00Z')
})

/** What leaves a trace of one release: of a record's first version, to an agency. */
async function release(
  to: string,
  recordId: string,
  purpose: Purpose,
  fields: string[],
  about = ana,
) {
  const disclosureId = randomUUID()
  const at = world.now()
  await world.owner
    .insertInto('disclosure')
    .values({
      id: disclosureId,
      kind: 'disclosure',
      case_id: caseId,
      subject_id: about,
      agency_id: to,
      practitioner_id: randomUUID(),
      role: 'pp_case_manager',
      purpose,
      requested: fields,
      outcome: 'full',
      record_versions: '{}',
      policy_version: 1,
      event_id: randomUUID(),
      leaf_hash: Buffer.alloc(32),
      decided_at: at,
      sealed: false,
      under_review: false,
    })
    .execute()
  await world.owner
    .insertInto('release_ledger')
    .values({
      disclosure_id: disclosureId,
      record_id: recordId,
      record_version: 1,
      case_id: caseId,
      subject_id: about,
      source_agency_id: lighthouse.id,
      recipient_agency_id: to,
      fields,
      purpose,
      released_at: at,
    })
    .execute()
}

t.test('S4, who received something under it is told to stop, and nobody else', async (t) => {
  const deposited = async (informant: 'V' | 'VS', subjectId: string) =>
    (
      await services.depositRecord(
        advocate,
        caseId,
        {
          type: 'risk_assessment',
          subjectId,
          fields: { risk_level: 'high', tool_code: 'odara' },
          provenance: {
            informant,
            kind: 'statement',
            collectedAt: '2026-11-16T08:00:00Z',
            ...(informant === 'V' ? { informantPersonId: ana } : {}),
          },
        },
        claimOf(advocate),
      )
    ).id
  const sheTold = await deposited('V', marko)
  const aboutHer = await deposited('VS', ana)
  const aboutHim = await deposited('VS', marko)
  const level = ['risk_assessment.risk_level']
  const toldOf = async (work: () => Promise<void>) => {
    const consent = await record(advocate)
    await work()
    await world.owner.deleteFrom('notice').execute()
    await services.withdrawConsent(advocate, consent.id)
    const notices = await world.owner.selectFrom('notice').selectAll().execute()
    return notices.map(({ agency_id, type, urgency, refs }) => ({ agency_id, type, urgency, refs }))
  }
  const notice = (about: string) => ({
    agency_id: programme.id,
    type: 'consent_withdrawn',
    urgency: 'immediate',
    refs: { caseId, subjectId: about, purpose: 'risk_management' },
  })

  t.same(await toldOf(async () => {}), [], 'who received nothing does not learn that she consented')
  const times = [10, 11, 12, 13, 14, 15, 16]
  const later = () => world.at(`2026-11-16T${times.shift()}:00:00Z`)
  later()
  t.same(
    await toldOf(async () => {
      await release(programme.id, sheTold, 'risk_management', level, marko)
      await release(programme.id, sheTold, 'risk_management', level, marko)
      await release(programme.id, aboutHer, 'risk_management', level)
    }),
    [notice(ana), notice(marko)].toSorted((a, b) => (a.refs.subjectId < b.refs.subjectId ? -1 : 1)),
    'once for each person asked about',
  )
  for (const [name, other] of Object.entries({
    'for another purpose': () => release(programme.id, aboutHer, 'programme_intake', level),
    'of another field': () =>
      release(programme.id, aboutHer, 'risk_management', ['risk_assessment.tool_code']),
    'to another agency': () => release(hospital.id, aboutHer, 'risk_management', level),
    'of what is not hers to give': () =>
      release(programme.id, aboutHim, 'risk_management', level, marko),
  })) {
    later()
    t.same(await toldOf(other), [], name)
  }
})

t.test('no withdrawal overtakes a disclosure, and none is overtaken', async (t) => {
  const consent = await record(advocate)
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const disclosure = world.transact(programme.id, async (tx) => {
    await lockShared(tx, [`case:${caseId}`, `person:${ana}`])
    locked.resolve()
    await gate.promise
    order.push('disclosed')
  })
  await locked.promise
  const withdrawal = services
    .withdrawConsent(physician, consent.id)
    .then((one) => order.push(`withdrawn at ${one.withdrawnAt}`))
  await waitingForLock()
  world.at('2026-11-16T18:00:00Z')
  gate.resolve()
  await Promise.all([disclosure, withdrawal])
  t.same(
    order,
    ['disclosed', 'withdrawn at 2026-11-16T18:00:00.000Z'],
    'it counts from when it could no longer be overtaken',
  )
})

async function waitingForLock(): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await sql`
      select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`.execute(
      world.owner,
    )
    if (rows.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('nobody waits')
}

t.test('nobody rewords a consent, not even past the program', async (t) => {
  const { id } = await record(advocate)
  await t.rejects(
    world.transact(lighthouse.id, (tx) =>
      tx.updateTable('consent').set({ explicit: true }).where('id', '=', id).execute(),
    ),
    { code: '42501' },
  )
  const seen = await world.transact(programme.id, (tx) =>
    tx.selectFrom('consent').select('id').where('subject_id', '=', ana).execute(),
  )
  t.same(seen, [], 'his side finds none of hers')
})

t.test('thousands of names that are none are refused in no time', async (t) => {
  const fields = Array.from({ length: 200 }, (_, i) => `programme_engagement.sessions_planed_${i}`)
  const items = Array.from({ length: 50 }, () => ({
    purpose: 'risk_management' as const,
    recipient: { agencyId: programme.id },
    fields,
  }))
  const started = performance.now()
  t.equal(await code(record(advocate, { items })), 'unknown_field')
  t.ok(performance.now() - started < 1_000)
})
