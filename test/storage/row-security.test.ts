// What one agency can do to others even by SQL of its own: the last line, should a use case be wrong.
import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { startGateWorld } from '../support/gate-world.ts'

const DENIED = { code: '42501' }

async function scene(t: Test) {
  const world = await startGateWorld()
  t.teardown(() => world.close())
  const support = await world.agency('victim_support', ['vss_advocate'], 'victim')
  const programme = await world.agency('perpetrator_programme', ['pp_case_manager'], 'perpetrator')
  const police = await world.agency('police', ['police_officer'], 'all')
  const outsider = await world.agency('hospital', ['physician'], null)
  const record = await world.deposit(support, {
    type: 'contact_location',
    about: world.ids.ana,
    fields: { safe_phone: '+38640555012' },
    from: { informant: 'V', by: world.ids.ana },
  })
  return { world, support, programme, police, outsider, record }
}

t.test('nobody lets himself into a case, back into it, or further into it', async (t) => {
  const { world, programme, police, outsider } = await scene(t)
  const { caseId } = world.ids
  const join = (agencyId: string, member: string, actsFor: string, by = agencyId) =>
    world.asApp(
      agencyId,
      'insert into case_member (case_id, agency_id, acts_for, added_by, since) values ($1, $2, $3, $4, now())',
      [caseId, member, actsFor, by],
    )
  await t.rejects(join(outsider.id, outsider.id, 'all'), DENIED, 'in')
  await t.rejects(join(outsider.id, outsider.id, 'victim', police.id), DENIED, 'in another name')
  await t.rejects(join(programme.id, outsider.id, 'perpetrator'), DENIED, 'others in')
  for (const set of [`acts_for = 'all'`, 'until = null', 'ended_at = null', `added_by = agency_id`])
    await t.rejects(
      world.asApp(programme.id, `update case_member set ${set} where agency_id = $1`, [
        programme.id,
      ]),
      DENIED,
      set,
    )
  await world.asApp(
    programme.id,
    'update case_member set ended_at = now() where agency_id = $1 and ended_at is null',
    [programme.id],
  )
  await t.rejects(join(programme.id, programme.id, 'perpetrator'), DENIED, 'back in')
  const revived = await world
    .asApp(
      programme.id,
      'update case_member set ended_at = null where agency_id = $1 returning 1',
      [programme.id],
    )
    .catch(() => [])
  t.same(revived, [], 'an ended membership stays ended')

  await join(police.id, outsider.id, 'victim')
  t.pass('who acts for all brings others in')
  const own = randomUUID()
  await world.asApp(outsider.id, 'insert into case_file (id, created_by) values ($1, $2)', [
    own,
    outsider.id,
  ])
  const found = (actsFor: string) =>
    world.asApp(
      outsider.id,
      'insert into case_member (case_id, agency_id, acts_for, added_by, since) values ($1, $2, $3, $2, now())',
      [own, outsider.id, actsFor],
    )
  await found('victim')
  t.pass('who opens a case is its first member')
  await world.asApp(outsider.id, 'update case_member set ended_at = now() where case_id = $1', [
    own,
  ])
  await t.rejects(found('all'), DENIED, 'and that only once')
})

t.test('nothing is put into a case of others', async (t) => {
  const { world, outsider } = await scene(t)
  const { caseId, ana } = world.ids
  const put = (text: string, values: readonly unknown[]) =>
    t.rejects(world.asApp(outsider.id, text, values), DENIED, text.slice(0, 40))
  await put(
    `insert into case_person (id, case_id, roles, brought_by) values ($1, $2, '{victim}', $3)`,
    [randomUUID(), caseId, outsider.id],
  )
  await put(
    `insert into consent (id, case_id, subject_id, recorded_by, items, explicit, language, notice_version, evidence_ref, circumstances, given_at, expires_at)
     values ($1, $2, $3, $4, '[]', true, 'sl', '1', 'e', '{}', now(), now() + interval '1 day')`,
    [randomUUID(), caseId, ana, outsider.id],
  )
  await put(
    `insert into record (id, case_id, agency_id, subject_id, type, version) values ($1, $2, $3, $4, 'person', 1)`,
    [randomUUID(), caseId, outsider.id, ana],
  )
})

t.test('nobody approves in the name of others', async (t) => {
  const { world, support, police } = await scene(t)
  const { answer } = await world.ask(support.as('vss_advocate'), {
    purpose: 'referral',
    fields: ['incident.*'],
  })
  const insert = (by: string, disclosureId: string, more: { state?: string; decidedBy?: string }) =>
    world.asApp(
      by,
      `insert into review_task (id, kind, disclosure_id, case_id, agency_id, role, due_at, state, decided_by)
       values ($1, 'before', $2, $3, $4, 'police_officer', now(), $5, $6)`,
      [
        randomUUID(),
        disclosureId,
        world.ids.caseId,
        police.id,
        more.state ?? 'open',
        more.decidedBy ?? null,
      ],
    )
  await t.rejects(insert(support.id, answer.id, { state: 'approved' }), DENIED)
  await t.rejects(insert(support.id, answer.id, { decidedBy: randomUUID() }), DENIED)
  await t.rejects(insert(police.id, answer.id, {}), DENIED, 'nor for a request of others')
  await insert(support.id, answer.id, {})
  await t.rejects(
    world.asApp(police.id, `update review_task set agency_id = $1, state = 'approved'`, [
      support.id,
    ]),
    DENIED,
  )
  await t.rejects(
    world.asApp(police.id, `update review_task set kind = 'after'`),
    DENIED,
    'a reviewer decides, and changes nothing else',
  )
  const approved = await world.asApp(
    support.id,
    `update review_task set state = 'approved' returning id`,
  )
  t.same(approved, [], 'the requester is not its own reviewer')
})

t.test('what was signed is not reworded, and nobody else’s entry is changed', async (t) => {
  const { world, support, programme, police } = await scene(t)
  const id = randomUUID()
  await world.asApp(
    support.id,
    `insert into agreement (id, title, parties, purposes, valid_from, valid_to, document_ref, signatories, created_by)
     values ($1, 't', $2, '{risk_management}', '2026-01-01', '2027-01-01', 'd', '[]', $3)`,
    [id, [support.id, programme.id], support.id],
  )
  for (const set of [`valid_to = '2099-01-01'`, `purposes = '{partner_contact}'`, `parties = '{}'`])
    await t.rejects(world.asApp(programme.id, `update agreement set ${set}`), DENIED, set)
  const accept = (by: string, party: string) =>
    world.asApp(
      by,
      `insert into agreement_acceptance (agreement_id, agency_id, accepted_at)
       select id, $1, now() from agreement`,
      [party],
    )
  await t.rejects(accept(support.id, programme.id), DENIED, 'nobody accepts for another')
  await t.rejects(
    world.asApp(
      police.id,
      `insert into agreement_acceptance (agreement_id, agency_id, accepted_at) values ($1, $2, now())`,
      [id, police.id],
    ),
    DENIED,
    'nor an agreement of others',
  )
  await accept(programme.id, programme.id)
  for (const change of [
    'delete from agreement_acceptance',
    'update agreement_acceptance set accepted_at = now()',
  ])
    await t.rejects(world.asApp(programme.id, change), DENIED, 'nor takes it back')
  t.same(await world.asApp(police.id, 'select 1 from agreement_acceptance'), [])
  const change = (set: string, of: string) =>
    world.asApp(programme.id, `update agency set ${set} where id = $1 returning id`, [of])
  t.equal((await change('name = name', programme.id)).length, 1)
  for (const set of [`jwks = '{"keys":[]}'`, 'suspended_at = now()', 'sealing_key = null'])
    t.same(await change(set, police.id), [], set)
  for (const set of ['operator = true', `sector = 'police'`, `client_id = 'x'`, 'parent_id = null'])
    await t.rejects(change(set, programme.id), DENIED, set)
  await t.rejects(
    world.asApp(
      programme.id,
      `insert into agency (id, client_id, name, sector, country, public, jwks, scopes)
       values ($1, $2, 'n', 'police', 'SI', true, '{}', '{}')`,
      [randomUUID(), randomUUID()],
    ),
    DENIED,
  )
})

t.test('keys of requests are their own client’s', async (t) => {
  const { world, support, police } = await scene(t)
  const key = randomUUID()
  await world.ask(
    support.as('vss_advocate'),
    { purpose: 'referral', fields: ['incident.*'] },
    { key },
  )
  const seen = (agencyId: string) => world.asApp(agencyId, 'select key from idempotency')
  t.same(await seen(support.id), [{ key }])
  t.same(await seen(police.id), [])
  await t.rejects(
    world.asApp(
      police.id,
      `insert into idempotency (client_id, key, fingerprint, operation, resource_id) values ($1, $2, '', 'x', $2)`,
      [support.clientId, randomUUID()],
    ),
    DENIED,
  )
  const [told] = await world.asApp<{ context: { seen: unknown } }>(
    police.id,
    'select gate_context($1, $2, $3, $4, $5, $6) as context',
    [randomUUID(), 'x', world.ids.caseId, world.ids.ana, support.clientId, key],
  )
  t.equal(told?.context.seen, null)
})

t.test('the facts functions tell an outsider nothing, whatever it asks about', async (t) => {
  const { world, support, outsider, record } = await scene(t)
  const { caseId, ana } = world.ids
  const ask = (text: string, values: readonly unknown[]) =>
    world.asApp(outsider.id, `select * from ${text}`, values)
  const [context] = await ask('gate_context($1, $2, $3, $4, $5, $6)', [
    support.people.get('vss_advocate'),
    'vss_advocate',
    caseId,
    ana,
    support.clientId,
    null,
  ])
  t.match(context?.['gate_context'], {
    practitioner: null,
    membership: null,
    subject: null,
    persons: {},
    consents: [],
    subjectKey: null,
    agency: { id: outsider.id },
  })
  t.same(await ask('gate_values($1, $2, $3, null)', [caseId, ana, ['contact_location']]), [])
  t.same(
    await ask('gate_values($1, $2, $3, $4)', [
      caseId,
      ana,
      ['contact_location'],
      JSON.stringify({ [record]: 1 }),
    ]),
    [],
  )
  t.same(await ask('gate_holder($1)', [record]), [])
  t.same(await ask('gate_reviews(null)', []), [])
  t.same(await ask('gate_released(null, null, null, null, null, null, 100)', []), [])
  t.same(await ask('gate_case($1)', [caseId]), [{ gate_case: null }])
  await t.rejects(ask('acts_for_shielded($1, $2)', [caseId, support.id]), DENIED)
  await t.rejects(ask('on_perpetrator_side($1)', [caseId]), DENIED)
})

t.test('nothing that comes first in the search path is believed', async (t) => {
  const { world, outsider } = await scene(t)
  const rows = await world.asApp(
    outsider.id,
    `with made as (select set_config('search_path', 'pg_temp, public', true))
     select is_case_member($1) as member from made`,
    [world.ids.caseId],
  )
  t.same(rows, [{ member: false }])
  await t.rejects(
    world.asApp(
      outsider.id,
      'create function public.app_agency2() returns uuid language sql as $$ select null::uuid $$',
    ),
    DENIED,
  )
})
