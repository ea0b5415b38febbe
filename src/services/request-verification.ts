import type { Catalogue } from '../domain/catalogue/types.ts'
import { addWorkingDays } from '../domain/case/working-days.ts'
import { resolveRequested } from '../domain/disclosure/requested.ts'
import { OstiaryError } from '../errors.ts'
import type * as disclosures from '../storage/disclosures.ts'
import type * as notices from '../storage/notices.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { selectorFault } from './disclose-fields.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A task of a source to look at values again. */
export interface VerificationTask {
  readonly id: string
  readonly recordId: string
  readonly fields: readonly string[]
  readonly dueAt: string
}

/** Working days that a source has (default). */
const DAYS = 2

/** The stored entry of a disclosure, as far as it matters here. */
interface StoredItem {
  readonly field: string
  readonly recordId: string
}

/**
 * Asks the sources of entries that the caller was shown to verify them again (LED art. 7(2)). Throws
 * `not_found` for a disclosure that is not the caller's, `not_permitted` for fields that it did not
 * show, and for values held on the perpetrator's side: there, being asked would tell that somebody
 * asks about him.
 */
export function makeRequestVerification(deps: {
  readonly acting: Acting
  readonly catalogue: Catalogue
  readonly storage: Pick<
    typeof disclosures,
    'findDisclosure' | 'findHolder' | 'insertVerificationRequest'
  >
  readonly notices: Pick<typeof notices, 'insertNotices'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}) {
  return (
    caller: Caller,
    disclosureId: string,
    selectors: readonly string[],
  ): Promise<readonly VerificationTask[]> =>
    deps.acting(caller, { operation: 'requestVerification', target: disclosureId }, async (tx) => {
      const row = await deps.storage.findDisclosure(tx, disclosureId)
      if (!row?.items) throw new OstiaryError('not_found')
      const requested = resolveRequested(deps.catalogue, selectors)
      if ('faults' in requested) throw selectorFault(requested.faults)
      const wanted = new Set(requested.fields.map(({ id }) => id))
      const shown = (row.items as StoredItem[]).filter(({ field }) => wanted.has(field))
      if (shown.length === 0) throw new OstiaryError('not_permitted')
      const dueAt = addWorkingDays(deps.runtime.now(), DAYS)
      const tasks: VerificationTask[] = []
      const holders = new Set<string>()
      for (const [recordId, items] of Map.groupBy(shown, (item) => item.recordId)) {
        const holder = await deps.storage.findHolder(tx, recordId)
        if (!holder || holder.perpetrator_side) throw new OstiaryError('not_permitted')
        holders.add(holder.agency_id)
        const id = deps.runtime.uuid()
        const fields = items.map(({ field }) => field)
        await deps.storage.insertVerificationRequest(tx, {
          id,
          disclosureId,
          recordId,
          caseId: holder.case_id,
          agencyId: holder.agency_id,
          requestedBy: caller.agencyId,
          fields,
          dueAt,
        })
        await deps.notices.insertNotices(
          tx,
          [
            {
              id: deps.runtime.uuid(),
              agencyId: holder.agency_id,
              role: null,
              type: 'verification_requested',
              urgency: '24h',
              refs: { verificationRequestId: id, recordId, caseId: holder.case_id },
              dueAt,
            },
          ],
          deps.runtime.now(),
        )
        tasks.push({ id, recordId, fields, dueAt: dueAt.toISOString() })
      }
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'verification.requested',
        caseId: row.case_id,
        subjectId: row.subject_id,
        public: { disclosureId, fields: [...wanted], purpose: row.purpose },
        private: { told: [...holders] },
      })
      return tasks
    })
}
