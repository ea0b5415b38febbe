import { selectFields } from '../catalogue/select.ts'
import type { FieldDefinition } from '../catalogue/types.ts'
import { durationMs } from './duration.ts'
import { pointerTo } from './fault.ts'
import type { Parsed } from './parsed.ts'
import { selectorFault, type SettingsWorld } from './resolve-settings.ts'
import type { Cited, Origin, ProfileDocument } from './settings.ts'

/** How long values of one field count as fresh here, instead of as the catalogue says. */
export interface ResolvedFreshness {
  readonly field: FieldDefinition
  /** ISO 8601 duration of fixed length, and the same in milliseconds. */
  readonly duration: string
  readonly ms: number
  readonly origin: Origin
}

/**
 * The ages that profiles set, by index of the field. A special profile beats a general one; in one
 * profile a field beats its group, and a group the record type. Only what ages can be set: to
 * events and static values, which never go stale, a profile has nothing to say.
 */
export function resolveFreshness(
  chain: readonly Parsed<ProfileDocument>[],
  world: SettingsWorld,
): ReadonlyMap<number, ResolvedFreshness> {
  const found = new Map<number, ResolvedFreshness>()
  for (const profile of chain) {
    const written = Object.entries(profile.document.freshness ?? {})
    // The widest selector first, so that a narrower one overwrites it.
    const widest = written.toSorted(([a], [b]) => breadth(b) - breadth(a))
    for (const [selector, cited] of widest) setAges(profile, selector, cited, found, world)
  }
  return found
}

function setAges(
  profile: Parsed<ProfileDocument>,
  selector: string,
  { value, source }: Cited<string>,
  found: Map<number, ResolvedFreshness>,
  { catalogue, reportIn }: SettingsWorld,
): void {
  const report = reportIn(profile)
  const pointer = pointerTo('/freshness', selector)
  if (selectorFault(catalogue, selector, pointer, report)) return
  const fields = selectFields(catalogue, selector).filter(
    ({ freshness }) => freshness.kind === 'days',
  )
  if (fields.length === 0) {
    report('not_applicable', pointer, `\`${selector}\` never goes stale`)
    return
  }
  const ms = durationMs(value)
  if (ms === undefined || ms === 0) {
    report('bad_value', `${pointer}/value`, 'a value that is stale at once could never be used')
    return
  }
  const { file, document } = profile
  const origin = {
    document: `profile ${document.profile}`,
    ...(file === undefined ? {} : { file }),
    source,
  }
  for (const field of fields) found.set(field.index, { field, duration: value, ms, origin })
}

function breadth(selector: string): number {
  return selector.endsWith('.*') ? 2 : selector.includes('/') ? 1 : 0
}
