/** The domain's own list of fields, kept apart from the schemas so that the two can be compared. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One row of `test/vectors/fields.csv`; lists are separated by spaces. */
export interface FieldFact {
  readonly record_type: string
  readonly subject: string
  readonly group: string
  readonly field: string
  readonly type: string
  readonly category: string
  readonly informants: string
  readonly freshness: string
}

/** All 152 rows. */
export function readFacts(): readonly FieldFact[] {
  const path = join(import.meta.dirname, '../../vectors/fields.csv')
  const [head, ...rows] = readFileSync(path, 'utf8').trimEnd().split('\n')
  const names = head!.split(',')
  return rows.map((row) => {
    const cells = row.split(',')
    return Object.fromEntries(names.map((name, index) => [name, cells[index]])) as never
  })
}
