import { selectFields, UnknownSelectorError } from '../catalogue/select.ts'
import type { Catalogue } from '../catalogue/types.ts'
import { nameFaults, type Report } from './check.ts'
import { pointerTo } from './fault.ts'
import type { Hint } from './hints.ts'
import { nodeOfJson } from './parse.ts'
import type { Parsed } from './parsed.ts'
import { type Reading, readShape } from './read-shape.ts'
import { placeholderOf, SHAPE_OF_TYPE, type SettingType } from './setting-types.ts'
import type {
  Declaration,
  Origin,
  ProfileDocument,
  ResolvedSetting,
  ResolvedSettings,
  SettingsDocument,
  SettingValue,
} from './settings.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/** More settings than anybody could look through. */
export const MAX_SETTINGS = 500

export interface SettingsWorld {
  readonly catalogue: Catalogue
  readonly vocabulary: PolicyVocabulary
  readonly reportIn: (document: Parsed<unknown>) => Report
  readonly hintOf: Hint
}

/**
 * Every declared setting with the value of the most special profile that sets it, else its default.
 * Reports names declared twice, set without being declared, and values that do not fit the type.
 *
 * @param chain profiles in force, the most general first
 */
export function resolveSettings(
  declaring: readonly Parsed<SettingsDocument>[],
  chain: readonly Parsed<ProfileDocument>[],
  world: SettingsWorld,
): ResolvedSettings {
  const found = new Map<string, ResolvedSetting>()
  for (const parsed of declaring) declareAll(parsed, found, world)
  for (const profile of chain) setAll(profile, found, world)
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function declareAll(
  parsed: Parsed<SettingsDocument>,
  found: Map<string, ResolvedSetting>,
  world: SettingsWorld,
): void {
  const report = world.reportIn(parsed)
  const { document } = parsed
  for (const [name, declaration] of Object.entries(document.declare)) {
    const pointer = pointerTo('/declare', name)
    if (found.has(name)) {
      report('duplicate_id', pointer, `setting \`${name}\` is already declared`)
    } else if (found.size >= MAX_SETTINGS) {
      report('too_large', '/declare', `more than ${MAX_SETTINGS} settings`)
      return
    } else {
      const value = usable(declaration, declaration.default, `${pointer}/default`, report, world)
      found.set(name, {
        type: declaration.type,
        title: declaration.title,
        value: value ?? placeholderOf(declaration.type),
        origin: originOf(parsed, document.settings, 'settings', declaration),
        ...(declaration.readBy === undefined ? {} : { readBy: declaration.readBy }),
      })
    }
  }
}

function setAll(
  profile: Parsed<ProfileDocument>,
  found: Map<string, ResolvedSetting>,
  world: SettingsWorld,
): void {
  const report = world.reportIn(profile)
  for (const [name, cited] of Object.entries(profile.document.set ?? {})) {
    const pointer = pointerTo('/set', name)
    const declared = found.get(name)
    if (!declared) {
      const hint = world.hintOf(name, found.keys())
      report('unknown_name', pointer, `unknown setting \`${name}\``, hint)
      continue
    }
    const value = usable(declared, cited.value, `${pointer}/value`, report, world)
    if (value === undefined) continue
    const origin = originOf(profile, profile.document.profile, 'profile', cited)
    found.set(name, { ...declared, value, origin })
  }
}

function originOf(
  { file, document }: Parsed<{ readonly source: readonly string[] }>,
  id: string,
  kind: 'settings' | 'profile',
  { source = document.source }: { readonly source?: readonly string[] },
): Origin {
  return { document: `${kind} ${id}`, ...(file === undefined ? {} : { file }), source }
}

/** The value if it is one of its type, in known words; else undefined, and reported. */
function usable(
  { type }: { readonly type: SettingType },
  value: SettingValue | Declaration['default'],
  pointer: string,
  report: Report,
  { catalogue, vocabulary }: SettingsWorld,
): SettingValue | undefined {
  let faults = 0
  const counted: Report = (...fault) => {
    faults++
    report(...fault)
  }
  const shape = SHAPE_OF_TYPE[type]
  const reading: Reading = { faults: [], places: new Map() }
  const node = nodeOfJson(value, reading)
  if (node) readShape(node, shape, pointer, reading)
  for (const fault of reading.faults) {
    counted(fault.code, fault.pointer, fault.message, fault.nearest)
  }
  nameFaults(
    value,
    vocabulary,
    (code, at, message, nearest) => counted(code, pointer + at, message, nearest),
    shape,
  )
  if (type === 'fields' && Array.isArray(value) && faults === 0) {
    value.forEach((selector: string, i) => {
      selectorFault(catalogue, selector, pointerTo(pointer, i), counted)
    })
  }
  return faults === 0 ? value : undefined
}

/** Reports a selector that names nothing; returns whether it did. */
export function selectorFault(
  catalogue: Catalogue,
  selector: string,
  pointer: string,
  report: Report,
): boolean {
  try {
    selectFields(catalogue, selector)
    return false
  } catch (error) {
    if (!(error instanceof UnknownSelectorError)) throw error
    const message = `\`${selector}\` matches no field of the catalogue`
    report('no_match', pointer, message, error.nearest ?? undefined)
    return true
  }
}
