/** The audit log for the operator of the server, who has the owner's rights: whole events of everybody. */
import type { AuditCriteria } from '../domain/audit/criteria.ts'
import type { LawfulUse } from '../domain/audit/vocabulary.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import type { FullReceiptJson, ReceiptJson } from '../domain/log/receipt.ts'
import type * as auditAccess from '../storage/audit-access.ts'
import type * as auditSearch from '../storage/audit-search.ts'
import type { Database, Tx } from '../storage/database.ts'
import { filterOf } from './audit-filter.ts'
import {
  type AuditExport,
  begin,
  exportedPieces,
  type ExportFormat,
  subjectsOf,
} from './export-audit-log.ts'
import { openedEvent, type OpenedAuditEvent } from './open-audit-event.ts'
import { provable } from './prove-audit-event.ts'
import { type ProofStorage, proveEvent, publishedOver } from './prove-event.ts'
import { byCommand, type RecordEvent } from './record-event.ts'
import { type AuditEventSummary, summaryOf } from './search-audit-log.ts'

export interface OperatorAuditDependencies {
  /** The owner's. */
  readonly db: Database
  readonly storage: {
    readonly search: Pick<
      typeof auditSearch,
      'findIndexedLeaf' | 'listAuditEvents' | 'listAuthorityViewers'
    >
    readonly access: Pick<typeof auditAccess, 'findAnyAuditEvent' | 'findAnyAuditProof'>
    readonly log: ProofStorage
  }
  readonly catalogue: Catalogue
  readonly recordEvent: RecordEvent
}

/** Each of these is an event of its own, with its lawful use; the words of the people stay sealed. */
export interface OperatorAudit {
  /** The newest events that fit. Throws what `filterOf` throws. */
  search(use: LawfulUse, criteria: AuditCriteria, limit: number): Promise<AuditEventSummary[]>
  /** Undefined when there is no such event. */
  show(use: LawfulUse, id: string): Promise<OpenedAuditEvent | undefined>
  /** Opens and proves both parts; undefined when there is no such event, or it is not published yet. */
  prove(use: LawfulUse, id: string): Promise<ReceiptJson | FullReceiptJson | undefined>
  export(use: LawfulUse, criteria: AuditCriteria, format: ExportFormat): Promise<AuditExport>
}

export function makeOperatorAudit(deps: OperatorAuditDependencies): OperatorAudit {
  const { storage, catalogue, recordEvent } = deps
  const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
    deps.db.transaction().execute(work)
  return {
    search: (lawfulUse, criteria, limit) =>
      transact(async (tx) => {
        const filter = filterOf(catalogue, criteria, 'query')
        const viewers = await storage.search.listAuthorityViewers(tx)
        const page = { order: 'newest', limit } as const
        const rows = await storage.search.listAuditEvents(tx, viewers, filter, page)
        await recordEvent(tx, {
          ...byCommand('audit search'),
          type: 'consult.log_searched',
          ...subjectsOf(criteria),
          public: {
            ...{ lawfulUse, filters: { ...criteria }, continued: false },
            events: rows.map(({ event_id: id }) => id),
          },
          private: {},
        })
        return rows.map(summaryOf)
      }),
    show: (lawfulUse, id) =>
      transact(async (tx) => {
        const event = await storage.access.findAnyAuditEvent(tx, id)
        if (!event) return undefined
        await recordEvent(tx, {
          ...byCommand('audit show'),
          type: 'consult.log_event_viewed',
          ...(event.case_id === null ? {} : { caseId: event.case_id }),
          ...(event.subject_id === null ? {} : { subjectId: event.subject_id }),
          public: { eventId: id, lawfulUse, views: ['whole'] },
          private: {},
        })
        return openedEvent(event)
      }),
    prove: (lawfulUse, id) =>
      transact(async (tx) => {
        const row = await storage.access.findAnyAuditProof(tx, id)
        if (!row || row.leafIndex === null) return undefined
        const checkpoint = await publishedOver(storage.log, tx, row.leafIndex)
        if (!checkpoint) return undefined
        await recordEvent(tx, {
          ...byCommand('audit prove'),
          type: 'consult.log_proof_viewed',
          public: { eventId: id, lawfulUse, both: true },
          private: {},
        })
        return proveEvent(storage.log, tx, provable(row, row.leafIndex), checkpoint)
      }),
    export: async (lawfulUse, criteria, format) => {
      const filter = filterOf(catalogue, criteria, 'query')
      const actor = byCommand('audit export')
      const begun = await transact(async (tx) => {
        const { eventId } = await recordEvent(tx, {
          ...actor,
          type: 'consult.log_exported',
          ...subjectsOf(criteria),
          public: { lawfulUse, format, filters: { ...criteria }, stage: 'begun' },
          private: {},
        })
        const viewers = await storage.search.listAuthorityViewers(tx)
        return { eventId, viewers, beforeLeaf: await storage.search.findIndexedLeaf(tx) }
      })
      return begin(
        exportedPieces(
          { read: transact, storage: storage.search, recordEvent, actor },
          { ...begun, filter, format, lawfulUse, subjects: subjectsOf(criteria) },
        ),
      )
    },
  }
}
