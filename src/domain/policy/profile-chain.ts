import type { Report } from './check.ts'
import type { Hint } from './hints.ts'
import type { Parsed } from './parsed.ts'
import type { ProfileDocument } from './settings.ts'

type Profile = Parsed<ProfileDocument>

/**
 * The profiles in force, the most general first: the one that no other extends, and all that it
 * extends. Reports what makes it unclear which those are: an id taken twice, an unknown base, a circle,
 * two profiles that nothing extends.
 */
export function profileChain(
  profiles: readonly Profile[],
  reportIn: (profile: Profile) => Report,
  hintOf: Hint,
): readonly Profile[] {
  const byId = new Map<string, Profile>()
  for (const profile of profiles) {
    const id = profile.document.profile
    if (!byId.has(id)) byId.set(id, profile)
    else reportIn(profile)('duplicate_id', '/profile', `profile id \`${id}\` is already taken`)
  }
  const extended = new Set<string>()
  for (const profile of byId.values()) {
    const base = profile.document.extends
    if (base === undefined) continue
    extended.add(base)
    if (byId.has(base)) continue
    const hint = hintOf(base, byId.keys())
    reportIn(profile)('unknown_name', '/extends', `unknown profile \`${base}\``, hint)
  }
  reportCircles(byId, reportIn)
  const leaves = [...byId.values()].filter(({ document }) => !extended.has(document.profile))
  const [leaf, ...more] = leaves
  for (const profile of more) {
    const message = `only one profile can be in force, and \`${leaf?.document.profile}\` is another one that no profile extends`
    reportIn(profile)('not_allowed', '/profile', message)
  }
  return leaf && more.length === 0 ? lineOf(leaf, byId) : []
}

/** From the base down to `leaf`; ends where a circle closes. */
function lineOf(leaf: Profile, byId: ReadonlyMap<string, Profile>): readonly Profile[] {
  const line = new Set<Profile>()
  let at: Profile | undefined = leaf
  while (at && !line.has(at)) {
    line.add(at)
    at = at.document.extends === undefined ? undefined : byId.get(at.document.extends)
  }
  return [...line].reverse()
}

/** One fault for each circle, at the `extends` that closes it. Every profile is visited once. */
function reportCircles(
  byId: ReadonlyMap<string, Profile>,
  reportIn: (profile: Profile) => Report,
): void {
  const done = new Set<string>()
  for (const start of byId.keys()) {
    const path = new Set<string>()
    let id: string | undefined = start
    while (id !== undefined && !done.has(id)) {
      path.add(id)
      done.add(id)
      const profile = byId.get(id)
      const base: string | undefined = profile?.document.extends
      if (profile && base !== undefined && path.has(base)) {
        const round = [...path].slice([...path].indexOf(base)).slice(0, 10)
        const message = `\`${base}\` extends itself: ${[...round, base].join(' → ')}`
        reportIn(profile)('bad_value', '/extends', message)
      }
      id = base
    }
  }
}
