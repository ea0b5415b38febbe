// JSON Canonicalization Scheme, RFC 8785: one text for each JSON value, so that it can be hashed.
// Numbers and strings are written as ECMAScript's own serializer does, which is what the RFC
// (§3.2.2) prescribes.

/** A JSON value. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json }

/**
 * Deepest nesting that is written; our events need a handful of levels, and values from outside
 * must not exhaust the stack.
 */
export const MAX_DEPTH = 64

/**
 * The canonical text of a JSON value: members sorted by UTF-16 code units, no white space.
 *
 * Dates, maps, `undefined` and the like are refused rather than dropped or converted: what is
 * hashed must be what is kept.
 *
 * @throws TypeError for a number that is not finite, a string with a lone surrogate, a value that
 *   is not JSON, or nesting beyond {@link MAX_DEPTH}; the message never holds the value
 */
export function canonicalize(value: Json): string {
  return write(value, 0)
}

function write(value: unknown, depth: number): string {
  if (isInOrder(value, depth)) {
    // Then the engine's own serializer, several times faster, gives the very same text; only lone
    // surrogates it writes as escapes instead of refusing them (ES2019 well-formed JSON.stringify).
    const text = JSON.stringify(value)
    if (!SURROGATE_ESCAPE.test(text)) return text
  }
  return writeInParts(value, depth)
}

/** Also met by a backslash in the value followed by the letters; then the parts are looked at. */
const SURROGATE_ESCAPE = /\\ud[89a-f]/

/** Whether the value is JSON all through, and the members of every object stand in canonical order already. */
function isInOrder(value: unknown, depth: number): boolean {
  if (depth > MAX_DEPTH) return false
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return isScalar(value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isInOrder(value[i], depth + 1)) return false
    return true
  }
  if (!isPlainObject(value)) return false
  let before = ''
  for (const name in value) {
    if (name < before || !isInOrder(value[name], depth + 1)) return false
    before = name
  }
  return true
}

const isScalar = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || value === null

/** A value that is a part of something larger and whose canonical text is needed by itself as well. */
export class CanonicalText {
  readonly text: string

  /** @throws TypeError as `canonicalize` */
  constructor(value: Json) {
    this.text = canonicalize(value)
  }
}

/** The canonical text of an object of which some members are written already. Throws as `canonicalize`. */
export function canonicalizeMembers(members: {
  readonly [member: string]: Json | CanonicalText
}): string {
  const written = Object.keys(members)
    .sort()
    .map((name) => {
      const value = members[name] as Json | CanonicalText
      const text = value instanceof CanonicalText ? value.text : write(value, 1)
      return `${writeString(name)}:${text}`
    })
  return `{${written.join()}}`
}

function writeInParts(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('nested too deeply to be canonical JSON')
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return writeNumber(value)
  if (typeof value === 'string') return writeString(value)
  // Not `map`, which would skip the holes of a sparse array.
  if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, depth + 1)).join()}]`
  if (isPlainObject(value)) {
    // Without a comparison `sort` goes by UTF-16 code units: exactly RFC 8785 §3.2.3.
    const names = Object.keys(value).sort()
    return `{${names.map((name) => `${writeString(name)}:${write(value[name], depth + 1)}`).join()}}`
  }
  throw new TypeError('not a JSON value')
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('a number that is not finite is not JSON')
  return JSON.stringify(value)
}

function writeString(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('a string with a lone surrogate is not JSON')
  return JSON.stringify(value)
}

function isPlainObject(value: unknown): value is { readonly [member: string]: unknown } {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
