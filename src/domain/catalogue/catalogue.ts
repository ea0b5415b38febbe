/**
 * The field catalogue: every record type and every field, read from the JSON Schemas of
 * `schemas/records/`. Policies, deposits and disclosures know fields only through it.
 */
import { freeze, frozenCopy } from './deep-freeze.ts'
import { CatalogueError } from './faults.ts'
import type { CatalogueFault, Report } from './faults.ts'
import { readRecord } from './read-record.ts'
import type { PlacelessRecord } from './read-record.ts'
import type { Catalogue, FieldDefinition, JsonSchema, RecordDefinition } from './types.ts'

/**
 * Builds the catalogue from parsed record schemas, in whatever order they come.
 *
 * The result is frozen all through and depends on the schemas alone: record types by name, fields in
 * the order of their schema, indexes dense. The schemas themselves are copied, not kept.
 * @throws {CatalogueError} with every fault of every schema
 */
export function buildCatalogue(schemas: readonly JsonSchema[]): Catalogue {
  const faults: CatalogueFault[] = []
  const report: Report = (where, detail) => faults.push({ where, detail })

  const read = frozenCopy(schemas)
    .map((schema, position) => readRecord(schema, position, report))
    .filter((record) => record !== null)
    .sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0))
  checkUnique(read, report)
  if (faults.length > 0) throw new CatalogueError(faults)

  let index = 0
  const records = read.map((record): RecordDefinition => {
    return { ...record, fields: record.fields.map((field) => ({ ...field, index: index++ })) }
  })
  return catalogueOf(records)
}

/** The catalogue of record types that are in order already. */
export function catalogueOf(records: readonly RecordDefinition[]): Catalogue {
  const fields = records.flatMap((record) => record.fields)
  return freeze({
    records,
    fields,
    recordsByType: byName(records.map((record) => [record.type, record])),
    fieldsById: byName(fields.map((field) => [field.id, field])),
    fieldsByGroup: byName(Object.entries(grouped(fields))),
  })
}

function grouped(fields: readonly FieldDefinition[]): Record<string, FieldDefinition[]> {
  const groups: Record<string, FieldDefinition[]> = {}
  for (const field of fields) (groups[field.group] ??= []).push(field)
  return groups
}

function byName<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

function checkUnique(records: readonly PlacelessRecord[], report: Report): void {
  records.forEach((record, position) => {
    const next = records[position + 1]
    if (next?.type === record.type) report(record.type, 'two schemas describe this record type')
  })
}
