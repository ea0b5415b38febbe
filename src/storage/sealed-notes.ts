import type { Tx } from './database.ts'

/** What somebody wrote in own words about a contestation or a withdrawal. */
export interface SealedNote {
  readonly id: string
  readonly kind: 'contestation_note' | 'withdrawal_note'
  /** The record or the consent. */
  readonly aboutId: string
  /** Version of the record that it came with; null for a consent. */
  readonly aboutVersion: number | null
  readonly caseId: string
  readonly agencyId: string
  readonly practitionerId: string | null
  /** Person or case under whose key it lies. */
  readonly ownerId: string
  readonly text: { readonly sealed: Uint8Array; readonly wrappedKey: Uint8Array }
}

/** Keeps a note; only the agency that wrote it can read the row. */
export async function insertSealedNote(tx: Tx, note: SealedNote, at: Date): Promise<void> {
  await tx
    .insertInto('sealed_note')
    .values({
      id: note.id,
      kind: note.kind,
      about_id: note.aboutId,
      about_version: note.aboutVersion,
      case_id: note.caseId,
      agency_id: note.agencyId,
      practitioner_id: note.practitionerId,
      owner_id: note.ownerId,
      sealed: Buffer.from(note.text.sealed),
      wrapped_key: Buffer.from(note.text.wrappedKey),
      created_at: at,
    })
    .execute()
}
