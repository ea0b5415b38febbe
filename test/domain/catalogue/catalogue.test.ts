import t from 'tap'
import { PERSON_ROLES, SECTORS } from '../../../src/domain/case/vocabulary.ts'
import { buildCatalogue } from '../../../src/domain/catalogue/catalogue.ts'
import { FLAG_DEFINITIONS } from '../../../src/domain/catalogue/policy-flags.ts'
import { POLICY_FLAGS, RECORD_TYPES } from '../../../src/domain/catalogue/types.ts'
import type { FieldDefinition, JsonSchema } from '../../../src/domain/catalogue/types.ts'
import { realCatalogue, recordSchemas } from '../../support/catalogue.ts'
import { readFacts } from './facts.ts'
import type { FieldFact } from './facts.ts'

const catalogue = realCatalogue()
const facts = readFacts()

/** Freshness as the facts write it. */
function freshnessOf({ freshness }: FieldDefinition): string {
  if (freshness.kind !== 'days') return freshness.kind
  const short = Object.values(freshness.whenFlag ?? {})
  return short.length > 0 ? `${short[0]}d if high/${freshness.days}d` : `${freshness.days}d`
}

/** What the facts' type must have become: type, list, and what else must hold of the schema. */
const SHAPES: Record<string, [type: string, list: boolean]> = {
  address: ['address', false],
  'address[]': ['address', true],
  bcp47: ['string', false],
  'bcp47[]': ['string', true],
  bool: ['boolean', false],
  'bool(default false)': ['boolean', false],
  'bool+reason': ['answer', false],
  'bool+text': ['answer', false],
  code: ['code', false],
  'code+expiry': ['coded', false],
  'code+text': ['coded', false],
  'code[]': ['code', true],
  'code[]+text': ['coded', false],
  date: ['date', false],
  datetime: ['datetime', false],
  'datetime[]': ['datetime', true],
  decimal: ['decimal', false],
  'event[]': ['composite', true],
  id: ['string', false],
  int: ['integer', false],
  'int+int': ['composite', false],
  'int 0-10': ['integer', false],
  'int 1-5': ['integer', false],
  interval: ['interval', false],
  'interval[]': ['interval', true],
  iso3166: ['string', false],
  phone: ['string', false],
  ref: ['string', false],
  'ref+ref': ['composite', false],
  'ref[]': ['string', true],
  string: ['string', false],
  text: ['text', false],
}

/** Codes that are named locally, so that no list of ours can be closed. */
const LOCAL_CODES = [
  'risk_assessment.tool_code',
  'language_support.community_codes',
  'language_support.excluded_community_codes',
]

t.test('every fact of the domain is in the catalogue, and nothing else', async (t) => {
  t.equal(facts.length, 152)
  t.equal(catalogue.records.length, 21)
  const ids = facts.map((fact) => `${fact.record_type}.${fact.field}`)
  t.same(catalogue.fields.map((field) => field.id).sort(), [...ids].sort())

  for (const record of catalogue.records) {
    const known = record.fields.map((field) => ({
      subject: record.subjects.join(' '),
      group: field.groupCode,
      field: field.name,
      category: field.categories.join(' '),
      informants: field.informants.join(' '),
      freshness: freshnessOf(field),
    }))
    const wanted = facts
      .filter((fact) => fact.record_type === record.type)
      .map(({ record_type: _, type: __, ...fact }) => fact)
    t.same(known, wanted, record.type)
  }
  const misnamed = facts.filter(({ record_type, field, group }) => {
    const selector = `${record_type}/${group.split('.')[1]}`
    return catalogue.fieldsById[`${record_type}.${field}`]?.group !== selector
  })
  t.same(misnamed, [], 'groups have the form that policies use')
})

t.test(
  'values have the shape the facts name, and risk indicators are closed codes [R12]',
  async (t) => {
    for (const record of catalogue.records) {
      const mine = facts.filter((fact) => fact.record_type === record.type)
      t.same(mine.map(shapeFound), mine.map(shapeWanted), record.type)
    }
  },
)

/** What the facts' type says about a field's values; undefined where it says nothing. */
function shapeWanted(fact: FieldFact): unknown {
  const id = `${fact.record_type}.${fact.field}`
  const base = fact.type.replace(/\(.*\|.*\)|\((fact|assessment|statement)\)/, '')
  const [type, list] = SHAPES[base] ?? ['no such type', false]
  const local = LOCAL_CODES.includes(id)
  const range = /int (\d+)-(\d+)/.exec(fact.type)
  return {
    id,
    type: local ? 'string' : type,
    list,
    text: /text|reason/.test(fact.type),
    kind: /text\((\w+)\)/.exec(fact.type)?.[1] ?? null,
    closed: base.startsWith('code') && !local,
    codes: /\((.*\|.*)\)/.exec(fact.type)?.[1]?.split('|'),
    range: range ? [Number(range[1]), Number(range[2])] : undefined,
    maxLength: type === 'text' ? 10_000 : undefined,
    default: fact.type.includes('default') ? false : undefined,
  }
}

/** The same of the catalogue and the schema, as far as the facts speak of it. */
function shapeFound(fact: FieldFact): unknown {
  const field = catalogue.fieldsById[`${fact.record_type}.${fact.field}`]!
  const properties = catalogue.recordsByType[field.record]!.schema['properties'] as JsonSchema
  const schema = properties[field.name] as JsonSchema
  return {
    id: field.id,
    type: field.type,
    list: field.list,
    text: field.text,
    kind: field.kind,
    closed: field.codes !== null,
    codes: fact.type.includes('|') ? field.codes : undefined,
    range:
      /\d/.test(fact.type) && field.type === 'integer'
        ? [schema['minimum'], schema['maximum']]
        : undefined,
    maxLength: field.type === 'text' ? schema['maxLength'] : undefined,
    default: schema['default'],
  }
}

// Whoever is in these lists is shielded absolutely from the perpetrator's side. A change here is a
// decision about somebody's safety, so it is made twice: in the schema and in this test.
const LOCATES_VICTIM = `
  child.residence_school
  conference.case_summary
  contact_location.postal_channel_allowed
  contact_location.safe_contact_window
  contact_location.safe_phone
  contact_location.shelter_flag
  contact_location.shelter_id
  contact_location.unsafe_channels
  contact_location.victim_current_address
  contact_location.work_school_location
  incident.victim_account
  language_support.excluded_community_codes
  partner_contact.accepted
  partner_contact.contact_log_at
  partner_contact.offered_at
  partner_contact.partner_phone_as_given
  partner_contact.provider_org
  partner_contact.support_until
  person.cohabiting_now
  programme_engagement.direct_threat
  protection_order.exclusion_places
  risk_assessment.victim_view
  safety_plan.agency_task
  safety_plan.escape_route
  safety_plan.measures
  safety_plan.next_review_at
  safety_plan.plan_version
  safety_plan.safe_person
  victim_support.case_worker
  victim_support.counselling_notes
  victim_support.service_used
`
const VICTIM_ALONE = /^(language_support|partner_contact|person)\./
const SAFETY_CRITICAL_WITHOUT_PLACE = [
  'conference.action',
  'migration.status_depends_on_partner',
  'partner_contact.new_incident_disclosed',
  'partner_contact.partner_feedback_change',
  'risk_assessment.victim_fear_rating',
]

t.test('whom a value locates is settled for every safety-critical field [R90]', async (t) => {
  const victim = LOCATES_VICTIM.trim().split(/\s+/)
  const locating = (who: string): string[] =>
    catalogue.fields
      .filter(({ locates }) => locates.includes(who as never))
      .map(({ id }) => id)
      .sort()

  t.same(locating('victim'), victim)
  t.same(
    locating('child'),
    victim.filter((id) => !VICTIM_ALONE.test(id)),
  )
  t.same(locating('perpetrator'), [
    'contact_location.perp_current_address',
    'contact_location.perp_phone',
    'contact_location.perp_whereabouts_status',
    'criminal_proceedings.release_or_escape_at',
  ])
  t.same(locating('subject'), [
    'migration.relocation_planned_country',
    'person.cohabiting_now',
    'referral.from_org_to_org',
  ])
  const unlocated = catalogue.fields.filter(
    ({ categories, locates }) => categories.includes('L') && locates.length === 0,
  )
  t.same(unlocated.map(({ id }) => id).sort(), SAFETY_CRITICAL_WITHOUT_PLACE)
})

t.test('the catalogue is whole, frozen, and in an order of its own [R4]', async (t) => {
  const backwards = buildCatalogue(recordSchemas().reverse())
  t.same(backwards, catalogue)
  t.same(
    catalogue.fields.map((field) => field.index),
    facts.map((_, index) => index),
  )
  t.same(
    catalogue.records.map((record) => record.type),
    RECORD_TYPES,
  )
  t.same(
    catalogue.records.flatMap((record) => record.fields),
    catalogue.fields,
  )
  t.equal(Object.getPrototypeOf(catalogue.fieldsById), null)
  t.notOk(catalogue.fieldsById['constructor'])
  const unfound = catalogue.fields.filter(
    (field) =>
      catalogue.fieldsById[field.id] !== field ||
      !catalogue.fieldsByGroup[field.group]?.includes(field),
  )
  t.same(unfound, [])
  t.ok(isDeeplyFrozen(catalogue))

  const schemas = recordSchemas()
  const built = buildCatalogue(schemas)
  ;(schemas[0] as Record<string, unknown>)['title'] = 'changed afterwards'
  t.not(built.records[0]?.title, 'changed afterwards')
  t.notOk(Object.isFrozen(schemas[0]), 'the schemas handed in are left alone')
})

t.test('every field can be read by a person', async (t) => {
  for (const record of catalogue.records) {
    const titles = record.fields.map((field) => field.title)
    t.equal(new Set(titles).size, titles.length, `${record.type} has no title twice`)
    const odd = record.fields.filter(({ title, description }) => {
      const oneSentence = /^[A-Z].*\.$/.test(description) && !/\. [A-Z]/.test(description)
      return !oneSentence || !/^[A-Z].*[^.]$/.test(title)
    })
    t.same(odd, [], `${record.type}: a title and one sentence each`)
  }
})

t.test('the schemas agree with each other and with the rest of the vocabulary', async (t) => {
  const definitions = new Map<string, unknown>()
  for (const schema of recordSchemas()) {
    for (const [name, definition] of Object.entries(schema['$defs'] ?? {})) {
      if (!definitions.has(name)) definitions.set(name, definition)
      t.same(
        definition,
        definitions.get(name),
        `${String(schema['x-record'])} has the same ${name}`,
      )
    }
    t.notMatch(JSON.stringify(schema), /"\$ref":"[^#]/, 'no reference leaves its file')
  }
  t.same(catalogue.fieldsById['person.case_role']?.codes, PERSON_ROLES)
  t.same(
    catalogue.fieldsById['mental_health.treatment_status']?.codes,
    catalogue.fieldsById['substance_use.treatment_status']?.codes,
  )

  const raised = new Set(catalogue.fields.flatMap(({ flags }) => flags.map(({ flag }) => flag)))
  t.same([...raised].sort(), [...POLICY_FLAGS].sort(), 'every flag can be raised')
  for (const { attestedBy } of Object.values(FLAG_DEFINITIONS)) {
    for (const sector of attestedBy ?? []) t.ok(SECTORS.includes(sector), sector)
  }
})

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen)
}
