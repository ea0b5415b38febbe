import fc from 'fast-check'
import t from 'tap'
import {
  actsForPerson,
  type CaseMember,
  type CasePerson,
  hearsConsentOf,
  mainParty,
  viewCase,
  type WholeCase,
} from '../../../src/domain/case/case-view.ts'
import { administers, worksOnCases } from '../../../src/domain/case/case-work.ts'
import { defaultScopes } from '../../../src/domain/case/default-scopes.ts'
import { dutyDueAt } from '../../../src/domain/case/duty-clock.ts'
import { mayActFor } from '../../../src/domain/case/parties.ts'
import {
  ACTS_FOR,
  PERSON_ROLES,
  PRACTITIONER_ROLES,
  SECTORS,
} from '../../../src/domain/case/vocabulary.ts'
import {
  fitsInformant,
  type Provenance,
  provenanceFaults,
  resolveProvenance,
} from '../../../src/domain/case/provenance.ts'
import { isAboutCase, partyFaults, subjectFaults } from '../../../src/domain/case/record-subject.ts'
import {
  amendedVersion,
  confirmedVersion,
  contestedVersion,
  depositedVersion,
  type VersionContent,
} from '../../../src/domain/case/record-version.ts'
import type { SealedField, StoredProvenance } from '../../../src/domain/case/stored-record.ts'
import { realCatalogue } from '../../support/catalogue.ts'

const catalogue = realCatalogue()
const since = '2026-11-01T08:00:00Z'

const member = (agencyId: string, actsFor: CaseMember['actsFor'], addedBy = 'police') =>
  ({ agencyId, actsFor, addedBy, sector: 'police', since, until: null }) satisfies CaseMember

/** Ana, Marko and Lea with everybody around them; the programme wrote down a partner of its own. */
const whole: WholeCase = {
  id: 'case',
  persons: [
    { id: 'ana', roles: ['victim', 'perpetrator_alleged'], broughtBy: 'police' },
    { id: 'marko', roles: ['perpetrator_alleged', 'victim'], broughtBy: 'police' },
    { id: 'lea', roles: ['child_witness'], broughtBy: 'lighthouse' },
    { id: 'neighbour', roles: ['witness'], broughtBy: 'police' },
    { id: 'partner', roles: ['victim'], broughtBy: 'programme' },
  ],
  members: [
    member('police', 'all'),
    member('lighthouse', 'victim'),
    member('youth', 'child'),
    member('programme', 'perpetrator'),
    member('prison', 'perpetrator'),
  ],
}

t.test('what a member sees of a case', async (t) => {
  for (const { agency, persons, members } of [
    {
      agency: 'police',
      persons: ['ana', 'marko', 'lea', 'neighbour', 'partner'],
      members: ['police', 'lighthouse', 'youth', 'programme', 'prison'],
    },
    {
      agency: 'lighthouse',
      persons: ['ana', 'marko', 'lea', 'neighbour', 'partner'],
      members: ['police', 'lighthouse', 'youth'],
    },
    {
      agency: 'youth',
      persons: ['ana', 'marko', 'lea', 'neighbour', 'partner'],
      members: ['police', 'lighthouse', 'youth'],
    },
    { agency: 'programme', persons: ['marko', 'partner'], members: ['programme'] },
    { agency: 'prison', persons: ['marko'], members: ['prison'] },
  ]) {
    const view = viewCase(whole, agency)
    t.same(
      view?.persons.map(({ id }) => id),
      persons,
      `${agency}, persons`,
    )
    t.same(
      view?.members.map(({ agencyId }) => agencyId),
      members,
      `${agency}, members`,
    )
    t.equal(view?.own.agencyId, agency)
  }
  t.equal(viewCase(whole, 'hospital'), undefined, 'who does not work it sees nothing')
})

t.test('a member whom his side brought shows, unless it acts for victim or child', async (t) => {
  const brought = [
    member('mind', 'perpetrator', 'prison'),
    member('refuge', 'victim', 'prison'),
    member('school', 'child', 'prison'),
  ]
  const view = viewCase({ ...whole, members: [...whole.members, ...brought] }, 'prison')
  t.same(
    view?.members.map(({ agencyId }) => agencyId),
    ['prison', 'mind'],
  )
})

t.test('whatever hers brings into a case, his side sees the same', async (t) => {
  const role = fc.constantFrom(...PERSON_ROLES)
  const hers = fc.constantFrom('victim' as const, 'child' as const, 'all' as const)
  const person = fc.record({
    id: fc.uuid(),
    roles: fc
      .tuple(
        fc.constantFrom(...PERSON_ROLES.filter((one) => mainParty([one]) !== 'perpetrator')),
        fc.array(role, { maxLength: 3 }),
      )
      .map(([first, rest]) => [first, ...rest]),
    broughtBy: fc.constantFrom('police', 'lighthouse'),
  }) satisfies fc.Arbitrary<CasePerson>
  const joined = fc
    .record({ agencyId: fc.uuid(), actsFor: hers })
    .map(({ agencyId, actsFor }) => member(agencyId, actsFor))
  fc.assert(
    fc.property(fc.array(person), fc.array(joined), (persons, members) => {
      const other = {
        ...whole,
        persons: [...persons, ...whole.persons],
        members: [...members, ...whole.members],
      }
      for (const agency of ['programme', 'prison'])
        t.same(viewCase(other, agency), viewCase(whole, agency))
    }),
    { numRuns: 200 },
  )
})

t.test('for whom an agency speaks', async (t) => {
  t.ok(actsForPerson('victim', ['child_victim']))
  t.ok(actsForPerson('child', ['current_partner_of_perpetrator']))
  t.notOk(actsForPerson('perpetrator', ['victim', 'perpetrator_alleged']))
  t.notOk(actsForPerson('victim', ['perpetrator_alleged', 'victim']))
  t.notOk(actsForPerson('victim', ['witness']), 'a witness belongs to no party')
  t.ok(hearsConsentOf('victim', ['witness']), 'and may speak to anybody')
  t.notOk(hearsConsentOf('victim', ['perpetrator_convicted']))
  t.notOk(hearsConsentOf('perpetrator', ['child_witness']))
  for (const roles of PERSON_ROLES) t.ok(actsForPerson('all', [roles]))
})

t.test('S26, who runs or watches an agency does not work on cases', async (t) => {
  const not = PRACTITIONER_ROLES.filter((role) => !worksOnCases(role))
  t.same(not, ['org_admin', 'dpo', 'auditor', 'statistician', 'researcher', 'system_admin'])
  t.same(PRACTITIONER_ROLES.filter(administers), ['org_admin', 'system_admin'])
})

t.test('who can work a case gets the scopes for it', async (t) => {
  for (const sector of SECTORS) {
    const scopes = defaultScopes(sector)
    t.equal(scopes.includes('records:write'), mayActFor(sector).length > 0, sector)
    t.notOk(scopes.some((scope) => scope === 'policies:write' || scope === 'policies:approve'))
    t.ok(scopes.includes('agencies:read'))
  }
  t.same(ACTS_FOR.length, 4)
})

const now = new Date('2026-11-16T12:00:00Z')
const collectedAt = '2026-11-16T10:00:00Z'

t.test('each field knows who told it [R29]', async (t) => {
  const stated = {
    provenance: {
      informant: 'V',
      informantPersonId: 'ana',
      kind: 'statement',
      collectedAt,
      method: 'interview',
    },
    fieldProvenance: {
      seen: { informant: 'PO', kind: 'fact' },
      later: { collectedAt: '2026-11-16T11:00:00.5Z' },
      hers: { informant: 'V', reliability: 'B2' },
    },
  } as const
  const origins = resolveProvenance(['told', 'seen', 'later', 'hers'], stated)
  const base = { informant: 'V', informantPersonId: 'ana', kind: 'statement', method: 'interview' }
  const at = '2026-11-16T10:00:00.000Z'
  t.same(Object.fromEntries(origins), {
    told: { ...base, collectedAt: at },
    // What an officer saw, she did not tell.
    seen: { informant: 'PO', kind: 'fact', method: 'interview', collectedAt: at },
    later: { ...base, collectedAt: '2026-11-16T11:00:00.500Z' },
    hers: { ...base, reliability: 'B2', collectedAt: at },
  })
  t.same(provenanceFaults(['told', 'seen', 'later', 'hers'], stated, now), [])
})

t.test('an origin that cannot be is refused with its place', async (t) => {
  const good = { informant: 'PO', kind: 'fact', collectedAt } as const
  const faultsOf = (provenance: object, fieldProvenance: object = {}) =>
    provenanceFaults(
      ['status'],
      {
        provenance: { ...good, ...provenance },
        fieldProvenance: fieldProvenance as Record<string, Partial<Provenance>>,
      },
      now,
    ).map(({ code, pointer }) => [code, pointer])

  t.same(faultsOf({}), [])
  t.same(faultsOf({ collectedAt: now.toISOString() }), [], 'now is not later than now')
  const future = '2026-11-16T12:00:01Z'
  t.same(faultsOf({ collectedAt: future }), [['collected_in_future', '#/provenance/collectedAt']])
  t.same(faultsOf({ verifiedAt: future }), [['collected_in_future', '#/provenance/verifiedAt']])
  for (const informant of ['V', 'P', 'CH'])
    t.same(faultsOf({ informant }), [
      ['informant_person_required', '#/provenance/informantPersonId'],
    ])
  t.same(faultsOf({}, { status: { informant: 'V' } }), [
    ['informant_person_required', '#/fieldProvenance/status/informantPersonId'],
  ])
  t.same(faultsOf({}, { status: { verifiedAt: future } }), [
    ['collected_in_future', '#/fieldProvenance/status/verifiedAt'],
  ])
  t.same(faultsOf({}, { elsewhere: {} }), [['unknown_field', '#/fieldProvenance']])
  t.same(faultsOf({}, { toString: {} }), [['unknown_field', '#/fieldProvenance']])
})

t.test('an informant who is a party is a person of that party', async (t) => {
  t.ok(fitsInformant({ informant: 'V' }, ['victim', 'perpetrator']))
  t.notOk(fitsInformant({ informant: 'V' }, ['perpetrator']))
  t.notOk(fitsInformant({ informant: 'CH' }, []))
  t.ok(fitsInformant({ informant: 'PO' }, []), 'professionals write down what anybody said')
})

t.test('about whom records may be', async (t) => {
  const record = (type: string) => catalogue.recordsByType[type]!
  const codes = (faults: readonly { code: string; pointer: string }[]) =>
    faults.map(({ code, pointer }) => `${code} ${pointer}`)
  t.ok(isAboutCase(record('incident')))
  t.notOk(isAboutCase(record('person')))
  t.same(codes(subjectFaults(record('incident'), 'ana')), ['subject_not_allowed #/subjectId'])
  t.same(codes(subjectFaults(record('incident'), undefined)), [])
  t.same(codes(subjectFaults(record('person'), undefined)), ['subject_required #/subjectId'])
  t.same(codes(subjectFaults(record('person'), 'ana')), [])

  t.same(codes(partyFaults(record('programme_engagement'), ['status'], ['victim'])), [
    'subject_not_allowed #/subjectId',
  ])
  t.same(codes(partyFaults(record('person'), ['full_name'], [])), [])
  const contact = record('contact_location')
  t.same(codes(partyFaults(contact, ['safe_phone'], ['victim'])), [])
  t.same(codes(partyFaults(contact, ['safe_phone', 'perp_phone'], ['perpetrator'])), [
    'subject_not_allowed #/fields/safe_phone',
  ])
  for (const one of catalogue.records)
    if (isAboutCase(one))
      t.same(codes(subjectFaults(one, undefined)), [], `${one.type} needs no subject`)
    else t.same(codes(subjectFaults(one, undefined)), ['subject_required #/subjectId'])
})

const origin = (informant: StoredProvenance['informant'], more = {}): StoredProvenance => ({
  informant,
  kind: 'fact',
  collectedAt: now.toISOString(),
  ...more,
})
const sealed = (name: string, setIn = 1): SealedField => ({ name, offset: 0, length: 104, setIn })
const originOf = ({ fields, provenance }: VersionContent, name: string) =>
  provenance[fields.find((field) => field.name === name)!.provenance]

t.test('versions of a record', async (t) => {
  const first = depositedVersion(
    [sealed('a'), sealed('b'), sealed('c')],
    new Map([
      ['a', origin('PO')],
      ['b', origin('PO')],
      ['c', origin('V', { informantPersonId: 'ana' })],
    ]),
  )
  t.equal(first.provenance.length, 2, 'each origin is kept once')
  t.same(
    first.fields.map(({ provenance }) => provenance),
    [0, 0, 1],
  )

  const contested = contestedVersion(first, ['a'])
  t.same(
    contested.fields.map(({ contested = false }) => contested),
    [true, false, false],
  )
  t.same(contested.provenance, first.provenance, 'who contests says nothing of who told')

  const verifiedAt = '2026-11-16T12:30:00.000Z'
  const confirmed = confirmedVersion(contested, ['a'], { verifiedAt, method: 'phone' })
  t.same(originOf(confirmed, 'a'), origin('PO', { verifiedAt, method: 'phone' }))
  t.same(originOf(confirmed, 'b'), origin('PO'), 'what was not looked at stays as it was')
  t.notOk('contested' in confirmed.fields[0]!, 'whoever looked again has settled it')

  const amended = amendedVersion(
    { ...contested, fields: contested.fields.map((f) => ({ ...f, restricted: true as const })) },
    [sealed('c'), sealed('a', 2)],
    new Map([['a', origin('PR')]]),
  )
  t.same(amended.fields, [
    { ...sealed('c'), restricted: true, provenance: 0 },
    // A new value is not contested yet, and still must not be used.
    { ...sealed('a', 2), restricted: true, provenance: 1 },
  ])
  t.same(amended.provenance, [origin('V', { informantPersonId: 'ana' }), origin('PR')])
  t.throws(() => amendedVersion(first, [sealed('new', 2)], new Map()), 'no value without origin')
})

t.test('every version points to its own provenances alone', async (t) => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const some = fc.subarray(names)
  const informant = fc.constantFrom('PO' as const, 'V' as const, 'PP' as const)
  const step = fc.record({
    kind: fc.constantFrom('amend', 'confirm', 'contest'),
    names: some,
    informant,
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      let content = depositedVersion(
        names.map((name) => sealed(name)),
        new Map(names.map((name) => [name, origin('SY')])),
      )
      steps.forEach(({ kind, names: changed, informant: from }, index) => {
        const version = index + 2
        const fields = content.fields.map(({ name, setIn }) =>
          sealed(name, changed.includes(name) ? version : setIn),
        )
        const origins = new Map(changed.map((name) => [name, origin(from)]))
        const before = content
        if (kind === 'amend') content = amendedVersion(content, fields, origins)
        else if (kind === 'contest') content = contestedVersion(content, changed)
        else content = confirmedVersion(content, changed, { verifiedAt: `at-${index}` })
        for (const name of names)
          if (!changed.includes(name))
            t.same(originOf(content, name), originOf(before, name), 'others are left alone')
        const used = new Set(content.fields.map(({ provenance }) => provenance))
        t.equal(used.size, content.provenance.length, 'nothing is kept that nothing points to')
        t.equal(new Set(content.provenance.map((one) => JSON.stringify(one))).size, used.size)
      })
    }),
    { numRuns: 100 },
  )
})

t.test(
  'S7, a duty runs from the event, not from when somebody got round to writing it',
  async (t) => {
    const day = 86_400_000
    const time = { type: 'datetime', list: false } as const
    const at = (text: string) => new Date(text).toISOString()
    const recorded = new Date('2026-11-17T09:00:00Z')
    const due = (field: Parameters<typeof dutyDueAt>[0], value: unknown) =>
      dutyDueAt(field, value, recorded, day).toISOString()
    t.equal(due(time, '2026-11-16T18:00:00Z'), at('2026-11-17T18:00:00Z'))
    t.equal(
      due(time, '2026-11-18T18:00:00Z'),
      at('2026-11-18T09:00:00Z'),
      'still to come: from now',
    )
    t.equal(due({ type: 'text', list: false }, '2026-11-16T18:00:00Z'), at('2026-11-18T09:00:00Z'))
    t.equal(due({ type: 'code', list: false }, 'dropout'), at('2026-11-18T09:00:00Z'))
    t.equal(
      due({ type: 'datetime', list: true }, ['2026-11-16T18:00:00Z']),
      at('2026-11-18T09:00:00Z'),
    )
  },
)
