/** One property of a record schema, with its `x-` members, to a field of the catalogue. */
import type { Report } from './faults.ts'
import { readFlags, readFreshness } from './read-rules.ts'
import {
  CATEGORIES,
  INFORMANTS,
  LOCATED,
  RELATIVE_INFORMANTS,
  STATEMENT_KINDS,
  SUBJECT_KINDS,
} from './types.ts'
import type { FieldDefinition, JsonSchema, StatementKind, SubjectKind } from './types.ts'
import { codesOf, valueTypeOf } from './value-type.ts'

/** A field before the catalogue gives it a place. */
export type PlacelessField = Omit<FieldDefinition, 'index'>

const NAME = /^[a-z][a-z0-9_]*$/
const GROUP_CODE = /^[A-Z]{3}\.([a-z]+)$/

/**
 * Reads one property; every fault goes to `report`, and what could not be read is left empty, so the
 * result counts only if nothing was reported.
 */
export function readField(
  record: string,
  recordSubjects: readonly SubjectKind[],
  name: string,
  schema: JsonSchema,
  report: Report,
): PlacelessField {
  const id = `${record}.${name}`
  const fault = (detail: string): void => report(id, detail)
  if (!NAME.test(name)) fault('the name of a field is lower case, digits and underscores')

  const groupCode = readText(schema, 'x-group', fault)
  const group = GROUP_CODE.exec(groupCode)?.[1]
  if (groupCode !== '' && group === undefined) fault('`x-group` must look like `PER.core`')

  const { type, list } = valueTypeOf(schema)
  if (type === null) fault('the shape of its values is none that the catalogue knows')
  const shape = { type: type ?? 'composite', codes: codesOf(schema) } as const
  const field: PlacelessField = {
    id,
    record,
    name,
    group: `${record}/${group ?? ''}`,
    groupCode,
    title: readText(schema, 'title', fault),
    description: readText(schema, 'description', fault),
    categories: readCodes(schema, 'x-category', CATEGORIES, 1, fault),
    locates: readCodes(schema, 'x-locates', LOCATED, 0, fault),
    informants: readCodes(
      schema,
      'x-informants',
      [...INFORMANTS, ...RELATIVE_INFORMANTS],
      1,
      fault,
    ),
    freshness: readFreshness(schema['x-freshness'], fault),
    flags: readFlags(schema['x-flags'] ?? [], shape, fault),
    text: schema['x-text'] === true,
    kind: readKind(schema, fault),
    ...shape,
    list,
    subjects: 'x-subject' in schema ? readSubjects(schema, fault) : recordSubjects,
  }
  checkSense(field, schema, recordSubjects, fault)
  return field
}

/** The `x-subject` member of a record or a field. */
export function readSubjects(
  schema: JsonSchema,
  fault: (detail: string) => void,
): readonly SubjectKind[] {
  return readCodes(schema, 'x-subject', SUBJECT_KINDS, 1, fault)
}

/** A required, non-empty string member; '' if it is missing. */
export function readText(
  schema: JsonSchema,
  member: string,
  fault: (detail: string) => void,
): string {
  const text = schema[member]
  if (typeof text === 'string' && text.trim() !== '') return text
  fault(`\`${member}\` is missing`)
  return ''
}

/** A list of codes out of a closed list, each at most once. */
function readCodes<Code extends string>(
  schema: JsonSchema,
  member: string,
  allowed: readonly string[],
  least: number,
  fault: (detail: string) => void,
): readonly Code[] {
  const list: unknown = schema[member]
  if (!Array.isArray(list) || list.length < least) {
    fault(`\`${member}\` must be a list of at least ${least}`)
    return []
  }
  for (const code of list) {
    if (!allowed.includes(code)) fault(`\`${member}\` has the unknown code \`${String(code)}\``)
  }
  if (new Set(list).size < list.length) fault(`\`${member}\` repeats a code`)
  return list
}

function readKind(schema: JsonSchema, fault: (detail: string) => void): StatementKind | null {
  const kind = schema['x-kind']
  if (kind === undefined) return null
  const known = STATEMENT_KINDS.find((one) => one === kind)
  if (!known) fault('`x-kind` must be fact, assessment or statement')
  return known ?? null
}

/** Rules that bind several members of one property together. */
function checkSense(
  field: PlacelessField,
  schema: JsonSchema,
  recordSubjects: readonly SubjectKind[],
  fault: (detail: string) => void,
): void {
  // Whom a safety-critical value locates decides who is shielded from it: silence is no answer.
  const undecided = field.categories.includes('L') && field.locates.length === 0
  if (undecided && typeof schema['$comment'] !== 'string') {
    fault('category L locates somebody, or a `$comment` says why nobody')
  }
  const anyParty = recordSubjects.includes('any') || recordSubjects.length > 1
  if (field.locates.includes('subject') && !anyParty) {
    fault('`x-locates` says `subject`, but the record type has a fixed one: name it')
  }
  for (const subject of field.subjects) {
    if (!recordSubjects.includes(subject))
      fault(`\`x-subject\` adds \`${subject}\` to the record's`)
  }
}
