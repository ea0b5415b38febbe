import { escalationRole } from '../domain/notice/escalation-role.ts'
import type * as clocks from '../storage/clocks.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as locks from '../storage/locks.ts'
import type * as notices from '../storage/notices.ts'
import { type Clock, MOST_PER_RUN } from './clock.ts'
import { eachApart } from './each-apart.ts'
import { byWorker, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

export interface SettleDutiesDependencies {
  /** Of the worker role. */
  readonly db: Database
  readonly storage: Pick<typeof clocks, 'listDueDuties' | 'markDutyMissed' | 'settleMetDuties'> &
    Pick<typeof locks, 'lockExclusive'> &
    Pick<typeof notices, 'insertNotices'>
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'uuid'>
}

/**
 * Closes the duties to tell something in time: met by a release in time to an agency that had to be
 * told, or missed once the time is over (S7). A missed one goes to whoever the policy names at the
 * agency that owed it.
 */
export function makeSettleDuties(deps: SettleDutiesDependencies): Clock {
  const { db, storage } = deps
  return async (now) => {
    const met = await db.transaction().execute((tx) => storage.settleMetDuties(tx))
    const due = await storage.listDueDuties(db, now, MOST_PER_RUN)
    const missed = await eachApart(due, ({ id, caseId }) =>
      db.transaction().execute(async (tx) => {
        // Releases hold this lock shared until they have committed: one decided in time is waited for.
        await storage.lockExclusive(tx, [`case:${caseId}`])
        const duty = await storage.markDutyMissed(tx, id, now)
        if (!duty) return false
        await escalate(deps, tx, { ...duty, id }, now)
        return true
      }),
    )
    return met + missed
  }
}

async function escalate(
  { storage, recordEvent, runtime }: SettleDutiesDependencies,
  tx: Tx,
  duty: clocks.MissedDuty & { readonly id: string },
  now: Date,
): Promise<void> {
  const { id: dutyId, agencyId, caseId, recordId } = duty
  await recordEvent(tx, {
    ...byWorker('settle_duties'),
    at: now,
    type: 'duty.missed',
    agencyId,
    caseId,
    ...(duty.subjectId === null ? {} : { subjectId: duty.subjectId }),
    public: {
      dutyId,
      rule: duty.rule,
      recordId,
      // Not when it was due: that is reckoned from the value, and the log can never be made to forget it.
      field: duty.field,
    },
    private: {},
  })
  await storage.insertNotices(
    tx,
    [
      {
        id: runtime.uuid(),
        agencyId,
        role: escalationRole(duty.escalateTo),
        type: 'duty_missed',
        urgency: 'immediate',
        refs: { dutyId, recordId, caseId },
      },
    ],
    now,
  )
}
