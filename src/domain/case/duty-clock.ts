import type { FieldDefinition } from '../catalogue/types.ts'

/**
 * When a duty is due that a recorded value sets off: `within` milliseconds after the event, where the
 * value is the time of one, else after the recording. An event still to come does not put the duty off.
 */
export function dutyDueAt(
  field: Pick<FieldDefinition, 'type' | 'list'>,
  value: unknown,
  recordedAt: Date,
  within: number,
): Date {
  const from = recordedAt.getTime()
  const isTime = field.type === 'datetime' && !field.list && typeof value === 'string'
  const event = isTime ? Date.parse(value) : from
  return new Date((Number.isNaN(event) ? from : Math.min(event, from)) + within)
}
