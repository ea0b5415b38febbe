import type { SealedEvent } from '../domain/log/event.ts'
import type { Tx } from './database.ts'

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
