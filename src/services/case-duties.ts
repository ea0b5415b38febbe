import type { Catalogue } from '../domain/catalogue/types.ts'
import { viewCase } from '../domain/case/case-view.ts'
import { type DutyView, viewDuties } from '../domain/disclosure/duty-view.ts'
import { OstiaryError } from '../errors.ts'
import type * as cases from '../storage/cases.ts'
import type * as duties from '../storage/duties.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { requireCaseWork } from './case-access.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

export interface CaseDutyDependencies {
  readonly acting: Acting
  readonly catalogue: Catalogue
  readonly storage: Pick<typeof cases, 'readCase'>
  readonly duties: Pick<typeof duties, 'listCaseDuties'>
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
}

/**
 * What has to be told in this case and by when: the duties of the caller's agency, and those that
 * partners owe to it (R28), the most urgent first. Reading them is an event. Throws `not_found`,
 * `not_permitted` for a role that does not work on cases.
 */
export function makeListCaseDuties(deps: CaseDutyDependencies) {
  return (caller: Caller, caseId: string): Promise<readonly DutyView[]> =>
    deps.acting(caller, { operation: 'getCaseDuties', caseId }, async (tx) => {
      requireCaseWork(caller)
      const { agencyId, sector, role } = caller
      const whole = await deps.storage.readCase(tx, caseId)
      const view = whole && viewCase(whole, agencyId)
      if (!view || !role) throw new OstiaryError('not_found')
      const now = deps.runtime.now()
      const rows = await deps.duties.listCaseDuties(tx, caseId, now)
      const known = rows.flatMap(({ field: id, ...duty }) => {
        // A duty of an older version of the catalogue has nothing more to tell.
        const field = deps.catalogue.fieldsById[id]
        return field ? [{ ...duty, field }] : []
      })
      const seen = viewDuties(known, whole, view, { agencyId, sector, role, now })
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.case_viewed',
        caseId,
        public: { duties: seen.map(({ id }) => id) },
        private: {},
      })
      return seen
    })
}
