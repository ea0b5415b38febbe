/** One-based position in the text of a document. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** What kind of mistake a fault is; stable, for programs. */
export type FaultCode =
  | 'syntax'
  | 'too_large'
  | 'too_deep'
  | 'not_allowed'
  | 'duplicate_key'
  | 'unknown_key'
  | 'missing_key'
  | 'wrong_type'
  | 'bad_value'
  | 'unknown_name'
  | 'no_match'
  | 'duplicate_id'
  | 'legal'
  | 'not_applicable'

/** A mistake in a policy document or test suite. Tells all that its author needs in order to mend it. */
export interface Fault {
  readonly code: FaultCode
  /** Lower case, no final period, the author's words in backticks. */
  readonly message: string
  /** Name under which the document came in, usually its file; absent for a lone document. */
  readonly file?: string
  /** JSON pointer (RFC 6901) into the document. */
  readonly pointer: string
  /** Where in the text; absent when the document came in as JSON. */
  readonly place?: Place
  /** The valid word closest to an unknown one, when one is close. */
  readonly nearest?: string
}

/** `policies/x.yaml:12:5 unknown sector `polce`, did you mean `police`?`, for logs, tests and the command line. */
export function describeFault(fault: Fault): string {
  const position = fault.place ? `${fault.place.line}:${fault.place.column}` : fault.pointer || '/'
  const hint = fault.nearest === undefined ? '' : `, did you mean \`${fault.nearest}\`?`
  return `${fault.file ?? 'document'}:${position} ${fault.message}${hint}`
}

/** Appends a reference token to a JSON pointer (RFC 6901 section 3). */
export function pointerTo(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}
