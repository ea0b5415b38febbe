import type * as clocks from '../storage/clocks.ts'
import type { Database } from '../storage/database.ts'
import type * as notices from '../storage/notices.ts'
import { type Clock, MOST_PER_RUN } from './clock.ts'
import { eachApart } from './each-apart.ts'
import { byWorker, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/**
 * Tells the administrator of each party, once, that an agreement is over, whether or not anybody has
 * asked for anything under it since, and writes it down. `db` is of the worker role.
 */
export function makeAnnounceAgreementEnds({
  db,
  storage,
  recordEvent,
  runtime,
}: {
  readonly db: Database
  readonly storage: Pick<typeof clocks, 'claimEndTold' | 'listUntoldEnds'> &
    Pick<typeof notices, 'insertNotices'>
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'uuid'>
}): Clock {
  return async (now) => {
    const ended = await storage.listUntoldEnds(db, now, MOST_PER_RUN)
    return eachApart(ended, (agreement) =>
      db.transaction().execute(async (tx) => {
        if (!(await storage.claimEndTold(tx, agreement, now))) return false
        await storage.insertNotices(
          tx,
          agreement.parties.map((agencyId) => ({
            id: runtime.uuid(),
            agencyId,
            role: 'org_admin',
            type: 'agreement_expired',
            urgency: '24h' as const,
            refs: { agreementId: agreement.id },
          })),
          now,
        )
        await recordEvent(tx, {
          ...byWorker('announce_agreement_ends'),
          at: now,
          type: 'agreement.ended',
          public: { agreementId: agreement.id, parties: agreement.parties },
          private: {},
        })
        return true
      }),
    )
  }
}
