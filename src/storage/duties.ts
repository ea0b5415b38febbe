import { sql } from 'kysely'
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
 */
export async function openDuties(tx: Tx, duties: readonly DutyEntry[]): Promise<void> {
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
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['record_id', 'rule', 'field']).doUpdateSet({
        due_at: sql<Date>`case when duty.state = 'open' then least(duty.due_at, excluded.due_at) else excluded.due_at end`,
        state: 'open',
        met_by: null,
      }),
    )
    .execute()
}
