import { randomUUID } from 'node:crypto'
import t from 'tap'
import { actsForPerson } from '../../src/domain/case/case-view.ts'
import { ACTS_FOR, PERSON_ROLES } from '../../src/domain/case/vocabulary.ts'
import type { Caller } from '../../src/services/caller.ts'
import { lockShared } from '../../src/storage/locks.ts'
import { sql } from 'kysely'
import { createWorld } from './world.ts'

const world = await createWorld()
t.teardown(() => world.end())
const { services, operator } = world

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )

const police = await world.agency('police')
const lighthouse = await world.agency('victim_support')
const programme = await world.agency('perpetrator_programme')
const officer = await police.as('police_officer')
const advocate = await lighthouse.as('vss_advocate')
const caseManager = await programme.as('pp_case_manager')

/** Ana, Marko and Lea at the police, with support and programme brought in. */
async function openCase() {
  const opened = await services.openCase(officer, {
    reference: 'PU-2026/0815',
    persons: [
      { role: 'victim', localId: 'A. of Lakeside 4' },
      { role: 'perpetrator_alleged', otherRoles: ['victim'], localId: 'M.' },
      { role: 'child_witness' },
    ],
  })
  const { id } = opened
  await services.addMember(officer, id, { agencyId: lighthouse.id, actsFor: 'victim' })
  await services.addMember(officer, id, { agencyId: programme.id, actsFor: 'perpetrator' })
  const [ana, marko, lea] = opened.persons.map((person) => person.id) as [string, string, string]
  return { id, ana, marko, lea, opened }
}

t.test('whoever opens a case is its first member', async (t) => {
  await world.events()
  const { opened, id, ana } = await openCase()
  t.match(opened, {
    reference: 'PU-2026/0815',
    persons: [
      { role: 'victim', localId: 'A. of Lakeside 4' },
      { role: 'perpetrator_alleged', otherRoles: ['victim'] },
      { role: 'child_witness' },
    ],
    members: [{ agencyId: police.id, actsFor: 'all', since: '2026-11-16T09:00:00.000Z' }],
  })
  t.notOk('localId' in opened.persons[2]!)
  const [created, ...joined] = await world.events()
  t.match(created, { type: 'case.created', caseId: id, agencyId: police.id })
  t.match(joined, [{ type: 'case.member_added' }, { type: 'case.member_added' }])
  const dump = await world.dump()
  t.ok(dump.includes(ana), 'the dump shows what is there')
  for (const words of ['PU-2026/0815', 'of Lakeside 4'])
    t.notOk(dump.includes(words), 'own words are sealed')
})

t.test('for whom an agency acts depends on its sector [R30]', async (t) => {
  const persons = [{ role: 'victim' as const }]
  t.equal(
    await code(services.openCase(caseManager, { persons, actsFor: 'victim' })),
    'acts_for_not_allowed',
  )
  const own = await services.openCase(caseManager, { persons })
  t.equal(own.members[0]?.actsFor, 'perpetrator')
  const evaluator = await world.agency('research_evaluator')
  const researcher = await evaluator.as('psychologist')
  t.equal(await code(services.openCase(researcher, { persons })), 'acts_for_not_allowed')
  const { id } = await openCase()
  const second = await world.agency('perpetrator_programme')
  t.equal(
    await code(services.addMember(officer, id, { agencyId: second.id, actsFor: 'victim' })),
    'acts_for_not_allowed',
  )
})

t.test('each member sees its own side of a case [R18]', async (t) => {
  const { id, ana, marko, lea } = await openCase()
  const view = async (caller: Caller) => {
    const { persons, members, reference } = await services.viewCase(caller, id)
    return {
      persons: persons.map((person) => person.id),
      words: persons.flatMap(({ localId }) => localId ?? []),
      members: members.map(({ agencyId }) => agencyId),
      reference,
    }
  }
  const everybody = new Set([ana, marko, lea])
  const all = await view(officer)
  t.same(new Set(all.persons), everybody)
  t.same(all.members, [police.id, lighthouse.id, programme.id].sort(byPlace(all.members)))
  t.same(new Set(all.words), new Set(['A. of Lakeside 4', 'M.']))
  t.equal(all.reference, 'PU-2026/0815')

  const hers = await view(advocate)
  t.same(new Set(hers.persons), everybody)
  t.same(new Set(hers.members), new Set([police.id, lighthouse.id]))
  t.same([hers.words, hers.reference], [[], undefined], 'nobody reads others’ own words')

  const his = await view(caseManager)
  t.same(his, { persons: [marko], words: [], members: [programme.id], reference: undefined })
  t.equal(
    await code(services.viewCase(await (await world.agency('hospital')).as('physician'), id)),
    'not_found',
  )
  t.equal(await code(services.viewCase(officer, randomUUID())), 'not_found')

  await world.events()
  await view(caseManager)
  t.match(await world.events(), [
    { type: 'consult.case_viewed', agencyId: programme.id, caseId: id },
  ])
})

const byPlace = (order: readonly string[]) => (a: string, b: string) =>
  order.indexOf(a) - order.indexOf(b)

t.test(
  'S26, an administrator sees the shape of a case and no words, and changes nothing',
  async (t) => {
    const { id } = await openCase()
    const admin = await police.as('org_admin')
    const seen = await services.viewCase(admin, id)
    t.equal(seen.persons.length, 3)
    t.notOk('reference' in seen)
    t.notOk(seen.persons.some((person) => 'localId' in person))
    await world.events()
    t.equal(
      await code(services.openCase(admin, { persons: [{ role: 'victim' }] })),
      'not_permitted',
    )
    t.equal(await code(services.addPerson(admin, id, { role: 'witness' })), 'not_permitted')
    t.match(await world.events(), [
      { type: 'authority.refused', public: { operation: 'createCase' } },
      { type: 'authority.refused', public: { operation: 'addPerson' }, caseId: id },
    ])
  },
)

t.test('whom a side brings, the other does not see', async (t) => {
  const { id } = await openCase()
  const partner = await services.addPerson(caseManager, id, {
    role: 'current_partner_of_perpetrator',
    localId: 'she calls herself T.',
  })
  const ids = async (caller: Caller) =>
    (await services.viewCase(caller, id)).persons.map((person) => person.id)
  t.ok((await ids(caseManager)).includes(partner.id))
  t.ok((await ids(advocate)).includes(partner.id), 'hers sees whom he brings: she may be in danger')
  const before = await services.viewCase(caseManager, id)
  await services.addPerson(advocate, id, { role: 'child_victim' })
  await services.addPerson(advocate, id, { role: 'witness' })
  t.same(await services.viewCase(caseManager, id), before)
  t.equal(
    await code(services.addPerson(caseManager, randomUUID(), { role: 'victim' })),
    'not_found',
  )
})

t.test('members are brought in by who acts for all, or by the operator', async (t) => {
  const { id } = await openCase()
  const hospital = await world.agency('hospital')
  const add = (caller: Caller, more = {}, agencyId = hospital.id) =>
    services.addMember(caller, id, { agencyId, actsFor: 'victim', ...more })
  for (const caller of [advocate, caseManager]) t.equal(await code(add(caller)), 'not_permitted')
  t.equal(await code(add(await police.as('org_admin'))), 'not_permitted')
  const stranger = await (await world.agency('police')).as('police_officer')
  t.equal(await code(add(stranger)), 'not_found')
  t.equal(
    await code(
      services.addMember(officer, randomUUID(), { agencyId: hospital.id, actsFor: 'all' }),
    ),
    'not_found',
  )
  t.equal(await code(add(officer, {}, randomUUID())), 'not_found')
  t.equal(await code(add(officer, { until: '2026-11-01T00:00:00Z' })), 'validity_window_invalid')

  const until = '2027-11-16T00:00:00Z'
  const added = await add(officer, { until })
  t.same(added, {
    agencyId: hospital.id,
    actsFor: 'victim',
    since: '2026-11-16T09:00:00.000Z',
    until: '2027-11-16T00:00:00.000Z',
  })
  t.equal(await code(add(officer)), 'state_conflict')
  const notices = await world.owner
    .selectFrom('notice')
    .select(['type', 'refs'])
    .where('agency_id', '=', hospital.id)
    .execute()
  t.same(notices, [{ type: 'case_member_added', refs: { caseId: id } }])

  const system = await operator.as('system_admin')
  const school = await world.agency('school_childcare')
  t.match(await add(system, { actsFor: 'child' }, school.id), { agencyId: school.id })
  t.equal(
    await code(services.addMember(system, randomUUID(), { agencyId: school.id, actsFor: 'child' })),
    'not_found',
  )
  t.equal(await code(services.viewCase(system, id)), 'not_found', 'the operator reads no case')
})

t.test('a membership that has run out can begin anew', async (t) => {
  const { id } = await openCase()
  const hospital = await world.agency('hospital')
  const physician = await hospital.as('physician')
  const add = () => services.addMember(officer, id, { agencyId: hospital.id, actsFor: 'victim' })
  await add()
  await world.owner
    .updateTable('case_member')
    .set({ until: new Date('2026-11-16T08:00:00Z') })
    .where('agency_id', '=', hospital.id)
    .execute()
  t.equal(await code(services.viewCase(physician, id)), 'not_found')
  world.at('2026-11-16T09:05:00Z')
  await add()
  t.equal(await code(services.viewCase(physician, id)), 'done')
})

t.test('an agency may leave in any role, and be let go by who acts for all', async (t) => {
  const { id } = await openCase()
  const remove = (caller: Caller, agencyId: string, caseId = id) =>
    code(services.removeMember(caller, caseId, agencyId))
  t.equal(await remove(advocate, programme.id), 'not_permitted')
  t.equal(await remove(advocate, randomUUID()), 'not_permitted', 'member or not, the same answer')
  t.equal(await remove(caseManager, lighthouse.id), 'not_permitted')
  t.equal(await remove(caseManager, programme.id, randomUUID()), 'not_found')
  t.equal(await remove(officer, randomUUID()), 'not_found')
  const admin = await programme.as('org_admin')
  await world.events()
  t.equal(await remove(admin, programme.id), 'done')
  t.match(await world.events(), [
    { type: 'case.member_removed', caseId: id, public: { memberId: programme.id } },
  ])
  t.equal(await code(services.viewCase(caseManager, id)), 'not_found')
  t.equal(await remove(officer, lighthouse.id), 'done')
  t.equal(await code(services.viewCase(advocate, id)), 'not_found')
  t.equal(await remove(await operator.as('system_admin'), police.id), 'done')
})

t.test('no membership ends while a disclosure of the case is on its way', async (t) => {
  const { id } = await openCase()
  const order: string[] = []
  let letGo = () => {}
  const held = new Promise<void>((resolve) => (letGo = resolve))
  let locked = () => {}
  const isLocked = new Promise<void>((resolve) => (locked = resolve))
  const disclosure = world.transact(lighthouse.id, async (tx) => {
    await lockShared(tx, [`case:${id}`])
    locked()
    await held
    order.push('disclosed')
  })
  await isLocked
  const removal = services
    .removeMember(officer, id, lighthouse.id)
    .then(() => order.push('removed'))
  await waitingForLock()
  order.push('waiting')
  letGo()
  await Promise.all([disclosure, removal])
  t.same(order, ['waiting', 'disclosed', 'removed'])
})

/** Until some session of this database waits for an advisory lock. */
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

t.test('the database speaks for the same persons as the program does', async (t) => {
  const { id } = await openCase()
  const hospital = await world.agency('hospital')
  await services.addMember(officer, id, { agencyId: hospital.id, actsFor: 'all' })
  for (const role of PERSON_ROLES) {
    const person = await services.addPerson(officer, id, { role, otherRoles: ['victim'] })
    for (const actsFor of ACTS_FOR) {
      await world.owner
        .updateTable('case_member')
        .set({ acts_for: actsFor })
        .where('agency_id', '=', hospital.id)
        .execute()
      const { rows } = await world.transact(hospital.id, (tx) =>
        sql<{ acts: boolean }>`select acts_for_person(${id}, ${person.id}) as acts`.execute(tx),
      )
      t.equal(rows[0]?.acts, actsForPerson(actsFor, [role, 'victim']), `${actsFor}, ${role}`)
    }
  }
})
