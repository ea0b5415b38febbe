// A preview says what the disclosure would say, but for the values, and sets nothing off: for every role, person and purpose.
import t, { type Test } from 'tap'
import { type PractitionerRole, PURPOSES } from '../../src/domain/case/vocabulary.ts'
import { type Deposit, deposit, openLakesideCase, STAFF } from '../support/lakeside-case.ts'
import { type Agency, type AgencyName, startWorld } from '../support/world.ts'
import { inspect } from '../support/written.ts'

const world = await startWorld({ environment: { OSTIARY_SUBJECT_LIMIT: '0' } })
t.teardown(() => world.stop())
const inspector = await inspect(world.databaseUrl)
t.teardown(() => inspector.end())
const lake = await openLakesideCase(world)
const { ana, marko, lea, agencies } = lake
const { police, support } = agencies

/** Whole records, of several kinds. */
const FIELDS = [
  'person',
  'contact_location',
  'incident',
  'risk_assessment',
  'safety_plan',
  'protection_order',
  'programme_engagement',
  'partner_contact',
  'health',
  'child',
].map((type) => `${type}.*`)

t.test('a preview says what the disclosure says, and sets nothing off', async (t) => {
  await fillTheCase()
  const seen = new Map<string, number>()
  let turn = 0
  for (const [name, roles] of Object.entries(STAFF) as [AgencyName, PractitionerRole[]][])
    for (const role of roles)
      for (const [who, subjectId] of Object.entries({ ana, marko, lea })) {
        // A few purposes for each; all of them come up with each person, with and without a claim.
        for (const purpose of PURPOSES.filter((_, index) => (index + turn) % 7 === 0)) {
          const claim = { code: 'break_glass', note: 'to compare' }
          const request = {
            caseId: lake.caseId,
            subjectId,
            purpose,
            fields: FIELDS,
            justification: 'to compare',
            ...(turn % 2 === 0 ? {} : { exception: claim }),
          }
          const told = `${name}/${role}, ${who}, ${purpose}`
          for (const { outcome } of await compare(t, agencies[name], role, request, told))
            seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
        }
        turn += 1
      }
  t.ok((seen.get('released') ?? 0) > 30, 'something is released')
  t.ok((seen.get('withheld') ?? 0) > 100, 'much is withheld')
})

/** Everybody holds something, so that there is something to hide from everybody. */
async function fillTheCase(): Promise<void> {
  const put = (agency: Agency, role: PractitionerRole, record: Deposit) =>
    deposit(world, lake, agency, role, record)
  const her = { informant: 'V', toldBy: ana }
  await put(support, 'vss_advocate', {
    type: 'contact_location',
    subject: ana,
    ...her,
    fields: { safe_phone: '+38640555012', shelter_flag: true },
  })
  await put(support, 'vss_advocate', {
    type: 'safety_plan',
    subject: ana,
    ...her,
    fields: { escape_route: 'back door' },
  })
  await put(support, 'vss_advocate', {
    type: 'risk_assessment',
    subject: marko,
    ...her,
    fields: { risk_level: 'very_high' },
  })
  await put(police, 'police_officer', {
    type: 'incident',
    ...her,
    fields: { violence_types: ['physical'], victim_account: 'at the door' },
  })
  await put(police, 'police_officer', {
    type: 'protection_order',
    subject: marko,
    informant: 'PO',
    fields: { status: 'in_force', exclusion_places: [{ lines: ['Orchard Road 12'] }] },
  })
  await put(agencies.hospital, 'physician', {
    type: 'health',
    subject: ana,
    informant: 'HE',
    fields: { strangulation_signs: true },
  })
  await put(agencies.childProtection, 'cp_worker', {
    type: 'child',
    subject: lea,
    informant: 'CP',
    fields: { exposure: ['witness'] },
  })
}

async function compare(
  t: Test,
  agency: Agency,
  role: PractitionerRole,
  body: object,
  name: string,
): Promise<readonly { readonly outcome: string }[]> {
  const preview = await inspector.audited(() =>
    agency.call(role, 'POST', '/v1/disclosures/preview', { body }),
  )
  const real = await agency.call(role, 'POST', '/v1/disclosures', { body })
  t.equal(preview.answer.status, 200, `${name}: previewed`)
  const { caseId, subjectId, purpose, ...said } = preview.answer.body
  t.same({ caseId, subjectId, purpose }, pick(body), `${name}: names what was asked`)
  const values = real.body.fields.map(({ value: _, ...entry }: { value?: unknown }) => entry)
  t.same(
    { ...said, id: 0, receipt: 0 },
    { ...real.body, fields: values, id: 0, receipt: 0 },
    `${name}: says the same`,
  )
  const { disclosure, audit_event, audit_salt, log_pending, ...more } = preview.written
  t.same([disclosure, audit_event, audit_salt, log_pending], [1, 1, 1, 1], `${name}: is logged`)
  // The note's key, the first time that somebody writes one about this person.
  t.same({ ...more, subject_key: 0 }, { subject_key: 0 }, `${name}: sets nothing off`)
  t.match(preview.events, [{ type: 'disclose.previewed', agency_id: agency.id }])
  return real.body.fields
}

function pick(body: object): object {
  const { caseId, subjectId, purpose } = body as Record<string, unknown>
  return { caseId, subjectId, purpose }
}
