/** Derivation of policy flags from a record's values; the conditions are data in its schema. */
import { FLAG_DEFINITIONS, POLICY_FLAGS } from './policy-flags.ts'
import type { FlagCondition, PolicyFlag } from './policy-flags.ts'
import type { RecordDefinition } from './types.ts'

/**
 * The flags that a record's current fields raise, each once, in the order of `POLICY_FLAGS`.
 *
 * `fields` must have passed the record's schema; a field that is absent raises nothing, and a name
 * that the record type does not have is ignored.
 */
export function deriveFlags(
  record: RecordDefinition,
  fields: Readonly<Record<string, unknown>>,
): readonly PolicyFlag[] {
  const raised = new Set<PolicyFlag>()
  for (const field of record.fields) {
    if (!Object.hasOwn(fields, field.name)) continue
    for (const { flag, when } of field.flags) {
      if (holds(when, fields[field.name])) raised.add(flag)
    }
  }
  return POLICY_FLAGS.filter((flag) => raised.has(flag))
}

/**
 * Of the flags that a record raised, those that count when an agency of `sector` deposited it.
 *
 * A flag such as `prosecution_order` opens what others hold; a programme must not be able to raise it
 * by depositing an order of its own telling.
 */
export function attestedFlags(flags: readonly PolicyFlag[], sector: string): readonly PolicyFlag[] {
  return flags.filter((flag) => {
    const sectors: readonly string[] | null = FLAG_DEFINITIONS[flag].attestedBy
    return sectors === null || sectors.includes(sector)
  })
}

function holds(when: FlagCondition, value: unknown): boolean {
  if ('present' in when) return isPresent(value)
  const found = comparable(value)
  if ('in' in when) return found.some((one) => (when.in as readonly unknown[]).includes(one))
  return found.includes(when.equals)
}

/** What of a value can be compared: itself, its elements, or the coded member of an object. */
function comparable(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (typeof value !== 'object' || value === null) return [value]
  const { codes, code, value: answer } = value as Record<string, unknown>
  if (Array.isArray(codes)) return codes
  return [code ?? answer]
}

function isPresent(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false
  if (typeof value !== 'object') return true
  return Object.keys(value).length > 0
}
