import type { Report } from './check.ts'
import { pointerTo } from './fault.ts'
import type { Hint } from './hints.ts'
import { isReference, placeholderOf, settingTypeOf, type SettingType } from './setting-types.ts'
import type { ResolvedSettings, SettingValue } from './settings.ts'
import { WRITTEN_POLICY_SHAPE } from './settings-grammar.ts'
import type { Shape } from './shape.ts'

/** What stands behind `$name` in rules. */
export interface References {
  readonly settings: ResolvedSettings
  readonly report: Report
  readonly hintOf: Hint
  /** Names of settings that some rule reads; added to. */
  readonly read: Set<string>
}

/**
 * A policy document with the values of settings in place of every `$name`. A reference that leads
 * nowhere, or to a setting of another type, is reported, and something harmless stands in its place.
 */
export function withoutReferences(document: unknown, references: References): unknown {
  return substitute(document, WRITTEN_POLICY_SHAPE, '', references)
}

function substitute(
  value: unknown,
  shape: Shape,
  pointer: string,
  references: References,
): unknown {
  if (isReference(value)) {
    const type = settingTypeOf(shape)
    if (type) return valueOf(value.slice(1), type, pointer, references)
  }
  switch (shape.type) {
    case 'list':
      if (!Array.isArray(value)) return value
      return value.map((item, i) => substitute(item, shape.of, pointerTo(pointer, i), references))
    case 'either': {
      const form = Array.isArray(value) ? 'list' : typeof value === 'object' ? 'record' : 'scalar'
      const inner = shape[form]
      return inner ? substitute(value, inner, pointer, references) : value
    }
    case 'record': {
      if (typeof value !== 'object' || value === null) return value
      const parts = Object.entries(value).map(([key, part]) => {
        const inner = shape.required[key] ?? shape.optional[key]
        return [key, inner ? substitute(part, inner, pointerTo(pointer, key), references) : part]
      })
      return Object.fromEntries(parts)
    }
    default:
      return value
  }
}

function valueOf(
  name: string,
  wanted: SettingType,
  pointer: string,
  { settings, report, hintOf, read }: References,
): SettingValue {
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined
  if (!setting) {
    const hint = hintOf(name, Object.keys(settings))
    report('unknown_name', pointer, `unknown setting \`${name}\``, hint)
    return placeholderOf(wanted)
  }
  read.add(name)
  if (setting.type === wanted) return setting.value
  report(
    'wrong_type',
    pointer,
    `\`${name}\` is of type ${setting.type}, and here must be ${wanted}`,
  )
  return placeholderOf(wanted)
}
