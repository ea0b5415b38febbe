import type { Purpose } from '../domain/case/vocabulary.ts'
import { OstiaryError } from '../errors.ts'
import type * as disclosures from '../storage/disclosures.ts'
import type { ListFilter, Position } from '../storage/disclosures.ts'
import type { Tx } from '../storage/database.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'

/** A past decision as the requester may see it again: what was decided, never a value. */
export interface DisclosureView {
  readonly id: string
  readonly caseId: string
  readonly subjectId: string
  readonly purpose: Purpose
  readonly decidedAt: string
  readonly outcome: string
  readonly policy: { readonly version: number; readonly hash: string }
  readonly fields: readonly unknown[]
  readonly receipt: { readonly eventId: string; readonly leafHash: string; readonly origin: string }
  readonly replayOf?: string
  readonly releaseOf?: string
  readonly underReview?: boolean
}

/** One line of a list: as recipient with its outcome, as source with what left to whom. */
export interface DisclosureSummary {
  readonly id: string
  readonly direction: 'made' | 'received'
  readonly caseId: string
  readonly subjectId: string | null
  readonly purpose: Purpose
  readonly decidedAt: string
  readonly outcome?: string
  readonly recipientAgencyId?: string
  readonly recordId?: string
  readonly fields?: readonly string[]
}

export interface ViewDependencies {
  readonly acting: Acting
  readonly storage: Pick<typeof disclosures, 'findDisclosure' | 'listMade' | 'listReceived'>
  readonly hashOfPolicy: (tx: Tx, version: number) => Promise<string>
  readonly origin: string
  readonly recordEvent: RecordEvent
}

/**
 * One of the caller's own requests; reading it is an event. Throws `not_found` for any other, `event_retired` when the events
 * of its time are not kept any more.
 */
export function makeViewDisclosure(deps: ViewDependencies) {
  return (caller: Caller, id: string): Promise<DisclosureView> =>
    deps.acting(caller, { operation: 'getDisclosure', target: id }, async (tx) => {
      const row = await deps.storage.findDisclosure(tx, id)
      if (!row) throw new OstiaryError('not_found')
      // Without its event nothing is left that could be shown.
      if (!row.items) throw new OstiaryError('event_retired')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.disclosure_viewed',
        caseId: row.case_id,
        subjectId: row.subject_id,
        public: { disclosureId: id, purpose: row.purpose, fields: fieldsOf(row.items) },
        private: {},
      })
      return {
        id: row.id,
        caseId: row.case_id,
        subjectId: row.subject_id,
        purpose: row.purpose,
        decidedAt: row.decided_at.toISOString(),
        outcome: row.outcome,
        policy: {
          version: row.policy_version,
          hash: await deps.hashOfPolicy(tx, row.policy_version),
        },
        fields: row.items,
        receipt: {
          eventId: row.event_id,
          leafHash: row.leaf_hash.toString('base64url'),
          origin: deps.origin,
        },
        ...(row.replay_of ? { replayOf: row.replay_of } : {}),
        ...(row.released_from ? { releaseOf: row.released_from } : {}),
        ...(row.under_review ? { underReview: true } : {}),
      }
    })
}

/** Field ids of entries, each once. */
const fieldsOf = (entries: readonly unknown[]): string[] => [
  ...new Set(entries.map((entry) => (entry as { readonly field: string }).field)),
]

/**
 * Requests that the caller made (`received`), or what left from its records (`made`), newest first.
 * An agency on the perpetrator's side does not see what went to agencies of victim or child. Reading
 * the list is an event.
 */
export function makeListDisclosures(deps: ViewDependencies) {
  return (
    caller: Caller,
    direction: 'made' | 'received',
    filter: ListFilter,
  ): Promise<{ items: DisclosureSummary[]; last: Position | undefined }> =>
    deps.acting(caller, { operation: 'listDisclosures' }, async (tx) => {
      const page = await readPage(deps, tx, direction, filter)
      const { subjectId } = filter
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.disclosures_listed',
        ...(subjectId === undefined ? {} : { subjectId }),
        public: { direction, disclosures: [...new Set(page.items.map(({ id }) => id))] },
        private: {},
      })
      return page
    })
}

async function readPage(
  { storage }: ViewDependencies,
  tx: Tx,
  direction: 'made' | 'received',
  filter: ListFilter,
): Promise<{ items: DisclosureSummary[]; last: Position | undefined }> {
  if (direction === 'received') {
    const rows = await storage.listReceived(tx, filter)
    const items = rows.map((row) => ({
      id: row.id,
      direction,
      caseId: row.case_id,
      subjectId: row.subject_id,
      purpose: row.purpose,
      decidedAt: row.decided_at.toISOString(),
      outcome: row.outcome,
    }))
    const end = rows.at(-1)
    return { items, last: end && { at: end.decided_at, id: end.id } }
  }
  const rows = await storage.listMade(tx, filter)
  const items = rows.map((row) => ({
    id: row.disclosure_id,
    direction,
    caseId: row.case_id,
    subjectId: row.subject_id,
    purpose: row.purpose,
    decidedAt: row.released_at.toISOString(),
    recipientAgencyId: row.recipient_agency_id,
    recordId: row.record_id,
    fields: row.fields,
  }))
  const end = rows.at(-1)
  const last = end && { at: end.released_at, id: end.disclosure_id, line: end.record_id }
  return { items, last }
}
