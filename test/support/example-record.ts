/**
 * Valid records of any type, full of canaries: values that occur nowhere else, so that a search of
 * logs, errors, dumps and payloads for them finds every leak.
 */
import { createHash } from 'node:crypto'
import type { JsonSchema, RecordDefinition } from '../../src/domain/catalogue/types.ts'
import type { Canary } from './canaries.ts'

/** A `fields` object that holds every field of its record type, and the canaries in it. */
export interface CanaryRecord {
  readonly fields: Record<string, unknown>
  readonly canaries: readonly Canary[]
}

/**
 * Builds one. The same type and seed give the same record; other seeds give other canaries.
 *
 * Every free text, name, reference, date, time, and number wide enough is a canary; codes, yes-no
 * answers, countries and short scales (0–10, 1–5) cannot be, since they recur everywhere. Dates that
 * look back lie in the 19th century and dates that look ahead in the 29th.
 */
export function canaryRecord(record: RecordDefinition, seed: string | number): CanaryRecord {
  const canaries: Canary[] = []
  const fields: Record<string, unknown> = {}
  for (const field of record.fields) {
    const context: Context = {
      seed: String(seed),
      path: field.id,
      definitions: (record.schema['$defs'] ?? {}) as Record<string, JsonSchema>,
      plant: (text) => {
        canaries.push({ field: field.id, text })
        return text
      },
    }
    const properties = record.schema['properties'] as Record<string, JsonSchema>
    fields[field.name] = valueOf(properties[field.name]!, context)
  }
  return { fields, canaries }
}

interface Context {
  readonly seed: string
  /** Field id and the steps into its value; with the seed, all that a value is drawn from. */
  readonly path: string
  readonly definitions: Readonly<Record<string, JsonSchema>>
  /** Notes a canary and gives it back. */
  readonly plant: (text: string) => string
}

function valueOf(schema: JsonSchema, context: Context): unknown {
  const { $ref, type, properties, items } = schema
  if (typeof $ref === 'string') {
    return valueOf(context.definitions[$ref.replace('#/$defs/', '')]!, context)
  }
  if (Array.isArray(schema['enum'])) return pick(schema['enum'], context)
  if (type === 'boolean') return pick([true, false], context)
  if (type === 'object') {
    const parts = Object.entries(properties as Record<string, JsonSchema>)
    return Object.fromEntries(parts.map(([name, part]) => [name, valueOf(part, at(context, name))]))
  }
  if (type === 'array') {
    const twice = [0, 1].map((index) => valueOf(items as JsonSchema, at(context, String(index))))
    return [...new Set(twice)]
  }
  if (type === 'string') return stringOf(schema, context)
  return numberOf(schema, context)
}

function stringOf(schema: JsonSchema, context: Context): string {
  const { format, pattern, maxLength } = schema as Record<string, string | undefined>
  if (format === 'date') return context.plant(dateOf(context))
  if (format === 'date-time') return context.plant(`${dateOf(context)}T${timeOf(context)}Z`)
  if (pattern === undefined) {
    const prefix = Number(maxLength) >= 32 ? 'canary ' : ''
    return prefix + context.plant(letters(context, Math.min(24, Number(maxLength))))
  }
  // The patterns of the schemas are few: country, telephone, language tag, identifier or local code.
  if (pattern === '^[A-Z]{2}$') return pick(['AL', 'HR', 'FI', 'IE'], context)
  if (pattern.includes('\\+')) return `+9${context.plant(digits(context, 12))}`
  if (pattern.includes('-x(-')) return `sq-x-${context.plant(letters(context, 8))}`
  return context.plant(letters(context, 24))
}

/** A number with as many random digits as its limits allow; a canary from six digits on. */
function numberOf(schema: JsonSchema, context: Context): number {
  const { minimum, maximum } = schema as Record<string, number>
  const low = minimum ?? 0
  const high = maximum ?? Number.MAX_SAFE_INTEGER
  const fraction = Number(`0.${digits(context, 9)}7`)
  if (schema['type'] === 'number') {
    const value = Math.floor(100 + fraction * (high - 101)) + Number(`0.${digits(context, 7)}7`)
    return Number(context.plant(String(value)))
  }
  if (high < 100_000) return Math.floor(low + fraction * (high - low + 1))
  const value = Math.floor(high / 10 + fraction * (high - high / 10))
  return Number(context.plant(String(value)))
}

function dateOf(context: Context): string {
  const [century, year, month, day] = bytes(at(context, 'date'))
  const ahead = /[./](next_|due_|\w+_until$|to$|expiresAt$)/.test(context.path)
  // Days up to 28 exist in every month.
  const parts = [(month! % 12) + 1, (day! % 28) + 1].map((part) => String(part).padStart(2, '0'))
  return `${ahead ? 28 : 18}${String((century! * 256 + year!) % 100).padStart(2, '0')}-${parts.join('-')}`
}

function timeOf(context: Context): string {
  const [hour, minute, second] = bytes(at(context, 'time'))
  const parts = [hour! % 24, minute! % 60, second! % 60].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${parts.join(':')}.${digits(context, 6)}`
}

/** Random lower-case letters and digits, starting with a letter: survives JSON, URLs and shells. */
function letters(context: Context, length: number): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
  return Array.from(bytes(context).subarray(0, length), (byte, index) =>
    alphabet.charAt(byte % (index === 0 ? 24 : 32)),
  ).join('')
}

/** Random digits without a leading zero. */
function digits(context: Context, length: number): string {
  const drawn = Array.from(bytes(at(context, 'digits')).subarray(0, length), (byte) => byte % 10)
  return [(drawn[0]! % 9) + 1, ...drawn.slice(1)].join('')
}

function pick<T>(choices: readonly T[], context: Context): T {
  return choices[bytes(context)[0]! % choices.length]!
}

function at(context: Context, step: string): Context {
  return { ...context, path: `${context.path}/${step}` }
}

function bytes({ seed, path }: Context): Uint8Array {
  return createHash('sha256').update(`${seed}\0${path}`).digest()
}
