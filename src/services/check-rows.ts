/** The part of the self-check that walks the tables: what lies there that no event or leaf accounts for. */
import { openEvent, type OpenedEvent } from '../domain/integrity/check-event.ts'
import type { Finding } from '../domain/integrity/finding.ts'
import { packHash } from '../domain/policy/check-pack.ts'
import type { PackDocument } from '../domain/policy/settings.ts'
import type { Tx } from '../storage/database.ts'
import type * as integrityExtra from '../storage/integrity-extra.ts'
import { toldFindings, unvouched } from './check-events.ts'
import { type CheckLogDependencies, type Slice, SLICE } from './check-log.ts'

export interface CheckRowsDependencies extends CheckLogDependencies {
  readonly storage: CheckLogDependencies['storage'] & {
    readonly extra: Pick<typeof integrityExtra, 'listExtra'>
  }
}

type CheckSlice = (
  deps: CheckRowsDependencies,
  tx: Tx,
  position: string | undefined,
) => Promise<Slice>

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** Events that are twice there, or neither in the log nor waiting for it as what they are. */
export const checkEventSlice: CheckSlice = async (deps, tx, position) => {
  const { storage, slice = SLICE } = deps
  const reads = storage.integrityLog
  const listed = await reads.listEventIds(tx, position ?? NO_ID, slice)
  const findings: Finding[] = []
  const finding = (kind: Finding['kind'], row: string, table = 'audit_event') =>
    findings.push({ kind, table, row, eventId: row })
  for (const { id, copies } of listed) if (copies > 1) finding('event_duplicate', id)
  const waiting = listed.filter(({ placed }) => !placed).map(({ id }) => id)
  if (waiting.length > 0) {
    const events = Map.groupBy(await reads.findEvents(tx, waiting), ({ id }) => id)
    const salts = await reads.findSalts(tx, waiting)
    const entries = Map.groupBy(await reads.findWaiting(tx, waiting), ({ eventId }) => eventId)
    const opened: OpenedEvent[] = []
    for (const id of waiting) {
      const [event] = events.get(id) ?? []
      const [entry, ...more] = entries.get(id) ?? []
      const salt = salts.get(id)
      if (!event || !entry) finding('event_unlogged', id)
      else {
        const one = salt && openEvent(event, salt, entry.entry)
        if (one) opened.push(one)
        else finding('pending_altered', id)
      }
      if (more.length > 0) finding('pending_extra', id, 'log_pending')
    }
    findings.push(...(await toldFindings(deps, tx, opened)))
  }
  return pageOf(findings, listed, slice, ({ id }) => id)
}

/** Salts of no event. */
export const checkSaltSlice: CheckSlice = async ({ storage, slice = SLICE }, tx, position) => {
  const listed = await storage.integrityLog.listSaltIds(tx, position ?? NO_ID, slice)
  const findings = listed
    .filter(({ owned }) => !owned)
    .map(({ id }): Finding => ({ kind: 'salt_extra', table: 'audit_salt', row: id, eventId: id }))
  return pageOf(findings, listed, slice, ({ id }) => id)
}

/** Entries that wait without an event, or although they are in the log. */
export const checkPendingSlice: CheckSlice = async ({ storage, slice = SLICE }, tx, position) => {
  const listed = await storage.integrityLog.listStrayEntries(tx, position ?? '-1', slice)
  const findings = listed
    .filter(({ stray }) => stray)
    .map(({ seq, eventId }): Finding => {
      return { kind: 'pending_extra', table: 'log_pending', row: seq, eventId }
    })
  return pageOf(findings, listed, slice, ({ seq }) => seq)
}

/** Erasures and retirements that their events do not vouch for. */
export const checkLossSlice: CheckSlice = async ({ storage, slice = SLICE }, tx, position) => {
  const { losses } = storage
  const retired = position === undefined ? await losses.listRetirements(tx) : []
  const ids = await losses.listErasures(tx, position ?? NO_ID, slice)
  const findings = unvouched([...retired, ...(await losses.findErasures(tx, ids))])
  return pageOf(findings, ids, slice, (id) => id)
}

/**
 * Policy versions whose documents are not those of their hash, one in force that is not the newest, and
 * keys of the log that do not follow each other.
 */
export const checkPolicySlice: CheckSlice = async ({ storage }, tx) => {
  const versions = await storage.rows.listPolicyDocuments(tx)
  const findings = versions.flatMap(({ version, hash, documents }): Finding[] =>
    isHashOf(documents, hash)
      ? []
      : [{ kind: 'row_altered', table: 'policy_version', row: String(version) }],
  )
  const newest = versions.at(-1)
  if (newest && !newest.inForce)
    findings.push({ kind: 'row_altered', table: 'policy_active', row: String(newest.version) })
  for (const vkey of await storage.rows.listStrayKeys(tx))
    findings.push({ kind: 'row_altered', table: 'log_key', row: vkey })
  return { findings, next: undefined, counts: { policyVersions: versions.length } }
}

function isHashOf(documents: readonly object[], hash: string): boolean {
  try {
    return packHash(documents as unknown as PackDocument[]) === hash
  } catch (error) {
    // No documents any more.
    if (error instanceof TypeError) return false
    throw error
  }
}

/** Rows of a table of which no event tells. */
export const checkExtraSlice =
  (table: integrityExtra.PagedTable): CheckSlice =>
  async ({ storage, slice = SLICE }, tx, position) => {
    const { extra, rows, next } = await storage.extra.listExtra(tx, table, position, slice)
    const findings = extra.map((row): Finding => ({ kind: 'row_extra', table, row }))
    return { findings, next, counts: { rows } }
  }

function pageOf<Row>(
  findings: readonly Finding[],
  listed: readonly Row[],
  limit: number,
  keyOf: (row: Row) => string,
): Slice {
  const last = listed.at(-1)
  const next = last !== undefined && listed.length === limit ? keyOf(last) : undefined
  return { findings, next, counts: { rows: listed.length } }
}
