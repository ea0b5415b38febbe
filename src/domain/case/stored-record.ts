import type { Informant, StatementKind } from '../catalogue/types.ts'

/**
 * What is kept in the clear beside the sealed values of one record version: where each value lies,
 * where it comes from, and its state. No value, and nothing anybody wrote in own words.
 */

/** Where one value lies in `record_version.sealed`, and in which version of the record it was set. */
export interface SealedField {
  /** Name within the record type, without the type. */
  readonly name: string
  /** First byte of its ciphertext. */
  readonly offset: number
  /** Bytes of its ciphertext. */
  readonly length: number
  /** Part of its associated data, so it does not change while later versions carry the value on. */
  readonly setIn: number
}

/** One element of the JSON array `record_version.fields`. */
export interface StoredField extends SealedField {
  /** Index into `record_version.provenance`. */
  readonly provenance: number
  /** Present while somebody contests the value (GDPR art. 16, 18(1)(a)). */
  readonly contested?: true
  /** Present while the value must not be used (GDPR art. 18; LED art. 16(3)). */
  readonly restricted?: true
}

/**
 * One element of the JSON array `record_version.provenance` (LED art. 6–7): from whom the values come
 * that point to it, and who looked at them again. Times are ISO 8601 in UTC. `verifiedBy`, `method`
 * and `reliability` are ids and codes, never free text: they are kept in the clear.
 */
export interface StoredProvenance {
  readonly informant: Informant
  /** Person of the case; present when the informant is a party. */
  readonly informantPersonId?: string
  readonly kind: StatementKind
  readonly collectedAt: string
  readonly verifiedAt?: string
  readonly verifiedBy?: string
  readonly method?: string
  readonly reliability?: string
}
