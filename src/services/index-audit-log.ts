/** Fills the index by which officers search the audit log; never on the way of a release. */
import { type LoggedEvent, recordsOf, type Surroundings, viewsOf } from '../domain/audit/views.ts'
import { readPart } from '../domain/audit/facets.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as auditIndex from '../storage/audit-index.ts'

/** The form of the index; with another number in the database it is thrown away and filled anew. */
export const INDEX_FORM = 1

/** Leaves per transaction. */
export const INDEX_BATCH = 1_000

/** Takes in what the log has published since, up to the end; returns how many events that were. */
export type IndexAuditLog = (options?: { readonly anew?: boolean }) => Promise<number>

export interface IndexDependencies {
  /** Of the worker role, or the owner's. */
  readonly db: Database
  readonly storage: typeof auditIndex
  readonly batch?: number
}

/**
 * Follows the positions of the log in the order of their leaves, from where the cursor stands: each
 * batch is one transaction with the cursor, so a crash or a second node leaves nothing out and brings
 * nothing in twice. `anew` throws the index away first; so does a change of its form.
 */
export function makeIndexAuditLog(deps: IndexDependencies): IndexAuditLog {
  return async ({ anew = false } = {}) => {
    let count = 0
    let fresh = anew
    for (;;) {
      const done = await deps.db.transaction().execute((tx) => indexBatch(deps, tx, fresh))
      if (done === undefined) return count
      count += done.events
      if (done.last) return count
      fresh = false
    }
  }
}

/** One batch; undefined when another node is at it. */
async function indexBatch(
  { storage, batch = INDEX_BATCH }: IndexDependencies,
  tx: Tx,
  anew: boolean,
): Promise<{ readonly events: number; readonly last: boolean } | undefined> {
  if (!(await storage.tryIndexLock(tx))) return undefined
  const found = await storage.findIndexCursor(tx)
  const usable = found?.form === INDEX_FORM && !anew
  if (!usable && (anew || found)) await storage.emptyIndex(tx)
  const leaves = await storage.listLeaves(tx, usable ? found.nextLeaf : 0, batch)
  const end = leaves.at(-1)
  if (!end) {
    if (!usable) await storage.moveIndexCursor(tx, 0, INDEX_FORM)
    return { events: 0, last: true }
  }
  const events = leaves.flatMap(({ event }) => event ?? [])
  const around = await surroundings(storage, tx, events)
  await storage.insertViews(
    tx,
    events.flatMap((event) => viewsOf(event, around).map((row) => ({ event, row }))),
  )
  await storage.deleteSourceViews(tx, events.flatMap(newPerpetratorSide))
  await storage.moveIndexCursor(tx, end.leafIndex + 1, INDEX_FORM)
  return { events: events.length, last: leaves.length < batch }
}

async function surroundings(
  storage: IndexDependencies['storage'],
  tx: Tx,
  events: readonly LoggedEvent[],
): Promise<Surroundings> {
  const named = [...new Set(events.flatMap(recordsOf))]
  const holders = await storage.listRecordHolders(tx, named)
  const caseIds = [...new Set(holders.map(({ caseId }) => caseId))]
  const sides = await storage.listPerpetratorSides(tx, caseIds)
  const perpetratorSides = new Set(sides.map(({ caseId, agencyId }) => `${caseId}/${agencyId}`))
  const viewers = await storage.listWholeViewers(tx)
  const operators = viewers.find(({ operator }) => operator)?.viewerId
  const servers = operators ?? (await storage.nobodysViewer(tx))
  const byAgency = new Map(viewers.map(({ agencyId, viewerId }) => [agencyId, viewerId]))
  return {
    records: new Map(holders.map(({ id, ...holder }) => [id, holder])),
    actedForPerpetrator: (caseId, agencyId) => perpetratorSides.has(`${caseId}/${agencyId}`),
    wholeViewer: (agencyId) => byAgency.get(agencyId ?? '') ?? servers,
  }
}

/** Who begins to act for the perpetrator loses what it saw as a source before. */
function newPerpetratorSide(event: LoggedEvent): { caseId: string; agencyId: string }[] {
  if (!['case.member_added', 'case.created'].includes(event.type) || event.caseId === null)
    return []
  const { memberId, actsFor } = readPart(event.publicPart)
  const agencyId = typeof memberId === 'string' ? memberId : event.agencyId
  if (actsFor !== 'perpetrator' || agencyId === null) return []
  return [{ caseId: event.caseId, agencyId }]
}
