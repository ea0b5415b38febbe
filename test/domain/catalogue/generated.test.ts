import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RECORD_TYPES } from '../../../src/domain/catalogue/records.generated.ts'
import type { FieldId, RecordFields } from '../../../src/domain/catalogue/records.generated.ts'
import { realCatalogue } from '../../support/catalogue.ts'
import { generateRecords } from '../../support/generate-records.ts'

t.test('generated files are up to date', async (t) => {
  const root = join(import.meta.dirname, '../../..')
  for (const { path, text } of await generateRecords()) {
    const same = readFileSync(join(root, path), 'utf8') === text
    t.ok(same, `${path} is out of date: run \`npm run generate\``)
  }
})

t.test('the types say what the schemas say', async (t) => {
  t.same(
    [...RECORD_TYPES],
    realCatalogue().records.map((record) => record.type),
  )

  // The compiler holds these; a directive that finds no error is itself an error.
  const id: FieldId = 'programme_engagement.dropout_at'
  // @ts-expect-error no such field
  const wrong: FieldId = 'programme_engagement.drop_out_at'
  const engagement: RecordFields['programme_engagement'] = {
    status: 'dropout',
    rule_breach: { codes: ['aggression'], text: 'shouted' },
    // @ts-expect-error not a code of the list
    entry_route: 'ordered',
  }
  const order: RecordFields['protection_order'] = {
    exclusion_places: [{ lines: ['1 Example Street'] }],
    valid_from_to: { from: '2026-11-16T18:00:00Z' },
    // @ts-expect-error a field that the record type does not have
    shelter_id: 'x',
  }
  t.ok(id && wrong && engagement && order)
})
