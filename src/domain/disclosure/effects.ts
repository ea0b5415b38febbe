/**
 * What one decision sets off besides the answer: ledger rows, tasks of people, notices. Derived from
 * the verdicts alone, so that two equal decisions have equal effects.
 */
import { addWorkingDays } from '../case/working-days.ts'
import type { ExceptionCode } from '../case/vocabulary.ts'
import { durationMs } from '../policy/duration.ts'
import type { ReleaseVerdict, Verdict } from '../policy/verdict.ts'
import { expiryOf } from './item.ts'

/** Who holds a record, and about whom it is. */
export interface RecordHolder {
  readonly agencyId: string
  readonly subjectId: string | null
  /** Holds it as an agency that acts for the perpetrator. */
  readonly perpetratorSide: boolean
}

/** What left of one record version. */
export interface LedgerEntry {
  readonly recordId: string
  readonly recordVersion: number
  readonly subjectId: string | null
  readonly sourceAgencyId: string
  readonly fields: readonly string[]
  /** The earliest end among its fields. */
  readonly expiresAt?: Date
}

/** A person who has to look: at the source before anything leaves, or afterwards at a claimed exception. */
export interface ReviewTask {
  readonly kind: 'before' | 'after'
  readonly agencyId: string
  readonly role: string
  readonly dueAt: Date
}

/** Something an agency is told; ids only. */
export interface Notice {
  readonly agencyId: string
  readonly role: string
  readonly type: 'exception_used' | 'agreement_missing' | 'review_requested'
  readonly urgency: 'immediate' | '24h' | '7d' | 'routine'
}

export const isRelease = (verdict: Verdict): verdict is ReleaseVerdict =>
  verdict.outcome === 'released' || verdict.outcome === 'generalised'

/** One ledger row per record from which something leaves. */
export function ledgerOf(
  verdicts: readonly Verdict[],
  holders: ReadonlyMap<string, RecordHolder>,
  at: Date,
): LedgerEntry[] {
  const byRecord = Map.groupBy(verdicts.filter(isRelease), (verdict) => verdict.recordId)
  return [...byRecord].map(([recordId, released]) => {
    const holder = holderOf(holders, recordId)
    const ends = released.flatMap((verdict) => expiryOf(verdict, at) ?? [])
    return {
      recordId,
      recordVersion: released[0]?.version ?? 0,
      subjectId: holder.subjectId,
      sourceAgencyId: holder.agencyId,
      fields: released.map((verdict) => verdict.field.id),
      ...(ends.length > 0 ? { expiresAt: new Date(Math.min(...ends.map(Number))) } : {}),
    }
  })
}

/**
 * Tasks of people. A claimed exception is always looked at afterwards by a second person of the agency
 * that claimed it, within one working day, whether or not it opened anything (S38).
 */
export function tasksOf(
  verdicts: readonly Verdict[],
  holders: ReadonlyMap<string, RecordHolder>,
  recipientAgencyId: string,
  exception: ExceptionCode | undefined,
  at: Date,
): ReviewTask[] {
  const before = new Map<string, ReviewTask>()
  for (const verdict of verdicts) {
    if (verdict.outcome !== 'review') continue
    const { agencyId } = holderOf(holders, verdict.recordId)
    const role = verdict.review.by
    const dueAt = new Date(at.getTime() + (durationMs(verdict.review.within) ?? 0))
    const known = before.get(`${agencyId}/${role}`)
    if (!known || dueAt < known.dueAt)
      before.set(`${agencyId}/${role}`, { kind: 'before', agencyId, role, dueAt })
  }
  if (!exception) return [...before.values()]
  const dueAt = addWorkingDays(at, 1)
  return [
    ...before.values(),
    { kind: 'after', agencyId: recipientAgencyId, role: 'org_admin', dueAt },
  ]
}

/**
 * Who is told at once: the source and its DPO of a used exception, the recipient's administrator of a
 * lapsed agreement. A source on the perpetrator's side is told of nobody's request: that somebody asks
 * about him just now may be how he learns that she sought help. (Its own administrator hears of the
 * lapsed agreement by the clock, whether or not anybody asked.)
 */
export function noticesOf(
  verdicts: readonly Verdict[],
  holders: ReadonlyMap<string, RecordHolder>,
  recipientAgencyId: string,
  exception: ExceptionCode | undefined,
): Notice[] {
  const told = new Map<string, Notice>()
  const tell = (notice: Notice) =>
    told.set(`${notice.agencyId}/${notice.role}/${notice.type}`, notice)
  if (exception)
    tell({ agencyId: recipientAgencyId, role: 'dpo', type: 'exception_used', urgency: 'immediate' })
  for (const verdict of verdicts) {
    if (verdict.outcome === 'withheld') continue
    const { agencyId: source, perpetratorSide } = holderOf(holders, verdict.recordId)
    if (verdict.outcome !== 'review' && verdict.agreementAlert)
      tell({
        agencyId: recipientAgencyId,
        role: 'org_admin',
        type: 'agreement_missing',
        urgency: '7d',
      })
    if (perpetratorSide) continue
    if (verdict.outcome === 'review') {
      const { by: role } = verdict.review
      tell({ agencyId: source, role, type: 'review_requested', urgency: 'immediate' })
      continue
    }
    if (verdict.exception)
      for (const role of ['org_admin', 'dpo'])
        tell({ agencyId: source, role, type: 'exception_used', urgency: 'immediate' })
  }
  return [...told.values()]
}

function holderOf(holders: ReadonlyMap<string, RecordHolder>, recordId: string): RecordHolder {
  const holder = holders.get(recordId)
  if (!holder) throw new Error('a verdict names a record that was not read')
  return holder
}
