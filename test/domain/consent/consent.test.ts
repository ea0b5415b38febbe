import fc from 'fast-check'
import t from 'tap'
import {
  checkConsent,
  type ConsentItem,
  type ConsentStatement,
} from '../../../src/domain/consent/check-consent.ts'
import { consentEnd, consentState } from '../../../src/domain/consent/consent-period.ts'
import { selectFields, validSelectors } from '../../../src/domain/catalogue/select.ts'
import { realCatalogue } from '../../support/catalogue.ts'

const catalogue = realCatalogue()
const programme = { agencyId: '3f6e9d2c-7b1a-4c8d-9e5f-2a3b4c5d6e7f' }

const item = (given: Partial<ConsentItem> = {}): ConsentItem => ({
  purpose: 'risk_management',
  recipient: programme,
  fields: ['risk_assessment.risk_level'],
  ...given,
})
const statement = (given: Partial<ConsentStatement> = {}): ConsentStatement => ({
  items: [item()],
  explicit: true,
  separate: true,
  conditionOfService: false,
  coercionChecked: true,
  inAbsenceOfOtherParty: true,
  ...given,
})
const check = (
  given: Partial<ConsentStatement>,
  parties: readonly ('victim' | 'perpetrator' | 'child')[] = [],
) => {
  const checked = checkConsent(catalogue, statement(given), parties)
  return checked.ok
    ? { items: checked.items }
    : { code: checked.fault.code, at: checked.fault.errors.map(({ pointer }) => pointer) }
}

t.test('a consent holds the fields that its selectors named [R31]', async (t) => {
  const wide = item({
    recipientRoles: ['pp_case_manager'],
    fields: [
      'programme_engagement/event',
      'risk_assessment.risk_level',
      'risk_assessment.risk_level',
    ],
  })
  const { items } = check({ items: [wide] }, ['victim']) as { items: ConsentItem[] }
  t.same(items[0]?.recipientRoles, ['pp_case_manager'])
  t.same(
    items[0]?.fields,
    [
      ...selectFields(catalogue, 'programme_engagement/event').map(({ id }) => id),
      'risk_assessment.risk_level',
    ],
    'in catalogue order, each once',
  )
})

t.test('S36, what is bundled or coerced is no consent [R31]', async (t) => {
  t.same(check({ separate: false }), { code: 'consent_bundled', at: ['#/separate'] })
  t.same(check({ conditionOfService: true }), {
    code: 'consent_bundled',
    at: ['#/conditionOfService'],
  })
  t.same(check({ coercionChecked: false }), { code: 'consent_coerced', at: ['#/coercionChecked'] })
  t.same(check({ inAbsenceOfOtherParty: false }), {
    code: 'consent_coerced',
    at: ['#/inAbsenceOfOtherParty'],
  })
})

t.test('special categories need an explicit consent', async (t) => {
  const health = [item({ fields: ['health/inj'] })]
  t.same(check({ items: health, explicit: false }), {
    code: 'consent_not_explicit',
    at: ['#/explicit'],
  })
  t.ok('items' in check({ items: health, explicit: true }))
  t.ok('items' in check({ items: [item({ fields: ['person.full_name'] })], explicit: false }))
})

t.test('a whole sector is too wide for what is special, can locate, or is hers', async (t) => {
  const sector = { sector: 'social_services' } as const
  const fields = (...names: string[]) => [item({ recipient: sector, fields: names })]
  const wide = { code: 'consent_recipient_too_wide', at: ['#/items/0/recipient'] }
  t.same(check({ items: fields('health/inj') }), wide, 'special')
  t.same(check({ items: fields('contact_location.perp_whereabouts_status') }), wide, 'locating')
  t.same(check({ items: fields('person.full_name') }, ['victim']), wide, 'of a victim')
  t.same(check({ items: fields('person.full_name') }, ['child']), wide, 'of a child')
  t.ok('items' in check({ items: fields('person.full_name') }, ['perpetrator']))
  t.same(
    check({ items: [item(), ...fields('person.full_name')] }, ['victim']),
    { ...wide, at: ['#/items/1/recipient'] },
    'one item too wide is one too many',
  )
})

t.test('selectors that name nothing are told with their place, and not repeated', async (t) => {
  const unknown = item({ fields: ['risk_assessment.risk_level', 'risk_assessment.secret_word'] })
  const faulty = checkConsent(catalogue, statement({ items: [unknown], separate: false }), [])
  if (faulty.ok) return t.fail('must be refused')
  t.equal(faulty.fault.code, 'unknown_field', 'before all else')
  t.equal(faulty.fault.errors[0]?.pointer, '#/items/0/fields/1')
  t.notMatch(JSON.stringify(faulty.fault), 'secret_word')
  t.equal(
    (check({ items: [item({ fields: ['nothing/here'] })] }) as { code: string }).code,
    'selector_matches_nothing',
  )
})

t.test('no victim ever consents to a sector, whatever the fields', async (t) => {
  const selectors = [...validSelectors(catalogue)]
  fc.assert(
    fc.property(
      fc.subarray(selectors, { minLength: 1, maxLength: 5 }),
      fc.constantFrom('victim' as const, 'child' as const),
      (fields, party) => {
        const items = [item({ recipient: { sector: 'police' }, fields })]
        t.equal((check({ items }, [party]) as { code?: string }).code, 'consent_recipient_too_wide')
      },
    ),
    { numRuns: 100 },
  )
})

t.test(
  'a consent ends after six months, or when the person says, never after two years',
  async (t) => {
    const given = new Date('2026-08-31T09:30:00.123Z')
    const end = (wished?: string) =>
      consentEnd(given, wished === undefined ? undefined : new Date(wished))?.toISOString()
    t.equal(end(), '2027-02-28T09:30:00.123Z', 'the last day of a shorter month')
    t.equal(end('2027-01-01T00:00:00Z'), '2027-01-01T00:00:00.000Z')
    t.equal(end('2028-08-31T09:30:00.123Z'), '2028-08-31T09:30:00.123Z')
    t.equal(end('2028-08-31T09:30:00.124Z'), undefined)
    t.equal(end(given.toISOString()), undefined, 'no consent ends as it begins')
    t.equal(end('2026-01-01T00:00:00Z'), undefined)
    t.equal(consentEnd(new Date('2026-02-28T00:00:00Z'))?.toISOString(), '2026-08-28T00:00:00.000Z')
  },
)

t.test('the state of a consent', async (t) => {
  const expiresAt = new Date('2027-01-01T00:00:00Z')
  const consent = { expiresAt, withdrawnAt: null }
  t.equal(consentState(consent, new Date(Number(expiresAt) - 1)), 'given')
  t.equal(consentState(consent, expiresAt), 'expired')
  const withdrawn = { expiresAt, withdrawnAt: new Date('2026-12-01T00:00:00Z') }
  t.equal(consentState(withdrawn, new Date('2026-11-01T00:00:00Z')), 'withdrawn', 'for good')
})
