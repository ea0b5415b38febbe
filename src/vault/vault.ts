import type { Crypto } from '../crypto/sodium.ts'
import type { Json } from '../domain/log/canonical.ts'
import type { ReleaseVerdict } from '../domain/policy/verdict.ts'
import type { FactsRef, KeyOwner, TextRef } from './associated-data.ts'
import { type KeyOf, openFacts, type OwnedKey, sealFacts } from './facts.ts'
import type { KeyRing, WrappedSubjectKey } from './key-ring.ts'
import { openFlags } from './open-flags.ts'
import { openValues } from './open-values.ts'
import {
  type Amendment,
  amendRecord,
  type FieldValues,
  type NewRecord,
  sealRecord,
} from './seal-record.ts'
import type { FieldFlags, Opened, SealedContent, SealedRecord } from './sealed-record.ts'
import { openText, type SealedText, sealText } from './text.ts'

/**
 * The only caller of seal and open for case data; everything in it is synchronous and touches no
 * database. Keys are in three layers: the key-encryption key of an epoch (in the key ring) wraps a
 * subject key per person and controlling agency, which wraps a data key per record or text. Subject
 * and data keys exist unwrapped only within one call.
 */
export interface Vault {
  /** A new wrapped subject key. See `ensureSubjectKey` in storage for making one exactly once. */
  createSubjectKey(owner: KeyOwner, epoch: number): Uint8Array
  /** @see sealRecord */
  sealRecord(record: NewRecord, fields: FieldValues, flags?: FieldFlags): SealedContent
  /** @see amendRecord */
  amendRecord(previous: SealedRecord, amendment: Amendment): SealedContent
  /** @see openValues */
  open(
    verdicts: readonly ReleaseVerdict[],
    records: readonly SealedRecord[],
  ): ReadonlyMap<ReleaseVerdict, Opened<Json>>
  /** @see openFlags */
  openFlags(records: readonly SealedRecord[]): ReadonlyMap<string, Opened<FieldFlags>>
  /** @see sealText */
  sealText(ref: TextRef, subjectKey: WrappedSubjectKey, text: Json): SealedText
  /** @see openText */
  openText(ref: TextRef, subjectKey: WrappedSubjectKey | null, text: SealedText): Opened<Json>
  /** @see sealFacts */
  sealFacts(
    ref: FactsRef,
    asker: OwnedKey,
    sources: readonly OwnedKey[],
    facts: Uint8Array,
  ): Uint8Array
  /** @see openFacts */
  openFacts(ref: FactsRef, keyOf: KeyOf, sealed: Uint8Array): Opened<Uint8Array>
}

/** A vault over the given primitives and key-encryption keys. It has no state of its own. */
export function openVault(crypto: Crypto, keyRing: KeyRing): Vault {
  return Object.freeze<Vault>({
    createSubjectKey(owner, epoch) {
      const key = crypto.generateKey()
      try {
        return keyRing.wrapSubjectKey(key, owner, epoch)
      } finally {
        crypto.wipe(key)
      }
    },
    sealRecord: (record, fields, flags) => sealRecord(crypto, keyRing, record, fields, flags),
    amendRecord: (previous, amendment) => amendRecord(crypto, keyRing, previous, amendment),
    open: (verdicts, records) => openValues(crypto, keyRing, verdicts, records),
    openFlags: (records) => openFlags(crypto, keyRing, records),
    sealText: (ref, subjectKey, text) => sealText(crypto, keyRing, ref, subjectKey, text),
    openText: (ref, subjectKey, text) => openText(crypto, keyRing, ref, subjectKey, text),
    sealFacts: (ref, asker, sources, facts) =>
      sealFacts(crypto, keyRing, ref, asker, sources, facts),
    openFacts: (ref, keyOf, sealed) => openFacts(crypto, keyRing, ref, keyOf, sealed),
  })
}
