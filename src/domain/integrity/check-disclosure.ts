/**
 * A decision as it is kept (`disclosure`, `release_ledger`, `review_task`), held against its event:
 * every column is either told by the event or lies under its `sealedDigest`.
 */
import { addWorkingDays } from '../case/working-days.ts'
import { canonicalize, type Json } from '../log/canonical.ts'
import { equalBytes, leafHash } from '../log/hash.ts'
import { sealedDigest } from '../log/record-digest.ts'
import { durationMs } from '../policy/duration.ts'
import type { OpenedEvent, Part } from './check-event.ts'
import { readably } from './check-row.ts'
import type { Finding } from './finding.ts'

/** A row of `disclosure`; members are columns. */
export interface StoredDisclosure {
  readonly id: string
  readonly told: { readonly [column: string]: Json }
  readonly decidedAt: Date
  readonly leafHash: Uint8Array
  readonly catalogueVersion: number | null
  readonly facts: Uint8Array | null
  readonly notes: Uint8Array | null
  readonly notesKey: Uint8Array | null
}

/** A row of `release_ledger`, with the subject that its record has. */
export interface StoredRelease {
  readonly disclosureId: string
  readonly recordId: string
  readonly subjectId: string | null
  readonly recordSubjectId: string | null
  readonly told: { readonly [column: string]: Json }
}

/** What a row of `review_task` was when it was made. */
export interface StoredTask {
  readonly id: string
  readonly disclosureId: string
  readonly caseId: string
  readonly kind: string
  readonly agencyId: string
  readonly role: string
  readonly dueAt: Date
}

/** Everything that is kept of one decision; `holders` names the agency of each record that the event names. */
export interface StoredDecision {
  readonly disclosure: StoredDisclosure | undefined
  readonly releases: readonly StoredRelease[]
  readonly tasks: readonly StoredTask[]
  readonly holders: ReadonlyMap<string, string>
}

/** What does not fit between `disclose.decided` or `disclose.previewed` and what is kept of it. */
export function disclosureFindings(opened: OpenedEvent, stored: StoredDecision): Finding[] {
  const { event } = opened
  const id = String(opened.public['disclosureId'])
  const finding = (kind: Finding['kind'], table: string, row: string): Finding => {
    return { kind, table, row, eventId: event.id }
  }
  const { disclosure } = stored
  if (!disclosure) return [finding('row_missing', 'disclosure', id)]
  const findings = readably(() => isAsTold(opened, disclosure))
    ? []
    : [finding('row_altered', 'disclosure', id)]
  const releases = new Map(stored.releases.map((release) => [release.recordId, release]))
  for (const [recordId, told] of releasesOf(opened)) {
    const release = releases.get(recordId)
    releases.delete(recordId)
    const row = `${id}/${recordId}`
    if (!release) findings.push(finding('row_missing', 'release_ledger', row))
    else if (
      !isSame(release.told, told) ||
      (release.recordSubjectId ?? release.subjectId) !== release.subjectId
    )
      findings.push(finding('row_altered', 'release_ledger', row))
  }
  for (const recordId of releases.keys())
    findings.push(finding('row_extra', 'release_ledger', `${id}/${recordId}`))
  return [...findings, ...taskFindings(opened, stored, finding)]
}

function isAsTold(
  { event, header, public: told, private: hidden, entry }: OpenedEvent,
  row: StoredDisclosure,
): boolean {
  const considered = (hidden['considered'] ?? []) as { recordId: string; version: number }[]
  const entries = entriesOf(told)
  const kind = event.type === 'disclose.previewed' ? 'preview' : 'disclosure'
  const expected: { [column: string]: Json } = {
    kind,
    caseId: event.caseId,
    subjectId: event.subjectId,
    agencyId: event.agencyId,
    practitionerId: event.practitionerId,
    role: header['role'] ?? null,
    purpose: told['purpose'] ?? null,
    requested: told['requested'] ?? null,
    outcome: told['outcome'] ?? null,
    recordVersions: Object.fromEntries(considered.map((one) => [one.recordId, one.version])),
    policyVersion: (told['policy'] as Part | undefined)?.['version'] ?? null,
    exception: told['exception'] ?? null,
    sealed: told['sealed'] ?? null,
    underReview: kind === 'disclosure' && entries.some(({ outcome }) => outcome === 'review'),
    replayOf: told['replayOf'] ?? null,
    releasedFrom: told['releaseOf'] ?? null,
    eventId: event.id,
  }
  const { catalogueVersion, sealedDigest: digest } = hidden
  return (
    isSame(row.told, expected) &&
    row.decidedAt.getTime() === event.at.getTime() &&
    equalBytes(row.leafHash, leafHash(entry)) &&
    (catalogueVersion === undefined || catalogueVersion === row.catalogueVersion) &&
    // Events from before digests say nothing of these.
    (digest === undefined || digest === sealedDigest(row))
  )
}

type Entry = Part & { readonly recordId: string; readonly field: string; readonly outcome: string }

const entriesOf = (told: Part): readonly Entry[] => (told['entries'] ?? []) as unknown as Entry[]

/** What has to stand in the ledger, by record. A preview leaves none. */
function releasesOf({ event, public: told, private: hidden }: OpenedEvent) {
  const ledger = new Map<string, { readonly [column: string]: Json }>()
  if (event.type !== 'disclose.decided') return ledger
  const considered = (hidden['considered'] ?? []) as { recordId: string; version: number }[]
  const released = entriesOf(told).filter(
    ({ outcome }) => outcome === 'released' || outcome === 'generalised',
  )
  for (const [recordId, entries] of Map.groupBy(released, (entry) => entry.recordId)) {
    const ends = entries.flatMap(({ expiresAt }) =>
      typeof expiresAt === 'string' ? Date.parse(expiresAt) : [],
    )
    ledger.set(recordId, {
      recordVersion: considered.find((one) => one.recordId === recordId)?.version ?? null,
      caseId: event.caseId,
      sourceAgencyId: (entries[0]?.['provenance'] as Part | undefined)?.['agencyId'] ?? null,
      recipientAgencyId: event.agencyId,
      fields: entries.map(({ field }) => field),
      purpose: told['purpose'] ?? null,
      expiresAt: ends.length > 0 ? new Date(Math.min(...ends)).toISOString() : null,
      releasedAt: event.at.toISOString(),
    })
  }
  return ledger
}

function taskFindings(
  opened: OpenedEvent,
  { tasks, holders }: StoredDecision,
  finding: (kind: Finding['kind'], table: string, row: string) => Finding,
): Finding[] {
  const expected = tasksOf(opened, holders)
  const findings: Finding[] = []
  for (const task of tasks) {
    const name = taskName(task)
    const known = expected.get(name)
    expected.delete(name)
    if (known === undefined) findings.push(finding('row_extra', 'review_task', task.id))
    else if (known !== task.dueAt.getTime() || task.caseId !== opened.event.caseId)
      findings.push(finding('row_altered', 'review_task', task.id))
  }
  // A repeated request asks nobody again: whether the first one had asked, its own event says.
  const asked = opened.public['replayOf'] !== null
  for (const name of expected.keys())
    if (!asked || !name.startsWith('before'))
      findings.push(
        finding('row_missing', 'review_task', `${String(opened.public['disclosureId'])}/${name}`),
      )
  return findings
}

/** When each task is due, by kind, agency and role; as `domain/disclosure/effects.ts` makes them. */
function tasksOf(
  { event, public: told }: OpenedEvent,
  holders: ReadonlyMap<string, string>,
): Map<string, number> {
  const expected = new Map<string, number>()
  if (event.type !== 'disclose.decided') return expected
  for (const entry of entriesOf(told)) {
    if (entry.outcome !== 'review') continue
    const { by, within } = entry['review'] as { by: string; within: string }
    const name = taskName({ kind: 'before', agencyId: holders.get(entry.recordId) ?? '', role: by })
    const due = event.at.getTime() + (durationMs(within) ?? 0)
    expected.set(name, Math.min(due, expected.get(name) ?? Infinity))
  }
  if (told['exception'] !== null && event.agencyId) {
    const name = taskName({ kind: 'after', agencyId: event.agencyId, role: 'org_admin' })
    expected.set(name, addWorkingDays(event.at, 1).getTime())
  }
  return expected
}

const taskName = (task: Pick<StoredTask, 'kind' | 'agencyId' | 'role'>): string =>
  `${task.kind}/${task.agencyId}/${task.role}`

const isSame = (a: Json, b: Json): boolean => canonicalize(a) === canonicalize(b)
