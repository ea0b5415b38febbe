/** Rows that are what one event says: record versions, consents, decided reviews, agreements, policies. */
import { canonicalize, type Json } from '../log/canonical.ts'
import {
  agreementDigest,
  consentDigest,
  type DigestedAgreement,
  type DigestedConsent,
  type DigestedVersion,
  policyVersionDigest,
  recordDigest,
  sealedDigest,
} from '../log/record-digest.ts'
import type { OpenedEvent } from './check-event.ts'
import type { Finding } from './finding.ts'

/** A record version with its record. */
export interface StoredVersion extends DigestedVersion {
  readonly record:
    | {
        readonly type: string
        readonly caseId: string
        readonly agencyId: string
        readonly subjectId: string | null
        readonly version: number
        readonly newest: number
        readonly createdAt: Date
      }
    | undefined
}

/** A row of `consent`. */
export interface StoredConsent extends DigestedConsent {
  readonly withdrawnAt: Date | null
  readonly withdrawnBy: string | null
  readonly version: number
}

/** A row of `agreement`. */
export interface StoredAgreement extends DigestedAgreement {
  readonly terminatedAt: Date | null
  readonly ended: boolean
}

/** What of a row of `review_task` a decision sets. */
export interface StoredReview {
  readonly id: string
  readonly kind: string
  readonly disclosureId: string
  readonly caseId: string
  readonly agencyId: string
  readonly state: string
  readonly decidedAt: Date | null
  readonly decidedBy: string | null
  readonly signature: string | null
  readonly note: Uint8Array | null
  readonly noteKey: Uint8Array | null
}

/** A row of `policy_version`. */
export interface StoredPolicy {
  readonly version: number
  readonly hash: string
  readonly draftId: string | null
  readonly basedOn: number | null
  readonly reactivates: number | null
  readonly activatedBy: { readonly [member: string]: Json } | null
  readonly createdAt: Date
  readonly createdBy: string | null
  readonly suites: readonly unknown[]
  readonly reason: string | null
  readonly authors: readonly object[] | null
  readonly approvals: readonly object[] | null
}

/** A row of `log_key`. */
export interface StoredKeyPeriod {
  readonly vkey: string
  readonly fromSize: number
  /** When the key before it is to end. */
  readonly oldUntil: Date | null
}

/** Rows that events of one slice tell of, by key. */
export interface ToldRows {
  readonly record_version: ReadonlyMap<string, StoredVersion>
  readonly consent: ReadonlyMap<string, StoredConsent>
  readonly agreement: ReadonlyMap<string, StoredAgreement>
  readonly review_task: ReadonlyMap<string, StoredReview>
  readonly policy_version: ReadonlyMap<string, StoredPolicy>
  readonly log_key: ReadonlyMap<string, StoredKeyPeriod>
}

/** A row that an event tells of. */
export interface RowRef {
  readonly table: keyof ToldRows
  readonly key: string
}

/** Which row an event tells of, if any; decisions are told apart by `disclosureFindings`. */
export function rowTold({ event, public: told }: OpenedEvent): RowRef | undefined {
  switch (event.type) {
    case 'collect.deposited':
    case 'alter.amended':
    case 'alter.verified':
    case 'alter.contested':
      return {
        table: 'record_version',
        key: `${String(told['recordId'])}/${String(told['version'])}`,
      }
    case 'consent.recorded':
    case 'consent.withdrawn':
      return { table: 'consent', key: String(told['consentId']) }
    case 'agreement.created':
    case 'agreement.terminated':
      return { table: 'agreement', key: String(told['agreementId']) }
    case 'review.decided':
    case 'review.overdue':
      return { table: 'review_task', key: String(told['reviewId']) }
    case 'policy.activated':
      return { table: 'policy_version', key: String(told['version']) }
    case 'key.rotated':
      return told['purpose'] === 'log' ? { table: 'log_key', key: String(told['vkey']) } : undefined
    default:
      return undefined
  }
}

/** What does not fit between an event and the row that it tells of. */
export function rowFindings(opened: OpenedEvent, ref: RowRef, rows: ToldRows): Finding[] {
  const { table, key } = ref
  const finding = (kind: Finding['kind']): Finding[] => [
    { kind, table, row: key, eventId: opened.event.id },
  ]
  if (!rows[table].has(key)) return finding('row_missing')
  return readably(() => isAsTold(opened, ref, rows)) ? [] : finding('row_altered')
}

/** What `compare` says; false where a column does not even have the form that it should. */
export function readably(compare: () => boolean): boolean {
  try {
    return compare()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return false
    throw error
  }
}

function isAsTold(opened: OpenedEvent, { table, key }: RowRef, rows: ToldRows): boolean {
  switch (table) {
    case 'record_version':
      return isVersion(opened, rows.record_version.get(key))
    case 'consent':
      return isConsent(opened, rows.consent.get(key))
    case 'agreement':
      return isAgreement(opened, rows.agreement.get(key))
    case 'review_task':
      return isReview(opened, rows.review_task.get(key))
    case 'policy_version':
      return isPolicy(opened, rows.policy_version.get(key))
    case 'log_key':
      return isKeyPeriod(opened, rows.log_key.get(key))
  }
}

function isVersion(opened: OpenedEvent, row: StoredVersion | undefined): boolean {
  const { event, public: told } = opened
  const record = row?.record
  if (!row || !record) return false
  return (
    isDigest(opened, 'recordDigest', () => recordDigest(row)) &&
    row.caseId === event.caseId &&
    row.agencyId === event.agencyId &&
    row.subjectId === event.subjectId &&
    row.at.getTime() === event.at.getTime() &&
    record.type === told['recordType'] &&
    record.caseId === row.caseId &&
    record.agencyId === row.agencyId &&
    record.subjectId === row.subjectId &&
    record.version === record.newest &&
    (row.version !== 1 || record.createdAt.getTime() === event.at.getTime())
  )
}

function isConsent(opened: OpenedEvent, row: StoredConsent | undefined): boolean {
  const { event, public: told } = opened
  if (!row) return false
  if (event.type === 'consent.withdrawn')
    return (
      row.withdrawnAt?.getTime() === event.at.getTime() &&
      row.withdrawnBy === event.agencyId &&
      row.version === 2
    )
  return (
    isDigest(opened, 'consentDigest', () => consentDigest(row)) &&
    row.caseId === event.caseId &&
    row.subjectId === event.subjectId &&
    row.expiresAt.toISOString() === told['expiresAt'] &&
    (row.withdrawnAt === null) === (row.withdrawnBy === null) &&
    row.version === (row.withdrawnAt === null ? 1 : 2)
  )
}

function isAgreement(opened: OpenedEvent, row: StoredAgreement | undefined): boolean {
  if (!row) return false
  // It may be ended again for an earlier time.
  if (opened.event.type === 'agreement.terminated')
    return (
      row.terminatedAt !== null &&
      row.terminatedAt.toISOString() <= String(opened.public['terminatedAt']) &&
      // What was to end at once has ended.
      (row.ended || String(opened.public['terminatedAt']) > opened.event.at.toISOString())
    )
  return isDigest(opened, 'agreementDigest', () => agreementDigest(row))
}

function isReview(opened: OpenedEvent, row: StoredReview | undefined): boolean {
  const { event, public: told } = opened
  if (!row || row.kind !== told['kind'] || row.disclosureId !== told['disclosureId']) return false
  if (event.type === 'review.overdue') return row.state !== 'open'
  return (
    row.state === (told['decision'] === 'approve' ? 'approved' : 'refused') &&
    row.caseId === event.caseId &&
    row.agencyId === event.agencyId &&
    row.decidedBy === event.practitionerId &&
    row.decidedAt?.getTime() === event.at.getTime() &&
    row.signature === opened.private['signature'] &&
    isDigest(opened, 'noteDigest', () =>
      sealedDigest({ facts: null, notes: row.note, notesKey: row.noteKey }),
    )
  )
}

function isPolicy(opened: OpenedEvent, row: StoredPolicy | undefined): boolean {
  const { event, public: told } = opened
  return (
    row !== undefined &&
    row.hash === told['hash'] &&
    row.draftId === (told['draftId'] ?? null) &&
    row.basedOn === told['basedOn'] &&
    row.reactivates === (told['reactivates'] ?? null) &&
    row.createdAt.getTime() === event.at.getTime() &&
    canonicalize(row.activatedBy) === canonicalize(actorOf(event)) &&
    row.createdBy === event.practitionerId &&
    isDigest(opened, 'versionDigest', () => policyVersionDigest(row))
  )
}

function isKeyPeriod({ public: told }: OpenedEvent, row: StoredKeyPeriod | undefined): boolean {
  if (!row || row.fromSize !== told['fromSize']) return false
  // Keys that ended at once have no such time.
  return told['oldUntil'] === null || row.oldUntil?.toISOString() === told['oldUntil']
}

const actorOf = ({ agencyId, practitionerId }: OpenedEvent['event']) =>
  agencyId === null ? null : { agencyId, practitionerId }

/** Whether the row has the digest that the event holds; one from before digests says nothing of it. */
function isDigest(opened: OpenedEvent, name: string, digest: () => string): boolean {
  const told = opened.private[name]
  return told === undefined || told === digest()
}
