/**
 * What falls due with time. Each change is a compare-and-set in a transaction of the worker role: of
 * several workers that try, one does it and the others find it done.
 */
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'

/** Open review tasks whose time is over, the longest overdue first. */
export async function listDueReviews(db: Database, now: Date, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('review_task')
    .select('id')
    .where('state', '=', 'open')
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** A review task that became overdue. */
export interface OverdueReview {
  readonly kind: 'before' | 'after'
  readonly disclosureId: string
  readonly caseId: string
  readonly subjectId: string
  /** Whose task it is. */
  readonly agencyId: string
  /** Whose request it is about. */
  readonly requesterId: string
  readonly dueAt: Date
  /** The agency of the task acts, or ever acted, for the perpetrator in the case. */
  readonly perpetratorSide: boolean
}

/** Marks an open task as overdue; undefined when somebody decided or marked it first. */
export async function markReviewOverdue(
  tx: Tx,
  id: string,
  now: Date,
): Promise<OverdueReview | undefined> {
  const { rows } = await sql<OverdueReview>`
    update review_task t set state = 'overdue'
    from disclosure d
    where t.id = ${id} and t.state = 'open' and t.due_at <= ${now} and d.id = t.disclosure_id
    returning t.kind, t.disclosure_id as "disclosureId", t.case_id as "caseId", t.agency_id as "agencyId",
      t.due_at as "dueAt", d.subject_id as "subjectId", d.agency_id as "requesterId",
      exists (select from case_member m where m.case_id = t.case_id and m.agency_id = t.agency_id
        and m.acts_for = 'perpetrator') as "perpetratorSide"`.execute(tx)
  return rows[0]
}

/**
 * The release by which a duty `d` was met, if it was: in time, of the field as it was when the duty
 * arose or as it is now, to another agency of every sector that has to be told; the last of them. A
 * later version of the value is news again, so what left before it was set does not count.
 */
const MEETING_RELEASE = sql`(
  select case when count(*) = count(told.disclosure_id)
    then (array_agg(told.disclosure_id order by told.released_at desc))[1] end
  from jsonb_array_elements_text(d.notify -> 'sector') as wanted (sector)
  left join lateral (
    select l.disclosure_id, l.released_at
    from release_ledger l
    join agency a on a.id = l.recipient_agency_id
    where l.record_id = d.record_id and d.field = any (l.fields) and l.released_at <= d.due_at
      and l.recipient_agency_id <> d.agency_id and a.sector = wanted.sector
      and l.record_version >= coalesce((
        select (f ->> 'setIn')::integer
        from record r
        join record_version v on v.record_id = r.id and v.version = r.version
        cross join jsonb_array_elements(v.fields) f
        where r.id = d.record_id and r.type || '.' || (f ->> 'name') = d.field), 1)
    order by l.released_at
    limit 1) told on true)`

/** Marks the open duties that were met; returns how many. */
export async function settleMetDuties(tx: Tx): Promise<number> {
  // First the rows, then what they say: an amendment that opens the duty anew waits, or is seen.
  const { rows } = await sql<{ id: string }>`
    select d.id from duty d where d.state = 'open' and ${MEETING_RELEASE} is not null
    for update of d skip locked`.execute(tx)
  const { numAffectedRows } = await sql`
    update duty t set state = 'met', met_by = m.disclosure_id
    from (select d.id, ${MEETING_RELEASE} as disclosure_id from duty d
      where d.id = any (${rows.map(({ id }) => id)}::uuid[])) m
    where t.id = m.id and m.disclosure_id is not null`.execute(tx)
  return Number(numAffectedRows)
}

/** An open duty whose time is over. */
export interface DueDuty {
  readonly id: string
  readonly caseId: string
}

/** Open duties whose time is over, the longest overdue first. */
export async function listDueDuties(db: Database, now: Date, limit: number): Promise<DueDuty[]> {
  const rows = await db
    .selectFrom('duty')
    .select(['id', 'case_id'])
    .where('state', '=', 'open')
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .limit(limit)
    .execute()
  return rows.map(({ id, case_id: caseId }) => ({ id, caseId }))
}

/** A duty that nobody met in time. */
export interface MissedDuty {
  readonly rule: string
  readonly caseId: string
  readonly subjectId: string | null
  readonly recordId: string
  readonly field: string
  /** Who owed it. */
  readonly agencyId: string
  readonly escalateTo: string
  readonly dueAt: Date
}

/**
 * Marks an open duty as missed; undefined when it is none any more, was met, or is not due. Run it
 * under the exclusive lock on its case, so that no release in time is still on its way.
 */
export async function markDutyMissed(
  tx: Tx,
  id: string,
  now: Date,
): Promise<MissedDuty | undefined> {
  const { rows } = await sql<MissedDuty>`
    update duty d set state = 'missed'
    where d.id = ${id} and d.state = 'open' and d.due_at <= ${now} and ${MEETING_RELEASE} is null
    returning d.rule, d.case_id as "caseId", d.subject_id as "subjectId", d.record_id as "recordId", d.field,
      d.agency_id as "agencyId", d.escalate_to as "escalateTo", d.due_at as "dueAt"`.execute(tx)
  return rows[0]
}

/** An agreement that is over, by its date or because it was ended before. */
export interface EndedAgreement {
  readonly id: string
  readonly parties: readonly string[]
  readonly endedAt: Date
}

/** Agreements that are over and of whose end nobody was told yet. */
export async function listUntoldEnds(
  db: Database,
  now: Date,
  limit: number,
): Promise<EndedAgreement[]> {
  const { rows } = await sql<EndedAgreement>`
    select g.id, g.parties, least(g.valid_to, g.terminated_at) as "endedAt"
    from agreement g
    where least(g.valid_to, g.terminated_at) <= ${now}
      and not exists (select from agreement_end_told t
        where t.agreement_id = g.id and t.ended_at = least(g.valid_to, g.terminated_at))
    order by 3
    limit ${limit}`.execute(db)
  return rows
}

/** Notes that the parties are being told; false when somebody else has done so. */
export async function claimEndTold(tx: Tx, agreement: EndedAgreement, now: Date): Promise<boolean> {
  const { rows } = await sql`
    insert into agreement_end_told (agreement_id, ended_at, told_at)
    select g.id, least(g.valid_to, g.terminated_at), ${now} from agreement g where g.id = ${agreement.id}
    on conflict do nothing
    returning agreement_id`.execute(tx)
  return rows.length === 1
}

/** Adds the audit partitions of this month and the two after it, where they are missing. */
export async function ensureAuditPartitions(tx: Tx, now: Date): Promise<void> {
  // One at a time: two that find a partition missing would both create it, and one would fail.
  await sql`select pg_advisory_xact_lock(hashtextextended('ostiary/audit-partitions', 0))`.execute(
    tx,
  )
  await sql`select ensure_audit_partitions(${now})`.execute(tx)
}
