import type * as clocks from '../storage/clocks.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as notices from '../storage/notices.ts'
import { type Clock, MOST_PER_RUN } from './clock.ts'
import { eachApart } from './each-apart.ts'
import { byWorker, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

export interface OverdueReviewDependencies {
  /** Of the worker role. */
  readonly db: Database
  readonly storage: Pick<typeof clocks, 'listDueReviews' | 'markReviewOverdue'> &
    Pick<typeof notices, 'insertNotices'>
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'uuid'>
}

/**
 * Marks review tasks as overdue that nobody decided in time, and tells administrator and DPO of the
 * reviewing agency. They can still be decided.
 */
export function makeMarkOverdueReviews(deps: OverdueReviewDependencies): Clock {
  return async (now) => {
    const due = await deps.storage.listDueReviews(deps.db, now, MOST_PER_RUN)
    return eachApart(due, (id) =>
      deps.db.transaction().execute(async (tx) => {
        const review = await deps.storage.markReviewOverdue(tx, id, now)
        if (!review) return false
        await tell(deps, tx, { ...review, id }, now)
        return true
      }),
    )
  }
}

async function tell(
  { storage, recordEvent, runtime }: OverdueReviewDependencies,
  tx: Tx,
  review: clocks.OverdueReview & { readonly id: string },
  now: Date,
): Promise<void> {
  const { agencyId, caseId, subjectId, disclosureId } = review
  // A source on the perpetrator's side is told of nobody's request (domain/disclosure/effects.ts), so
  // not of its lapse either; then the event, too, belongs to no agency.
  const untold = review.perpetratorSide && review.requesterId !== agencyId
  await recordEvent(tx, {
    ...byWorker('mark_overdue_reviews'),
    at: now,
    type: 'review.overdue',
    ...(untold ? {} : { agencyId }),
    caseId,
    subjectId,
    public: {
      reviewId: review.id,
      disclosureId,
      kind: review.kind,
      dueAt: review.dueAt.toISOString(),
    },
    private: { reviewingAgencyId: agencyId },
  })
  if (untold) return
  await storage.insertNotices(
    tx,
    ['org_admin', 'dpo'].map((role) => ({
      id: runtime.uuid(),
      agencyId,
      role,
      type: 'review_overdue',
      urgency: 'immediate' as const,
      refs: { reviewId: review.id, disclosureId, caseId },
    })),
    now,
  )
}
