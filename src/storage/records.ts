/** Deposited records and their versions. Row-level security shows an agency its own alone. */
import { sql } from 'kysely'
import type { VersionContent } from '../domain/case/record-version.ts'
import type { StoredField, StoredProvenance } from '../domain/case/stored-record.ts'
import type { Tx } from './database.ts'

/** What does not change from version to version. */
export interface RecordIdentity {
  readonly id: string
  readonly caseId: string
  readonly agencyId: string
  /** Null for records about the case as a whole. */
  readonly subjectId: string | null
  readonly type: string
}

/** One version, sealed. */
export interface RecordVersion extends VersionContent {
  readonly version: number
  readonly change: 'deposit' | 'amend' | 'verify' | 'contest'
  readonly practitionerId: string | null
  /** Person or case under whose key it lies. */
  readonly keyOwnerId: string
  readonly wrappedKey: Uint8Array
  readonly sealed: Uint8Array
  readonly sealedFlags: Uint8Array | null
  readonly conditions: readonly string[]
}

/** A record with its current version, locked for this transaction. */
export interface CurrentRecord extends RecordIdentity {
  readonly version: number
  readonly keyOwnerId: string
  readonly wrappedKey: Uint8Array
  readonly sealed: Uint8Array
  readonly sealedFlags: Uint8Array | null
  readonly fields: readonly StoredField[]
  readonly provenance: readonly StoredProvenance[]
  readonly conditions: readonly string[]
}

/** Adds a record at its first version. */
export async function insertRecord(
  tx: Tx,
  record: RecordIdentity,
  version: RecordVersion,
  at: Date,
): Promise<void> {
  await tx
    .insertInto('record')
    .values({
      id: record.id,
      case_id: record.caseId,
      agency_id: record.agencyId,
      subject_id: record.subjectId,
      type: record.type,
      version: version.version,
      created_at: at,
    })
    .execute()
  await insertVersion(tx, record, version, at)
}

/** Adds the next version of a record that this transaction has locked, and makes it current. */
export async function insertNextVersion(
  tx: Tx,
  record: RecordIdentity,
  version: RecordVersion,
  at: Date,
): Promise<void> {
  await insertVersion(tx, record, version, at)
  await tx
    .updateTable('record')
    .set({ version: version.version })
    .where('id', '=', record.id)
    .execute()
}

async function insertVersion(
  tx: Tx,
  record: RecordIdentity,
  version: RecordVersion,
  at: Date,
): Promise<void> {
  await tx
    .insertInto('record_version')
    .values({
      record_id: record.id,
      version: version.version,
      case_id: record.caseId,
      agency_id: record.agencyId,
      subject_id: record.subjectId,
      change: version.change,
      practitioner_id: version.practitionerId,
      key_owner_id: version.keyOwnerId,
      wrapped_key: Buffer.from(version.wrappedKey),
      sealed: Buffer.from(version.sealed),
      fields: JSON.stringify(version.fields),
      provenance: JSON.stringify(version.provenance),
      sealed_flags: version.sealedFlags && Buffer.from(version.sealedFlags),
      conditions: [...version.conditions],
      created_at: at,
    })
    .execute()
}

/** Of which case a record of the transaction's agency is; undefined when it holds none of that id. */
export async function findRecordCase(
  tx: Tx,
  id: string,
): Promise<{ caseId: string; subjectId: string | null } | undefined> {
  return tx
    .selectFrom('record')
    .select(['case_id as caseId', 'subject_id as subjectId'])
    .where('id', '=', id)
    .executeTakeFirst()
}

/** A version that lay under a key which an erasure destroyed: nothing can be made of it any more. */
const NOT_ERASED = sql<boolean>`not exists (
  select from record_version_erased x where x.record_id = v.record_id and x.version = v.version)`

/**
 * A record of the transaction's agency at its current version; others who want to change it wait.
 * Undefined for one that was erased.
 */
export async function lockRecord(tx: Tx, id: string): Promise<CurrentRecord | undefined> {
  // Two statements: a row that was waited for is joined with what was there before the wait.
  await tx.selectFrom('record').select('id').where('id', '=', id).forUpdate().executeTakeFirst()
  return tx
    .selectFrom('record as r')
    .innerJoin('record_version as v', (join) =>
      join.onRef('v.record_id', '=', 'r.id').onRef('v.version', '=', 'r.version'),
    )
    .select([
      'r.id',
      'r.case_id as caseId',
      'r.agency_id as agencyId',
      'r.subject_id as subjectId',
      'r.type',
      'r.version',
      'v.key_owner_id as keyOwnerId',
      'v.wrapped_key as wrappedKey',
      'v.sealed',
      'v.sealed_flags as sealedFlags',
      'v.fields',
      'v.provenance',
      'v.conditions',
    ])
    .where('r.id', '=', id)
    .where(NOT_ERASED)
    .executeTakeFirst()
}

/** Names of the fields that the agency's own records of these types hold now, the oldest record first. */
export async function listFieldNames(
  tx: Tx,
  caseId: string,
  types: readonly string[],
): Promise<{ recordId: string; type: string; version: number; names: string[] }[]> {
  const rows = await tx
    .selectFrom('record as r')
    .innerJoin('record_version as v', (join) =>
      join.onRef('v.record_id', '=', 'r.id').onRef('v.version', '=', 'r.version'),
    )
    .select(['r.id', 'r.type', 'r.version', 'v.fields'])
    .where('r.case_id', '=', caseId)
    .where('r.type', 'in', types)
    .where(NOT_ERASED)
    .orderBy('r.created_at')
    .orderBy('r.id')
    .execute()
  return rows.map(({ id, fields, ...rest }) => ({
    recordId: id,
    ...rest,
    names: fields.map(({ name }) => name),
  }))
}
