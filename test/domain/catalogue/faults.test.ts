import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildCatalogue } from '../../../src/domain/catalogue/catalogue.ts'
import { CatalogueError } from '../../../src/domain/catalogue/faults.ts'
import type { JsonSchema } from '../../../src/domain/catalogue/types.ts'
import { loadRecordSchemas } from '../../../src/files/schemas.ts'

const PERSON: JsonSchema = {
  title: 'Person',
  description: 'Somebody.',
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  'x-record': 'person',
  'x-subject': ['any'],
  properties: {},
}
const NAME: JsonSchema = {
  title: 'Name',
  description: 'The name.',
  type: 'string',
  'x-group': 'PER.id',
  'x-category': ['O'],
  'x-locates': [],
  'x-informants': ['V'],
  'x-freshness': { kind: 'static' },
}
const person = (field: JsonSchema, more: JsonSchema = {}): JsonSchema => ({
  ...PERSON,
  properties: { name: { ...NAME, ...field } },
  ...more,
})
function faultsOf(...schemas: unknown[]): string[] {
  try {
    buildCatalogue(schemas as JsonSchema[])
    return []
  } catch (error) {
    if (!(error instanceof CatalogueError)) throw error
    return error.faults.map(({ where, detail }) => `${where}: ${detail}`)
  }
}

t.test('faults in schemas', async (t) => {
  t.same(faultsOf(person({})), [], 'the example itself has none')
  const yes = { type: 'boolean' }
  const codes = { enum: ['a', 'b'] }
  const flag = (when: unknown, name = 'dropout'): JsonSchema => ({
    'x-flags': [{ flag: name, when }],
  })

  for (const [schema, want] of [
    [null, 'schema 0: `x-record`'],
    [{}, 'schema 0: `x-record`'],
    [person({}, { 'x-record': 'Person X' }), 'schema 0: `x-record`'],
    [person({}, { properties: {} }), 'person: `properties`'],
    [person({}, { additionalProperties: true }), 'person: `additionalProperties`'],
    [person({}, { minProperties: 0 }), 'person: `minProperties`'],
    [person({}, { type: 'array' }), 'person: `type`'],
    [person({}, { required: ['name'] }), 'person: no field is required'],
    [person({}, { $id: 'https://example.org/x' }), 'person: `$id`'],
    [person({}, { title: '' }), 'person: `title`'],
    [person({}, { 'x-subject': ['nobody'] }), 'person: `x-subject` has the unknown code'],
    [person({}, { 'x-subject': ['any', 'case'] }), 'person: `x-subject` is a list of parties'],
    [person({}, { properties: { Name: NAME } }), 'person.Name: the name of a field'],
    [person({}, { properties: { name: true } }), 'person.name: `title` is missing'],
    [
      person({}, { properties: { a: NAME, b: { ...NAME, 'x-group': 'INC.core' } } }),
      'person: all groups',
    ],
    [person({ description: 7 }), 'person.name: `description` is missing'],
    [person({ 'x-group': 'person' }), 'person.name: `x-group` must look like'],
    [person({ 'x-category': [] }), 'person.name: `x-category` must be a list'],
    [person({ 'x-category': ['O', 'O'] }), 'person.name: `x-category` repeats'],
    [person({ 'x-category': ['C9'] }), 'person.name: `x-category` has the unknown code `C9`'],
    [person({ 'x-locates': undefined }), 'person.name: `x-locates` must be a list'],
    [person({ 'x-category': ['L'] }), 'person.name: category L locates somebody'],
    [
      person({ 'x-locates': ['subject'] }, { 'x-subject': ['victim'] }),
      'person.name: `x-locates` says `subject`',
    ],
    [person({ 'x-subject': ['child'] }), 'person.name: `x-subject` adds `child`'],
    [person({ 'x-informants': ['police'] }), 'person.name: `x-informants` has the unknown code'],
    [person({ 'x-kind': 'guess' }), 'person.name: `x-kind`'],
    [person({ type: 'null' }), 'person.name: the shape of its values'],
    [person({ 'x-freshness': undefined }), 'person.name: `x-freshness` must be'],
    [person({ 'x-freshness': { kind: 'days', days: 0 } }), 'person.name: `x-freshness` must be'],
    [person({ 'x-freshness': { kind: 'event', days: 3 } }), 'person.name: `x-freshness` of kind'],
    [
      person({ 'x-freshness': { kind: 'days', days: 3, whenFlag: { high: 2 } } }),
      'person.name: `x-freshness` names the unknown flag',
    ],
    [
      person({ 'x-freshness': { kind: 'days', days: 3, whenFlag: { risk_high: 9 } } }),
      'person.name: a flag can only shorten',
    ],
    [person({ 'x-flags': {} }), 'person.name: `x-flags` must be a list'],
    [person({ ...yes, ...flag({ equals: true }, 'odd') }), 'person.name: `x-flags` must be a list'],
    [person({ ...codes, ...flag({ in: ['c'] }) }), 'person.name: flag `dropout`: the field cannot'],
    [
      person({ ...codes, ...flag({ equals: true }) }),
      'person.name: flag `dropout`: the field is no',
    ],
    [
      person({ ...yes, ...flag({ present: false }) }),
      'person.name: flag `dropout`: `when` must be',
    ],
    [person({ ...yes, ...flag({ in: [] }) }), 'person.name: flag `dropout`: `when` must be'],
    [
      person({ ...yes, ...flag({ present: true, equals: true }) }),
      'person.name: flag `dropout`: `when` must have one',
    ],
  ] as const) {
    const found = faultsOf(schema)
    t.ok(
      found.some((fault) => fault.startsWith(want)),
      `${want} (found ${JSON.stringify(found)})`,
    )
  }

  t.same(faultsOf(person({}), person({})), ['person: two schemas describe this record type'])
  const many = faultsOf(
    person({ 'x-category': ['C9'], 'x-informants': [] }, { minProperties: 2 }),
    null,
  )
  t.equal(many.length, 4, 'all faults of all schemas are told at once')
})

t.test('loading', async (t) => {
  const directory = t.testdir({ good: {}, odd: {}, broken: {} })
  const write = (folder: string, file: string, text: string): void => {
    mkdirSync(join(directory, folder), { recursive: true })
    writeFileSync(join(directory, folder, file), text)
  }
  write('good', 'person.json', '{ "x-record": "person" }')
  write('good', 'child.json', '{ "x-record": "child" }')
  write('good', 'README.md', 'not a schema')
  write('odd', 'person.json', '{ "x-record": "child" }')
  write('broken', 'person.json', '{ "x-record": ')

  t.same(
    loadRecordSchemas(join(directory, 'good')).map((schema) => schema['x-record']),
    ['child', 'person'],
  )
  t.throws(() => loadRecordSchemas(join(directory, 'odd')), /person\.json` must hold/)
  t.throws(() => loadRecordSchemas(join(directory, 'broken')), /person\.json` is not JSON/)
  t.throws(() => loadRecordSchemas(join(directory, 'missing')), /ENOENT/)
})
