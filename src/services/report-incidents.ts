import { type Finding, findingKey } from '../domain/integrity/finding.ts'
import { OstiaryError } from '../errors.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as integrity from '../storage/integrity.ts'
import type * as notices from '../storage/notices.ts'
import type { RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** Makes incidents of findings, in the transaction that met them. */
export type ReportFindings = (tx: Tx, findings: readonly Finding[], at: Date) => Promise<void>

export interface ReportDependencies {
  readonly storage: Pick<
    typeof integrity,
    | 'findIncidents'
    | 'insertIncident'
    | 'touchIncidents'
    | 'reopenIncidents'
    | 'listOperators'
    | 'countOpenByKind'
  > &
    Pick<typeof notices, 'insertNotices'>
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'uuid'>
  /** Raises the alarm at once: a line in the server's log. */
  readonly alarm: (incident: { readonly incidentId: string } & Finding) => void
}

/** Incidents of one kind and table that may be open at once; beyond, one says that there is more. */
export const MOST_INCIDENTS = 1000

/**
 * Makes an incident of each finding that is none yet: a row, an audit event, a notice to the operator's
 * administrators and data protection officers, and an alarm. One that an operator has closed stays
 * closed, as long as the event of its end is there.
 */
export function makeReportFindings(deps: ReportDependencies): ReportFindings {
  return async (tx, findings, at) => {
    if (findings.length === 0) return
    const { storage } = deps
    const known = new Map(
      (await storage.findIncidents(tx, findings)).map((incident) => [
        findingKey(incident as unknown as Finding),
        incident,
      ]),
    )
    const again = [...known.values()]
    await storage.touchIncidents(
      tx,
      again.map(({ id }) => id),
      at,
    )
    const reopened = again.filter(
      ({ state, closedForGood }) => state === 'closed' && !closedForGood,
    )
    await storage.reopenIncidents(
      tx,
      reopened.map(({ id }) => id),
    )
    const fresh = new Map(
      findings.filter((one) => !known.has(findingKey(one))).map((one) => [findingKey(one), one]),
    )
    if (fresh.size === 0) return
    const listed = bounded([...fresh.values()], await storage.countOpenByKind(tx))
    const operators = await storage.listOperators(tx)
    for (const finding of listed) await report(deps, tx, finding, { at, operators })
  }
}

/** As many of each kind and table as there is room for, and one finding for all that are left out of it. */
function bounded(fresh: readonly Finding[], open: ReadonlyMap<string, number>): Finding[] {
  const listed: Finding[] = []
  for (const [name, all] of Map.groupBy(fresh, ({ kind, table }) => `${kind} ${table}`)) {
    const room = Math.max(0, MOST_INCIDENTS - (open.get(name) ?? 0))
    listed.push(...all.slice(0, room))
    const [left] = all.slice(room)
    if (left) listed.push({ kind: 'many_more', table: left.table, row: left.kind })
  }
  return listed
}

async function report(
  deps: ReportDependencies,
  tx: Tx,
  finding: Finding,
  { at, operators }: { readonly at: Date; readonly operators: readonly string[] },
): Promise<void> {
  const { storage, runtime } = deps
  const [known] = await storage.findIncidents(tx, [finding])
  if (known) return
  const incidentId = runtime.uuid()
  const { kind, table, row, eventId } = finding
  const { eventId: foundEvent } = await deps.recordEvent(tx, {
    at,
    type: 'integrity.incident_found',
    channel: 'worker',
    operation: 'self_check',
    public: { incidentId, kind, table },
    private: { row, about: eventId ?? null },
  })
  await storage.insertIncident(tx, { ...finding, id: incidentId, foundEvent, at })
  await storage.insertNotices(
    tx,
    operators.flatMap((agencyId) =>
      ['org_admin', 'dpo'].map((role) => ({
        id: runtime.uuid(),
        agencyId,
        role,
        type: 'integrity_incident',
        urgency: 'immediate' as const,
        refs: { incidentId },
      })),
    ),
    at,
  )
  deps.alarm({ incidentId, ...finding })
}

export interface CloseDependencies {
  /** Of the worker role. */
  readonly db: Database
  readonly storage: Pick<typeof integrity, 'closeIncident'>
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
}

/**
 * Ends an incident, for a reason that an operator gives: what caused it is known, and what can be put
 * right is. The same finding raises no new one afterwards. Throws `not_found`.
 */
export function makeCloseIncident({ db, storage, recordEvent, runtime }: CloseDependencies) {
  return (incidentId: string, reason: string): Promise<void> =>
    db.transaction().execute(async (tx) => {
      const at = runtime.now()
      const { eventId } = await recordEvent(tx, {
        at,
        type: 'integrity.incident_closed',
        channel: 'command_line',
        operation: 'log close-incident',
        public: { incidentId },
        private: {},
      })
      if (!(await storage.closeIncident(tx, incidentId, { at, reason, eventId })))
        throw new OstiaryError('not_found')
    })
}
