/**
 * What every intake of the police has to say (R138): people, place, time, means, forms of violence,
 * context. A record that comes without is kept all the same, since a late warning is better than none,
 * and says what is missing.
 */
import type { Sector } from './vocabulary.ts'

/** What has to be said; of which fields one is enough. */
const MINIMUM: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  incident: {
    people: ['persons_present'],
    place: ['place_type'],
    time: ['occurred_at'],
    means: ['means_used'],
    violence_types: ['violence_types'],
    context: ['professional_observation', 'victim_account'],
  },
  // Whom it is about is the record's subject; place and forms of violence are the incident's.
  police_report: {
    time: ['callout_at'],
    means: ['firearms_access'],
    context: ['investigation_context'],
  },
}

/** Record types that have a minimum. */
export const INTAKE_TYPES: readonly string[] = Object.keys(MINIMUM)

/** Something that has to be said and is not. */
export interface MissingContent {
  /** `people`, `place`, `time`, `means`, `violence_types` or `context`. */
  readonly element: string
  /** Field ids of which one is enough. */
  readonly fields: readonly string[]
}

/** Whether what an agency of this sector deposits of this type has a minimum. */
export function hasMinimum(sector: Sector, type: string): boolean {
  return sector === 'police' && INTAKE_TYPES.includes(type)
}

/** What is missing of a record of `type` that holds the fields `names`; nothing where there is no minimum. */
export function missingContent(
  sector: Sector,
  type: string,
  names: readonly string[],
): MissingContent[] {
  if (!hasMinimum(sector, type)) return []
  return Object.entries(MINIMUM[type] ?? {})
    .filter(([, fields]) => !fields.some((name) => names.includes(name)))
    .map(([element, fields]) => ({ element, fields: fields.map((name) => `${type}.${name}`) }))
}
