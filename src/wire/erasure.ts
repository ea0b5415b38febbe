/** Erasure and retention, at the server itself: both destroy, so they need the owner's rights. */
import type { Config } from '../config.ts'
import { type ErasedPerson, type ErasureOrder, makeErasePerson } from '../services/erase-person.ts'
import { byCommand, makeRecordEvent } from '../services/record-event.ts'
import { makeRetireAuditMonths, type RetireAuditMonths } from '../services/retire-audit-months.ts'
import * as auditEvents from '../storage/audit-events.ts'
import * as auditRetirement from '../storage/audit-retirement.ts'
import * as erasure from '../storage/erasure.ts'
import * as locks from '../storage/locks.ts'
import { transactions } from '../storage/transaction.ts'
import { openOwner } from './database.ts'
import { reachDatabase } from './database-address.ts'
import { RUNTIME } from './runtime.ts'

/** What the operator may destroy. All of it is written down in the log. */
export interface Erasure {
  /** Destroys what one agency can open about a person. */
  erase(order: ErasureOrder): Promise<ErasedPerson>
  /** Retires the months of audit events before one, as far as OSTIARY_AUDIT_RETENTION allows. */
  retire: RetireAuditMonths
}

/** Reaches the configured database for one command, and lets go of it afterwards. */
export async function withErasure<Result>(
  config: Config,
  work: (erasure: Erasure) => Promise<Result>,
): Promise<Result> {
  const address = await reachDatabase(config)
  const owner = openOwner(address)
  try {
    const recordEvent = makeRecordEvent({
      storage: auditEvents,
      runtime: RUNTIME,
      origin: config.logOrigin,
    })
    const erasePerson = makeErasePerson({ storage: erasure, locks, recordEvent, runtime: RUNTIME })
    const transact = transactions(owner)
    return await work({
      erase: (order) =>
        transact(order.agencyId, (tx) => erasePerson(tx, order, byCommand('person erase'))),
      retire: makeRetireAuditMonths({
        db: owner,
        storage: auditRetirement,
        recordEvent,
        runtime: RUNTIME,
        keep: config.auditRetention,
      }),
    })
  } finally {
    await owner.destroy()
    await address.close()
  }
}
