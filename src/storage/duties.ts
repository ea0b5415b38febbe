import { sql } from 'kysely'
import type { Informant } from '../domain/catalogue/types.ts'
import type { CaseDuty } from '../domain/disclosure/duty-view.ts'
import type { Sector } from '../domain/case/vocabulary.ts'
import type { Tx } from './database.ts'

/** What an agency must tell in time, because of a value that it recorded. */
export interface DutyEntry {
  readonly id: string
  /** Id of the policy statement. */
  readonly rule: string
  readonly caseId: string
  readonly subjectId: string | null
  readonly recordId: string
  /** Field id, `record_type.field`. */
  readonly field: string
  /** Who owes it. */
  readonly agencyId: string
  readonly notify: { readonly sector: readonly string[]; readonly role?: readonly string[] }
  readonly escalateTo: string
  readonly dueAt: Date
}

/**
 * Opens duties. One that the same value's predecessor opened and nobody has met keeps its earlier
 * end; one that was met or missed is open again, because what was told is no longer what is known.
 * What its owner on the perpetrator's side is told of its end does not depend on which of the two it was.
 */
export async function openDuties(
  tx: Tx,
  duties: readonly DutyEntry[],
  recordedAt: Date,
): Promise<void> {
  if (duties.length === 0) return
  await tx
    .insertInto('duty')
    .values(
      duties.map((duty) => ({
        id: duty.id,
        rule: duty.rule,
        case_id: duty.caseId,
        subject_id: duty.subjectId,
        record_id: duty.recordId,
        field: duty.field,
        agency_id: duty.agencyId,
        notify: JSON.stringify(duty.notify),
        escalate_to: duty.escalateTo,
        due_at: duty.dueAt,
        told_due_at: duty.dueAt,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['record_id', 'rule', 'field']).doUpdateSet({
        due_at: sql<Date>`case when duty.state = 'open' then least(duty.due_at, excluded.due_at) else excluded.due_at end`,
        told_due_at: sql<Date>`case when duty.told_due_at > ${recordedAt} then least(duty.told_due_at, excluded.told_due_at) else excluded.told_due_at end`,
        state: 'open',
        met_by: null,
      }),
    )
    .execute()
}

/** A duty of a case with the id of its field, for `viewDuties` to narrow. */
export type CaseDutyRow = Omit<CaseDuty, 'field'> & { readonly field: string }

/**
 * Duties of the case that are not over: those that the transaction's agency owes, and those that
 * members owe to its sector. Empty when it does not work the case.
 */
export async function listCaseDuties(tx: Tx, caseId: string, now: Date): Promise<CaseDutyRow[]> {
  const { rows } = await sql<{
    id: string
    rule: string
    subject_id: string | null
    record_id: string
    field: string
    notify: CaseDuty['notify']
    state: CaseDuty['state']
    due_at: Date
    told_due_at: Date
    agency_id: string
    sector: Sector
    informant: Informant | null
    informant_person_id: string | null
  }>`select * from gate_duties(${caseId}, ${now})`.execute(tx)
  return rows.map((row) => ({
    id: row.id,
    rule: row.rule,
    subjectId: row.subject_id,
    recordId: row.record_id,
    field: row.field,
    notify: row.notify,
    state: row.state,
    dueAt: row.due_at,
    toldDueAt: row.told_due_at,
    owner: { agencyId: row.agency_id, sector: row.sector },
    informant: row.informant ?? undefined,
    informantPersonId: row.informant_person_id,
  }))
}
