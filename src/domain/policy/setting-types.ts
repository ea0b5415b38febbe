import { DURATION_PATTERN } from './duration.ts'
import { list, name, type Shape, text } from './shape.ts'
import type { WordList } from './vocabulary.ts'

/** Kinds of settings that national law and practice may set; each has one shape of value. */
export const SETTING_TYPES = [
  'switch',
  'duration',
  'number',
  'age',
  'sectors',
  'roles',
  'person_roles',
  'purposes',
  'exceptions',
  'flags',
  'informants',
  'obligations',
  'countries',
  'fields',
] as const
export type SettingType = (typeof SETTING_TYPES)[number]

/** Word lists that a setting may be a list of. */
const TYPE_OF_WORDS: Partial<Record<WordList, SettingType>> = {
  sector: 'sectors',
  role: 'roles',
  personRole: 'person_roles',
  purpose: 'purposes',
  exception: 'exceptions',
  flag: 'flags',
  informant: 'informants',
  obligation: 'obligations',
}

const TYPE_OF_TEXT = { country: 'countries', selector: 'fields' } as const

/** ISO 3166-1 alpha-2. */
export const countryText = {
  ...text('an ISO 3166-1 country code such as `AT`', 2, '^[A-Z]{2}$'),
  setting: 'country' as const,
}

/** `record.field`, `record/group` or `record.*`. */
export const selectorText = {
  ...text(
    'a field selector: `record.field`, `record/group` or `record.*`',
    120,
    '^[a-z][a-z0-9_]*([.]([a-z][a-z0-9_]*|[*])|/[a-z][a-z0-9_]*)$',
  ),
  setting: 'selector' as const,
}

/** Durations of fixed length; months and years are not, so `P30D` is written and not `P1M`. */
export const durationText = {
  ...text(
    'an ISO 8601 duration in weeks, days, hours, minutes or seconds, such as `P30D` or `PT24H`',
    40,
    DURATION_PATTERN,
  ),
  setting: 'duration' as const,
}

/** What a value of each type looks like. */
export const SHAPE_OF_TYPE: Readonly<Record<SettingType, Shape>> = {
  switch: { type: 'flag' },
  duration: durationText,
  number: { type: 'number', min: -1e9, max: 1e9 },
  // Years of life at which somebody decides for herself or himself.
  age: { type: 'number', min: 0, max: 25, whole: true },
  sectors: list(name('sector')),
  roles: list(name('role')),
  person_roles: list(name('personRole')),
  purposes: list(name('purpose')),
  exceptions: list(name('exception')),
  flags: list(name('flag')),
  informants: list(name('informant')),
  obligations: list(name('obligation')),
  countries: list(countryText),
  fields: list(selectorText),
}

/** What stands in a rule when its setting has no usable value, so that the rest can still be checked. */
export function placeholderOf(type: SettingType): boolean | number | string | readonly string[] {
  if (type === 'switch') return false
  if (type === 'duration') return 'PT0S'
  return type === 'number' || type === 'age' ? 0 : []
}

/** The type of setting that may stand, as `$name`, where this shape is wanted; undefined where none may. */
export function settingTypeOf(shape: Shape): SettingType | undefined {
  if (shape.type === 'text') return shape.setting === 'duration' ? 'duration' : undefined
  if (shape.type === 'either') return shape.list && settingTypeOf(shape.list)
  if (shape.type !== 'list') return undefined
  const inner = shape.of.type === 'either' ? shape.of.scalar : shape.of
  if (inner?.type === 'name') return TYPE_OF_WORDS[inner.list]
  if (inner?.type !== 'text' || !inner.setting || inner.setting === 'duration') return undefined
  return TYPE_OF_TEXT[inner.setting]
}

/** A reference to a setting, as it stands in a rule. */
export const REFERENCE_PATTERN = '^\\$[a-z][a-z0-9_]{0,63}$'

const REFERENCE = new RegExp(REFERENCE_PATTERN)

export function isReference(value: unknown): value is string {
  return typeof value === 'string' && REFERENCE.test(value)
}
