import { OstiaryError } from '../errors.ts'
import type { Position } from '../storage/disclosures.ts'
import type * as notices from '../storage/notices.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A notice as its agency reads it: type, urgency and ids, never content. */
export interface NoticeView {
  readonly id: string
  readonly type: string
  readonly urgency: string
  readonly role?: string
  readonly refs: Readonly<Record<string, unknown>>
  readonly dueAt?: string
  readonly createdAt: string
  readonly acknowledgedAt?: string
}

export interface NoticeDependencies {
  readonly acting: Acting
  readonly storage: Pick<typeof notices, 'acknowledge' | 'listNoticeRows'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Notices for the caller's agency and role, newest first. Reading some is an event; a look that found
 * none is not, since software looks every few seconds.
 */
export function makeListNotices({ acting, storage, recordEvent }: NoticeDependencies) {
  return (
    caller: Caller,
    filter: { readonly acknowledged?: boolean; readonly after?: Position; readonly limit: number },
  ): Promise<{ items: NoticeView[]; last: Position | undefined }> =>
    acting(caller, { operation: 'listNotices' }, async (tx) => {
      const rows = await storage.listNoticeRows(tx, { ...filter, role: caller.role ?? '' })
      if (rows.length > 0)
        await recordEvent(tx, {
          ...calledBy(caller),
          type: 'consult.notices_listed',
          public: { notices: rows.map(({ id }) => id) },
          private: {},
        })
      const end = rows.at(-1)
      return { items: rows.map(viewOf), last: end && { at: end.created_at, id: end.id } }
    })
}

/** Says that a named person has read a notice; doing it twice changes nothing. Throws `not_found`. */
export function makeAcknowledgeNotice(deps: NoticeDependencies) {
  return (caller: Caller, id: string): Promise<NoticeView> =>
    deps.acting(caller, { operation: 'acknowledgeNotice', target: id }, async (tx) => {
      const row = await deps.storage.acknowledge(tx, id, {
        practitionerId: caller.practitionerId ?? '',
        role: caller.role ?? '',
        at: deps.runtime.now(),
      })
      if (!row) throw new OstiaryError('not_found')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'notice.acknowledged',
        ...aboutOf(row),
        public: { noticeId: id, notice: row.type },
        private: {},
      })
      return viewOf(row)
    })
}

/** Case and person that the notice is about, as far as it names them. */
function aboutOf({ refs }: Pick<NoticeRecord, 'refs'>): { caseId?: string; subjectId?: string } {
  const { caseId, subjectId } = refs
  return {
    ...(typeof caseId === 'string' ? { caseId } : {}),
    ...(typeof subjectId === 'string' ? { subjectId } : {}),
  }
}

type NoticeRecord = Awaited<ReturnType<typeof notices.listNoticeRows>>[number]

function viewOf(row: NoticeRecord): NoticeView {
  return {
    id: row.id,
    type: row.type,
    urgency: row.urgency,
    ...(row.role ? { role: row.role } : {}),
    refs: row.refs,
    ...(row.due_at ? { dueAt: row.due_at.toISOString() } : {}),
    createdAt: row.created_at.toISOString(),
    ...(row.acknowledged_at ? { acknowledgedAt: row.acknowledged_at.toISOString() } : {}),
  }
}
