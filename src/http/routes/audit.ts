import type { AuditCriteria } from '../../domain/audit/criteria.ts'
import { AUDIT_VIEWS, type AuditView, type LawfulUse } from '../../domain/audit/vocabulary.ts'
import { OstiaryError } from '../../errors.ts'
import type { ExportFormat, makeExportAuditLog } from '../../services/export-audit-log.ts'
import type { makeOpenAuditEvent } from '../../services/open-audit-event.ts'
import type { makeProveAuditEvent } from '../../services/prove-audit-event.ts'
import type { makeSearchAuditLog } from '../../services/search-audit-log.ts'
import type { Call, Handlers } from '../call.ts'
import type { PageQuery, Pages } from '../pages.ts'
import { pieceStream } from '../piece-stream.ts'
import { positionOf, positionText } from '../position.ts'

/** The use cases behind the `audit` tag. */
export interface AuditServices {
  readonly searchAuditLog: ReturnType<typeof makeSearchAuditLog>
  readonly openAuditEvent: ReturnType<typeof makeOpenAuditEvent>
  readonly proveAuditEvent: ReturnType<typeof makeProveAuditEvent>
  readonly exportAuditLog: ReturnType<typeof makeExportAuditLog>
  readonly now: () => Date
}

type OneEvent = { readonly eventId: string }
type ForUse = { readonly lawfulUse: LawfulUse }

const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  jsonl: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
}

/** Handlers for the `audit` tag; paths and shapes are in openapi.yaml. */
export const auditHandlers = (services: AuditServices, pages: Pages): Handlers => ({
  async searchAuditEvents(call: Call<AuditCriteria & ForUse, unknown, PageQuery>) {
    const page = pages.read(call)
    const place = positionOf(page)
    const { items, last } = await services.searchAuditLog(call.caller, call.body, {
      limit: page.limit,
      ...(place ? { after: { at: place.at, id: place.id, view: viewOf(place.line) } } : {}),
    })
    const end = last && { at: last.at, id: last.id, line: last.view }
    return pages.reply(call, items, positionText(end, items.length, page.limit))
  },

  async getAuditEvent({ caller, params, query }: Call<undefined, OneEvent, ForUse>) {
    const body = await services.openAuditEvent(caller, params.eventId, query.lawfulUse)
    return { status: 200, body }
  },

  async proveAuditEvent({ caller, params, query }: Call<undefined, OneEvent, ForUse>) {
    const proof = await services.proveAuditEvent(caller, params.eventId, query.lawfulUse)
    if (proof.state === 'published') return { status: 200, body: proof.proof }
    return { status: 202, headers: { 'retry-after': String(proof.retryAfter) } }
  },

  async exportAuditEvents({
    caller,
    query,
  }: Call<undefined, unknown, AuditCriteria & ForUse & { readonly format: ExportFormat }>) {
    const pieces = await services.exportAuditLog(caller, query)
    const day = services.now().toISOString().slice(0, 10)
    return {
      status: 200,
      body: pieceStream(pieces),
      headers: {
        'content-type': MEDIA_TYPES[query.format],
        'content-disposition': `attachment; filename="audit-${day}.${query.format}"`,
      },
    }
  },
})

/** The view that a cursor named. */
function viewOf(line: string | undefined): AuditView {
  const view = AUDIT_VIEWS.find((one) => one === line)
  if (!view) throw new OstiaryError('invalid_cursor')
  return view
}
