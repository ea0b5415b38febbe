import type { Fault, Place } from './fault.ts'

/** A document of the right shape, and where each of its parts was written. */
export interface Parsed<T> {
  readonly document: T
  readonly file?: string
  /** By JSON pointer; empty when the document came in as JSON. */
  readonly places: ReadonlyMap<string, Place>
}

export type ParseResult<T> =
  | { readonly ok: true; readonly parsed: Parsed<T> }
  | { readonly ok: false; readonly faults: readonly Fault[] }
