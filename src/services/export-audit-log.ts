import type { AuditCriteria } from '../domain/audit/criteria.ts'
import { csvLine } from '../domain/audit/csv.ts'
import type { LawfulUse } from '../domain/audit/vocabulary.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import type * as auditSearch from '../storage/audit-search.ts'
import type { AuditFilter, AuditPage, AuditPosition } from '../storage/audit-search.ts'
import type { Tx } from '../storage/database.ts'
import type { Transact } from '../storage/transaction.ts'
import type { Acting } from './acting.ts'
import { filterOf } from './audit-filter.ts'
import { requireAuditReader } from './audit-reader.ts'
import type { Caller } from './caller.ts'
import { type Actor, calledBy, type RecordEvent } from './record-event.ts'
import { type AuditEventSummary, positionOf, summaryOf } from './search-audit-log.ts'

export type ExportFormat = 'jsonl' | 'csv'

/** Events read and written out together; what an export holds in memory at any time. */
export const EXPORT_PAGE = 500

export interface ExportDependencies {
  readonly acting: Acting
  readonly transact: Transact
  readonly storage: Pick<
    typeof auditSearch,
    'findAuditViewer' | 'findIndexedLeaf' | 'listAuditEvents'
  >
  readonly catalogue: Catalogue
  readonly recordEvent: RecordEvent
}

/** What is asked for besides the criteria. */
export interface ExportRequest {
  readonly lawfulUse: LawfulUse
  readonly format: ExportFormat
}

/**
 * Begins an export of all events that fit, the oldest first, as of now: what the log takes in later is
 * not in it. That it began is committed before anything is handed out; how many events left, and whether
 * all of them did, when it ends. The pieces are read as they are taken, each page in a short transaction
 * of its own, so an export of millions needs no more memory or locks than one of a thousand.
 *
 * Throws `not_permitted` for another role, and what `filterOf` throws, before the first piece.
 */
export function makeExportAuditLog(deps: ExportDependencies) {
  return async (
    caller: Caller,
    { lawfulUse, format, ...criteria }: AuditCriteria & ExportRequest,
  ): Promise<AuditExport> => {
    const begun = await deps.acting(caller, { operation: 'exportAuditEvents' }, async (tx) => {
      requireAuditReader(caller)
      const filter = filterOf(deps.catalogue, criteria, 'query')
      const { eventId } = await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.log_exported',
        ...subjectsOf(criteria),
        public: { lawfulUse, format, filters: { ...criteria }, stage: 'begun' },
        private: {},
      })
      const viewers = [await deps.storage.findAuditViewer(tx)]
      return { eventId, filter, viewers, beforeLeaf: await deps.storage.findIndexedLeaf(tx) }
    })
    const pieces = exportedPieces(
      {
        read: (work) => deps.transact(caller.agencyId, work),
        storage: deps.storage,
        recordEvent: deps.recordEvent,
        actor: calledBy(caller),
      },
      { ...begun, format, lawfulUse, subjects: subjectsOf(criteria) },
    )
    return begin(pieces)
  }
}

/** An export under way. */
export interface AuditExport {
  /** The next piece of text; undefined when that was all. Rejects when it could not be read. */
  next(): Promise<string | undefined>
  /** Ends it where it is. After its own end this does nothing. */
  stop(): Promise<void>
}

/**
 * Takes the first piece at once: a failure is then still an answer, and from here on the end of the
 * export is written whatever becomes of its reader.
 */
export async function begin(pieces: AsyncGenerator<string, void>): Promise<AuditExport> {
  // Owned by the returned object; taken by the first call of `next`.
  let first: IteratorResult<string, void> | undefined = await pieces.next()
  return {
    async next() {
      const { value } = first ?? (await pieces.next())
      first = undefined
      return value ?? undefined
    },
    async stop() {
      await pieces.return()
    },
  }
}

/** What the pieces of an export are read with. */
export interface ExportReading {
  /** Runs one short transaction as the reader. */
  readonly read: <Result>(work: (tx: Tx) => Promise<Result>) => Promise<Result>
  readonly storage: Pick<typeof auditSearch, 'listAuditEvents'>
  readonly recordEvent: RecordEvent
  readonly actor: Actor
}

/** An export that has begun. */
export interface BegunExport {
  /** Of the event of its beginning. */
  readonly eventId: string
  readonly viewers: readonly string[]
  readonly filter: AuditFilter
  readonly beforeLeaf: number
  readonly format: ExportFormat
  readonly lawfulUse: LawfulUse
  readonly subjects: { readonly caseId?: string; readonly subjectId?: string }
}

/** The text of an export, a page at a time; its end is an event, also when nobody takes the rest. */
export async function* exportedPieces(
  { read, storage, recordEvent, actor }: ExportReading,
  { eventId, viewers, filter, beforeLeaf, format, lawfulUse, subjects }: BegunExport,
): AsyncGenerator<string, void> {
  let count = 0
  let complete = false
  try {
    if (format === 'csv') yield csvLine(COLUMNS)
    let after: AuditPosition | undefined
    for (;;) {
      const page: AuditPage = {
        order: 'oldest',
        limit: EXPORT_PAGE,
        beforeLeaf,
        ...(after ? { after } : {}),
      }
      const rows = await read((tx) => storage.listAuditEvents(tx, viewers, filter, page))
      const end = rows.at(-1)
      if (!end) break
      count += rows.length
      after = positionOf(end)
      yield rows.map((row) => lineOf(summaryOf(row), format)).join('')
      if (rows.length < EXPORT_PAGE) break
    }
    complete = true
  } finally {
    await read((tx) =>
      recordEvent(tx, {
        ...actor,
        type: 'consult.log_exported',
        ...subjects,
        public: {
          ...{ lawfulUse, format, count, begunBy: eventId },
          stage: complete ? 'completed' : 'aborted',
        },
        private: {},
      }),
    )
  }
}

/** Columns of the CSV, in this order; lists in a cell are separated by spaces. */
const COLUMNS = [
  'id',
  'at',
  'type',
  'view',
  'agencyId',
  'practitionerId',
  'role',
  'caseId',
  'subjectId',
  'requestId',
  'disclosureId',
  'purpose',
  'outcome',
  'exception',
  'fields',
  'released',
  'rules',
  'reasons',
  'parties',
] as const satisfies readonly (keyof AuditEventSummary)[]

function lineOf(event: AuditEventSummary, format: ExportFormat): string {
  if (format === 'csv') return csvLine(COLUMNS.map((column) => event[column]))
  const { links: _, ...members } = event
  return `${JSON.stringify(members)}\n`
}

export const subjectsOf = ({ caseId, subjectId }: AuditCriteria) => ({
  ...(caseId === undefined ? {} : { caseId }),
  ...(subjectId === undefined ? {} : { subjectId }),
})
