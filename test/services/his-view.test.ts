// What his side's own requests could tell of what she said: records in which her word stands beside that of others.
import t, { type Test } from 'tap'
import type { GateDeposit, GateWorld } from '../support/gate-world.ts'
import { startGateWorld } from '../support/gate-world.ts'

const PACK = `
policy: his-view
title: What his programme may know
source: [test]
permit:
  - id: H1
    from: { sector: [police] }
    to: { sector: [perpetrator_programme] }
    purpose: [programme_intake]
    fields: [person.*, incident/core, criminal_proceedings.*]
    when: { flags: [investigation_complete], noFlags: [child_exposed] }
    necessary: { because: test }
    accurate: { contested: mark }
    timely: { onStale: mark }
    basis: { gdpr: [A6-1-e], art9: A9-2-g, art10: authorised, consent: not_needed }
  - id: H2
    from: { sector: [police] }
    to: { sector: [perpetrator_programme] }
    purpose: [risk_management]
    fields: [risk_assessment.*]
    necessary: { because: test }
    timely: { onStale: mark }
    basis: { gdpr: [A6-1-e], art9: A9-2-g, art10: authorised, consent: not_needed }
forbid:
  - id: X-her-word
    to: { actsFor: [perpetrator] }
    fields: [{ category: [O, S9, C10, K, L] }]
    informant: [V, VS, CH]
    explain: silent
    unless: []
`

const ASKED = [
  { purpose: 'programme_intake', fields: ['person.*', 'incident.*', 'criminal_proceedings.*'] },
  { purpose: 'risk_management', fields: ['risk_assessment.*'] },
] as const

/** In one world the police wrote down what Ana said, in the same records as all the rest. */
async function worldIn(t: Test, told: boolean): Promise<unknown[]> {
  const world = await startGateWorld({ pack: PACK })
  t.teardown(() => world.close())
  const { ana, marko } = world.ids
  const police = await world.agency('police', ['police_officer'], 'all')
  const programme = await world.agency('perpetrator_programme', ['pp_case_manager'], 'perpetrator')
  const her = { informant: 'V', by: ana } as const
  const put = async (
    deposit: Omit<GateDeposit, 'from'> & { hers?: Record<string, string | boolean> },
  ) => {
    const { hers = {}, fields, ...rest } = deposit
    const more = told ? hers : {}
    const id = await world.deposit(police, {
      ...rest,
      from: { informant: 'PO', collectedAt: '2026-10-01T00:00:00.000Z' },
      fields: { ...fields, ...more },
      fieldFrom: Object.fromEntries(Object.keys(more).map((name) => [name, her])),
    })
    // What she had added to the record later counts its versions up.
    if (told) await world.mark(id, 'nothing', 'clear')
    return id
  }
  await put({
    type: 'person',
    about: marko,
    fields: { full_name: 'Marko Z.' },
    hers: { birth_date: '1988-03-02' },
  })
  await put({
    type: 'criminal_proceedings',
    about: marko,
    fields: { stage: 'charged' },
    hers: { next_hearing_at: '2026-12-01T09:00:00Z' },
  })
  await put({
    type: 'incident',
    about: null,
    fields: { place_type: 'shared_home' },
    hers: { children_present: true, victim_account: 'he stood in the door' },
  })
  await put({
    type: 'risk_assessment',
    about: marko,
    fields: { risk_level: 'medium' },
    hers: { professional_judgement_high: true, victim_view: 'he will come back' },
  })
  const seen: unknown[] = []
  for (const request of ASKED) {
    const caller = programme.as('pp_case_manager')
    const asked = { caseId: world.ids.caseId, subjectId: marko, ...request }
    const { answer } = await world.ask(caller, request)
    const preview = await world.services.discloseFields(caller, asked, { kind: 'preview' })
    const view = await world.services.viewDisclosure(caller, answer.id)
    seen.push(
      answer.outcome,
      renamed(answer.fields),
      renamed(preview.answer.fields),
      renamed(view.fields),
      view.outcome,
    )
  }
  seen.push(
    (await world.services.listDisclosures(programme.as('pp_case_manager'), 'made', { limit: 9 }))
      .items,
    (await world.listNotices(programme.as('pp_case_manager'), { limit: 9 })).items,
    await world.sql('select count(*)::int as n from log_pending'),
    await publicParts(world),
  )
  return seen
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** With ids named in the order in which they come. */
function renamed(content: unknown): unknown {
  const names = new Map<string, string>()
  return JSON.parse(
    JSON.stringify(content).replace(UUID, (id) => {
      const name = names.get(id) ?? `id ${names.size + 1}`
      names.set(id, name)
      return name
    }),
  )
}

async function publicParts(world: GateWorld): Promise<unknown> {
  const rows = await world.sql<{ public_part: string }>(
    'select e.public_part from audit_event e join log_pending p on p.event_id = e.id order by p.seq',
  )
  return rows.map(({ public_part: text }) => renamed(JSON.parse(text)))
}

t.test(
  'her word beside others’ in one record: his side sees the record as if it were not there',
  async (t) => {
    const told = await worldIn(t, true)
    const silent = await worldIn(t, false)
    t.same(told, silent)
    t.equal(silent[0], 'full', 'there is something to compare')
    t.match(silent[1], [
      { field: 'person.full_name', value: 'Marko Z.', outcome: 'released' },
      { field: 'incident.place_type', value: 'shared_home' },
      { field: 'criminal_proceedings.stage', value: 'charged' },
    ])
    t.match(silent[6], [{ field: 'risk_assessment.risk_level', value: 'medium', stale: false }])
    t.notMatch(JSON.stringify(silent), '"version":2')
  },
)

t.test('everybody else sees what she said, and versions', async (t) => {
  const world = await startGateWorld({
    pack: PACK.replaceAll('perpetrator_programme', 'hospital').replace(
      '[perpetrator] }',
      '[victim] }',
    ),
  })
  t.teardown(() => world.close())
  const police = await world.agency('police', ['police_officer'], 'all')
  const hospital = await world.agency('hospital', ['physician'], 'all')
  await world.deposit(police, {
    type: 'risk_assessment',
    about: world.ids.marko,
    fields: { risk_level: 'medium', professional_judgement_high: true },
    from: { informant: 'PO', collectedAt: '2026-10-01T00:00:00.000Z' },
    fieldFrom: {
      professional_judgement_high: {
        informant: 'V',
        by: world.ids.ana,
        collectedAt: '2026-10-01T00:00:00.000Z',
      },
    },
  })
  const { answer } = await world.ask(hospital.as('physician'), ASKED[1])
  t.match(answer.fields, [
    { field: 'risk_assessment.risk_level', version: 1, stale: true },
    { field: 'risk_assessment.professional_judgement_high', version: 1 },
  ])
})

t.test(
  'a value told by somebody who is not yet known to be of the case is nobody’s to see',
  async (t) => {
    const world = await startGateWorld({ pack: PACK })
    t.teardown(() => world.close())
    const police = await world.agency('police', ['police_officer'], 'all')
    const programme = await world.agency(
      'perpetrator_programme',
      ['pp_case_manager'],
      'perpetrator',
    )
    await world.deposit(police, {
      type: 'criminal_proceedings',
      about: world.ids.marko,
      fields: { stage: 'charged' },
      from: { informant: 'PO' },
    })
    const sister = await world.person(['witness'], police)
    await world.deposit(police, {
      type: 'person',
      about: world.ids.marko,
      fields: { full_name: 'Marko Z.' },
      from: { informant: 'PO', by: sister },
    })
    const ask = async () =>
      (
        await world.ask(programme.as('pp_case_manager'), {
          purpose: 'programme_intake',
          fields: ['person.*'],
        })
      ).answer.fields
    t.match(await ask(), [{ value: 'Marko Z.' }], 'a witness may have told it')
    // Brought in, and told something, between the two reads of the gate.
    await world.sql('delete from case_person where id = $1', [sister])
    t.same(await ask(), [])
    const [event] = await world.sql<{ private_part: string }>(
      'select e.private_part from audit_event e join log_pending p on p.event_id = e.id order by p.seq desc limit 1',
    )
    t.match(JSON.parse(event!.private_part), {
      hidden: [{ field: 'person.full_name', reasons: [{ code: 'rule_error' }] }],
      ruleErrors: [{ code: 'evaluation_failed' }],
    })
  },
)
