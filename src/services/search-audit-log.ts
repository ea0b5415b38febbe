import type { AuditCriteria } from '../domain/audit/criteria.ts'
import type { AuditView, LawfulUse } from '../domain/audit/vocabulary.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import type * as auditSearch from '../storage/audit-search.ts'
import type { AuditEventRow, AuditPage, AuditPosition } from '../storage/audit-search.ts'
import type { Acting } from './acting.ts'
import { filterOf } from './audit-filter.ts'
import { requireAuditReader } from './audit-reader.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'

/** One event in a list: codes, ids and times; never a value, never free text. */
export interface AuditEventSummary {
  readonly id: string
  readonly at: string
  readonly type: string
  readonly view: AuditView
  readonly agencyId?: string
  readonly practitionerId?: string
  readonly role?: string
  readonly caseId?: string
  readonly subjectId?: string
  readonly requestId?: string
  readonly disclosureId?: string
  readonly purpose?: string
  readonly outcome?: string
  readonly exception?: string
  readonly fields: readonly string[]
  readonly released: readonly string[]
  readonly rules: readonly string[]
  readonly reasons: readonly string[]
  readonly parties: readonly string[]
  readonly links: AuditLinks
}

/** Where to go from an event. */
export interface AuditLinks {
  readonly event: string
  /** Why a decision came out as it did. */
  readonly explanation?: string
  /** Only where the reader may have it proven. */
  readonly proof?: string
}

export interface SearchDependencies {
  readonly acting: Acting
  readonly storage: Pick<typeof auditSearch, 'findAuditViewer' | 'listAuditEvents'>
  readonly catalogue: Catalogue
  readonly recordEvent: RecordEvent
}

/**
 * Searches the audit log as far as it concerns the caller's agency, newest first, and writes down that
 * it did, for which lawful use and by what. An event can be found from about a second after the tick
 * that took it in. Throws `not_permitted` for another role, and what `filterOf` throws.
 */
export function makeSearchAuditLog(deps: SearchDependencies) {
  return (
    caller: Caller,
    { lawfulUse, ...criteria }: AuditCriteria & { readonly lawfulUse: LawfulUse },
    page: Pick<AuditPage, 'limit' | 'after'>,
  ): Promise<{ items: AuditEventSummary[]; last: AuditPosition | undefined }> =>
    deps.acting(caller, { operation: 'searchAuditEvents' }, async (tx) => {
      requireAuditReader(caller)
      const filter = filterOf(deps.catalogue, criteria, 'body')
      const viewer = await deps.storage.findAuditViewer(tx)
      const rows = await deps.storage.listAuditEvents(tx, [viewer], filter, {
        ...page,
        order: 'newest',
      })
      const { caseId, subjectId } = criteria
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.log_searched',
        ...(caseId === undefined ? {} : { caseId }),
        ...(subjectId === undefined ? {} : { subjectId }),
        public: {
          lawfulUse,
          filters: { ...criteria },
          continued: page.after !== undefined,
          events: rows.map(({ event_id: id }) => id),
        },
        private: {},
      })
      const end = rows.at(-1)
      return { items: rows.map(summaryOf), last: end && positionOf(end) }
    })
}

export const positionOf = ({ at, event_id: id, view }: AuditEventRow): AuditPosition => ({
  ...{ at, id, view },
})

/** A row of the index as the API shows it. */
export function summaryOf(row: AuditEventRow): AuditEventSummary {
  const { type, view, fields, released, rules, reasons, parties } = row
  return {
    id: row.event_id,
    at: row.at.toISOString(),
    ...{ type, view },
    ...present({
      agencyId: row.agency_id,
      practitionerId: row.practitioner_id,
      role: row.role,
      caseId: row.case_id,
      subjectId: row.subject_id,
      requestId: row.request_id,
      disclosureId: row.disclosure_id,
      purpose: row.purpose,
      outcome: row.outcome,
      exception: row.exception,
    }),
    ...{ fields, released, rules, reasons, parties },
    links: linksOf({
      id: row.event_id,
      type,
      disclosureId: row.disclosure_id,
      proven: view === 'actor' || view === 'whole',
    }),
  }
}

/** Where to go from an event; `proven` where the reader may have a proof of it. */
export function linksOf(event: {
  readonly id: string
  readonly type: string
  readonly disclosureId: string | null
  readonly proven: boolean
}): AuditLinks {
  const { id, type, disclosureId, proven } = event
  const decided = type === 'disclose.decided' || type === 'disclose.previewed'
  return {
    event: `/v1/audit/events/${id}`,
    ...(decided && disclosureId !== null
      ? { explanation: `/v1/disclosures/${disclosureId}/explanation` }
      : {}),
    ...(proven ? { proof: `/v1/audit/events/${id}/proof` } : {}),
  }
}

/** Without what is null. */
export function present<Members extends Record<string, string | null>>(
  members: Members,
): { readonly [Name in keyof Members]?: string } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null)) as {
    readonly [Name in keyof Members]?: string
  }
}
