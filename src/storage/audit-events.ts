import { sql } from 'kysely'
import type { SealedEvent } from '../domain/log/event.ts'
import type { Database, Tx } from './database.ts'

/**
 * Writes one event, its salts and its log entry. Durable with the transaction and not before; the
 * entry joins the tree at the next tick.
 */
export async function insertEvent(tx: Tx, event: SealedEvent): Promise<void> {
  const { header } = event
  await tx
    .insertInto('audit_event')
    .values({
      id: header.id,
      at: header.at,
      type: header.type,
      agency_id: header.agencyId ?? null,
      practitioner_id: header.practitionerId ?? null,
      case_id: header.caseId ?? null,
      subject_id: header.subjectId ?? null,
      request_id: header.requestId ?? null,
      public_part: event.publicText,
      private_part: event.privateText,
    })
    .execute()
  await tx
    .insertInto('audit_salt')
    .values({
      event_id: header.id,
      public_salt: Buffer.from(event.publicSalt),
      private_salt: Buffer.from(event.privateSalt),
    })
    .execute()
  await tx
    .insertInto('log_pending')
    .values({ event_id: header.id, entry: Buffer.from(event.entry) })
    .execute()
}

/**
 * Writes many events at once, each as `insertEvent` does, in one statement: all or none, durable with
 * it where no transaction is open. Of the worker role, which may write events of any agency.
 */
export async function insertEvents(
  db: Database | Tx,
  events: readonly SealedEvent[],
): Promise<void> {
  const of = <Value>(value: (event: SealedEvent) => Value): Value[] => events.map(value)
  const header = (name: 'agencyId' | 'practitionerId' | 'caseId' | 'subjectId' | 'requestId') =>
    of((event) => event.header[name] ?? null)
  const bytes = (value: (event: SealedEvent) => Uint8Array) =>
    of((event) => Buffer.from(value(event)))
  await sql`with written as materialized (
      select * from unnest(
        ${of((event) => event.header.id)}::uuid[], ${of((event) => event.header.at)}::timestamptz[],
        ${of((event) => event.header.type)}::text[], ${header('agencyId')}::uuid[],
        ${header('practitionerId')}::uuid[], ${header('caseId')}::uuid[], ${header('subjectId')}::uuid[],
        ${header('requestId')}::uuid[], ${of((event) => event.publicText)}::text[],
        ${of((event) => event.privateText)}::text[], ${bytes((event) => event.publicSalt)}::bytea[],
        ${bytes((event) => event.privateSalt)}::bytea[], ${bytes((event) => event.entry)}::bytea[])
      as e (id, at, type, agency_id, practitioner_id, case_id, subject_id, request_id, public_part,
        private_part, public_salt, private_salt, entry)),
    event as (insert into audit_event (id, at, type, agency_id, practitioner_id, case_id, subject_id, request_id, public_part, private_part)
      select id, at, type, agency_id, practitioner_id, case_id, subject_id, request_id, public_part, private_part from written),
    salt as (insert into audit_salt (event_id, public_salt, private_salt)
      select id, public_salt, private_salt from written)
    insert into log_pending (event_id, entry) select id, entry from written`.execute(db)
}
