import type { ConsentItem } from '../domain/consent/check-consent.ts'
import { consentState } from '../domain/consent/consent-period.ts'
import type { Circumstances, ConsentEntry } from '../storage/consents.ts'

/** A consent as the contract shows it; its items hold field ids. Times are ISO 8601. */
export interface ConsentView extends Circumstances {
  readonly id: string
  readonly caseId: string
  readonly subjectId: string
  readonly state: 'given' | 'withdrawn' | 'expired'
  readonly items: readonly ConsentItem[]
  readonly explicit: boolean
  readonly language: string
  readonly noticeVersion: string
  readonly evidenceRef: string
  readonly givenAt: string
  readonly expiresAt: string
  readonly withdrawnAt?: string
}

/** A consent as it stands at `now`. */
export function consentView(entry: ConsentEntry, now: Date): ConsentView {
  const { circumstances, givenAt, expiresAt, withdrawnAt } = entry
  return {
    id: entry.id,
    caseId: entry.caseId,
    subjectId: entry.subjectId,
    state: consentState(entry, now),
    items: entry.items,
    explicit: entry.explicit,
    ...circumstances,
    language: entry.language,
    noticeVersion: entry.noticeVersion,
    evidenceRef: entry.evidenceRef,
    givenAt: givenAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    ...(withdrawnAt === null ? {} : { withdrawnAt: withdrawnAt.toISOString() }),
  }
}
