/** Conditional requests (RFC 9110 §8.8.3, §13): strong entity tags and what clients say about them. */
import { createHash } from 'node:crypto'
import { canonicalize, type Json } from '../domain/log/canonical.ts'
import { OstiaryError } from '../errors.ts'

/** What `If-Match` names: any present state, or one of these opaque tags (without quotes). */
export type IfMatch = '*' | readonly string[]

/** Strong entity tag of a version that the caller may see: `"3"`. */
export function versionTag(version: number): string {
  return `"${version}"`
}

/**
 * Strong entity tag over what this caller sees: two callers with different views get different tags,
 * and a hidden change leaves the tag as it was. The order of members makes no difference: what was
 * written and what is read back from the database are one state.
 */
export function contentTag(visible: unknown): string {
  const text = canonicalize(JSON.parse(JSON.stringify(visible)) as Json)
  const digest = createHash('sha256').update(text).digest('base64url')
  return `"${digest.slice(0, 22)}"`
}

const TAG_LIST = /^(?:W\/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e]*")*$/

/**
 * Reads `If-Match`. Weak tags are dropped, since none of them ever matches here (§13.1.1).
 * Throws `precondition_required` without it, `precondition_invalid` when it cannot be read.
 */
export function readIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) throw new OstiaryError('precondition_required')
  const text = header.trim()
  if (text === '*') return '*'
  if (!TAG_LIST.test(text)) throw new OstiaryError('precondition_invalid')
  return tagsOf(text).flatMap(({ weak, opaque }) => (weak ? [] : [opaque]))
}

/** Whether the present strong tag satisfies `If-Match`. */
export function matches(ifMatch: IfMatch, tag: string): boolean {
  return ifMatch === '*' || ifMatch.some((opaque) => `"${opaque}"` === tag)
}

/** Throws `precondition_failed` unless the present tag satisfies `If-Match`. */
export function requireMatch(ifMatch: IfMatch, tag: string): void {
  if (!matches(ifMatch, tag)) throw new OstiaryError('precondition_failed')
}

/**
 * The versions that `If-Match` allows, for a compare-and-set in storage: those tags that
 * `versionTag` could have made. Empty means that none can match.
 */
export function expectedVersions(ifMatch: IfMatch): 'any' | readonly number[] {
  if (ifMatch === '*') return 'any'
  return ifMatch.filter((opaque) => /^[1-9]\d{0,8}$/.test(opaque)).map(Number)
}

/** Whether `If-None-Match` names the present tag (weak comparison, §13.1.2), so that 304 will do. */
export function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  const text = header.trim()
  if (text === '*') return true
  return TAG_LIST.test(text) && tagsOf(text).some(({ opaque }) => `"${opaque}"` === tag)
}

function tagsOf(list: string): { weak: boolean; opaque: string }[] {
  return [...list.matchAll(/(W\/)?"([^"]*)"/g)].map(([, weak, opaque = '']) => ({
    weak: weak !== undefined,
    opaque,
  }))
}
