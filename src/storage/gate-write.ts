import type { SealedEvent } from '../domain/log/event.ts'
import type { PractitionerRole, Purpose } from '../domain/case/vocabulary.ts'

/** A decision as it is kept. What the requester saw of it is in the public part of its event. */
export interface DisclosureRow {
  readonly id: string
  readonly kind: 'disclosure' | 'preview'
  readonly caseId: string
  readonly subjectId: string
  readonly agencyId: string
  readonly practitionerId: string
  readonly role: PractitionerRole
  readonly purpose: Purpose
  readonly requested: readonly string[]
  readonly outcome: 'full' | 'partial' | 'none' | 'review'
  readonly recordVersions: Readonly<Record<string, number>>
  readonly policyVersion: number
  /** Number of the catalogue that `facts` refer to. */
  readonly catalogueVersion: number
  /** What it was decided on, sealed. */
  readonly facts: Uint8Array
  readonly exception?: string
  readonly sealed: boolean
  readonly notes?: { readonly sealed: Uint8Array; readonly wrappedKey: Uint8Array }
  readonly underReview: boolean
  readonly replayOf?: string
  readonly releasedFrom?: string
  readonly decidedAt: Date
}

/** What left of one record version. */
export interface LedgerRow {
  readonly recordId: string
  readonly recordVersion: number
  readonly subjectId: string | null
  readonly sourceAgencyId: string
  readonly fields: readonly string[]
  readonly expiresAt?: Date
  /** Whether the recipient never received one of these fields of the record before. */
  readonly novel: boolean
}

/** Somebody has to look: before it leaves, or after a claimed exception. */
export interface ReviewTaskRow {
  readonly id: string
  readonly kind: 'before' | 'after'
  readonly agencyId: string
  readonly role: string
  readonly dueAt: Date
}

/** Ids and a type, never content. */
export interface NoticeRow {
  readonly id: string
  readonly agencyId: string
  readonly role: string | null
  readonly type: string
  readonly urgency: 'immediate' | '24h' | '7d' | 'routine'
  readonly refs: Readonly<Record<string, string>>
  readonly dueAt?: Date
}

/** Everything that one gate transaction writes. The event is never optional: no audit, no release. */
export interface GateWrite {
  readonly event: SealedEvent
  readonly decided?: {
    readonly disclosure: DisclosureRow
    readonly ledger: readonly LedgerRow[]
    readonly tasks: readonly ReviewTaskRow[]
    readonly notices: readonly NoticeRow[]
    readonly idempotency?: {
      readonly clientId: string
      readonly key: string
      readonly fingerprint: Uint8Array
      readonly operation: string
    }
  }
}

interface Statement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
}

const EVENT = `with
  event as (insert into audit_event (id, at, type, agency_id, practitioner_id, case_id, subject_id, request_id, public_part, private_part)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)),
  salt as (insert into audit_salt (event_id, public_salt, private_salt) values ($1, $11, $12))
  insert into log_pending (event_id, entry) values ($1, $13)`

const EVER = `,
  -- In one order for everybody, so that two requests cannot wait for each other in a ring.
  ever as (insert into released_fields as f (recipient_agency_id, record_id, case_id, fields)
    select $5, l.record, $3, l.fields from jsonb_to_recordset($21) as l(record uuid, fields text[], novel boolean)
    where l.novel and not exists (select from released_fields e
      where e.recipient_agency_id = $5 and e.record_id = l.record and e.fields @> l.fields)
    order by l.record
    on conflict (recipient_agency_id, record_id) do update
      set fields = array(select distinct unnest(f.fields || excluded.fields)) where not f.fields @> excluded.fields)`

/** With `novel` also for fields that the recipient had not received before. */
const disclosureText = (novel: boolean) => `with
  ledger as (insert into release_ledger (disclosure_id, record_id, record_version, case_id, subject_id, source_agency_id,
      recipient_agency_id, fields, purpose, expires_at, released_at)
    select $1, l.record, l.version, $3, l.subject, l.source, $5, l.fields, $8, l.expires, $20
    from jsonb_to_recordset($21) as l(record uuid, version integer, subject uuid, source uuid, fields text[], expires timestamptz))${novel ? EVER : ''}
  insert into disclosure (id, kind, case_id, subject_id, agency_id, practitioner_id, role, purpose, requested, outcome, facts,
    record_versions, policy_version, exception, sealed, notes_sealed, notes_key, under_review, event_id, decided_at, replay_of, released_from, leaf_hash,
    catalogue_version)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $22, $23, $24, $25)`

const DISCLOSURE = disclosureText(false)
const NOVEL_DISCLOSURE = disclosureText(true)

const KEY = `insert into idempotency (client_id, key, fingerprint, operation, resource_id) values ($1, $2, $3, $4, $5)`

const TASKS = `insert into review_task (id, kind, disclosure_id, case_id, agency_id, role, due_at)
  select t.id, t.kind, $1, $2, t.agency, t.role, t.due
  from jsonb_to_recordset($3) as t(id uuid, kind text, agency uuid, role text, due timestamptz)`

const NOTICES = `insert into notice (id, agency_id, role, type, urgency, refs, due_at, created_at)
  select n.id, n.agency, n.role, n.type, n.urgency, n.refs, n.due, $2
  from jsonb_to_recordset($1) as n(id uuid, agency uuid, role text, type text, urgency text, refs jsonb, due timestamptz)`

/** The statements of one write, in order; sent together and committed together. */
export function commitStatements({ event, decided }: GateWrite): Statement[] {
  const statements = [eventStatement(event)]
  if (!decided) return statements
  const { disclosure, ledger, tasks, notices, idempotency } = decided
  statements.push(disclosureStatement(disclosure, ledger, event))
  if (idempotency) {
    const { clientId, key, fingerprint, operation } = idempotency
    const values = [clientId, key, fingerprint, operation, disclosure.id]
    statements.push({ name: 'gate-key', text: KEY, values })
  }
  if (tasks.length > 0) {
    const rows = tasks.map((task) => ({
      id: task.id,
      kind: task.kind,
      agency: task.agencyId,
      role: task.role,
      due: task.dueAt,
    }))
    const values = [disclosure.id, disclosure.caseId, JSON.stringify(rows)]
    statements.push({ name: 'gate-tasks', text: TASKS, values })
  }
  if (notices.length > 0) {
    const rows = notices.map((notice) => ({
      id: notice.id,
      agency: notice.agencyId,
      role: notice.role,
      type: notice.type,
      urgency: notice.urgency,
      refs: notice.refs,
      due: notice.dueAt ?? null,
    }))
    statements.push({
      name: 'gate-notices',
      text: NOTICES,
      values: [JSON.stringify(rows), disclosure.decidedAt],
    })
  }
  return statements
}

function eventStatement(event: SealedEvent): Statement {
  const { header } = event
  return {
    name: 'gate-event',
    text: EVENT,
    values: [
      header.id,
      header.at,
      header.type,
      header.agencyId ?? null,
      header.practitionerId ?? null,
      header.caseId ?? null,
      header.subjectId ?? null,
      header.requestId ?? null,
      event.publicText,
      event.privateText,
      event.publicSalt,
      event.privateSalt,
      event.entry,
    ],
  }
}

function disclosureStatement(
  row: DisclosureRow,
  ledger: readonly LedgerRow[],
  event: SealedEvent,
): Statement {
  const released = ledger.map((entry) => ({
    record: entry.recordId,
    version: entry.recordVersion,
    subject: entry.subjectId,
    source: entry.sourceAgencyId,
    fields: entry.fields,
    expires: entry.expiresAt ?? null,
    novel: entry.novel,
  }))
  return {
    ...(ledger.some(({ novel }) => novel)
      ? { name: 'gate-disclosure-novel', text: NOVEL_DISCLOSURE }
      : { name: 'gate-disclosure', text: DISCLOSURE }),
    values: [
      row.id,
      row.kind,
      row.caseId,
      row.subjectId,
      row.agencyId,
      row.practitionerId,
      row.role,
      row.purpose,
      row.requested,
      row.outcome,
      row.facts,
      JSON.stringify(row.recordVersions),
      row.policyVersion,
      row.exception ?? null,
      row.sealed,
      row.notes?.sealed ?? null,
      row.notes?.wrappedKey ?? null,
      row.underReview,
      event.header.id,
      row.decidedAt,
      JSON.stringify(released),
      row.replayOf ?? null,
      row.releasedFrom ?? null,
      event.leafHash,
      row.catalogueVersion,
    ],
  }
}
