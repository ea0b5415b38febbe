/**
 * What the self-check reads of the rows that events tell about, by their keys; and the other way round,
 * pages of rows with whether an event tells of each. For the worker role, in a snapshot.
 */
import { sql } from 'kysely'
import type {
  StoredDisclosure,
  StoredRelease,
  StoredTask,
} from '../domain/integrity/check-disclosure.ts'
import type {
  StoredAgreement,
  StoredConsent,
  StoredKeyPeriod,
  StoredPolicy,
  StoredReview,
  StoredVersion,
} from '../domain/integrity/check-row.ts'
import type { Tx } from './database.ts'

/** Decisions of these ids. */
export async function findDisclosures(tx: Tx, ids: readonly string[]): Promise<StoredDisclosure[]> {
  const { rows } = await sql<StoredDisclosure>`
    select id, decided_at as "decidedAt", leaf_hash as "leafHash", catalogue_version as "catalogueVersion", facts,
      notes_sealed as notes, notes_key as "notesKey",
      jsonb_build_object('kind', kind, 'caseId', case_id, 'subjectId', subject_id, 'agencyId', agency_id,
        'practitionerId', practitioner_id, 'role', role, 'purpose', purpose, 'requested', requested, 'outcome', outcome,
        'recordVersions', record_versions, 'policyVersion', policy_version, 'exception', exception, 'sealed', sealed,
        'underReview', under_review, 'replayOf', replay_of, 'releasedFrom', released_from, 'eventId', event_id) as told
    from disclosure where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

/** Time as an event writes it. */
const iso = (column: string) =>
  sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** What the ledger says of these decisions. */
export async function findReleases(
  tx: Tx,
  disclosureIds: readonly string[],
): Promise<StoredRelease[]> {
  const { rows } = await sql<StoredRelease>`
    select l.disclosure_id as "disclosureId", l.record_id as "recordId", l.subject_id as "subjectId",
      r.subject_id as "recordSubjectId",
      jsonb_build_object('recordVersion', l.record_version, 'caseId', l.case_id, 'sourceAgencyId', l.source_agency_id,
        'recipientAgencyId', l.recipient_agency_id, 'fields', l.fields, 'purpose', l.purpose,
        'expiresAt', ${iso('l.expires_at')}, 'releasedAt', ${iso('l.released_at')}) as told
    from release_ledger l left join record r on r.id = l.record_id
    where l.disclosure_id = any(${disclosureIds}::uuid[])`.execute(tx)
  return rows
}

/** Tasks that these decisions opened. */
export async function findTasks(tx: Tx, disclosureIds: readonly string[]): Promise<StoredTask[]> {
  const { rows } = await sql<StoredTask>`
    select id, disclosure_id as "disclosureId", case_id as "caseId", kind, agency_id as "agencyId", role, due_at as "dueAt"
    from review_task where disclosure_id = any(${disclosureIds}::uuid[])`.execute(tx)
  return rows
}

/** The agency of each of these records. */
export async function findHolders(
  tx: Tx,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ id: string; agency_id: string }>`
    select id, agency_id from record where id = any(${recordIds}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row.agency_id]))
}

/** Record versions by `<record>/<version>`. */
export async function findVersions(
  tx: Tx,
  keys: readonly string[],
): Promise<ReadonlyMap<string, StoredVersion>> {
  const pairs = keys.map((key) => key.split('/', 2))
  const { rows } = await sql<
    Omit<StoredVersion, 'record'> & {
      key: string
      record:
        (Omit<NonNullable<StoredVersion['record']>, 'createdAt'> & { createdAt: string }) | null
    }
  >`
    select v.record_id || '/' || v.version as key, v.record_id as "recordId", v.version, v.case_id as "caseId",
      v.agency_id as "agencyId", v.subject_id as "subjectId", v.change, v.practitioner_id as "practitionerId",
      v.key_owner_id as "keyOwnerId", v.wrapped_key as "wrappedKey", v.sealed, v.sealed_flags as "sealedFlags", v.fields,
      v.provenance, v.conditions, v.created_at as at,
      case when r.id is not null then jsonb_build_object('type', r.type, 'caseId', r.case_id, 'agencyId', r.agency_id,
        'subjectId', r.subject_id, 'version', r.version, 'createdAt', ${iso('r.created_at')},
        'newest', (select max(n.version) from record_version n where n.record_id = r.id)) end as record
    from unnest(${pairs.map(([id]) => id)}::uuid[], ${pairs.map(([, version]) => Number(version))}::integer[]) as k(id, version)
    join record_version v on v.record_id = k.id and v.version = k.version
    left join record r on r.id = v.record_id`.execute(tx)
  return new Map(
    rows.map(({ record, ...row }) => [
      row.key,
      {
        ...row,
        record: record ? { ...record, createdAt: new Date(record.createdAt) } : undefined,
      },
    ]),
  )
}

/** Consents by id. */
export async function findConsents(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredConsent>> {
  const { rows } = await sql<StoredConsent>`
    select id, case_id as "caseId", subject_id as "subjectId", recorded_by as "recordedBy",
      practitioner_id as "practitionerId", items, explicit, language, notice_version as "noticeVersion",
      evidence_ref as "evidenceRef", circumstances, given_at as "givenAt", expires_at as "expiresAt",
      withdrawn_at as "withdrawnAt", withdrawn_by as "withdrawnBy", version
    from consent where id = any(${ids}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** Agreements by id. */
export async function findAgreements(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredAgreement>> {
  const { rows } = await sql<StoredAgreement>`
    select id, title, parties, purposes, valid_from as "validFrom", valid_to as "validTo", document_ref as "documentRef",
      signatories, scope, terms, policy_approval as "policyApproval", created_by as "createdBy",
      terminated_at as "terminatedAt", ended
    from agreement where id = any(${ids}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** Review tasks by id. */
export async function findReviews(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredReview>> {
  const { rows } = await sql<StoredReview>`
    select id, kind, disclosure_id as "disclosureId", case_id as "caseId", agency_id as "agencyId", state,
      decided_at as "decidedAt", decided_by as "decidedBy", signature, note_sealed as note, note_key as "noteKey"
    from review_task where id = any(${ids}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** Policy versions by number, as text. */
export async function findPolicies(
  tx: Tx,
  versions: readonly string[],
): Promise<ReadonlyMap<string, StoredPolicy>> {
  const { rows } = await sql<StoredPolicy>`
    select version, hash, draft_id as "draftId", based_on as "basedOn", reactivates, activated_by as "activatedBy",
      created_at as "createdAt", created_by as "createdBy", suites, reason, authors, approvals
    from policy_version where version = any(${versions.map(Number)}::integer[])`.execute(tx)
  return new Map(rows.map((row) => [String(row.version), row]))
}

/** Keys of the log by vkey. */
export async function findKeyPeriods(
  tx: Tx,
  vkeys: readonly string[],
): Promise<ReadonlyMap<string, StoredKeyPeriod>> {
  const { rows } = await sql<{ vkey: string; from_size: string; signs_until: Date | null }>`
    select k.vkey, k.from_size, (select o.signs_until from log_key o where (o.from_size, o.from_time) < (k.from_size, k.from_time)
      order by o.from_size desc, o.from_time desc limit 1)
    from log_key k where k.vkey = any(${vkeys})`.execute(tx)
  return new Map(
    rows.map((row) => [
      row.vkey,
      { vkey: row.vkey, fromSize: Number(row.from_size), oldUntil: row.signs_until },
    ]),
  )
}

/** Keys of the log that begin or end where none does: the first not at 0, one that ends without a successor. */
export async function listStrayKeys(tx: Tx): Promise<string[]> {
  const { rows } = await sql<{ vkey: string }>`
    select k.vkey from log_key k
    where (k.from_size = 0) <> (not exists (select from log_key o where (o.from_size, o.from_time) < (k.from_size, k.from_time)))
      or (k.signs_until is not null or k.until_size is not null)
        and not exists (select from log_key n where (n.from_size, n.from_time) > (k.from_size, k.from_time))
    order by k.vkey`.execute(tx)
  return rows.map(({ vkey }) => vkey)
}

/** A policy version with its documents, and the one in force. */
export async function listPolicyDocuments(tx: Tx): Promise<
  {
    readonly version: number
    readonly hash: string
    readonly documents: readonly object[]
    readonly inForce: boolean | null
  }[]
> {
  const { rows } = await sql<{
    version: number
    hash: string
    documents: object[]
    inForce: boolean | null
  }>`select v.version, v.hash, v.documents,
      -- Null where nothing is in force; then nothing is decided.
      (select a.version = v.version and a.activated_at = v.created_at
        and a.activated_by is not distinct from v.created_by from policy_active a) as "inForce"
    from policy_version v order by v.version`.execute(tx)
  return rows
}
