// Values made less telling.
import fc from 'fast-check'
import t from 'tap'

import type { FieldDefinition } from '../../src/domain/catalogue/types.ts'
import { applyTransform, isApplicable } from '../../src/domain/policy/transform.ts'
import { TRANSFORMS, type Transform } from '../../src/domain/policy/verdict.ts'
import { catalogue } from './arbitraries.ts'
import { SEED } from './support.ts'

const AT = Date.parse('2026-11-17T09:00:00Z')

function field(id: string): FieldDefinition {
  const found = catalogue.fieldsById[id]
  if (!found) throw new Error(`no field ${id}`)
  return found
}

const address = { lines: ['1 Example Street', '1010 Vienna'], postalCode: '1010', country: 'AT' }

t.test('each transform keeps what it promises and nothing else', async (t) => {
  const cases: [Transform, string, unknown, unknown][] = [
    ['age_band', 'person.birth_date', '1990-11-17', '35_49'],
    ['age_band', 'person.birth_date', '1991-11-17', '35_49'],
    ['age_band', 'person.birth_date', '1991-11-18', '25_34'],
    ['age_band', 'person.birth_date', '2008-11-17', '18_24'],
    ['age_band', 'person.birth_date', '2008-11-18', '16_17'],
    ['age_band', 'person.birth_date', '2026-11-17', '0_2'],
    ['age_band', 'person.birth_date', '1930-01-01', '65_plus'],
    ['age_band', 'person.birth_date', '2027-01-01', undefined],
    ['age_band', 'person.birth_date', 'last year', undefined],
    [
      'municipality',
      'contact_location.perp_current_address',
      { ...address, municipality: 'Vienna' },
      { municipality: 'Vienna', country: 'AT' },
    ],
    ['municipality', 'contact_location.perp_current_address', address, undefined],
    ['municipality', 'contact_location.perp_current_address', 'Vienna', undefined],
    [
      'municipality',
      'protection_order.exclusion_places',
      [
        { ...address, municipality: 'Vienna' },
        { lines: ['2'], municipality: 'Vienna', country: 'AT' },
        { lines: ['3'], municipality: 'Graz' },
      ],
      [{ municipality: 'Vienna', country: 'AT' }, { municipality: 'Graz' }],
    ],
    [
      'municipality',
      'protection_order.exclusion_places',
      [{ ...address, municipality: 'Vienna' }, address],
      undefined,
    ],
    ['year', 'person.birth_date', '1991-11-18', '1991'],
    ['month', 'person.birth_date', '1991-11-18', '1991-11'],
    ['year', 'incident.occurred_at', '2026-01-01T00:30:00+02:00', '2026'],
    ['month', 'incident.occurred_at', '2026-01-31T23:30:00Z', '2026-01'],
    ['month', 'incident.occurred_at', 20_260_131, undefined],
    [
      'code_only',
      'programme_engagement.rule_breach',
      { codes: ['lateness'], text: 'He said …' },
      { codes: ['lateness'] },
    ],
    [
      'code_only',
      'child.contact_arrangement',
      { code: 'supervised', text: 'on Sundays' },
      { code: 'supervised' },
    ],
    [
      'code_only',
      'programme_engagement.new_violence_disclosed',
      { value: true, text: 'He said …' },
      { value: true },
    ],
    ['code_only', 'programme_engagement.rule_breach', { text: 'only words' }, undefined],
    ['presence', 'incident.victim_account', 'He came at night', true],
    ['presence', 'health.pregnancy', false, true],
    ['presence', 'health.pregnancy', null, undefined],
    ['year', 'incident.victim_account', '2026-01-31 he came', undefined],
  ]
  for (const [transform, id, value, wanted] of cases) {
    t.same(applyTransform(transform, field(id), value, AT), wanted, `${transform} of ${id}`)
  }
})

t.test('every field has at least one transform, and free text none but its presence', async (t) => {
  for (const one of catalogue.fields) {
    const fitting = TRANSFORMS.filter((transform) => isApplicable(transform, one))
    t.ok(fitting.includes('presence'), one.id)
    if (one.type === 'text') t.same(fitting, ['presence'], one.id)
  }
})

t.test('no value whatever makes a transform throw, or pass it on unchanged', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...catalogue.fields),
      fc.constantFrom(...TRANSFORMS),
      fc.oneof(
        fc.json().map((text) => JSON.parse(text)),
        fc.date({ noInvalidDate: true }).map((d) => d.toISOString()),
      ),
      (one, transform, value) => {
        const result = applyTransform(transform, one, value, AT)
        const text = JSON.stringify(value)
        return (
          result === undefined || result === true || JSON.stringify(result).length <= text.length
        )
      },
    ),
    { numRuns: 2000, seed: SEED },
  )
})
