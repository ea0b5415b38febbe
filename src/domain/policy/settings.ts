import type { SettingType } from './setting-types.ts'

/**
 * What national law and practice may set differently, apart from the rules that read it. Documents of
 * kind `settings` declare, documents of kind `profile` set; `resolvePack` puts the values into the rules.
 */
export type SettingValue = boolean | number | string | readonly string[]

/** Declares settings with the values that hold where no profile says otherwise. */
export interface SettingsDocument {
  /** Unique over the pack, kebab case. */
  readonly settings: string
  readonly title: string
  readonly source: readonly string[]
  /** By name. */
  readonly declare: Readonly<Record<string, Declaration>>
}

export interface Declaration {
  readonly type: SettingType
  readonly default: SettingValue
  /** What it means, for whoever sets it. */
  readonly title: string
  /** Law or practice that the default rests on; the document's where absent. */
  readonly source?: readonly string[]
  /** Which part of the server reads it, when no rule does; a setting that nothing reads is a fault. */
  readonly readBy?: string
}

/** The values of one country or locality, laid over the defaults. */
export interface ProfileDocument {
  /** Unique over the pack, kebab case. */
  readonly profile: string
  readonly title: string
  readonly source: readonly string[]
  /** Profile whose values hold where this one has none. */
  readonly extends?: string
  /** By name of a declared setting. */
  readonly set?: Readonly<Record<string, Cited<SettingValue>>>
  /** By selector: ages after which a value counts as stale, instead of the catalogue's. */
  readonly freshness?: Readonly<Record<string, Cited<string>>>
  /** By id: permits and duties that are not allowed here. */
  readonly drop?: Readonly<Record<string, { readonly source: readonly string[] }>>
}

/** A value and the law or practice that it rests on (R6). */
export interface Cited<T> {
  readonly value: T
  readonly source: readonly string[]
}

/**
 * A policy document as it is written: `$name` may stand for a setting, and a statement may hang on
 * switches (`onlyIf`, `unlessIf`). `resolvePack` makes a `PolicyDocument` of it.
 */
export interface WrittenPolicy {
  readonly policy: string
  readonly title: string
  readonly source: readonly string[]
  readonly [part: string]: unknown
}

/** One document of a pack; its kind is the first of the keys `policy`, `settings`, `profile`. */
export type PackDocument = WrittenPolicy | SettingsDocument | ProfileDocument

export type DocumentKind = 'policy' | 'settings' | 'profile'

export const DOCUMENT_KINDS: readonly DocumentKind[] = ['policy', 'settings', 'profile']

export function isSettings(document: PackDocument): document is SettingsDocument {
  return 'settings' in document
}

export function isProfile(document: PackDocument): document is ProfileDocument {
  return 'profile' in document
}

export function isPolicy(document: PackDocument): document is WrittenPolicy {
  return 'policy' in document
}

/** Where a value comes from. */
export interface Origin {
  /** `settings default`, `profile austria`. */
  readonly document: string
  readonly file?: string
  readonly source: readonly string[]
}

/** One setting with the value that is in force. */
export interface ResolvedSetting {
  readonly type: SettingType
  readonly title: string
  readonly value: SettingValue
  readonly origin: Origin
  readonly readBy?: string
}

/** By name, in code-unit order. */
export type ResolvedSettings = Readonly<Record<string, ResolvedSetting>>
