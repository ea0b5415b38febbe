import fc from 'fast-check'
import t from 'tap'
import { buildCatalogue } from '../../../src/domain/catalogue/catalogue.ts'
import { editDistance, nearestName } from '../../../src/domain/catalogue/edit-distance.ts'
import { attestedFlags, deriveFlags } from '../../../src/domain/catalogue/flags.ts'
import { freshnessLimit } from '../../../src/domain/catalogue/freshness.ts'
import {
  selectFields,
  UnknownSelectorError,
  validSelectors,
} from '../../../src/domain/catalogue/select.ts'
import { POLICY_FLAGS } from '../../../src/domain/catalogue/types.ts'
import type { RecordType } from '../../../src/domain/catalogue/types.ts'
import { realCatalogue, recordSchemas } from '../../support/catalogue.ts'

const catalogue = realCatalogue()
const names = (selector: string): string[] =>
  selectFields(catalogue, selector).map((field) => field.name)

t.test('selectors', async (t) => {
  t.same(names('programme_engagement.dropout_at'), ['dropout_at'])
  t.same(names('programme_engagement/event'), [
    'missed_unexcused_at',
    'dropout_at',
    'rule_breach',
    'new_violence_disclosed',
    'direct_threat',
  ])
  t.same(names('victim_support.*'), ['service_used', 'case_worker', 'counselling_notes'])
  t.same(names('risk_assessment/core').length, 9, 'a group need not be in one piece')

  const odd = [...validSelectors(catalogue)].filter((selector) => {
    const indexes = selectFields(catalogue, selector).map((field) => field.index)
    return indexes.length === 0 || indexes.some((index, n) => index <= (indexes[n - 1] ?? -1))
  })
  t.same(odd, [], 'every valid selector names fields, in catalogue order')

  for (const [selector, nearest] of [
    ['programme_engagement.drop_out_at', 'programme_engagement.dropout_at'],
    ['programme_engagement/events', 'programme_engagement/event'],
    ['programme_engagment.*', 'programme_engagement.*'],
    ['risk_assessment.risk_levle', 'risk_assessment.risk_level'],
    ['persons.full_name', 'person.full_name'],
    ['person', 'person.*'],
    ['*', null],
    ['', null],
    ['constructor', null],
    ['__proto__.*', null],
    ['something else entirely', null],
    ['x'.repeat(100_000), null],
  ] as const) {
    const error = thrown(() => selectFields(catalogue, selector))
    t.ok(error instanceof UnknownSelectorError)
    t.match(error, { selector, nearest })
    t.ok((error as Error).message.length < 400)
  }
})

t.test('edit distance', async (t) => {
  for (const [a, b, want] of [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['kitten', 'sitting', 3],
    ['levle', 'level', 1],
    ['ca', 'abc', 3],
  ] as const) {
    t.equal(editDistance(a, b), want, `${a} to ${b}`)
    t.equal(editDistance(b, a), want, `${b} to ${a}`)
  }
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 })
  fc.assert(fc.property(word, word, (a, b) => editDistance(a, b) === slowDistance(a, b)))
  t.equal(nearestName('statsu', ['stage', 'status']), 'status')
  t.equal(nearestName('ab', ['ac', 'ad']), 'ac', 'the first of two equally near')
  t.equal(nearestName('ab', []), null)
})

/** The same distance by its definition. */
function slowDistance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length
  const [shorterA, shorterB] = [a.slice(0, -1), b.slice(0, -1)]
  const ways = [
    slowDistance(shorterA, b) + 1,
    slowDistance(a, shorterB) + 1,
    slowDistance(shorterA, shorterB) + (a.at(-1) === b.at(-1) ? 0 : 1),
  ]
  if (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)) {
    ways.push(slowDistance(a.slice(0, -2), b.slice(0, -2)) + 1)
  }
  return Math.min(...ways)
}

const flagsOf = (type: RecordType, fields: Record<string, unknown>): readonly string[] =>
  deriveFlags(catalogue.recordsByType[type]!, fields)

t.test('policy flags', async (t) => {
  const at = '2026-11-16T18:00:00Z'
  for (const [type, fields, want] of [
    ['risk_assessment', { risk_level: 'very_high' }, ['risk_high']],
    ['risk_assessment', { risk_level: 'medium', score: 11 }, []],
    ['risk_assessment', { risk_level: 'medium', professional_judgement_high: true }, ['risk_high']],
    ['risk_assessment', { professional_judgement_high: false }, []],
    ['risk_assessment', { indicators: ['stalking', 'strangulation'] }, ['strangulation']],
    ['risk_assessment', { priority_perpetrator: true }, ['priority_perpetrator']],
    ['mental_health', { harm_to_others_risk: 'acute' }, ['acute_danger', 'harm_to_others']],
    ['mental_health', { harm_to_others_risk: 'high' }, ['harm_to_others']],
    ['mental_health', { suicide_self_harm_risk: 'high' }, []],
    ['mental_health', { further_assessment_needed: true }, ['further_assessment']],
    ['criminal_proceedings', { stage: 'investigation' }, []],
    ['criminal_proceedings', { stage: 'charged' }, ['investigation_complete']],
    ['criminal_proceedings', { pp_mandate: 'mandatory' }, ['mandate_exists', 'prosecution_order']],
    ['criminal_proceedings', { pp_mandate: 'recommended' }, []],
    ['criminal_proceedings', { mandate_conditions: ['attend_counselling'] }, ['prosecution_order']],
    ['criminal_proceedings', { mandate_conditions: ['compensation'] }, []],
    ['protection_order', { status: 'in_force' }, ['order_in_force']],
    ['protection_order', { status: 'requested' }, []],
    ['protection_order', { breach_events: [{ at, kind: 'contact' }] }, ['order_breached']],
    ['protection_order', { breach_events: [] }, []],
    ['programme_engagement', { dropout_at: at, status: 'dropout' }, ['dropout']],
    ['programme_engagement', { status: 'excluded' }, ['excluded']],
    ['programme_engagement', { missed_unexcused_at: at }, ['missed_session']],
    ['programme_engagement', { entry_route: 'mandatory' }, ['entry_mandatory']],
    ['programme_engagement', { rule_breach: { codes: ['aggression'] } }, ['programme_breach']],
    ['programme_engagement', { new_violence_disclosed: { value: true } }, ['new_violence']],
    ['programme_engagement', { new_violence_disclosed: { value: false, text: 'no' } }, []],
    ['programme_engagement', { direct_threat: 'I will' }, ['threat_made']],
    ['substance_use', { relapse_event_at: at }, ['relapse']],
    ['health', { strangulation_signs: true }, ['strangulation']],
    ['health', { serious_diagnosis: ['head_injury'] }, ['serious_injury', 'serious_illness']],
    ['health', { serious_diagnosis: ['cancer'] }, ['serious_illness']],
    ['child', { exposure: ['witness'] }, ['child_exposed']],
    ['child', { exposure: ['witness', 'sexual'] }, ['child_exposed', 'child_in_danger']],
    ['child', { exposure: [] }, []],
    [
      'incident',
      { children_present: true, means_used: ['strangulation'] },
      ['child_exposed', 'strangulation'],
    ],
    ['contact_location', { postal_channel_allowed: true }, ['postal_allowed']],
    ['contact_location', { postal_channel_allowed: false }, []],
    ['contact_location', {}, []],
    ['referral', { subject_knows: { value: false, reason: 'danger' } }, ['subject_unaware']],
    ['referral', { subject_knows: { value: true } }, []],
    ['conference', { trigger: 'transfer' }, ['area_transfer']],
  ] as const) {
    t.same(flagsOf(type, fields), want, `${type} ${JSON.stringify(fields)}`)
  }
  // No field of today has them, but schemas may: codes beside a text.
  const schemas = recordSchemas().filter((schema) => schema['x-record'] === 'safety_plan')
  const { measures } = schemas[0]!['properties'] as Record<string, Record<string, unknown>>
  measures!['x-flags'] = [{ flag: 'acute_danger', when: { in: ['safe_place', 'code_word'] } }]
  const [plan] = buildCatalogue(schemas).records
  t.same(deriveFlags(plan!, { measures: { codes: ['other', 'code_word'] } }), ['acute_danger'])
  t.same(deriveFlags(plan!, { measures: { codes: ['other'], text: 'code_word' } }), [])

  t.same(flagsOf('person', { toString: 'mandatory', stage: 'charged' }), [], 'foreign names')
})

t.test(
  'only those who can know may raise a flag that opens the data of others [R45, R49]',
  async (t) => {
    const order = flagsOf('criminal_proceedings', {
      pp_mandate: 'mandatory',
      stage: 'trial',
    }) as never
    t.same(attestedFlags(order, 'court'), [
      'mandate_exists',
      'prosecution_order',
      'investigation_complete',
    ])
    t.same(attestedFlags(order, 'police'), ['investigation_complete'])
    t.same(
      attestedFlags(order, 'perpetrator_programme'),
      [],
      'a programme cannot order its own intake',
    )
    t.same(attestedFlags(['dropout', 'risk_high'], 'perpetrator_programme'), [
      'dropout',
      'risk_high',
    ])
  },
)

t.test('freshness', async (t) => {
  const level = catalogue.fieldsById['risk_assessment.risk_level']!.freshness
  t.equal(freshnessLimit(level, []), 90)
  t.equal(freshnessLimit(level, ['dropout']), 90)
  t.equal(freshnessLimit(level, ['dropout', 'risk_high']), 30)
  const whenFlag = { risk_high: 30, acute_danger: 7 }
  t.equal(freshnessLimit({ kind: 'days', days: 90, whenFlag }, ['acute_danger', 'risk_high']), 7)
  t.equal(freshnessLimit({ kind: 'event' }, ['risk_high']), null)
  t.equal(freshnessLimit({ kind: 'static' }, POLICY_FLAGS), null)
})

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
