/** Consents; an agency sees those it recorded, and those of persons for whose party it acts. */
import { sql } from 'kysely'
import type { Purpose } from '../domain/case/vocabulary.ts'
import type { ConsentItem } from '../domain/consent/check-consent.ts'
import type { Tx } from './database.ts'

/** How a consent was given, besides what the decision looks at. */
export interface Circumstances {
  readonly separate: boolean
  readonly conditionOfService: boolean
  readonly coercionChecked: boolean
  readonly inAbsenceOfOtherParty: boolean
  readonly capacityCheckedBy?: string
  readonly interpreterId?: string
}

/** One consent as kept; its items hold field ids. */
export interface ConsentEntry {
  readonly id: string
  readonly caseId: string
  /** Who consented. */
  readonly subjectId: string
  readonly recordedBy: string
  readonly practitionerId: string | null
  readonly items: readonly ConsentItem[]
  readonly explicit: boolean
  readonly language: string
  readonly noticeVersion: string
  readonly evidenceRef: string
  readonly circumstances: Circumstances
  readonly givenAt: Date
  readonly expiresAt: Date
  readonly withdrawnAt: Date | null
}

/** Keeps a consent. */
export async function insertConsent(
  tx: Tx,
  consent: Omit<ConsentEntry, 'withdrawnAt'>,
): Promise<void> {
  await tx
    .insertInto('consent')
    .values({
      id: consent.id,
      case_id: consent.caseId,
      subject_id: consent.subjectId,
      recorded_by: consent.recordedBy,
      practitioner_id: consent.practitionerId,
      items: JSON.stringify(consent.items),
      explicit: consent.explicit,
      language: consent.language,
      notice_version: consent.noticeVersion,
      evidence_ref: consent.evidenceRef,
      circumstances: JSON.stringify(consent.circumstances),
      given_at: consent.givenAt,
      expires_at: consent.expiresAt,
      created_at: consent.givenAt,
    })
    .execute()
}

/** One consent; undefined when there is none that the transaction's agency may withdraw. */
export async function findConsent(tx: Tx, id: string): Promise<ConsentEntry | undefined> {
  const row = await tx
    .selectFrom('consent')
    .select([
      'id',
      'case_id as caseId',
      'subject_id as subjectId',
      'recorded_by as recordedBy',
      'practitioner_id as practitionerId',
      'items',
      'explicit',
      'language',
      'notice_version as noticeVersion',
      'evidence_ref as evidenceRef',
      'circumstances',
      'given_at as givenAt',
      'expires_at as expiresAt',
      'withdrawn_at as withdrawnAt',
    ])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) return undefined
  const { items, circumstances, ...rest } = row
  return {
    ...rest,
    items: items as ConsentItem[],
    circumstances: circumstances as unknown as Circumstances,
  }
}

/**
 * Withdraws, once and for all; a second withdrawal changes nothing. Run it under the exclusive locks
 * of case and person: from its commit on no decision commits that rests on the consent.
 */
export async function withdraw(
  tx: Tx,
  id: string,
  by: { readonly agencyId: string; readonly at: Date },
): Promise<void> {
  await tx
    .updateTable('consent')
    .set((eb) => ({
      withdrawn_at: by.at,
      withdrawn_by: by.agencyId,
      version: eb('version', '+', 1),
    }))
    .where('id', '=', id)
    .where('withdrawn_at', 'is', null)
    .execute()
}

/** An agency that received what a consent was asked for. */
export interface ConsentRecipientReached {
  readonly agencyId: string
  /** Person about whom it had asked. */
  readonly subjectId: string
  readonly purpose: Purpose
}

/** Recipients named in a consent who have received something under one of its items, each person and purpose once. */
export async function listReachedRecipients(
  tx: Tx,
  consentId: string,
): Promise<ConsentRecipientReached[]> {
  const { rows } = await sql<{ agency_id: string; subject_id: string; purpose: Purpose }>`
    select * from gate_consent_recipients(${consentId})`.execute(tx)
  return rows.map(({ agency_id: agencyId, subject_id: subjectId, purpose }) => {
    return { agencyId, subjectId, purpose }
  })
}
