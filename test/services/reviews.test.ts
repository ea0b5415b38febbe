// People who look before something leaves, or afterwards: who may, over what they sign, and what of it lasts.
import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import t, { type Test } from 'tap'
import type { PractitionerRole } from '../../src/domain/case/vocabulary.ts'
import { type GateAgency, type GateWorld, startGateWorld } from '../support/gate-world.ts'

const PACK = `
policy: looked-at
title: What a person at the source looks at first
source: [test]
permit:
  - id: R1
    from: { sector: [police, prosecution] }
    to: { sector: [perpetrator_programme, victim_support] }
    purpose: [programme_intake]
    fields: [person.*]
    necessary: { because: test }
    basis: { gdpr: [A6-1-e], art9: A9-2-g, art10: authorised, consent: not_needed }
    review: { by: police_officer, within: P7D }
  - id: R2
    from: { sector: [perpetrator_programme] }
    to: { sector: [victim_support, court] }
    purpose: [programme_intake]
    fields: [programme_engagement.*]
    necessary: { because: test }
    basis: { gdpr: [A6-1-e], art9: A9-2-g, art10: authorised, consent: not_needed }
    review: { by: pp_case_manager, within: P7D }
  - id: R3
    to: { sector: [police], role: [police_officer] }
    purpose: [safety_urgent]
    fields: [contact_location.safe_phone]
    exception: [break_glass]
    necessary: { because: test }
    basis: { gdpr: [A6-1-d], art9: A9-2-c, art10: authorised, consent: not_needed }
`

const INTAKE = { purpose: 'programme_intake', fields: ['person.full_name'] } as const

interface Scene {
  readonly world: GateWorld
  readonly police: GateAgency
  readonly prosecution: GateAgency
  readonly programme: GateAgency
  readonly support: GateAgency
  /** Signs with the registered key of whoever holds the role. */
  sign(agency: GateAgency, role: PractitionerRole, payload: object): Promise<string>
  /** The task as the role sees it, and its decision. */
  decide(
    agency: GateAgency,
    role: PractitionerRole,
    disclosureId: string,
    decision: 'approve' | 'refuse',
  ): ReturnType<GateWorld['services']['reviewDisclosure']>
}

async function scene(t: Test): Promise<Scene> {
  const world = await startGateWorld({ pack: PACK })
  t.teardown(() => world.close())
  const officers = ['police_officer', 'org_admin', 'dpo'] as const
  const police = await world.agency('police', officers, 'all')
  const prosecution = await world.agency('prosecution', officers, 'all')
  const programme = await world.agency(
    'perpetrator_programme',
    ['pp_case_manager', 'org_admin'],
    'perpetrator',
  )
  const support = await world.agency('victim_support', ['vss_advocate', 'dpo'], 'victim')
  const keys = new Map<string, Parameters<CompactSign['sign']>[0]>()
  for (const agency of [police, prosecution, programme, support])
    for (const id of agency.people.values()) {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
      keys.set(id, privateKey)
      const jwk: JWK = await exportJWK(publicKey)
      await world.sql('update practitioner set jwk = $2 where id = $1', [id, JSON.stringify(jwk)])
    }
  const name = (by: GateAgency, full_name: string) =>
    world.deposit(by, {
      type: 'person',
      about: world.ids.marko,
      fields: { full_name },
      from: { informant: 'PO' },
    })
  await name(police, 'Marko Z.')
  await name(prosecution, 'M. Zorman')
  const sign: Scene['sign'] = (agency, role, payload) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'ES256' })
      .sign(keys.get(agency.people.get(role) ?? '')!)
  return {
    world,
    police,
    prosecution,
    programme,
    support,
    sign,
    async decide(agency, role, disclosureId, decision) {
      const caller = agency.as(role)
      const { items } = await world.services.listReviews(caller, { limit: 50 })
      const hash = items.find((item) => item.disclosureId === disclosureId)?.hash ?? ''
      const signature = await sign(agency, role, { hash, decision })
      return world.services.reviewDisclosure(caller, disclosureId, {
        decision,
        note: 'looked at',
        signature,
      })
    },
  }
}

const outcomesOf = (entries: readonly Record<string, unknown>[]) =>
  entries.map(({ outcome, value, reasons }) => value ?? reasonsOf(reasons) ?? outcome)
const reasonsOf = (reasons: unknown) =>
  Array.isArray(reasons)
    ? (reasons as { code: string }[]).map(({ code }) => code).join()
    : undefined

t.test('each source decides for its own values; what was refused is not asked again', async (t) => {
  const { world, police, prosecution, programme, decide } = await scene(t)
  const caller = programme.as('pp_case_manager')
  const { answer } = await world.ask(caller, INTAKE)
  t.equal(answer.outcome, 'review')
  t.same(outcomesOf(answer.fields), ['review', 'review'])
  const release = () => world.services.releaseDisclosure(caller, answer.id)

  await t.rejects(release(), { code: 'state_conflict' }, 'nobody has decided')
  await decide(police, 'police_officer', answer.id, 'approve')
  await t.rejects(release(), { code: 'state_conflict' }, 'the other has not')
  await decide(prosecution, 'police_officer', answer.id, 'refuse')

  const { answer: released } = await release()
  t.equal(released.outcome, 'partial')
  t.equal(released.releaseOf, answer.id)
  t.same(outcomesOf(released.fields), ['Marko Z.', 'review_refused'])
  const tasks = await world.sql('select state from review_task order by state')
  t.same(tasks, [{ state: 'approved' }, { state: 'refused' }], 'no new task')
  t.equal((await world.sql('select 1 from notice where type = $1', ['review_requested'])).length, 2)
})

t.test('a repeated request asks nobody again, and can be released all the same', async (t) => {
  const { world, police, prosecution, programme, decide } = await scene(t)
  const caller = programme.as('pp_case_manager')
  const key = '3f6e9d2c-7b1a-4c8d-9e5f-2a3b4c5d6e7f'
  const { answer: lost } = await world.ask(caller, INTAKE, { key })
  const { answer } = await world.ask(caller, INTAKE, { key })
  t.equal(answer.replayOf, lost.id)
  t.same(outcomesOf(answer.fields), ['review', 'review'])
  t.equal((await world.sql('select 1 from review_task')).length, 2)
  t.equal((await world.sql(`select 1 from notice where type = 'review_requested'`)).length, 2)
  const view = await world.services.viewDisclosure(caller, answer.id)
  t.equal(view.underReview, true)
  for (const source of [police, prosecution])
    await decide(source, 'police_officer', lost.id, 'approve')
  const { answer: released } = await world.services.releaseDisclosure(caller, answer.id)
  t.same(outcomesOf(released.fields), ['Marko Z.', 'M. Zorman'])
})

t.test('an approval is for what was looked at, and does not last for ever', async (t) => {
  const { world, police, prosecution, programme, decide } = await scene(t)
  const caller = programme.as('pp_case_manager')
  const { answer } = await world.ask(caller, INTAKE)
  for (const source of [police, prosecution])
    await decide(source, 'police_officer', answer.id, 'approve')
  await world.deposit(police, {
    type: 'person',
    about: world.ids.marko,
    fields: { full_name: 'Marko the third' },
    from: { informant: 'PO' },
  })
  const release = () => world.services.releaseDisclosure(caller, answer.id)
  const first = await release()
  t.same(outcomesOf(first.answer.fields), ['Marko Z.', 'M. Zorman', 'review'])
  t.equal((await world.sql(`select 1 from review_task where state = 'open'`)).length, 1)

  const [known] = await world.sql<{ id: string }>(
    `select id from record where agency_id = $1 order by created_at limit 1`,
    [police.id],
  )
  await world.mark(known!.id, 'full_name', 'contested')
  t.same(outcomesOf((await release()).answer.fields), ['contested', 'M. Zorman', 'review'])
  await world.mark(known!.id, 'full_name', 'clear')

  world.clock.advance(7 * 86_400_000)
  t.equal((await release()).answer.outcome, 'partial', 'to the day')
  world.clock.advance(1)
  await t.rejects(release(), { code: 'state_conflict' })
})

t.test('a release is its requester’s, and only of what waited', async (t) => {
  const { world, police, prosecution, programme, support, decide } = await scene(t)
  const { answer } = await world.ask(programme.as('pp_case_manager'), INTAKE)
  for (const source of [police, prosecution])
    await decide(source, 'police_officer', answer.id, 'approve')
  await t.rejects(world.services.releaseDisclosure(support.as('vss_advocate'), answer.id), {
    code: 'not_found',
  })
  await t.rejects(world.services.releaseDisclosure(police.as('police_officer'), answer.id), {
    code: 'not_found',
  })
  const nothing = await world.ask(programme.as('pp_case_manager'), {
    ...INTAKE,
    fields: ['risk_assessment.*'],
  })
  await t.rejects(
    world.services.releaseDisclosure(programme.as('pp_case_manager'), nothing.answer.id),
    { code: 'review_not_open' },
  )
  await t.test('and is decided by the law of the moment', async (t) => {
    await world.activate(PACK.replace('[person.*]', '[person/role]'))
    const { answer: late } = await world.services.releaseDisclosure(
      programme.as('pp_case_manager'),
      answer.id,
    )
    t.same(outcomesOf(late.fields), ['no_rule', 'no_rule'])
    t.equal(late.policy.version, 2)
  })
})

t.test(
  'who may decide: the role that is asked, another person than the requester, by signature',
  async (t) => {
    const { world, police, programme, support, sign, decide } = await scene(t)
    const { answer } = await world.ask(programme.as('pp_case_manager'), {
      ...INTAKE,
      justification: 'he starts on Monday',
    })
    const list = (agency: GateAgency, role: PractitionerRole) =>
      world.services.listReviews(agency.as(role), { limit: 50 })
    const [task] = (await list(police, 'police_officer')).items
    t.match(task, {
      kind: 'before',
      disclosureId: answer.id,
      requester: { agencyId: programme.id, role: 'pp_case_manager' },
      justification: 'he starts on Monday',
      dueAt: '2026-11-23T20:00:00.000Z',
    })
    const [seen] = (await list(police, 'org_admin')).items
    t.equal(seen?.id, task?.id)
    t.equal(seen?.justification, undefined, 'an administrator sees that there is a task')
    t.equal((await list(police, 'dpo')).items[0]?.justification, 'he starts on Monday')
    t.same((await list(support, 'vss_advocate')).items, [])
    t.same((await list(programme, 'pp_case_manager')).items, [])

    const attempt = async (
      agency: GateAgency,
      role: PractitionerRole,
      payload: object,
      decision: 'approve' | 'refuse' = 'approve',
      signer: [GateAgency, PractitionerRole] = [agency, role],
    ) =>
      world.services.reviewDisclosure(agency.as(role), answer.id, {
        decision,
        note: 'n',
        signature: await sign(...signer, payload),
      })
    const { hash } = task!
    const good = { hash, decision: 'approve' }
    await t.rejects(attempt(police, 'org_admin', good), { code: 'reviewer_not_allowed' })
    await t.rejects(attempt(police, 'dpo', good), { code: 'reviewer_not_allowed' })
    await t.rejects(attempt(programme, 'pp_case_manager', good), { code: 'not_found' })
    await t.rejects(attempt(support, 'vss_advocate', good), { code: 'not_found' })
    const invalid = { code: 'review_signature_invalid' }
    await t.rejects(attempt(police, 'police_officer', good, 'refuse'), invalid, 'other decision')
    await t.rejects(
      attempt(police, 'police_officer', { hash: `sha256:${'0'.repeat(64)}`, decision: 'approve' }),
      invalid,
      'other task',
    )
    await t.rejects(
      attempt(police, 'police_officer', good, 'approve', [police, 'dpo']),
      invalid,
      'other key',
    )
    await world.sql(`update practitioner set jwk = null where id = $1`, [
      police.people.get('police_officer'),
    ])
    await t.rejects(attempt(police, 'police_officer', good), { code: 'reviewer_not_allowed' })
    t.same(
      await world.sql(`select distinct state from review_task`),
      [{ state: 'open' }],
      'nothing of it counted',
    )
    await t.rejects(decide(police, 'police_officer', answer.id, 'approve'), {
      code: 'reviewer_not_allowed',
    })
  },
)

t.test('two reviewers at once: one decides, the other is told', async (t) => {
  const { world, police, programme, sign } = await scene(t)
  const { answer } = await world.ask(programme.as('pp_case_manager'), INTAKE)
  const caller = police.as('police_officer')
  const [task] = (await world.services.listReviews(caller, { limit: 1 })).items
  const decide = async (decision: 'approve' | 'refuse') =>
    world.services.reviewDisclosure(caller, answer.id, {
      decision,
      note: 'n',
      signature: await sign(police, 'police_officer', { hash: task!.hash, decision }),
    })
  const results = await Promise.allSettled([decide('approve'), decide('refuse')])
  t.same(
    results
      .map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'done'))
      .sort(),
    ['done', 'review_not_open'],
  )
  t.equal((await world.sql(`select 1 from audit_event where type = 'review.decided'`)).length, 1)
})

t.test('after a claimed exception a second person looks, never who claimed it', async (t) => {
  const { world, police, support, sign, decide } = await scene(t)
  await world.deposit(support, {
    type: 'contact_location',
    about: world.ids.ana,
    fields: { safe_phone: '+38640555012' },
    from: { informant: 'V', by: world.ids.ana },
  })
  const claim = {
    subjectId: world.ids.ana,
    purpose: 'safety_urgent',
    fields: ['contact_location.safe_phone'],
    exception: { code: 'break_glass', note: 'not seen since midnight' },
  } as const
  const { answer } = await world.ask(police.as('police_officer'), claim)
  t.equal(answer.outcome, 'full')
  const [task] = (await world.services.listReviews(police.as('org_admin'), { limit: 5 })).items
  t.match(task, { kind: 'after', exceptionNote: 'not seen since midnight' })

  // The same person in two roles.
  await world.sql('update practitioner set roles = $2 where id = $1', [
    police.people.get('police_officer'),
    ['police_officer', 'org_admin', 'dpo'],
  ])
  const self = { ...police.as('police_officer'), role: 'org_admin' } as const
  const payload = { hash: task!.hash, decision: 'approve' }
  await t.rejects(
    world.services.reviewDisclosure(self, answer.id, {
      decision: 'approve',
      note: 'n',
      signature: await sign(police, 'police_officer', payload),
    }),
    { code: 'reviewer_not_allowed' },
  )
  t.match(await decide(police, 'dpo', answer.id, 'approve'), { state: 'approved' })
  await t.rejects(world.services.releaseDisclosure(police.as('police_officer'), answer.id), {
    code: 'review_not_open',
  })
})

t.test('his side is asked nothing by hers', async (t) => {
  const { world, programme, support } = await scene(t)
  await world.deposit(programme, {
    type: 'programme_engagement',
    about: world.ids.marko,
    fields: { status: 'active' },
    from: { informant: 'PP' },
  })
  const request = { ...INTAKE, fields: ['programme_engagement.status'] } as const
  const { answer } = await world.ask(support.as('vss_advocate'), request)
  t.same(outcomesOf(answer.fields), ['shielded'])
  t.same(await world.sql('select 1 from review_task union all select 1 from notice'), [])
  const court = await world.agency('court', ['judge_clerk'], 'all')
  const { answer: asked } = await world.ask(court.as('judge_clerk'), request)
  t.same(outcomesOf(asked.fields), ['review'], 'a court may ask')

  const view = await world.services.listReviews(programme.as('pp_case_manager'), { limit: 5 })
  t.same(
    view.items.map(({ disclosureId }) => disclosureId),
    [asked.id],
  )
})

t.test('requests to verify go to who holds the value, but never to his side', async (t) => {
  const { world, police, programme, support } = await scene(t)
  const { answer } = await world.ask(programme.as('pp_case_manager'), INTAKE)
  const ask = (caller: ReturnType<GateAgency['as']>, id: string, fields: readonly string[]) =>
    world.services.requestVerification(caller, id, fields)
  const tasks = await ask(programme.as('pp_case_manager'), answer.id, ['person.*'])
  t.equal(tasks.length, 2)
  t.match(await world.sql('select agency_id, requested_by from verification_request'), [
    { requested_by: programme.id },
    { requested_by: programme.id },
  ])
  await t.rejects(ask(police.as('police_officer'), answer.id, ['person.*']), { code: 'not_found' })
  await t.rejects(ask(programme.as('pp_case_manager'), answer.id, ['incident.*']), {
    code: 'not_permitted',
  })
  await t.rejects(ask(programme.as('pp_case_manager'), answer.id, ['person.nothing']), {
    code: 'unknown_field',
  })
  await world.deposit(programme, {
    type: 'programme_engagement',
    about: world.ids.marko,
    fields: { status: 'active' },
    from: { informant: 'PP' },
  })
  const hers = await world.ask(support.as('vss_advocate'), {
    ...INTAKE,
    fields: ['programme_engagement.status'],
  })
  await t.rejects(
    ask(support.as('vss_advocate'), hers.answer.id, ['programme_engagement.status']),
    { code: 'not_permitted' },
  )
  t.equal((await world.sql('select 1 from verification_request')).length, 2)
})

t.test('lists page through every line, however many share one moment', async (t) => {
  const { world, police, prosecution, programme, support, decide } = await scene(t)
  for (let i = 0; i < 3; i++)
    await world.deposit(police, {
      type: 'person',
      about: world.ids.marko,
      fields: { full_name: `Marko ${i}` },
      from: { informant: 'PO' },
    })
  const { answer } = await world.ask(programme.as('pp_case_manager'), INTAKE)
  for (const source of [police, prosecution])
    await decide(source, 'police_officer', answer.id, 'approve')
  const { answer: released } = await world.services.releaseDisclosure(
    programme.as('pp_case_manager'),
    answer.id,
  )
  t.equal(released.fields.length, 5)

  const walk = async <Item, Place>(
    read: (after: Place | undefined) => Promise<{ items: Item[]; last: Place | undefined }>,
  ): Promise<Item[]> => {
    const all: Item[] = []
    let after: Place | undefined
    for (let page = 0; page < 20; page++) {
      const { items, last } = await read(after)
      all.push(...items)
      if (items.length === 0) break
      after = last
    }
    return all
  }
  const made = await walk((after: { at: Date; id: string } | undefined) =>
    world.services.listDisclosures(police.as('police_officer'), 'made', {
      limit: 3,
      ...(after ? { after } : {}),
    }),
  )
  t.equal(made.length, 4)
  t.equal(new Set(made.map(({ recordId }) => recordId)).size, 4, 'each record of one disclosure')

  for (let i = 0; i < 5; i++)
    await world.ask(support.as('vss_advocate'), {
      ...INTAKE,
      exception: { code: 'break_glass', note: 'n' },
    })
  const told = await walk((after: { at: Date; id: string } | undefined) =>
    world.listNotices(support.as('dpo'), { limit: 2, ...(after ? { after } : {}) }),
  )
  t.equal(new Set(told.map(({ id }) => id)).size, 5)
  const due = await walk((after: { dueAt: Date; id: string } | undefined) =>
    world.services.listReviews(police.as('police_officer'), {
      limit: 2,
      ...(after ? { after } : {}),
    }),
  )
  t.equal(new Set(due.map(({ id }) => id)).size, 5, 'those that Lighthouse asked for')
})
