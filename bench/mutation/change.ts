/** Edits of one rule as plain JSON. Nothing here knows what a rule means. */
import type { Operator } from './mutant.ts'

/** Any part of a resolved document. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

/** What one operator makes of a rule. */
export interface Change {
  readonly operator: Operator
  /** What was done, to be read beside the operator: `to.sector + probation`. */
  readonly what: string
  /** Null: the rule is gone. */
  readonly rule: JsonObject | null
}

/** These may be empty, and then say "any"; other records without keys are left out. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['to'])

/** The part at a path such as `basis.consent.unless.flags`. */
export function partAt(rule: JsonObject, path: string): Json | undefined {
  let part: Json | undefined = rule
  for (const key of path.split('.')) {
    if (!isObject(part) || !Object.hasOwn(part, key)) return undefined
    part = part[key]
  }
  return part
}

/** The rule with another part at a path; `undefined` takes it away, and records that it leaves empty. */
export function withPart(rule: JsonObject, path: string, part: Json | undefined): JsonObject {
  const [key = '', ...rest] = path.split('.')
  const old = rule[key]
  let now = part
  if (rest.length > 0) {
    const inner = withPart(isObject(old) ? old : {}, rest.join('.'), part)
    now = Object.keys(inner).length > 0 || MAY_BE_EMPTY.has(key) ? inner : undefined
  }
  const { [key]: _, ...others } = rule
  return now === undefined ? others : { ...others, [key]: now }
}

/** The words of a list of words; nothing for any other part. */
export function wordsAt(rule: JsonObject, path: string): readonly string[] | undefined {
  const part = partAt(rule, path)
  if (!Array.isArray(part)) return undefined
  const list: readonly Json[] = part
  return list.map(String)
}

export function isObject(part: Json | undefined): part is JsonObject {
  return typeof part === 'object' && part !== null && !Array.isArray(part)
}

/** Picks the same one in every run: by FNV-1a of what it is picked for. */
export function picked<T>(candidates: readonly T[], what: string): T | undefined {
  let hash = 0x811c9dc5
  for (const char of what) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return candidates[hash % candidates.length]
}

/** Equal for rules that say the same: lists are sets, keys have no order. */
export function readingOf(part: Json | undefined): string {
  if (Array.isArray(part)) {
    const list: readonly Json[] = part
    return `[${list.map(readingOf).toSorted().join()}]`
  }
  if (!isObject(part)) return JSON.stringify(part ?? null)
  const keys = Object.keys(part).toSorted()
  return `{${keys.map((key) => `${key}:${readingOf(part[key])}`).join()}}`
}
