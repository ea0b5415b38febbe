import { generateKeyPairSync, randomUUID } from 'node:crypto'
import t from 'tap'
import { SECTORS } from '../../src/domain/case/vocabulary.ts'
import type { Caller } from '../../src/services/caller.ts'
import { forgeKey } from '../support/forge.ts'
import { createWorld, type TestAgency, type World } from './world.ts'

const world = await createWorld()
t.teardown(() => world.end())
const { services, operator } = world

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )

/** X25519 public key in base64url. */
const sealingKey = () => String(generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }).x)

t.test('the operator registers an agency, and nobody else does', async (t) => {
  await world.events()
  const { publicJwk, thumbprint } = await forgeKey('Ed25519')
  const key = sealingKey()
  const stated = {
    name: 'Lighthouse',
    sector: 'victim_support',
    country: 'IE',
    public: false,
    phases: [3, 1, 3],
    competentAuthority: false,
    jwks: { keys: [{ ...publicJwk }] },
    sealingKey: key,
    contacts: [{ kind: 'duty', phone: '+353 1 555 0100' }],
  } as const
  const { agency, version } = await services.registerAgency(operator.software, stated)
  t.equal(version, 1)
  t.match(agency, {
    name: 'Lighthouse',
    phases: [1, 3],
    sealingKey: key,
    active: true,
    scopes: ['agencies:read'],
    createdAt: '2026-11-16T09:00:00.000Z',
  })
  t.not(agency.id, agency.clientId)
  t.equal(agency.jwks.keys[0]?.['kid'], thumbprint, 'the thumbprint where no kid was given')
  t.match(await world.events(), [
    { type: 'agency.created', agencyId: operator.id, public: { agencyId: agency.id } },
  ])

  const police = await world.agency('police')
  await world.events()
  t.equal(await code(services.registerAgency(police.software, stated)), 'not_permitted')
  t.match(
    await world.events(),
    [
      {
        type: 'authority.refused',
        public: { operation: 'createAgency', refused: 'not_permitted' },
      },
    ],
    'and the refusal is on record',
  )
  const admin = await operator.as('system_admin')
  t.equal(await code(services.registerAgency(admin, stated)), 'done')
  const dpo = await operator.as('dpo')
  t.equal(await code(services.registerAgency(dpo, stated)), 'not_permitted')
  const foreign = {
    ...operator.software,
    practitionerId: randomUUID(),
    role: 'org_admin',
  } as Caller
  t.equal(await code(services.registerAgency(foreign, stated)), 'practitioner_not_recognised')
})

t.test('keys that nobody can use are refused', async (t) => {
  const { publicJwk, privateJwk } = await forgeKey()
  const register = async (keys: object[], more = {}) =>
    code(
      services.registerAgency(operator.software, {
        name: 'Keys',
        sector: 'police',
        country: 'SI',
        public: true,
        phases: [],
        competentAuthority: true,
        jwks: { keys: keys as Record<string, unknown>[] },
        ...more,
      }),
    )
  t.equal(await register([{ ...publicJwk }]), 'done')
  const other = (await forgeKey()).publicJwk
  for (const [name, keys] of Object.entries({
    'a private key': [{ ...privateJwk }],
    'a point that is not on the curve': [{ ...publicJwk, y: other.y }],
    'a coordinate of another length': [{ ...publicJwk, x: publicJwk.x!.slice(4) }],
    'another curve': [{ ...publicJwk, crv: 'P-384' }],
    'a symmetric key': [{ kty: 'oct', k: 'AAAA' }],
    'an algorithm of another curve': [{ ...publicJwk, alg: 'EdDSA' }],
    'a key of Ed25519 with a second coordinate': [
      { ...(await forgeKey('Ed25519')).publicJwk, y: 'AA' },
    ],
    'two keys of one name': [
      { ...publicJwk, kid: 'one' },
      { ...other, kid: 'one' },
    ],
    'one key twice': [{ ...publicJwk }, { ...publicJwk }],
  }))
    t.equal(await register(keys), 'key_unusable', name)
  const zero = Buffer.alloc(32).toString('base64url')
  t.equal(await register([{ ...publicJwk }], { sealingKey: zero }), 'key_unusable', 'small order')
  t.equal(await register([{ ...publicJwk }], { sealingKey: 'AAAA' }), 'key_unusable')
})

t.test('an organisation has one level', async (t) => {
  const harbour = await world.agency('ngo_umbrella')
  const women = await world.agency('victim_support', { parentId: harbour.id })
  await t.rejects(world.agency('police', { parentId: women.id }), { code: 'invalid_body' })
  await t.rejects(world.agency('police', { parentId: randomUUID() }), { code: 'invalid_body' })
})

t.test('the directory comes in pages, and shows own matters to the own agency', async (t) => {
  const school = await world.agency('school_childcare')
  const names: string[] = []
  let after
  do {
    const page: Awaited<ReturnType<typeof services.listAgencies>> = await services.listAgencies(
      school.software,
      { limit: 3, ...(after ? { after } : {}) },
    )
    names.push(...page.items.map(({ name }) => name))
    for (const one of page.items) {
      t.equal(one.clientId !== undefined, one.id === school.id)
      t.equal(one.scopes !== undefined, one.id === school.id)
    }
    after = page.items.length === 3 ? page.last : undefined
  } while (after)
  const all = await world.owner.selectFrom('agency').select('name').execute()
  t.equal(names.length, all.length)
  t.same(
    names,
    names.toSorted((a, b) => (a < b ? -1 : 1)),
  )
  const schools = await services.listAgencies(school.software, {
    sector: 'school_childcare',
    limit: 9,
  })
  t.same(
    schools.items.map(({ id }) => id),
    [school.id],
  )
  t.equal(await code(services.viewAgency(school.software, randomUUID())), 'not_found')
  const seen = await services.viewAgency(operator.software, school.id)
  t.equal(seen.agency.clientId, school.clientId, 'the operator sees all')
})

t.test('an agency changes its own entry, but not what lets it in', async (t) => {
  const clinic = await world.agency('hospital')
  const change = (caller: Caller, expected: 'any' | number[], patch: object, id = clinic.id) =>
    services.changeAgency(caller, id, expected, patch)
  const key = sealingKey()
  const changed = await change(clinic.software, [1], { name: 'Clinic', sealingKey: key })
  t.match(changed, { version: 2, agency: { name: 'Clinic', sealingKey: key } })
  t.equal(await code(change(clinic.software, [1], { name: 'Late' })), 'precondition_failed')
  const bare = await change(clinic.software, 'any', { sealingKey: null })
  t.notOk('sealingKey' in bare.agency || 'sealingKeyId' in bare.agency)

  for (const patch of [
    { competentAuthority: true },
    { public: true },
    { country: 'AT' },
    { nationalAuthorisationRef: 'of my own' },
    { scopes: ['policies:approve'] },
  ]) {
    t.equal(await code(change(clinic.software, 'any', patch)), 'not_permitted')
    t.equal(await code(change(operator.software, 'any', patch)), 'done')
  }
  const police = await world.agency('police')
  t.equal(await code(change(police.software, 'any', { name: 'Ours' })), 'not_permitted')
  t.equal(await code(change(operator.software, 'any', {}, randomUUID())), 'not_found')
  const nurse = await clinic.as('nurse_midwife')
  t.equal(await code(change(nurse, 'any', { name: 'Mine' })), 'not_permitted')

  await world.events()
  const stopped = await change(operator.software, 'any', { active: false })
  t.equal(stopped.agency.active, false)
  t.match(await world.events(), [
    { type: 'agency.changed', public: { agencyId: clinic.id, changed: ['active'] } },
  ])
  const row = () =>
    world.owner.selectFrom('agency').selectAll().where('id', '=', clinic.id).executeTakeFirst()
  t.ok((await row())?.suspended_at)
  await change(operator.software, 'any', { active: true })
  t.equal((await row())?.suspended_at, null)
  t.equal(
    await code(change(operator.software, 'any', { active: false }, operator.id)),
    'not_permitted',
    'nobody would be left to let anybody in',
  )
})

t.test('practitioners belong to their agency', async (t) => {
  const shelter = await world.agency('shelter')
  const { publicJwk } = await forgeKey()
  const made = await services.registerPractitioner(shelter.software, shelter.id, {
    localId: 'iva-07',
    roles: ['shelter_worker', 'shelter_worker'],
    trainings: [{ code: 'gbv_basic', at: '2026-03-14' }],
    jwk: { ...publicJwk },
  })
  t.match(made, {
    version: 1,
    practitioner: { agencyId: shelter.id, roles: ['shelter_worker'], active: true },
  })
  const { id } = made.practitioner
  const again = { localId: 'iva-07', roles: ['dpo' as const] }
  const register = (caller: Caller, agencyId: string, stated = again) =>
    code(services.registerPractitioner(caller, agencyId, stated))
  t.equal(await register(shelter.software, shelter.id), 'state_conflict')
  const police = await world.agency('police')
  t.equal(await register(police.software, shelter.id), 'not_permitted')
  t.equal(await register(police.software, police.id), 'done', 'names are each agency’s own')
  t.equal(await register(operator.software, randomUUID()), 'not_found')
  t.equal(
    await register(operator.software, shelter.id, { ...again, localId: 'set up by the operator' }),
    'done',
  )

  const change = (caller: Caller, expected: 'any' | number[], patch: object) =>
    services.changePractitioner(caller, id, expected, patch)
  t.equal(await code(change(police.software, 'any', { active: false })), 'not_found')
  t.equal(await code(change(shelter.software, [9], { active: false })), 'precondition_failed')
  const admin = await shelter.as('org_admin')
  t.match(await change(admin, [1], { roles: ['vss_advocate'], jwk: null }), {
    version: 2,
    practitioner: { roles: ['vss_advocate'], jwk: undefined },
  })
  t.equal(
    await code(change(shelter.software, 'any', { localId: 'set up by the operator' })),
    'state_conflict',
  )
  t.equal(await code(change(shelter.software, 'any', { localId: 'iva-07' })), 'done')
})

t.test('who is deactivated, or loses a role, acts no more', async (t) => {
  const police = await world.agency('police')
  const officer = await police.as('police_officer')
  const open = () => code(services.openCase(officer, { persons: [{ role: 'victim' }] }))
  const change = (patch: object) =>
    services.changePractitioner(police.software, officer.practitionerId!, 'any', patch)
  t.equal(await open(), 'done')
  await change({ active: false })
  t.equal(await open(), 'practitioner_not_recognised')
  await change({ active: true, roles: ['org_admin'] })
  t.equal(await open(), 'practitioner_not_recognised')
})

interface Parties {
  readonly programme: TestAgency
  readonly support: TestAgency
}

const parties = async (): Promise<Parties> => ({
  programme: await world.agency('perpetrator_programme'),
  support: await world.agency('victim_support'),
})

const agree = (caller: Caller, agencies: readonly TestAgency[], more = {}) =>
  services.recordAgreement(caller, {
    title: 'Partner contact',
    parties: agencies.map(({ id }) => id),
    purposes: ['partner_contact', 'safety_urgent'],
    validFrom: '2026-01-01',
    validTo: '2027-01-01',
    documentRef: 'file 7',
    signatories: ['both heads'],
    ...more,
  })

/** The same, accepted by every party. */
const conclude = async (...statement: Parameters<typeof agree>) => {
  const { id } = await agree(...statement)
  for (const { software } of statement[1]) await services.acceptAgreement(software, id, {})
  return services.viewAgreement(statement[0], id)
}

const noticesOf = async (w: World, agencyId: string) =>
  w.owner
    .selectFrom('notice')
    .select(['type', 'role', 'refs'])
    .where('agency_id', '=', agencyId)
    .execute()

t.test('agreements', async (t) => {
  const { programme, support } = await parties()
  const police = await world.agency('police')
  t.equal(await code(agree(police.software, [programme, support])), 'not_permitted')
  t.equal(
    await code(agree(support.software, [programme, support], { validTo: '2026-01-01' })),
    'validity_window_invalid',
  )
  t.equal(
    await code(
      services.recordAgreement(support.software, {
        title: 'With nobody',
        parties: [support.id, randomUUID()],
        purposes: ['referral'],
        validFrom: '2026-01-01',
        validTo: '2027-01-01',
        documentRef: 'x',
        signatories: [],
      }),
    ),
    'invalid_body',
  )
  const recorded = await agree(support.software, [programme, support])
  t.match(recorded, {
    inForce: false,
    acceptances: [{ agencyId: support.id }],
    validFrom: '2026-01-01T00:00:00.000Z',
  })
  t.same(await noticesOf(world, programme.id), [
    { type: 'agreement_recorded', role: 'org_admin', refs: { agreementId: recorded.id } },
  ])
  const accept = (caller: Caller) => services.acceptAgreement(caller, recorded.id, {})
  t.equal(await code(accept(police.software)), 'not_found')
  t.equal(await code(accept(operator.software)), 'not_permitted', 'not for others')
  const agreement = await accept(programme.software)
  t.equal(agreement.inForce, true)
  t.same(await noticesOf(world, support.id), [
    { type: 'agreement_accepted', role: 'org_admin', refs: { agreementId: agreement.id } },
  ])
  await world.events()
  t.same(await accept(programme.software), agreement, 'accepted is accepted')
  t.same(await world.events(), [])
  t.equal(await code(services.viewAgreement(police.software, agreement.id)), 'not_found')
  t.same(await services.viewAgreement(programme.software, agreement.id), agreement)
  const later = await agree(operator.software, [programme, support], { validFrom: '2026-12-01' })
  t.match(later, { inForce: false, acceptances: [] })
  const { items } = await services.listAgreements(programme.software, { limit: 10 })
  t.same(new Set(items.map(({ id }) => id)), new Set([agreement.id, later.id]))
  const page = await services.listAgreements(programme.software, { limit: 1 })
  const next = await services.listAgreements(programme.software, { limit: 1, after: page.last! })
  t.same(new Set([...page.items, ...next.items].map(({ id }) => id)).size, 2)

  const end = (caller: Caller, more = {}) => services.terminateAgreement(caller, agreement.id, more)
  t.equal(await code(end(police.software)), 'not_found')
  t.equal(
    await code(end(programme.software, { at: '2026-11-01T00:00:00Z' })),
    'validity_window_invalid',
  )
  t.equal(await code(end(programme.software, { at: '2027-11-01T00:00:00Z' })), 'state_conflict')
  const planned = await end(programme.software, { at: '2026-12-24T00:00:00Z', reason: 'moved' })
  t.match(planned, { inForce: true, terminatedAt: '2026-12-24T00:00:00.000Z' })
  const ended = await end(support.software)
  t.match(ended, { inForce: false, terminatedAt: '2026-11-16T09:00:00.000Z' }, 'brought forward')
  await world.events()
  t.same(await end(programme.software), ended, 'ended is ended')
  t.same(await world.events(), [])
  t.equal((await services.viewAgreement(support.software, agreement.id)).inForce, false)
  await end(programme.software)
  const declined = await agree(support.software, [programme, support])
  await services.terminateAgreement(programme.software, declined.id, {})
  const late = services.acceptAgreement(programme.software, declined.id, {})
  t.equal(await code(late), 'state_conflict')
})

t.test('S33, a programme takes part only while partner contact is guaranteed [R66]', async (t) => {
  const { programme, support } = await parties()
  const active = async (id = programme.id) =>
    (await services.viewAgency(operator.software, id)).agency.active
  const activate = () =>
    code(services.changeAgency(operator.software, programme.id, 'any', { active: true }))
  t.equal(await active(), false, 'it starts inactive')
  t.equal(await activate(), 'partner_contact_not_guaranteed')
  const other = await world.agency('police')
  await conclude(programme.software, [programme, other])
  t.equal(await active(), false, 'not with just anybody')
  await conclude(programme.software, [programme, support], { purposes: ['referral'] })
  t.equal(await active(), false, 'not about just anything')
  await conclude(programme.software, [programme, support], { validFrom: '2026-12-01' })
  t.equal(await active(), false, 'not yet')
  const agreement = await agree(programme.software, [programme, support])
  t.equal(await active(), false, 'not by its own word alone')
  await services.acceptAgreement(support.software, agreement.id, {})
  t.equal(await active(), true)
  t.equal(await activate(), 'done')
  await services.changeAgency(operator.software, support.id, 'any', { active: false })
  t.equal(await active(), false, 'not with who is gone')
  await services.changeAgency(operator.software, support.id, 'any', { active: true })
  await services.terminateAgreement(support.software, agreement.id, {})
  t.equal(await activate(), 'partner_contact_not_guaranteed')

  const harbour = await world.agency('ngo_umbrella')
  const men = await world.agency('perpetrator_programme', { parentId: harbour.id })
  t.equal(await active(men.id), false)
  await world.agency('shelter', { parentId: harbour.id })
  t.equal(await active(men.id), true, 'under one roof')
})

t.test('every sector can be registered', async (t) => {
  for (const sector of SECTORS) t.ok((await world.agency(sector)).id, sector)
})
