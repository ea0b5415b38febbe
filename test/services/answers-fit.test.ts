// Whatever the gate's use cases answer, the contract names every member of it and finds every member it demands.
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { loadContract } from '../../src/http/document.ts'
import { operationsOf } from '../../src/http/operations.ts'
import { startGateWorld } from '../support/gate-world.ts'

const PACK = `
policy: every-member
title: Every member that an answer can have
source: [test]
agreement: { required: true, onMissing: alert }
permit:
  - id: E1
    to: { sector: [victim_support] }
    purpose: [safety_urgent]
    fields: [person.birth_date]
    necessary: { because: test }
    accurate: { contested: mark }
    timely: { maxAge: PT1H, onStale: mark }
    basis: { gdpr: [A6-1-e], art9: A9-2-g, art10: authorised, led: ['8'], consent: not_needed }
    transform: year
    expiresAfter: PT24H
    obligations: [no_onward_sharing]
  - id: E2
    to: { sector: [victim_support] }
    purpose: [safety_urgent]
    fields: [person.full_name]
    necessary: { because: test }
    basis: { gdpr: [A6-1-a], art9: A9-2-a, art10: authorised, consent: required }
  - id: E3
    to: { sector: [victim_support] }
    purpose: [safety_urgent]
    fields: [person.sex_gender]
    exception: [break_glass]
    necessary: { because: test }
    basis: { gdpr: [A6-1-d], art9: A9-2-c, art10: authorised, consent: not_needed }
  - id: E4
    to: { sector: [victim_support] }
    purpose: [safety_urgent]
    fields: [person.languages]
    necessary: { because: test }
    basis: { gdpr: [A6-1-e], art9: A9-2-g, art10: authorised, consent: not_needed }
    review: { by: police_officer, within: P7D }
forbid:
  - id: EX
    fields: [person.disability_needs]
    explain: reason
    reason: excluded
    unless: []
`

t.test('members and their names', async (t) => {
  const world = await startGateWorld({ pack: PACK })
  t.teardown(() => world.close())
  const { caseId, marko } = world.ids
  const support = await world.agency(
    'victim_support',
    ['vss_advocate', 'org_admin', 'dpo'],
    'victim',
  )
  const police = await world.agency('police', ['police_officer'], 'all')
  const record = await world.deposit(police, {
    type: 'person',
    about: marko,
    fields: {
      full_name: 'Marko Z.',
      birth_date: '1988-03-02',
      sex_gender: 'male',
      languages: ['sl'],
      disability_needs: ['hearing'],
      relationship_to_other_party: 'spouse',
    },
    from: {
      informant: 'PO',
      collectedAt: '2026-11-01T10:00:00.000Z',
      verifiedAt: '2026-11-02T10:00:00.000Z',
    },
    conditions: ['ask_before_use'],
  })
  await world.sql(
    `update record_version set provenance = jsonb_set(jsonb_set(provenance, '{1,method}', '"register"'), '{1,reliability}', '"high"')`,
  )
  await world.mark(record, 'birth_date', 'contested')
  await world.consent({
    by: marko,
    recordedBy: police,
    to: support,
    purpose: 'safety_urgent',
    fields: ['person.full_name'],
  })
  const caller = support.as('vss_advocate')
  const request = {
    caseId,
    subjectId: marko,
    purpose: 'safety_urgent',
    fields: ['person.*'],
    justification: 'why',
    ethicsNote: 'weighed',
    exception: { code: 'break_glass', note: 'now' },
  } as const
  const { answer } = await world.ask(caller, request)
  t.same(
    answer.fields.map(({ field, outcome }) => [field.slice(7), outcome]),
    [
      ['full_name', 'released'],
      ['birth_date', 'generalised'],
      ['sex_gender', 'released'],
      ['languages', 'review'],
      ['disability_needs', 'withheld'],
      ['relationship_to_other_party', 'withheld'],
    ],
    'every kind of entry',
  )
  t.match(answer.fields[1], {
    value: '1988',
    transform: 'year',
    contested: true,
    stale: true,
    expiresAt: '2026-11-17T20:00:00.000Z',
    obligations: ['ask_before_use', 'no_onward_sharing'],
    provenance: { method: 'register', reliability: 'high' },
  })
  t.match(answer.fields[0], { basis: { consent: 'used' } })
  t.match(answer.fields[2], { exception: 'break_glass' })

  const key = '3f6e9d2c-7b1a-4c8d-9e5f-2a3b4c5d6e7f'
  const repeat = async () => (await world.ask(caller, request, { key })).answer
  await repeat()
  const sealed = Buffer.alloc(32, 9)
  await world.sql('update agency set sealing_key = $2 where id = $1', [support.id, sealed])
  const seal = (await world.ask(caller, { ...request, seal: true })).answer
  const preview = await world.services.discloseFields(caller, request, { kind: 'preview' })
  const { items: reviews } = await world.services.listReviews(support.as('org_admin'), { limit: 9 })
  const { items: tasks } = await world.services.listReviews(police.as('police_officer'), {
    limit: 9,
  })
  const { items: notices } = await world.listNotices(support.as('dpo'), { limit: 9 })
  const lists = await Promise.all([
    world.services.listDisclosures(caller, 'received', { limit: 9 }),
    world.services.listDisclosures(police.as('police_officer'), 'made', { limit: 9 }),
  ])
  t.ok(reviews.length > 0 && tasks.length > 0 && notices.length > 0)
  for (const { items } of lists) t.ok(items.length > 0)

  const answers: readonly (readonly [string, string, unknown])[] = [
    ['requestDisclosure', '201', answer],
    ['requestDisclosure', '201', await repeat()],
    ['requestDisclosure', '201', seal],
    ['releaseDisclosure', '201', { ...answer, releaseOf: answer.id }],
    ['getDisclosure', '200', await world.services.viewDisclosure(caller, answer.id)],
    [
      'previewDisclosure',
      '200',
      { ...preview.answer, caseId, subjectId: marko, purpose: request.purpose },
    ],
    ...lists.map(({ items }) => ['listDisclosures', '200', { items }] as const),
    ['listReviews', '200', { items: reviews }],
    ['listReviews', '200', { items: tasks }],
    ['reviewDisclosure', '200', { ...reviews[0], state: 'approved', decidedAt: answer.decidedAt }],
    ['listNotices', '200', { items: notices }],
    [
      'acknowledgeNotice',
      '200',
      await world.acknowledgeNotice(support.as('dpo'), notices[0]?.id ?? ''),
    ],
    [
      'requestVerification',
      '201',
      {
        items: await world.services.requestVerification(caller, answer.id, ['person.birth_date']),
      },
    ],
  ]
  const { resolved } = await loadContract(join(import.meta.dirname, '../../openapi.yaml'))
  const operations = new Map(operationsOf(resolved).map((one) => [one.id, one]))
  for (const [id, status, body] of answers) {
    const schema = operations.get(id)?.responses.get(status)
    if (!schema) throw new Error(`${id} has no ${status}`)
    const app = Fastify()
    app.get('/', { schema: { response: { [status]: schema } } }, (_request, reply) =>
      reply.code(Number(status)).send(body),
    )
    const sent = await app.inject('/')
    t.equal(sent.statusCode, Number(status), `${id} has all that is demanded`)
    t.same(sent.json(), JSON.parse(JSON.stringify(body)), `${id} loses nothing`)
    await app.close()
  }
})
