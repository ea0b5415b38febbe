import type { ResolvedPack } from '../domain/policy/resolve-pack.ts'
import type { Origin, SettingValue } from '../domain/policy/settings.ts'

/** Every setting of a pack with its value and where that comes from, one line each, for people. */
export function settingLines({
  settings,
  freshness,
  leftOut,
  profiles,
}: ResolvedPack): readonly string[] {
  return [
    `profiles: ${profiles.length === 0 ? 'none' : profiles.join(', then ')}`,
    ...Object.entries(settings).flatMap(([name, { value, title, origin, readBy }]) => [
      `${name} = ${written(value)}  ${from(origin)}`,
      `  ${title}${readBy === undefined ? '' : ` (read by ${readBy})`}`,
    ]),
    ...[...freshness.values()].map(
      ({ field, duration, origin }) => `${field.id} stays fresh for ${duration}  ${from(origin)}`,
    ),
    ...leftOut.map(({ id, because, setting, origin }) =>
      because === 'drop'
        ? `${id} is dropped  ${from(origin)}`
        : `${id} is left out by ${setting}  ${from(origin)}`,
    ),
  ]
}

/** The same for programs. */
export function settingsJson({ settings, freshness, leftOut, profiles }: ResolvedPack) {
  return {
    profiles,
    settings,
    freshness: Object.fromEntries(
      [...freshness.values()].map(({ field, duration, origin }) => [
        field.id,
        { value: duration, origin },
      ]),
    ),
    leftOut,
  }
}

function written(value: SettingValue): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}

function from({ document, file, source }: Origin): string {
  return `[${document}${file === undefined ? '' : `, ${file}`}: ${source.join('; ')}]`
}
