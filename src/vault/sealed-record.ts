import type { SealedField } from '../domain/case/stored-record.ts'
import type { PolicyFlag } from '../domain/catalogue/types.ts'
import type { RecordRef } from './associated-data.ts'
import type { WrappedSubjectKey } from './key-ring.ts'

/** One version of a record as it is kept, with the subject key under which its data key lies. */
export interface SealedRecord extends RecordRef {
  readonly version: number
  /** Null once the key was destroyed: then nothing of the record opens. */
  readonly subjectKey: WrappedSubjectKey | null
  readonly wrappedKey: Uint8Array
  /** Null for a record that was read for its flags only. */
  readonly sealed: Uint8Array | null
  readonly fields: readonly SealedField[]
  /** Null for record types that can raise no flag. */
  readonly sealedFlags: Uint8Array | null
}

/** What sealing makes: the columns of a new version. */
export interface SealedContent {
  readonly wrappedKey: Uint8Array
  /** The ciphertexts of all fields, one after the other. */
  readonly sealed: Uint8Array
  /** One per field, in the order of their bytes. */
  readonly fields: readonly SealedField[]
  readonly sealedFlags: Uint8Array | null
}

/**
 * The policy flags that each field's value raises, by field name, so that changing one field changes
 * its flags and no other's. Fields that raise none may be left out.
 */
export type FieldFlags = Readonly<Record<string, readonly PolicyFlag[]>>

/**
 * Why something stays closed. `key_destroyed`: the person was erased at that agency.
 * `key_unavailable`: this process lacks the key of that epoch (a fault of its configuration).
 * `key_broken`, `value_broken`: altered, or moved from elsewhere. `not_stored`: there is no such value
 * in what was given.
 */
export type OpenFailure =
  'key_destroyed' | 'key_unavailable' | 'key_broken' | 'value_broken' | 'not_stored'

/** What became of an attempt to open something; a failure never holds a part of it. */
export type Opened<Value> =
  | { readonly opened: true; readonly value: Value }
  | { readonly opened: false; readonly failure: OpenFailure }
