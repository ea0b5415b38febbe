/** Every event of a slice of the log, and every row that those events tell of. */
import { rowFindings, rowTold, type RowRef, type ToldRows } from '../domain/integrity/check-row.ts'
import { disclosureFindings } from '../domain/integrity/check-disclosure.ts'
import {
  openEvent,
  type OpenedEvent,
  readEvent,
  type StoredEvent,
} from '../domain/integrity/check-event.ts'
import type { Finding } from '../domain/integrity/finding.ts'
import type { Position } from '../domain/log/anchor.ts'
import type { Tx } from '../storage/database.ts'
import type * as integrityLog from '../storage/integrity-log.ts'
import type * as integrityLosses from '../storage/integrity-losses.ts'
import type * as integrityRows from '../storage/integrity-rows.ts'

export interface CheckEventsDependencies {
  readonly storage: {
    readonly integrityLog: Pick<typeof integrityLog, 'findEvents' | 'findSalts'>
    readonly rows: typeof integrityRows
    readonly losses: typeof integrityLosses
  }
}

/** Leaves and positions of a slice, from leaf `from` on. */
export interface Content {
  readonly from: number
  /** By leaf; undefined where the bundle is damaged. */
  readonly entries: readonly (Uint8Array | undefined)[]
  readonly positions: readonly Position[]
}

/** Every event of the slice against its entry, and every row that it tells of against the event. */
export async function checkEvents(
  deps: CheckEventsDependencies,
  tx: Tx,
  { from, entries, positions }: Content,
): Promise<{ findings: Finding[]; events: number }> {
  const { integrityLog: reads, losses } = deps.storage
  const ids = positions.map(({ eventId }) => eventId)
  const events = Map.groupBy(await reads.findEvents(tx, ids), ({ id }) => id)
  const salts = await reads.findSalts(tx, ids)
  const retired = await losses.listRetired(tx)
  const unsalted = ids.filter((id) => events.has(id) && !salts.has(id))
  const destroyed = await losses.findDestroyed(tx, unsalted)
  const findings: Finding[] = []
  const opened: OpenedEvent[] = []
  for (const { eventId, leafIndex } of positions) {
    const [event] = events.get(eventId) ?? []
    const finding = (kind: Finding['kind'], table = 'audit_event') =>
      findings.push({ kind, table, row: eventId, eventId })
    const entry = entries[leafIndex - from]
    if (!event) {
      if (!retired.some((month) => isRetired(month, eventId, leafIndex))) finding('event_missing')
      continue
    }
    if (!entry) continue
    const salt = salts.get(eventId)
    if (!salt && !destroyed.has(eventId)) finding('salt_missing', 'audit_salt')
    const one = salt ? openEvent(event, salt, entry) : readEvent(event, entry)
    if (one) opened.push(one)
    else finding('event_altered')
  }
  findings.push(...(await toldFindings(deps, tx, opened)))
  return { findings, events: positions.length }
}

const isRetired = (
  { firstLeaf, lastLeaf, others }: integrityLosses.RetiredMonth,
  eventId: string,
  leafIndex: number,
): boolean =>
  firstLeaf !== null &&
  lastLeaf !== null &&
  leafIndex >= firstLeaf &&
  leafIndex <= lastLeaf &&
  !others.includes(eventId)

/** What does not fit between events that are what they were and the rows that they tell of. */
export async function toldFindings(
  { storage: { rows, losses } }: CheckEventsDependencies,
  tx: Tx,
  opened: readonly OpenedEvent[],
): Promise<Finding[]> {
  const told = opened.flatMap((one) => {
    const ref = rowTold(one)
    return ref ? [{ one, ref }] : []
  })
  const decisions = opened.filter(({ event }) => isDecision(event))
  const stored = await readTold(
    rows,
    tx,
    told.map(({ ref }) => ref),
  )
  const erasures = opened.filter(({ event }) => event.type === 'erase.person_erased')
  return [
    ...told.flatMap(({ one, ref }) => rowFindings(one, ref, stored)),
    ...(await decisionFindings(rows, tx, decisions)),
    ...unvouched(
      await losses.findErasures(
        tx,
        erasures.map(({ event }) => event.id),
      ),
    ),
  ]
}

/** Lists of losses that their event does not vouch for. */
export function unvouched(losses: readonly integrityLosses.Loss[]): Finding[] {
  return losses
    .filter(({ vouched }) => !vouched)
    .map(({ table, row, eventId }) => ({ kind: 'loss_unvouched', table, row, eventId }))
}

async function readTold(
  rows: typeof integrityRows,
  tx: Tx,
  refs: readonly RowRef[],
): Promise<ToldRows> {
  const keys = (table: RowRef['table']) => [
    ...new Set(refs.filter((ref) => ref.table === table).map(({ key }) => key)),
  ]
  const read = async <Row>(
    table: RowRef['table'],
    find: (tx: Tx, keys: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
  ): Promise<ReadonlyMap<string, Row>> => {
    const wanted = keys(table)
    return wanted.length > 0 ? find(tx, wanted) : new Map()
  }
  return {
    record_version: await read('record_version', rows.findVersions),
    consent: await read('consent', rows.findConsents),
    agreement: await read('agreement', rows.findAgreements),
    review_task: await read('review_task', rows.findReviews),
    policy_version: await read('policy_version', rows.findPolicies),
    log_key: await read('log_key', rows.findKeyPeriods),
  }
}

const isDecision = ({ type }: StoredEvent): boolean =>
  type === 'disclose.decided' || type === 'disclose.previewed'

async function decisionFindings(
  rows: typeof integrityRows,
  tx: Tx,
  opened: readonly OpenedEvent[],
): Promise<Finding[]> {
  if (opened.length === 0) return []
  const idOf = (one: OpenedEvent) => String(one.public['disclosureId'])
  const ids = opened.map(idOf)
  const recordIds = opened.flatMap(({ public: told }) =>
    ((told['entries'] ?? []) as { recordId: string; outcome: string }[])
      .filter(({ outcome }) => outcome === 'review')
      .map(({ recordId }) => recordId),
  )
  const disclosures = new Map((await rows.findDisclosures(tx, ids)).map((row) => [row.id, row]))
  const releases = Map.groupBy(await rows.findReleases(tx, ids), (row) => row.disclosureId)
  const tasks = Map.groupBy(await rows.findTasks(tx, ids), (row) => row.disclosureId)
  const holders = recordIds.length > 0 ? await rows.findHolders(tx, recordIds) : new Map()
  return opened.flatMap((one) =>
    disclosureFindings(one, {
      disclosure: disclosures.get(idOf(one)),
      releases: releases.get(idOf(one)) ?? [],
      tasks: tasks.get(idOf(one)) ?? [],
      holders,
    }),
  )
}
