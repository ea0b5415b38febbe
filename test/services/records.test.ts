import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Json } from '../../src/domain/log/canonical.ts'
import type { Caller } from '../../src/services/caller.ts'
import type { NewRecord } from '../../src/services/deposit-record.ts'
import { canaryRecord } from '../support/example-record.ts'
import { claimOf, createWorld } from './world.ts'

const world = await createWorld()
t.teardown(() => world.end())
const { services, catalogue, operator } = world

interface Refusal {
  readonly code: string
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}
const refusal = (work: Promise<unknown>): Promise<Refusal> =>
  work.then(
    () => ({ code: 'done' }),
    (error: Refusal) => (error.code ? error : { code: String(error) }),
  )
const code = async (work: Promise<unknown>) => (await refusal(work)).code

const police = await world.agency('police')
const programme = await world.agency('perpetrator_programme')
const lighthouse = await world.agency('victim_support')
const officer = await police.as('police_officer')
const caseManager = await programme.as('pp_case_manager')
const advocate = await lighthouse.as('vss_advocate')
const opened = await services.openCase(officer, {
  persons: [{ role: 'victim' }, { role: 'perpetrator_alleged' }, { role: 'child_witness' }],
})
const caseId = opened.id
const [ana, marko, lea] = opened.persons.map(({ id }) => id) as [string, string, string]
await services.addMember(officer, caseId, { agencyId: programme.id, actsFor: 'perpetrator' })
await services.addMember(officer, caseId, { agencyId: lighthouse.id, actsFor: 'victim' })

const collectedAt = '2026-11-16T08:30:00Z'
const seen = { informant: 'PO', kind: 'fact', collectedAt } as const
const risk = (more: Partial<NewRecord> = {}): NewRecord => ({
  type: 'risk_assessment',
  subjectId: ana,
  fields: { risk_level: 'high', tool_code: 'odara' },
  provenance: { informant: 'PO', kind: 'assessment', collectedAt },
  ...more,
})
const deposit = (caller: Caller, record: NewRecord, claim = claimOf(caller), inCase = caseId) =>
  services.depositRecord(caller, inCase, record, claim)

const versionOf = (id: string, version: number) =>
  world.owner
    .selectFrom('record_version')
    .selectAll()
    .where('record_id', '=', id)
    .where('version', '=', version)
    .executeTakeFirstOrThrow()
const countOf = async (table: 'record' | 'audit_event' | 'idempotency') =>
  Number(
    (
      await world.owner
        .selectFrom(table)
        .select((eb) => eb.fn.countAll().as('count'))
        .executeTakeFirstOrThrow()
    ).count,
  )

t.test('every record type can be deposited, and nothing of it is legible [R29]', async (t) => {
  const canaries: string[] = []
  for (const definition of catalogue.records) {
    const { fields, canaries: planted } = canaryRecord(definition, `deposit-${definition.type}`)
    const halves = definition.subjects.includes('case')
      ? [{ subject: undefined, party: 'case' }]
      : definition.subjects.includes('perpetrator') && definition.subjects.length > 1
        ? [
            { subject: ana, party: 'victim' },
            { subject: marko, party: 'perpetrator' },
          ]
        : definition.subjects.includes('perpetrator')
          ? [{ subject: marko, party: 'perpetrator' }]
          : definition.subjects.includes('child') && definition.subjects.length === 1
            ? [{ subject: lea, party: 'child' }]
            : [{ subject: ana, party: 'victim' }]
    for (const { subject, party } of halves) {
      const held = definition.fields.filter(
        ({ subjects }) => subjects.includes('any') || subjects.some((kind) => kind === party),
      )
      const values = Object.fromEntries(held.map(({ name }) => [name, fields[name] as Json]))
      const receipt = await deposit(officer, {
        type: definition.type,
        ...(subject === undefined ? {} : { subjectId: subject }),
        fields: values,
        provenance: seen,
      })
      t.same(Object.keys(receipt), ['id', 'version'], 'no value comes back')
      const row = await versionOf(receipt.id, 1)
      t.same(row.fields.map(({ name }) => name).sort(), Object.keys(values).sort())
      t.equal(row.key_owner_id, subject ?? caseId)
      t.equal(
        row.sealed_flags !== null,
        definition.fields.some(({ flags }) => flags.length > 0),
        'flags are sealed wherever there could be some',
      )
    }
    canaries.push(...planted.map(({ text }) => text))
  }
  t.ok(canaries.length > 100)
  const dump = await world.dump()
  t.same(
    canaries.filter((text) => dump.includes(text)),
    [],
    'the database holds ciphertext alone',
  )
})

t.test('a deposit is an event with names and no values', async (t) => {
  await world.events()
  const { id } = await deposit(officer, risk())
  t.match(await world.events(), [
    {
      type: 'collect.deposited',
      agencyId: police.id,
      caseId,
      subjectId: ana,
      public: {
        recordId: id,
        recordType: 'risk_assessment',
        version: 1,
        fields: ['risk_level', 'tool_code'],
      },
      private: { informants: ['PO'] },
    },
  ])
})

t.test('the values open again with their flags, and under nobody else’s record', async (t) => {
  const { id } = await deposit(officer, risk())
  const row = await versionOf(id, 1)
  const key = await world.owner
    .selectFrom('subject_key')
    .selectAll()
    .where('owner_id', '=', ana)
    .where('agency_id', '=', police.id)
    .executeTakeFirstOrThrow()
  const record = {
    recordId: id,
    caseId,
    agencyId: police.id,
    ownerId: ana,
    version: 1,
    subjectKey: { wrapped: key.wrapped, epoch: key.key_epoch },
    wrappedKey: row.wrapped_key,
    sealed: row.sealed,
    fields: row.fields,
    sealedFlags: row.sealed_flags,
  }
  const flags = world.vault.openFlags([record]).get(id)
  t.match(flags, { opened: true })
  t.match(JSON.stringify(flags), 'risk_high')
  t.match(world.vault.openFlags([{ ...record, ownerId: marko }]).get(id), { opened: false })
})

t.test('what is wrong with a deposit is told with its place, and nothing is written', async (t) => {
  const before = [
    await countOf('record'),
    await countOf('audit_event'),
    await countOf('idempotency'),
  ]
  const secret = 'kj3h4k5j2h3k4'
  for (const { name, record, code: wanted, pointer } of [
    {
      name: 'record type',
      record: risk({ type: 'horoscope' }),
      code: 'unknown_record_type',
      pointer: '#/type',
    },
    {
      name: 'field',
      record: risk({ fields: { [secret]: 1 } }),
      code: 'unknown_field',
      pointer: '#/fields',
    },
    {
      name: 'value',
      record: risk({ fields: { risk_level: secret } }),
      code: 'wrong_field_type',
      pointer: '#/fields/risk_level',
    },
    {
      name: 'no value',
      record: risk({ fields: {} }),
      code: 'wrong_field_type',
      pointer: '#/fields',
    },
    {
      name: 'future',
      record: risk({ provenance: { ...seen, collectedAt: '2026-11-17T00:00:00Z' } }),
      code: 'collected_in_future',
      pointer: '#/provenance/collectedAt',
    },
    {
      name: 'her word',
      record: risk({ provenance: { ...seen, informant: 'V' } }),
      code: 'informant_person_required',
      pointer: '#/provenance/informantPersonId',
    },
    {
      name: 'his word as hers',
      record: risk({ provenance: { ...seen, informant: 'V', informantPersonId: marko } }),
      code: 'invalid_body',
      pointer: '#/provenance/informantPersonId',
    },
    {
      name: 'nobody',
      record: { type: 'person', fields: { full_name: 'Ana' }, provenance: seen },
      code: 'subject_required',
      pointer: '#/subjectId',
    },
    {
      name: 'a case is nobody',
      record: {
        type: 'incident',
        subjectId: ana,
        fields: { children_present: true },
        provenance: seen,
      },
      code: 'subject_not_allowed',
      pointer: '#/subjectId',
    },
    {
      name: 'not hers',
      record: {
        type: 'programme_engagement',
        subjectId: ana,
        fields: { status: 'paused' },
        provenance: seen,
      },
      code: 'subject_not_allowed',
      pointer: '#/subjectId',
    },
    {
      name: 'his phone in her file',
      record: {
        type: 'contact_location',
        subjectId: ana,
        fields: { perp_phone: '+38515550100' },
        provenance: seen,
      },
      code: 'subject_not_allowed',
      pointer: '#/fields/perp_phone',
    },
    {
      name: 'origin of nothing',
      record: risk({ fieldProvenance: { score: { kind: 'fact' } } }),
      code: 'unknown_field',
      pointer: '#/fieldProvenance',
    },
  ]) {
    const refused = await refusal(deposit(officer, record as NewRecord))
    t.equal(refused.code, wanted, name)
    t.equal(refused.errors?.[0]?.pointer, pointer, name)
    t.notMatch(JSON.stringify(refused.errors), secret)
  }
  t.same(
    [await countOf('record'), await countOf('audit_event'), await countOf('idempotency')],
    before,
  )
})

t.test('a person of another case, or out of sight, is no person [R18]', async (t) => {
  const other = await services.openCase(officer, { persons: [{ role: 'victim' }] })
  const stranger = other.persons[0]!.id
  await world.events()
  t.equal(await code(deposit(officer, risk({ subjectId: stranger }))), 'not_found')
  t.equal(await code(deposit(officer, risk({ subjectId: randomUUID() }))), 'not_found')
  t.equal(await code(deposit(officer, risk(), claimOf(officer), randomUUID())), 'not_found')
  t.equal(await code(deposit(caseManager, risk())), 'not_found', 'his side does not know her')
  const hers = { ...seen, informant: 'V', informantPersonId: ana, kind: 'statement' } as const
  const said = risk({ subjectId: marko, provenance: hers })
  t.equal(await code(deposit(caseManager, said)), 'not_found', 'not as who told it either')
  t.equal(await code(deposit(advocate, said)), 'done')
  const events = await world.events()
  t.same(
    events.map(({ type }) => type),
    [...Array<string>(5).fill('authority.refused'), 'collect.deposited'],
    'each refusal is on record',
  )
  const admin = await police.as('org_admin')
  t.equal(await code(deposit(admin, risk())), 'not_permitted')
})

t.test('a repeated deposit is the same record', async (t) => {
  const claim = claimOf(officer, 'one body')
  const first = await deposit(officer, risk(), claim)
  const before = await countOf('audit_event')
  t.same(await deposit(officer, risk(), claim), first)
  t.equal(await countOf('audit_event'), before)
  t.equal(
    await code(deposit(officer, risk(), { ...claim, fingerprint: new Uint8Array([1]) })),
    'idempotency_key_reused',
  )
  t.not((await deposit(advocate, risk(), { ...claim, clientId: advocate.clientId })).id, first.id)
  const refused = claimOf(officer, 'another')
  t.equal(await code(deposit(officer, risk({ subjectId: randomUUID() }), refused)), 'not_found')
  t.equal(await code(deposit(officer, risk(), refused)), 'done', 'a refusal uses no key up')

  const racing = claimOf(officer, 'raced')
  const results = await Promise.allSettled(
    Array.from({ length: 6 }, () => deposit(officer, risk(), racing)),
  )
  const made = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value.id] : []))
  t.equal(new Set(made).size, 1, 'one record, however many ask at once')
  for (const one of results)
    if (one.status === 'rejected')
      t.equal((one.reason as Refusal).code, 'idempotency_key_in_progress')
})

t.test('an amendment is a new version, and the old one stays', async (t) => {
  const { id } = await deposit(
    officer,
    risk({ fields: { risk_level: 'high', tool_code: 'odara', score: 11 } }),
  )
  const before = await versionOf(id, 1)
  world.at('2026-11-16T10:00:00Z')
  await world.events()
  const told = { informant: 'V', informantPersonId: ana, kind: 'statement', collectedAt } as const
  const receipt = await services.amendRecord(officer, id, [1], {
    fields: { risk_level: 'medium', score: null, changed_since_last: 'down' },
    provenance: told,
    conditions: ['only_for_this_case'],
  })
  t.same(receipt, { id, version: 2 })
  t.same(await versionOf(id, 1), before)
  const after = await versionOf(id, 2)
  const originOf = (name: string) => {
    const field = after.fields.find((one) => one.name === name)!
    return { setIn: field.setIn, ...after.provenance[field.provenance] }
  }
  t.same(after.fields.map(({ name }) => name).sort(), [
    'changed_since_last',
    'risk_level',
    'tool_code',
  ])
  t.match(originOf('risk_level'), { setIn: 2, informant: 'V', informantPersonId: ana })
  t.match(originOf('tool_code'), { setIn: 1, informant: 'PO' })
  t.same(after.conditions, ['only_for_this_case'])
  t.match(await world.events(), [
    {
      type: 'alter.amended',
      public: {
        recordId: id,
        version: 2,
        fields: ['risk_level', 'changed_since_last'],
        removed: ['score'],
      },
    },
  ])

  const amend = (caller: Caller, expected: 'any' | number[], fields: Record<string, Json>) =>
    code(services.amendRecord(caller, id, expected, { fields, provenance: told }))
  t.equal(await amend(officer, [1], { risk_level: 'high' }), 'precondition_failed')
  t.equal(await amend(advocate, 'any', { risk_level: 'high' }), 'not_found', 'not theirs')
  t.equal(await amend(officer, 'any', { horoscope: null }), 'unknown_field')
  t.equal(await amend(officer, 'any', { risk_level: 'lucky' }), 'wrong_field_type')
  t.equal(
    await amend(officer, 'any', { risk_level: null, tool_code: null, changed_since_last: null }),
    'invalid_body',
  )
  t.equal(await amend(officer, 'any', { score: null }), 'done', 'taking out what is not there')
})

t.test('of several amendments of one version one wins', async (t) => {
  const { id } = await deposit(officer, risk())
  const change = (level: string) =>
    code(
      services.amendRecord(officer, id, [1], { fields: { risk_level: level }, provenance: seen }),
    )
  const outcomes = await Promise.all(['medium', 'high', 'medium', 'high', 'medium'].map(change))
  t.same(outcomes.toSorted(), ['done', ...Array<string>(4).fill('precondition_failed')])
})

t.test('contested values are marked until somebody has looked again', async (t) => {
  const { id } = await deposit(officer, risk())
  await world.events()
  const note = 'she says it was the other day'
  const contested = await services.contestFields(officer, id, {
    fields: ['risk_assessment.risk_level'],
    contestedBy: ana,
    note,
  })
  t.same(contested, { id, version: 2 })
  const marks = async (version: number) =>
    Object.fromEntries((await versionOf(id, version)).fields.map((f) => [f.name, f.contested]))
  t.same(await marks(2), { risk_level: true, tool_code: undefined })
  t.match(await world.events(), [
    { type: 'alter.contested', public: { fields: ['risk_level'] }, private: { contestedBy: ana } },
  ])
  t.notOk((await world.dump()).includes(note))
  const kept = await world.owner
    .selectFrom('sealed_note')
    .selectAll()
    .where('about_id', '=', id)
    .execute()
  t.match(kept, [{ kind: 'contestation_note', about_version: 2, owner_id: ana }])

  t.equal(await code(services.contestFields(officer, id, { fields: ['score'] })), 'unknown_field')
  t.equal(
    await code(
      services.contestFields(officer, id, { fields: ['risk_level'], contestedBy: randomUUID() }),
    ),
    'not_found',
  )
  const dpo = await police.as('dpo')
  t.equal(await code(services.contestFields(dpo, id, { fields: ['tool_code'] })), 'done')
  t.equal(await code(services.contestFields(advocate, id, { fields: ['tool_code'] })), 'not_found')

  const verifiedAt = '2026-11-16T09:30:00Z'
  const verify = (caller: Caller, more = {}) =>
    services.verifyFields(caller, id, { fields: ['risk_level'], verifiedAt, ...more })
  t.same(await verify(officer, { method: 'call', verifiedBy: 'PU-12' }), { id, version: 4 })
  t.same(await marks(4), { risk_level: undefined, tool_code: true })
  const row = await versionOf(id, 4)
  const field = row.fields.find(({ name }) => name === 'risk_level')!
  t.match(row.provenance[field.provenance], {
    verifiedAt: '2026-11-16T09:30:00.000Z',
    verifiedBy: 'PU-12',
    method: 'call',
    informant: 'PO',
  })
  t.equal(row.sealed.equals((await versionOf(id, 1)).sealed), true, 'no value was touched')
  t.equal(
    await code(verify(officer, { verifiedAt: '2027-01-01T00:00:00Z' })),
    'collected_in_future',
  )
  t.equal(await code(verify(officer, { fields: ['risk_level', 'score'] })), 'unknown_field')
  t.equal(await code(verify(await police.as('dpo'))), 'not_permitted')
})

t.test('a verification answers those who asked for it', async (t) => {
  const { id } = await deposit(officer, risk())
  const ask = async (fields: string[]) => {
    const disclosureId = randomUUID()
    const requestId = randomUUID()
    await world.owner
      .insertInto('disclosure')
      .values({
        id: disclosureId,
        kind: 'disclosure',
        case_id: caseId,
        subject_id: ana,
        agency_id: lighthouse.id,
        practitioner_id: advocate.practitionerId!,
        role: 'vss_advocate',
        purpose: 'safety_urgent',
        requested: fields,
        outcome: 'full',
        record_versions: '{}',
        policy_version: 1,
        event_id: randomUUID(),
        leaf_hash: Buffer.alloc(32),
        decided_at: world.now(),
        sealed: false,
        under_review: false,
      })
      .execute()
    await world.owner
      .insertInto('verification_request')
      .values({
        id: requestId,
        disclosure_id: disclosureId,
        record_id: id,
        case_id: caseId,
        agency_id: police.id,
        requested_by: lighthouse.id,
        fields,
        due_at: new Date('2026-11-18T09:00:00Z'),
        created_at: new Date('2026-11-16T09:45:00Z'),
      })
      .execute()
    return requestId
  }
  const both = await ask(['risk_assessment.risk_level', 'risk_assessment.tool_code'])
  const level = await ask(['risk_assessment.risk_level'])
  const answered = async () =>
    (
      await world.owner
        .selectFrom('verification_request')
        .select('id')
        .where('record_id', '=', id)
        .where('answered_at', 'is not', null)
        .execute()
    ).map((row) => row.id)
  const verify = (fields: string[]) =>
    services.verifyFields(officer, id, { fields, verifiedAt: '2026-11-16T09:50:00Z' })
  await verify(['risk_level'])
  t.same(await answered(), [level], 'the other waits for its second field')
  await verify(['tool_code'])
  t.same(new Set(await answered()), new Set([level, both]))
  const told = await world.owner
    .selectFrom('notice')
    .select('refs')
    .where('agency_id', '=', lighthouse.id)
    .where('type', '=', 'verification_answered')
    .execute()
  t.same(new Set(told.map(({ refs }) => refs['verificationRequestId'])), new Set([level, both]))
  const third = await ask(['risk_assessment.tool_code'])
  await services.amendRecord(officer, id, 'any', { fields: { tool_code: null }, provenance: seen })
  t.ok((await answered()).includes(third), 'what is no longer held needs no looking at')
})

t.test(
  'S33, no man is active in a programme that nobody stands beside for his partner [R66]',
  async (t) => {
    const status = (value: string): NewRecord => ({
      type: 'programme_engagement',
      subjectId: marko,
      fields: { status: value },
      provenance: { informant: 'PP', kind: 'fact', collectedAt },
    })
    const before = await countOf('audit_event')
    t.equal(await code(deposit(caseManager, status('active'))), 'partner_contact_not_guaranteed')
    t.equal(await countOf('audit_event'), before)
    const { id } = await deposit(caseManager, status('intake'))
    const activate = () =>
      code(
        services.amendRecord(caseManager, id, 'any', {
          fields: { status: 'active' },
          provenance: status('active').provenance,
        }),
      )
    t.equal(await activate(), 'partner_contact_not_guaranteed')
    t.equal(
      await code(deposit(officer, { ...status('active'), provenance: seen })),
      'done',
      'a programme’s matter',
    )
    const agreement = await services.recordAgreement(operator.software, {
      title: 'Partner contact',
      parties: [programme.id, lighthouse.id],
      purposes: ['partner_contact'],
      validFrom: '2026-01-01',
      validTo: '2027-01-01',
      documentRef: 'file 7',
      signatories: [],
    })
    t.equal(await activate(), 'partner_contact_not_guaranteed', 'nobody has accepted it')
    await services.acceptAgreement(programme.software, agreement.id, {})
    await services.acceptAgreement(lighthouse.software, agreement.id, {})
    t.equal(await activate(), 'done')
    t.equal(await code(deposit(caseManager, status('active'))), 'done')
    await services.terminateAgreement(lighthouse.software, agreement.id, {})
    t.equal(await code(deposit(caseManager, status('active'))), 'partner_contact_not_guaranteed')
  },
)

t.test('S7, a drop-out has to be told within a day of when it happened', async (t) => {
  const provenance = { informant: 'PP', kind: 'fact', collectedAt } as const
  const { id } = await deposit(caseManager, {
    type: 'programme_engagement',
    subjectId: marko,
    fields: { dropout_at: '2026-11-16T08:00:00Z', direct_threat: 'said where he would wait' },
    provenance,
  })
  const duties = () =>
    world.owner
      .selectFrom('duty')
      .select(['rule', 'field', 'agency_id', 'state', 'due_at', 'escalate_to'])
      .where('record_id', '=', id)
      .orderBy('rule')
      .execute()
  t.match(await duties(), [
    {
      rule: 'D-dropout',
      field: 'programme_engagement.dropout_at',
      agency_id: programme.id,
      state: 'open',
      due_at: new Date('2026-11-17T08:00:00Z'),
      escalate_to: 'sender_admin',
    },
    { rule: 'D-threat', due_at: new Date('2026-11-16T11:00:00Z') },
  ])
  const amend = (fields: Record<string, Json>) =>
    services.amendRecord(caseManager, id, 'any', { fields, provenance })
  world.at('2026-11-16T10:30:00Z')
  await amend({ direct_threat: 'said it again' })
  const dueAt = async () => (await duties())[1]?.due_at.toISOString()
  t.equal(await dueAt(), '2026-11-16T11:00:00.000Z', 'saying more puts nothing off')
  await world.owner.updateTable('duty').set({ state: 'met' }).where('record_id', '=', id).execute()
  await amend({ direct_threat: 'named another day' })
  t.match(await duties(), [{ state: 'met' }, { state: 'open' }], 'news has to be told again')
  t.equal(await dueAt(), '2026-11-16T11:30:00.000Z')
  await amend({ status: 'dropout' })
  t.equal((await duties()).length, 2)
})

t.test('who has left a case changes nothing in it', async (t) => {
  const { id } = await deposit(advocate, risk())
  await services.removeMember(officer, caseId, lighthouse.id)
  t.equal(await code(deposit(advocate, risk())), 'not_found')
  t.equal(
    await code(
      services.verifyFields(advocate, id, { fields: ['risk_level'], verifiedAt: collectedAt }),
    ),
    'not_found',
  )
})
