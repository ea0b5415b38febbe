import type { PractitionerRole, Purpose } from '../domain/case/vocabulary.ts'
import { canonicalize } from '../domain/log/canonical.ts'
import { sha256 } from '../domain/log/hash.ts'
import { sealedDigest } from '../domain/log/record-digest.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as disclosures from '../storage/disclosures.ts'
import type { ReviewRow } from '../storage/disclosures.ts'
import type { SealedText } from '../vault/text.ts'
import type { Vault } from '../vault/vault.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A task as its reviewer sees it. */
export interface ReviewView {
  readonly id: string
  readonly kind: 'before' | 'after'
  readonly state: ReviewRow['state']
  readonly disclosureId: string
  readonly caseId: string
  readonly subjectId: string
  readonly role: PractitionerRole
  readonly dueAt: string
  /** Absent where it would tell the perpetrator's side about hers. */
  readonly requester?: { readonly agencyId: string; readonly role: PractitionerRole }
  readonly purpose: Purpose
  readonly fields: readonly string[]
  readonly exception?: string
  readonly justification?: string
  readonly ethicsNote?: string
  readonly exceptionNote?: string
  /** `sha256:` and hexadecimal: what the reviewer's signature covers. */
  readonly hash: string
  readonly decidedAt?: string
}

/** A reviewer's decision; the signature is a JWS over `{ hash, decision }` by their registered key. */
export interface ReviewDecision {
  readonly decision: 'approve' | 'refuse'
  readonly note: string
  readonly signature: string
  /** Which task, where the agency has several for the disclosure. */
  readonly reviewId?: string
}

/** Place in the list of open tasks, which runs from the most urgent on. */
export interface ReviewPosition {
  readonly dueAt: Date
  readonly id: string
}

export interface ReviewDependencies {
  readonly acting: Acting
  readonly storage: Pick<typeof disclosures, 'decideTask' | 'listReviewRows'>
  readonly vault: Vault
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
  /** The practitioner's registered public key; undefined when there is none. */
  readonly keyOf: (tx: Tx, practitionerId: string) => Promise<Record<string, unknown> | undefined>
  /** The signed payload if the compact JWS verifies under the key; undefined otherwise. */
  readonly verifySignature: (
    jwk: Record<string, unknown>,
    jws: string,
  ) => Promise<Record<string, unknown> | undefined>
  /** Seals the reviewer's note under their agency's key for the subject. */
  readonly sealNote: (
    tx: Tx,
    about: { agencyId: string; caseId: string; subjectId: string; taskId: string },
    note: string,
  ) => Promise<SealedText>
}

/** Roles that see any task of their agency, besides the role a task is for. */
const OVERSEERS: readonly string[] = ['org_admin', 'dpo']

/**
 * Open tasks of the caller's agency that the caller's role decides or oversees, the most urgent first.
 * The notes of a request are for those who decide and for the data protection officer; an
 * administrator sees that there is a task (S26). Reading the list is an event, opening notes one each.
 */
export function makeListReviews(deps: ReviewDependencies) {
  return (
    caller: Caller,
    { after, limit }: { readonly after?: ReviewPosition; readonly limit: number },
  ): Promise<{ items: ReviewView[]; last: ReviewPosition | undefined }> =>
    deps.acting(caller, { operation: 'listReviews' }, async (tx) => {
      const rows = (await deps.storage.listReviewRows(tx, null))
        .filter((row) => isOpen(row) && (mayDecide(caller, row) || oversees(caller)))
        .filter((row) => !after || isBehind(row, after))
        .slice(0, limit)
      const items: ReviewView[] = []
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.reviews_listed',
        public: { reviews: rows.map(({ task_id: id }) => id) },
        private: {},
      })
      for (const row of rows) {
        const entitled = mayDecide(caller, row) || caller.role === 'dpo'
        const notes = entitled ? openNotes(deps.vault, row) : undefined
        if (notes)
          await deps.recordEvent(tx, {
            ...calledBy(caller),
            type: 'consult.review_viewed',
            caseId: row.case_id,
            subjectId: row.subject_id,
            public: {
              reviewId: row.task_id,
              disclosureId: row.disclosure_id,
              purpose: row.purpose,
              fields: row.requested,
            },
            private: {},
          })
        items.push(viewOf(row, notes))
      }
      const end = rows.at(-1)
      return { items, last: end && { dueAt: end.due_at, id: end.task_id } }
    })
}

const isOpen = ({ state }: ReviewRow): boolean => state === 'open' || state === 'overdue'

const isBehind = (row: ReviewRow, { dueAt, id }: ReviewPosition): boolean =>
  row.due_at > dueAt || (Number(row.due_at) === Number(dueAt) && row.task_id > id)

/**
 * Decides the caller's task on one disclosure. Throws `not_found` (no task of this agency for this
 * role), `reviewer_not_allowed` (who only oversees it, the requester, or without a registered key),
 * `review_signature_invalid`, `review_not_open` (decided already).
 */
export function makeReviewDisclosure(deps: ReviewDependencies) {
  return (caller: Caller, disclosureId: string, decision: ReviewDecision): Promise<ReviewView> =>
    deps.acting(caller, { operation: 'reviewDisclosure', target: disclosureId }, async (tx) => {
      const rows = await deps.storage.listReviewRows(tx, disclosureId)
      const mine = rows.filter(
        (row) =>
          (mayDecide(caller, row) || oversees(caller)) &&
          (decision.reviewId === undefined || row.task_id === decision.reviewId),
      )
      if (mine.length === 0) throw new OstiaryError('not_found')
      const deciding = mine.filter((one) => mayDecide(caller, one))
      const row = deciding.find(isOpen) ?? deciding[0]
      if (!row)
        throw new OstiaryError('reviewer_not_allowed', { detail: 'the task is for another role' })
      await requireSignature(deps, tx, caller, row, decision)
      const state = decision.decision === 'approve' ? 'approved' : 'refused'
      const at = deps.runtime.now()
      const note = await deps.sealNote(
        tx,
        {
          agencyId: caller.agencyId,
          caseId: row.case_id,
          subjectId: row.subject_id,
          taskId: row.task_id,
        },
        decision.note,
      )
      const practitionerId = caller.practitionerId ?? ''
      const { signature } = decision
      const done = await deps.storage.decideTask(tx, row.task_id, {
        state,
        at,
        practitionerId,
        signature,
        note,
      })
      if (!done) throw new OstiaryError('review_not_open')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'review.decided',
        caseId: row.case_id,
        subjectId: row.subject_id,
        public: {
          reviewId: row.task_id,
          disclosureId,
          kind: row.kind,
          decision: decision.decision,
          purpose: row.purpose,
          fields: row.requested,
        },
        private: {
          hash: hashOf(row),
          signature,
          noteDigest: sealedDigest({ facts: null, notes: note.sealed, notesKey: note.wrappedKey }),
        },
      })
      return viewOf({ ...row, state, decided_at: row.decided_at }, undefined, at)
    })
}

async function requireSignature(
  deps: ReviewDependencies,
  tx: Tx,
  caller: Caller,
  row: ReviewRow,
  decision: ReviewDecision,
): Promise<void> {
  const practitionerId = caller.practitionerId ?? ''
  // Four eyes: whoever asked does not judge the asking.
  if (row.requester_practitioner_id === practitionerId)
    throw new OstiaryError('reviewer_not_allowed', { detail: 'a second person has to review' })
  const jwk = await deps.keyOf(tx, practitionerId)
  if (!jwk)
    throw new OstiaryError('reviewer_not_allowed', { detail: 'the reviewer has no registered key' })
  const payload = await deps.verifySignature(jwk, decision.signature)
  if (payload?.['hash'] !== hashOf(row) || payload['decision'] !== decision.decision)
    throw new OstiaryError('review_signature_invalid')
}

/** The role that a task is for; after a claimed exception the data protection officer as well. */
function mayDecide({ role }: Caller, row: ReviewRow): boolean {
  return row.role === role || (row.kind === 'after' && role === 'dpo')
}

const oversees = ({ role }: Caller): boolean => role !== undefined && OVERSEERS.includes(role)

/** What is signed: the request as the reviewer was shown it, so that nothing else can be put under the signature. */
function hashOf(row: ReviewRow): string {
  const text = canonicalize({
    reviewId: row.task_id,
    disclosureId: row.disclosure_id,
    caseId: row.case_id,
    subjectId: row.subject_id,
    purpose: row.purpose,
    requested: row.requested,
    exception: row.exception,
    decidedAt: row.decided_at.toISOString(),
  })
  return `sha256:${Buffer.from(sha256(Buffer.from(text))).toString('hex')}`
}

function openNotes(vault: Vault, row: ReviewRow): Record<string, string> | undefined {
  const {
    notes_sealed: sealed,
    notes_key: wrappedKey,
    subject_key: wrapped,
    key_epoch: epoch,
  } = row
  if (!sealed || !wrappedKey || !wrapped || epoch === null || !row.requester_id) return undefined
  const ref = {
    kind: 'disclosure_notes',
    id: row.disclosure_id,
    ownerId: row.subject_id,
    agencyId: row.requester_id,
  } as const
  const opened = vault.openText(ref, { wrapped, epoch }, { sealed, wrappedKey })
  return opened.opened ? (opened.value as Record<string, string>) : undefined
}

function viewOf(
  row: ReviewRow,
  notes: Record<string, string> | undefined,
  decidedAt?: Date,
): ReviewView {
  return {
    id: row.task_id,
    kind: row.kind,
    state: row.state,
    disclosureId: row.disclosure_id,
    caseId: row.case_id,
    subjectId: row.subject_id,
    role: row.role,
    dueAt: row.due_at.toISOString(),
    ...(row.requester_id && row.requester_role
      ? { requester: { agencyId: row.requester_id, role: row.requester_role } }
      : {}),
    purpose: row.purpose,
    fields: row.requested,
    ...(row.exception ? { exception: row.exception } : {}),
    ...notes,
    hash: hashOf(row),
    ...(decidedAt ? { decidedAt: decidedAt.toISOString() } : {}),
  }
}
