/**
 * Validators for the parts of a request, and problems that tell what is wrong without repeating
 * anything that was sent: neither values, nor names that the contract does not have.
 */
import addFormats from 'ajv-formats'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { type ErrorCode, type ErrorDetail, ERRORS, OstiaryError } from '../errors.ts'

/** Where in a request a part stands; also the first step of a pointer into it. */
export type Part = 'body' | 'path' | 'query'

/** The fault of a part, or undefined; parameters are coerced in place. */
export type Check = (data: unknown) => OstiaryError | undefined

/** Compiles the check of one part; call it at the start only. */
export type CompileCheck = (part: Part, schema: object) => Check

/**
 * Makes the compiler for one contract. `names` are all names that a pointer may show. Bodies are
 * taken as they are; parameters come as text and are coerced. Only the first fault is told, so that
 * a hostile body cannot make the server collect faults without end.
 */
export function makeCompileCheck(names: ReadonlySet<string>): CompileCheck {
  const compiler = (coerceTypes: false | 'array') => {
    const ajv = new Ajv2020({
      strict: true,
      strictTypes: false,
      strictRequired: false,
      coerceTypes,
      useDefaults: true,
      // Faults of a schema show when it is compiled; compiling the schema of schemas would cost a start more.
      validateSchema: false,
      // For `parentSchema`; the data that comes with it is never looked at.
      verbose: true,
      logger: false,
    })
    ajv.addVocabulary(['x-error-code'])
    addFormats.default(ajv)
    return ajv
  }
  const forBodies = compiler(false)
  const forParameters = compiler('array')
  // Many operations take the same parameters, or none.
  const known = new Map<string, Check>()
  return (part, schema) => {
    const text = `${part} ${JSON.stringify(schema)}`
    const same = known.get(text)
    if (same) return same
    const validate: ValidateFunction = (part === 'body' ? forBodies : forParameters).compile(schema)
    const check: Check = (data) => {
      if (validate(data)) return undefined
      return problemOf(part, deepest(validate.errors ?? []), names)
    }
    known.set(text, check)
    return check
  }
}

/** Every name that the schemas of a contract give to a member or parameter. */
export function namesIn(node: unknown, names: Set<string> = new Set()): Set<string> {
  if (typeof node !== 'object' || node === null) return names
  if (Array.isArray(node)) {
    for (const item of node) namesIn(item, names)
    return names
  }
  const { properties, name } = node as { properties?: object; name?: unknown }
  for (const member of Object.keys(properties ?? {})) names.add(member)
  if (typeof name === 'string') names.add(name)
  for (const value of Object.values(node)) namesIn(value, names)
  return names
}

/** Where alternatives all failed, the one that got furthest says most. */
function deepest(errors: readonly ErrorObject[]): ErrorObject | undefined {
  const depth = ({ instancePath }: ErrorObject) => instancePath.split('/').length
  return [...errors].sort((a, b) => depth(b) - depth(a))[0]
}

function problemOf(
  part: Part,
  error: ErrorObject | undefined,
  names: ReadonlySet<string>,
): OstiaryError {
  const steps = (error?.instancePath ?? '').split('/').slice(1)
  const shown = steps.map((step) => (/^\d+$/.test(step) || names.has(step) ? step : '*'))
  const pointer = ['#', ...(part === 'body' ? [] : [part]), ...shown].join('/')
  const detail: ErrorDetail = { pointer, detail: error ? wordsFor(error) : 'does not fit' }
  return new OstiaryError(codeFor(part, error), { errors: [detail] })
}

function codeFor(part: Part, error: ErrorObject | undefined): ErrorCode {
  if (error?.keyword === 'additionalProperties' || error?.keyword === 'unevaluatedProperties') {
    return part === 'body' ? 'unknown_member' : 'unknown_parameter'
  }
  if (part !== 'body') return 'invalid_parameter'
  // A schema may name the problem that its word list or pattern stands for.
  const named: unknown = error?.parentSchema?.['x-error-code']
  if (error?.keyword !== 'type' && isCode(named)) return named
  return 'invalid_body'
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'must be a UUID in lower case',
  date: 'must be a date (YYYY-MM-DD)',
  'date-time': 'must be a time in UTC (RFC 3339, with Z)',
  email: 'must be an e-mail address',
}

/** What a fault means, in words that come from the contract alone. */
function wordsFor({ keyword, params, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case 'type':
      return `must be ${[params['type']].flat().join(' or ')}`
    case 'required':
      return `must have the member ${params['missingProperty']}`
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return `holds a name that is not among ${Object.keys(parentSchema?.['properties'] ?? {}).join(', ') || 'those allowed: none'}`
    case 'enum':
      return 'must be one of the words in the contract'
    case 'format':
    case 'pattern':
      return (
        FORMATS[parentSchema?.['format'] as string] ?? 'must have the form that the contract gives'
      )
    case 'minLength':
    case 'maxLength':
      return `must have ${keyword === 'minLength' ? 'at least' : 'at most'} ${params['limit']} characters`
    case 'minItems':
    case 'maxItems':
      return `must have ${keyword === 'minItems' ? 'at least' : 'at most'} ${params['limit']} items`
    case 'minProperties':
    case 'maxProperties':
      return `must have ${keyword === 'minProperties' ? 'at least' : 'at most'} ${params['limit']} members`
    case 'minimum':
    case 'maximum':
      return `must be ${keyword === 'minimum' ? 'at least' : 'at most'} ${params['limit']}`
    case 'uniqueItems':
      return 'must not hold the same item twice'
    default:
      return 'does not fit the contract'
  }
}
