/** Finding canaries again, in whatever form a leak might have given them. */

/** A value planted in a record, and the field that holds it. */
export interface Canary {
  /** `record_type.field`. */
  readonly field: string
  /** The text to look for, as it stands in JSON. */
  readonly text: string
}

/**
 * The canaries that occur in `haystack`: as they are, percent-encoded, in hexadecimal (a database
 * dump shows bytes so), or anywhere inside base64 or base64url.
 */
export function findCanaries(haystack: string, canaries: readonly Canary[]): readonly Canary[] {
  const lower = haystack.toLowerCase()
  return canaries.filter(({ text }) => {
    // A short number is found only as a number of its own, or it would turn up inside any longer one.
    if (/^\d{1,9}$/.test(text)) return new RegExp(`(?<![\\d.])${text}(?![\\d])`).test(haystack)
    const hex = Buffer.from(text).toString('hex')
    if (haystack.includes(text) || lower.includes(hex)) return true
    if (lower.includes(encodeURIComponent(text).toLowerCase())) return true
    return base64Forms(text).some((form) => haystack.includes(form))
  })
}

/**
 * What of `text` must appear in the base64 of anything that contains it, for each of the three ways
 * its bytes can fall on groups of three; characters that also depend on the neighbours are cut off.
 */
function base64Forms(text: string): readonly string[] {
  const forms = [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + text).toString('base64url')
    const start = [0, 2, 3][shift]!
    const rest = (shift + Buffer.byteLength(text)) % 3
    return encoded.slice(start, rest === 0 ? undefined : -1)
  })
  // base64url and base64 differ in two characters only.
  const standard = forms.map((form) => form.replaceAll('-', '+').replaceAll('_', '/'))
  return [...new Set([...forms, ...standard])]
}
