import type { GateRecord } from '../storage/gate.ts'
import type { SealedRecord } from '../vault/sealed-record.ts'

/** A record as the gate read it, in the form that the vault takes. */
export function sealedRecord(record: GateRecord, caseId: string): SealedRecord {
  const { subject_key: wrapped, key_epoch: epoch } = record
  return {
    recordId: record.record_id,
    caseId,
    agencyId: record.agency_id,
    ownerId: record.key_owner_id,
    version: record.version,
    subjectKey: wrapped && epoch !== null ? { wrapped, epoch } : null,
    wrappedKey: record.wrapped_key,
    sealed: record.sealed,
    fields: record.fields,
    sealedFlags: record.sealed_flags,
  }
}
