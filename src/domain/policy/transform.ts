import type { FieldDefinition } from '../catalogue/types.ts'
import type { Transform } from './verdict.ts'

/** Lower bounds in years, and names, of the age bands; the younger ones are those of `child.age_sex`. */
const AGE_BANDS = [
  [65, '65_plus'],
  [50, '50_64'],
  [35, '35_49'],
  [25, '25_34'],
  [18, '18_24'],
  [16, '16_17'],
  [12, '12_15'],
  [7, '7_11'],
  [3, '3_6'],
  [0, '0_2'],
] as const

/** Whether a transform makes sense for the values of a field. */
export function isApplicable(transform: Transform, field: FieldDefinition): boolean {
  switch (transform) {
    case 'age_band':
      return field.type === 'date' && field.name === 'birth_date' && !field.list
    case 'municipality':
      return field.type === 'address'
    case 'year':
    case 'month':
      return field.type === 'date' || field.type === 'datetime'
    case 'code_only':
      return field.type === 'coded' || field.type === 'answer'
    case 'presence':
      return true
  }
}

/**
 * The less telling form of a value (GDPR art. 5(1)(c)), or undefined when it has none: then nothing of
 * it may leave. Of a list each item is made less telling, and one that cannot be spoils the list.
 *
 * @param value JSON as stored, valid by the field's schema
 * @param at decision time, milliseconds UTC; ages are taken on that UTC day
 */
export function applyTransform(
  transform: Transform,
  field: FieldDefinition,
  value: unknown,
  at: number,
): unknown {
  if (value === undefined || value === null || !isApplicable(transform, field)) return undefined
  if (transform === 'presence') return true
  if (!field.list) return applyToOne(transform, value, at)
  if (!Array.isArray(value)) return undefined
  const items = value.map((item: unknown) => applyToOne(transform, item, at))
  // Without repeats: five addresses in one town must not show that there are five.
  return items.includes(undefined) ? undefined : distinct(items)
}

function applyToOne(transform: Transform, value: unknown, at: number): unknown {
  switch (transform) {
    case 'age_band':
      return ageBand(value, at)
    case 'municipality':
      return municipality(value)
    case 'year':
      return datePart(value, /^\d{4}(?=-\d{2}-\d{2})/)
    case 'month':
      return datePart(value, /^\d{4}-\d{2}(?=-\d{2})/)
    case 'code_only':
      return codePart(value)
    default:
      return undefined
  }
}

function ageBand(value: unknown, at: number): string | undefined {
  const parts = typeof value === 'string' ? /^(\d{4})-(\d{2})-(\d{2})$/.exec(value) : null
  if (!parts) return undefined
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number]
  const today = new Date(at)
  const passed =
    today.getUTCMonth() + 1 > month ||
    (today.getUTCMonth() + 1 === month && today.getUTCDate() >= day)
  const age = today.getUTCFullYear() - year - (passed ? 0 : 1)
  return AGE_BANDS.find(([from]) => age >= from)?.[1]
}

function municipality(value: unknown): object | undefined {
  const { municipality: name, country } = asObject(value)
  if (typeof name !== 'string') return undefined
  return typeof country === 'string' ? { municipality: name, country } : { municipality: name }
}

/** The leading part of a date or date-time as written, so that no zone is applied to it. */
function datePart(value: unknown, part: RegExp): string | undefined {
  return typeof value === 'string' ? part.exec(value)?.[0] : undefined
}

function codePart(value: unknown): object | undefined {
  const object = asObject(value)
  const key = ['codes', 'code', 'value'].find((name) => Object.hasOwn(object, name))
  return key === undefined ? undefined : { [key]: object[key] }
}

function asObject(value: unknown): Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : {}
}

function distinct(items: readonly unknown[]): unknown[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}
