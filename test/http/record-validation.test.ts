import t from 'tap'
import type { FieldDefinition, JsonSchema } from '../../src/domain/catalogue/types.ts'
import { compileRecordValidation } from '../../src/http/record-validation.ts'
import { findCanaries } from '../support/canaries.ts'
import { realCatalogue } from '../support/catalogue.ts'
import { canaryRecord } from '../support/example-record.ts'

const catalogue = realCatalogue()
const validateFields = compileRecordValidation(catalogue)
const seeds = Array.from({ length: 25 }, (_, seed) => seed)

t.test('canary records', async (t) => {
  const texts: string[] = []
  for (const record of catalogue.records) {
    const names = record.fields.map(({ name }) => name)
    const wrong = seeds.filter((seed) => {
      const { fields, canaries } = canaryRecord(record, seed)
      const found = findCanaries(JSON.stringify(fields), canaries)
      const whole = Object.keys(fields).join() === names.join()
      return (
        validateFields(record.type, fields).length > 0 || found.length < canaries.length || !whole
      )
    })
    t.same(wrong, [], `${record.type}: valid, whole, and every canary can be found`)
    const { canaries } = canaryRecord(record, 'unique')
    t.same(canaryRecord(record, 'unique').canaries, canaries, 'the same seed gives the same record')
    texts.push(...canaries.map(({ text }) => text))
  }
  // Bare dates and numbers of six digits are few enough to meet now and then.
  const long = texts.filter((text) => text.length > 10)
  t.ok(long.length > 100)
  t.equal(new Set(long).size, long.length, 'no canary twice')
})

t.test('every text, date and number field has a canary, short scales aside', async (t) => {
  const codes = ['boolean', 'code']
  const scales = [
    'migration.relocation_planned_country',
    'programme_engagement.accountability_level',
    'referral.phase_from_to',
    'risk_assessment.victim_fear_rating',
  ]
  const planted = catalogue.records.flatMap((record) => canaryRecord(record, 1).canaries)
  const want = catalogue.fields.filter(
    ({ id, type }) => !codes.includes(type) && !scales.includes(id),
  )
  t.same(
    [...new Set(planted.map(({ field }) => field))],
    want.map(({ id }) => id),
  )
})

t.test('a canary is found in whatever form it left', async (t) => {
  const record = catalogue.recordsByType['police_report']!
  const { fields, canaries } = canaryRecord(record, 'forms')
  const plain = JSON.stringify(fields)
  for (const [form, text] of [
    ['json in json', JSON.stringify({ msg: plain })],
    ['percent-encoded', encodeURIComponent(plain)],
    ['hex', Buffer.from(plain).toString('hex').toUpperCase()],
    ['base64', Buffer.from(`x${plain}`).toString('base64')],
    ['base64url', Buffer.from(`xy${plain}`).toString('base64url')],
  ] as const) {
    const wordy = canaries.filter((canary) => !/^\d{1,9}$/.test(canary.text))
    t.same(findCanaries(text, wordy), wordy, form)
  }
  const number = canaries.find((canary) => canary.field === 'police_report.callouts_12m')!
  t.same(findCanaries(`"responseTime":3.${number.text},"id":"9${number.text}"`, [number]), [])
  t.same(findCanaries(`[${number.text}]`, [number]), [number])
  t.same(findCanaries(JSON.stringify(canaryRecord(record, 'other').fields), canaries), [])
})

t.test('what is wrong is refused, and what was sent is never repeated', async (t) => {
  const secret = 'zebra7431quagga'
  const tried = catalogue.fields.flatMap((field) =>
    wrongValues(field, secret).map((bad) => {
      const faults = validateFields(field.record, { [field.name]: bad })
      return { id: field.id, name: field.name, bad, faults }
    }),
  )
  t.ok(tried.length > 1000)
  t.same(
    tried.filter(({ faults }) => faults.length === 0),
    [],
    'all are refused',
  )
  t.same(
    tried.filter(({ faults }) => /zebra|7431|quagga/i.test(JSON.stringify(faults))),
    [],
    'none is repeated',
  )
  const elsewhere = tried.filter(({ name, faults }) =>
    faults.some(({ pointer }) => !pointer.startsWith(`#/fields/${name}`)),
  )
  t.same(elsewhere, [], 'each fault is placed within its field')
})

/** Values of every wrong type, and the right type with wrong content, for one field. */
function wrongValues({ type, list }: FieldDefinition, secret: string): unknown[] {
  const wrong: Record<string, unknown[]> = {
    boolean: [secret, 7431, 'true', 1],
    integer: [secret, 0.7431, -7431, 74_319_999_999, true],
    decimal: [secret, 7431, true],
    string: [7431, '', `${secret} `.repeat(40), true],
    text: [7431, '', secret.repeat(1000), true],
    code: [secret, 7431, '', true],
    date: [secret, '2026-02-30', '2026-02-03T00:00:00Z', 7431],
    datetime: [secret, '2026-02-03', '2026-02-03T25:00:00Z', '2026-02-03T10:00:00', 7431],
    address: [secret, {}, { lines: [] }, { lines: [secret], zip: secret }, { lines: secret }],
    interval: [secret, {}, { from: secret }, { from: '2026-02-03T10:00:00Z', zebra: secret }],
    coded: [secret, {}, { codes: [secret], code: secret }, { code: secret }],
    answer: [secret, {}, { value: secret }, { value: true, zebra: secret }],
    composite: [secret, {}, { zebra: secret }, { from: secret, to: '' }],
  }
  const single = [null, [[secret]], { zebra: secret }, ...wrong[type]!]
  return list ? [secret, null, { zebra: secret }, ...single.map((one) => [one])] : single
}

t.test('faults say where and what', async (t) => {
  const at = (type: string, fields: unknown): unknown =>
    validateFields(type, fields).map(({ pointer, detail }) => ({ pointer, detail }))
  t.same(at('risk_assessment', { risk_level: 'highest' }), [
    { pointer: '#/fields/risk_level', detail: 'must be one of standard, medium, high, very_high' },
  ])
  t.same(at('programme_engagement', { rule_breach: { codes: ['lateness', 'Ana'] } }), [
    {
      pointer: '#/fields/rule_breach/codes/1',
      detail:
        'must be one of absence, lateness, non_participation, intoxication, disrespect, aggression, confidentiality_breach, contact_breach, other',
    },
  ])
  t.same(at('programme_engagement', { droput_at: '2026-11-16T18:00:00Z' }), [
    {
      pointer: '#/fields',
      detail: 'has a member that is not in its schema; did you mean `dropout_at`?',
    },
  ])
  t.same(at('person', { 'Ana Example': true }), [
    { pointer: '#/fields', detail: 'has a member that is not in its schema' },
  ])
  t.same(at('person', {}), [{ pointer: '#/fields', detail: 'must have at least one field' }])
  t.same(at('person', ['Ana']), [{ pointer: '#/fields', detail: 'must be of type object' }])
  t.same(at('person', { birth_date: '1990-13-01' }), [
    { pointer: '#/fields/birth_date', detail: 'must be a date, YYYY-MM-DD' },
  ])
  t.same(at('contact_location', { safe_contact_window: [{ to: '2026-11-16T18:00:00Z' }] }), [
    { pointer: '#/fields/safe_contact_window/0', detail: 'must have the member `from`' },
  ])
  t.same(at('safety_plan', { escape_route: 'x'.repeat(10_001) }), [
    { pointer: '#/fields/escape_route', detail: 'does not satisfy maxLength 10000' },
  ])
  t.same(at('diary', {}), [{ pointer: '#/fields', detail: 'belongs to an unknown record type' }])
  t.match(validateFields('person', { birth_date: 1 }, '#/records/3/fields'), [
    { pointer: '#/records/3/fields/birth_date' },
  ])

  const codes = (type: string, fields: unknown): string[] =>
    validateFields(type, fields).map(({ code }) => code)
  t.same(codes('person', { nme: 'x' }), ['unknown_field'])
  t.same(codes('person', { full_name: 7 }), ['wrong_field_type'])
  t.same(codes('referral', { subject_knows: { value: true, why: 'x' } }), ['wrong_field_type'])
  t.same(codes('diary', {}), ['unknown_record_type'])

  const hostile = JSON.parse('{"__proto__": {"risk_level": "high"}}')
  t.equal(validateFields('risk_assessment', hostile).length, 1)
  const flood = Object.fromEntries(seeds.flatMap((a) => seeds.map((b) => [`n${a}_${b}`, 1])))
  t.equal(validateFields('person', flood).length, 50)
})

t.test('nothing is changed on the way, and every listed code is accepted', async (t) => {
  const fields = { postal_channel_allowed: undefined, safe_phone: '+38599123456' }
  const before = structuredClone(fields)
  validateFields('contact_location', fields)
  t.same(fields, before)
  t.same(validateFields('contact_location', { victim_current_address: { lines: ['a'] } }), [])

  const refused = catalogue.fields
    .filter(({ type }) => type === 'code')
    .flatMap((field) => field.codes!.map((code) => ({ field, code })))
    .filter(({ field: { record, name, list }, code }) => {
      return validateFields(record, { [name]: list ? [code] : code }).length > 0
    })
  t.same(refused, [])
  for (const tag of ['sq', 'sr-Latn', 'pt-BR', 'sl-rozaj-biske', 'de-1996', 'ar-x-gulf']) {
    t.same(validateFields('language_support', { language_dialect: tag }), [], tag)
  }
})

t.test('a schema with an unknown keyword is found at start', async (t) => {
  const [record] = catalogue.records
  const schema: JsonSchema = { ...record!.schema, maximumLength: 3 }
  const odd = { ...catalogue, records: [{ ...record!, schema }] }
  t.throws(() => compileRecordValidation(odd), /unknown keyword/)
})
