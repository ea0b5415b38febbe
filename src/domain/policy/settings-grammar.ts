import { POLICY_SHAPE } from './grammar.ts'
import { durationText, selectorText, SETTING_TYPES } from './setting-types.ts'
import type { DocumentKind } from './settings.ts'
import {
  choice,
  list,
  record,
  type RecordShape,
  type Shape,
  type TableShape,
  text,
} from './shape.ts'

// The grammar of settings and profiles, and of policy documents before their references are resolved.

const documentId = text('a kebab-case id', 64, '^[a-z][a-z0-9]*(-[a-z0-9]+)*$')
const prose = text('text', 1000)
const sources = list(text('a citation', 300))
const settingName = text('the name of a setting such as `couple_work`', 64, '^[a-z][a-z0-9_]*$')
const ruleId = text('a rule id such as `F9` or `G-location`', 64, '^[A-Za-z][A-Za-z0-9._-]*$')

const tableOf = (keys: TableShape['keys'], of: Shape): TableShape => ({
  type: 'table',
  keys,
  of,
  min: 1,
})

const declaration = record(
  'declaration',
  { type: choice(...SETTING_TYPES), default: { type: 'setting' }, title: prose },
  { source: sources, readBy: prose },
)

/** One document of kind `settings`. */
export const SETTINGS_SHAPE = record(undefined, {
  settings: documentId,
  title: prose,
  source: sources,
  declare: tableOf(settingName, declaration),
})

/** One document of kind `profile`. */
export const PROFILE_SHAPE = record(
  undefined,
  { profile: documentId, title: prose, source: sources },
  {
    extends: documentId,
    set: tableOf(settingName, record('setValue', { value: { type: 'setting' }, source: sources })),
    freshness: tableOf(
      selectorText,
      record('setFreshness', { value: durationText, source: sources }),
    ),
    drop: tableOf(ruleId, record('dropped', { source: sources })),
  },
)

const switches = { onlyIf: list(settingName), unlessIf: list(settingName) }

/** A policy document as it is written: every statement may hang on switches. */
export const WRITTEN_POLICY_SHAPE: RecordShape = {
  ...POLICY_SHAPE,
  optional: Object.fromEntries(
    Object.entries(POLICY_SHAPE.optional).map(([key, shape]) => [key, withSwitches(shape)]),
  ),
}

/** Statements are the lists of records that have an id. */
function withSwitches(shape: Shape): Shape {
  if (shape.type !== 'list' || shape.of.type !== 'record' || !shape.of.required['id']) return shape
  return { ...shape, of: { ...shape.of, optional: { ...shape.of.optional, ...switches } } }
}

export const SHAPE_OF_KIND: Readonly<Record<DocumentKind, RecordShape>> = {
  policy: WRITTEN_POLICY_SHAPE,
  settings: SETTINGS_SHAPE,
  profile: PROFILE_SHAPE,
}
