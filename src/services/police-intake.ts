import {
  hasMinimum,
  INTAKE_TYPES,
  type MissingContent,
  missingContent,
} from '../domain/case/minimum-content.ts'
import type * as cases from '../storage/cases.ts'
import type * as records from '../storage/records.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { requireCase, requireCaseWork } from './case-access.ts'
import { calledBy, type RecordEvent } from './record-event.ts'

/** One record of the caller's that has a minimum, and what it lacks of it. */
export interface IntakeView {
  readonly recordId: string
  readonly type: string
  readonly version: number
  readonly complete: boolean
  readonly missing: readonly MissingContent[]
}

export interface IntakeDependencies {
  readonly acting: Acting
  readonly storage: Pick<typeof cases, 'readCase'> & Pick<typeof records, 'listFieldNames'>
  readonly recordEvent: RecordEvent
}

/**
 * What the caller's agency took in about a case and what is still missing of its minimum (R138), the
 * oldest first; empty for an agency whose records have none. Throws `not_found`, `not_permitted`.
 */
export function makeListIntake({ acting, storage, recordEvent }: IntakeDependencies) {
  return (caller: Caller, caseId: string): Promise<readonly IntakeView[]> =>
    acting(caller, { operation: 'getIntake', caseId }, async (tx) => {
      requireCaseWork(caller)
      await requireCase(tx, storage, caller, caseId)
      const { sector } = caller
      const types = INTAKE_TYPES.filter((type) => hasMinimum(sector, type))
      const rows = types.length > 0 ? await storage.listFieldNames(tx, caseId, types) : []
      await recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.case_viewed',
        caseId,
        public: { records: rows.map(({ recordId }) => recordId) },
        private: {},
      })
      return rows.map(({ names, ...record }) => {
        const missing = missingContent(sector, record.type, names)
        return { ...record, complete: missing.length === 0, missing }
      })
    })
}
