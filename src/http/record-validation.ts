/**
 * Checks the `fields` object of a deposit against the schema of its record type.
 *
 * What it says about a fault never contains anything the client sent: neither values nor names that
 * the schema does not have, because a client that mixes the two up would find a name in its error log.
 */
import addFormats from 'ajv-formats'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import { nearestName } from '../domain/catalogue/edit-distance.ts'
import type { Catalogue, JsonSchema, RecordDefinition } from '../domain/catalogue/types.ts'
import type { ErrorCode } from '../errors.ts'

/** One fault; `pointer` and `detail` are as in `errors[]` of a problem document (RFC 9457). */
export interface FieldFault {
  /** What the whole problem is to be called, if this is its gravest fault. */
  readonly code: Extract<ErrorCode, 'unknown_record_type' | 'unknown_field' | 'wrong_field_type'>
  /** JSON Pointer as a URI fragment, from the root of the body. */
  readonly pointer: string
  readonly detail: string
}

/**
 * The faults of `fields` as a record of `type`; empty when it may be deposited. At most 50 are told.
 * An unknown type is itself a fault. `base` is where `fields` stands in the body.
 */
export type ValidateFields = (type: string, fields: unknown, base?: string) => readonly FieldFault[]

const MOST_FAULTS = 50

/** Members of the schemas that say something to the catalogue and nothing to a validator. */
const ANNOTATIONS = [
  'x-record',
  'x-subject',
  'x-group',
  'x-category',
  'x-locates',
  'x-informants',
  'x-freshness',
  'x-flags',
  'x-kind',
  'x-text',
]

/**
 * Compiles one validator per record type; call it once. Nothing is coerced, defaulted or removed.
 * @throws {Error} of Ajv, if a schema has a keyword that is neither a standard one nor ours
 */
export function compileRecordValidation(catalogue: Catalogue): ValidateFields {
  const ajv = new Ajv2020({
    strict: true,
    allErrors: true,
    logger: false,
    // Faults of a schema show when it is compiled; compiling the schema of schemas would cost a start more.
    validateSchema: false,
  })
  ajv.addVocabulary(ANNOTATIONS)
  addFormats.default(ajv)
  const validators = new Map(
    catalogue.records.map((record) => [
      record.type,
      { record, validate: ajv.compile(record.schema) },
    ]),
  )

  return (type, fields, base = '#/fields') => {
    const known = validators.get(type)
    if (!known) {
      const detail = 'belongs to an unknown record type'
      return [{ code: 'unknown_record_type', pointer: base, detail }]
    }
    return faultsOf(known.record, known.validate, fields, base)
  }
}

function faultsOf(
  record: RecordDefinition,
  validate: ValidateFunction,
  fields: unknown,
  base: string,
): readonly FieldFault[] {
  if (validate(fields)) return []
  return (validate.errors ?? []).slice(0, MOST_FAULTS).map((error) => ({
    code: isUnknownField(error) ? 'unknown_field' : 'wrong_field_type',
    // Only names of the schema and positions in lists can be on the way to a fault.
    pointer: base + error.instancePath,
    detail: detailOf(error, record.schema),
  }))
}

function isUnknownField({ keyword, instancePath }: ErrorObject): boolean {
  return keyword === 'additionalProperties' && instancePath === ''
}

/** What a fault means, in words made of the schema alone. */
function detailOf({ keyword, params, instancePath }: ErrorObject, schema: JsonSchema): string {
  switch (keyword) {
    case 'type':
      return `must be of type ${[params['type']].flat().join(' or ')}`
    case 'enum':
      return `must be one of ${params['allowedValues'].join(', ')}`
    case 'format':
      return params['format'] === 'date'
        ? 'must be a date, YYYY-MM-DD'
        : 'must be a time with its offset, as in RFC 3339'
    case 'pattern':
      return `must match ${params['pattern']}`
    case 'required':
      return `must have the member \`${params['missingProperty']}\``
    case 'additionalProperties':
      return unknownMember(params['additionalProperty'], instancePath === '' ? schema : null)
    case 'minProperties':
      return 'must have at least one field'
    case 'uniqueItems':
      return 'must not have the same element twice'
    default:
      return `does not satisfy ${keyword}${limitOf(params['limit'])}`
  }
}

function limitOf(limit: unknown): string {
  return typeof limit === 'number' ? ` ${limit}` : ''
}

/** Names the field that was probably meant, never the member that was sent. */
function unknownMember(sent: string, record: JsonSchema | null): string {
  const names = Object.keys((record?.['properties'] ?? {}) as JsonSchema)
  const nearest = nearestName(sent, names)
  const hint = nearest === null ? '' : `; did you mean \`${nearest}\`?`
  return `has a member that is not in its schema${hint}`
}
