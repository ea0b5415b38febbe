import {
  type Facets,
  facetsOfBoth,
  facetsOfPublic,
  facetsOfRecords,
  type Part,
  readPart,
  recordsNamed,
} from './facets.ts'
import { termKey } from './term.ts'
import type { AuditView } from './vocabulary.ts'

/** An event as the log has taken it in. */
export interface LoggedEvent {
  readonly id: string
  readonly at: Date
  readonly leafIndex: number
  readonly type: string
  readonly agencyId: string | null
  readonly practitionerId: string | null
  readonly caseId: string | null
  readonly subjectId: string | null
  readonly requestId: string | null
  readonly publicPart: string
  readonly privatePart: string
}

/** What has to be known besides the event, to say who may see it. */
export interface Surroundings {
  /** Of every record that the event names or weighed. */
  readonly records: ReadonlyMap<string, { readonly agencyId: string; readonly caseId: string }>
  /** Whether the agency acts, or ever acted, for the perpetrator in the case. */
  readonly actedForPerpetrator: (caseId: string, agencyId: string) => boolean
  /** Reader of whole events of this agency, or of the server's own. */
  readonly wholeViewer: (agencyId: string | null) => string
}

/** One event as one reader may find it. */
export interface AuditViewRow extends Facets {
  readonly viewerId: string
  readonly view: AuditView
  readonly agencyId: string | null
  readonly practitionerId: string | null
  readonly caseId: string | null
  readonly subjectId: string | null
  readonly requestId: string | null
  /** The reader's own records, in a source's view. */
  readonly records: readonly string[]
  /** Keys of everything that it has several of; see `termKey`. */
  readonly terms: readonly string[]
}

/** Records that an event names or weighed: what {@link viewsOf} has to know the owners of. */
export function recordsOf(event: LoggedEvent): string[] {
  return recordsNamed(readPart(event.publicPart), readPart(event.privatePart))
}

/**
 * Who may find an event, and as what. The rules are those by which a decision is explained
 * (services/explain-decision): whoever acted goes by the public part alone; a source sees what became
 * of its own records, and nothing of others' requests if it acts, or ever acted, for the perpetrator.
 */
export function viewsOf(event: LoggedEvent, around: Surroundings): AuditViewRow[] {
  const publicPart = readPart(event.publicPart)
  const privatePart = readPart(event.privatePart)
  const { agencyId, practitionerId, caseId, subjectId, requestId } = event
  const head = { agencyId, practitionerId, caseId, subjectId, requestId, records: [] }
  const seen = facetsOfPublic(publicPart)
  const both = facetsOfBoth(publicPart, privatePart)
  const rows: Omit<AuditViewRow, 'terms'>[] = [
    {
      ...head,
      ...both,
      view: 'whole',
      viewerId: around.wholeViewer(agencyId ?? reviewing(privatePart)),
      parties: involving(both.parties, agencyId),
    },
  ]
  if (agencyId !== null) {
    const parties = seen.parties.filter((id) => id !== agencyId)
    rows.push({ ...head, ...seen, view: 'actor', viewerId: agencyId, parties })
  }
  const changed = changedAgency(event.type, publicPart)
  if (changed !== undefined && changed !== agencyId)
    rows.push({
      ...head,
      ...seen,
      ...{ practitionerId: null, requestId: null },
      view: 'concerned',
      viewerId: changed,
      parties: involving([], agencyId),
    })
  rows.push(...sourceViews(event, publicPart, privatePart, around))
  return rows.map((row) => ({ ...row, terms: termsOf(row) }))
}

function sourceViews(
  { agencyId, subjectId }: LoggedEvent,
  publicPart: Part,
  privatePart: Part,
  { records, actedForPerpetrator }: Surroundings,
): Omit<AuditViewRow, 'terms'>[] {
  const bySource = new Map<string, { caseId: string; records: string[] }>()
  for (const recordId of recordsNamed(publicPart, privatePart)) {
    const record = records.get(recordId)
    // What an agency does with its own records it sees as the one that acts, unless it asked the gate.
    if (!record || (record.agencyId === agencyId && !Array.isArray(privatePart['considered'])))
      continue
    const source = bySource.get(record.agencyId) ?? { caseId: record.caseId, records: [] }
    source.records.push(recordId)
    bySource.set(record.agencyId, source)
  }
  return [...bySource]
    .filter(([viewerId, { caseId }]) => !actedForPerpetrator(caseId, viewerId))
    .map(([viewerId, source]) => ({
      ...facetsOfRecords(publicPart, privatePart, new Set(source.records)),
      ...{ viewerId, agencyId, subjectId },
      view: 'source' as const,
      practitionerId: null,
      requestId: null,
      caseId: source.caseId,
      parties: involving([], agencyId),
      records: source.records,
    }))
}

const involving = (parties: readonly string[], agencyId: string | null): string[] =>
  [...new Set([...parties, ...(agencyId === null ? [] : [agencyId])])].sort()

/** Whose entry was changed; only for events that change entries. */
function changedAgency(type: string, { agencyId }: Part): string | undefined {
  const changes = /^(agency|practitioner)\./.test(type)
  return changes && typeof agencyId === 'string' ? agencyId : undefined
}

/** A clock acts for nobody; what it found overdue is the reviewing agency's matter all the same. */
const reviewing = ({ reviewingAgencyId }: Part): string | null =>
  typeof reviewingAgencyId === 'string' ? reviewingAgencyId : null

function termsOf(row: Facets): string[] {
  const { fields, released, rules, reasons, parties } = row
  return [
    ...fields.map((name) => termKey('field', name)),
    ...released.map((name) => termKey('released', name)),
    ...rules.map((name) => termKey('rule', name)),
    ...reasons.map((name) => termKey('reason', name)),
    ...parties.map((id) => termKey('agency', id)),
  ]
}
