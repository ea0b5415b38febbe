import type { ApprovalEntry } from '../storage/policy-approvals.ts'
import type { DraftEntry, DraftHeading, PackText } from '../storage/policy-drafts.ts'
import type { PolicyActor } from '../storage/policies.ts'

/** One approval as it is shown; `valid` while it is for the content of today. */
export interface ApprovalView extends PolicyActor {
  readonly at: string
  readonly valid: boolean
}

/** A draft without its texts. */
export interface DraftSummary {
  readonly id: string
  readonly agencyId: string
  readonly authors: readonly PolicyActor[]
  readonly reason?: string
  readonly basedOn: number
  readonly reactivates?: number
  /** Of the content; what an approval is for. */
  readonly hash: string
  readonly state: DraftEntry['state']
  readonly openedAt?: string
  /** Absent also where the content changed after the opening: then it has to be opened again. */
  readonly commentUntil?: string
  /** The version that it became. */
  readonly version?: number
  readonly approvals: readonly ApprovalView[]
  readonly createdAt: string
  readonly changedAt: string
}

/** A draft as it is read. */
export interface DraftView extends DraftSummary {
  readonly documents: readonly PackText[]
  readonly suites: readonly PackText[]
}

/** A draft without its texts, with the approvals of whatever content. */
export function draftSummary(
  draft: DraftHeading,
  approvals: readonly ApprovalEntry[],
): DraftSummary {
  const { openedAt, commentUntil } = draft
  const isOpened = openedAt !== null && draft.openedRevision === draft.revision
  return {
    id: draft.id,
    agencyId: draft.agencyId,
    authors: draft.authors.map(({ agencyId, practitionerId }) => ({ agencyId, practitionerId })),
    ...(draft.reason === null ? {} : { reason: draft.reason }),
    basedOn: draft.basedOn,
    ...(draft.reactivates === null ? {} : { reactivates: draft.reactivates }),
    hash: draft.hash,
    state: draft.state,
    ...(openedAt === null ? {} : { openedAt: openedAt.toISOString() }),
    ...(isOpened && commentUntil ? { commentUntil: commentUntil.toISOString() } : {}),
    ...(draft.activatedAs === null ? {} : { version: draft.activatedAs }),
    approvals: approvals
      .filter(({ draftId }) => draftId === draft.id)
      .map(({ agencyId, practitionerId, at, revision }) => ({
        agencyId,
        practitionerId,
        at: at.toISOString(),
        valid: revision === draft.revision,
      })),
    createdAt: draft.createdAt.toISOString(),
    changedAt: draft.changedAt.toISOString(),
  }
}

/** The whole draft. */
export function draftView(draft: DraftEntry, approvals: readonly ApprovalEntry[]): DraftView {
  const { documents, suites } = draft
  return { ...draftSummary(draft, approvals), documents, suites }
}
