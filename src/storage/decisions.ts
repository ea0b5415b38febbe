/** Past decisions with the facts that they were made on, sealed, and the keys that may open them. */
import { sql } from 'kysely'
import type { PractitionerRole, Purpose } from '../domain/case/vocabulary.ts'
import type { Database, Tx } from './database.ts'

/** A decision as it was recorded. */
export interface DecisionRow {
  readonly id: string
  readonly kind: 'disclosure' | 'preview'
  readonly case_id: string
  readonly subject_id: string
  readonly agency_id: string
  readonly role: PractitionerRole
  readonly purpose: Purpose
  readonly outcome: string
  readonly policy_version: number
  readonly catalogue_version: number | null
  readonly decided_at: Date
  /** Null for a decision from before facts were recorded. */
  readonly facts: Buffer | null
  /** Subject keys, wrapped (base64), of the person and of the case at every agency. */
  readonly keys: readonly {
    readonly ownerId: string
    readonly agencyId: string
    readonly wrapped: string
    readonly epoch: number
  }[]
}

/** The same with what its event says; both parts are null once the events of its month are archived. */
export interface DecisionWithEvent extends DecisionRow {
  readonly public_part: string | null
  readonly private_part: string | null
}

/** As far as the transaction's agency may have it explained. */
export interface OwnDecision extends DecisionWithEvent {
  /** It was this agency's request. */
  readonly asked: boolean
  /** It is the supervisory authority of the country of whoever asked. */
  readonly oversees: boolean
  /** Its records that were looked at; none on the perpetrator's side; all of them for the authority. */
  readonly own_records: readonly string[]
}

/** One decision for the transaction's agency; undefined when it has no part in it. */
export async function findDecision(tx: Tx, id: string): Promise<OwnDecision | undefined> {
  const { rows } = await sql<OwnDecision>`
    select g.asked, g.oversees, g.own_records, (g.decision).*, g.public_part, g.private_part
    from gate_decision(${id}) g`.execute(tx)
  return rows[0]
}

/** Any decision; needs the owner's rights. */
export async function findAnyDecision(
  db: Database | Tx,
  id: string,
): Promise<DecisionWithEvent | undefined> {
  const { rows } = await sql<DecisionWithEvent>`
    select d.*, e.public_part, e.private_part
    from decision_record d left join audit_event e on e.id = d.event_id and e.at = d.decided_at
    where d.id = ${id}`.execute(db)
  return rows[0]
}

/** A place among the decisions of one agency, which run from old to new. */
export interface DecisionPosition {
  readonly at: Date
  readonly id: string
}

/** Decisions of the transaction's agency from `from` (inclusive) to `to` (exclusive), behind a place. */
export async function listDecisions(
  tx: Tx,
  window: { readonly from: Date; readonly to: Date },
  after: DecisionPosition | undefined,
  limit: number,
): Promise<DecisionRow[]> {
  const { rows } = await sql<DecisionRow>`
    select * from gate_decisions(${window.from}, ${window.to}, ${after?.at ?? null},
      ${after?.id ?? null}, ${limit})`.execute(tx)
  return rows
}

/** Ids of all agencies, in an order that does not change. */
export async function listAgencyIds(db: Database | Tx): Promise<string[]> {
  const rows = await db.selectFrom('agency').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

/** Whether the agency acts, or ever acted, for a perpetrator in any case. */
export async function everActedForPerpetrator(tx: Tx, agencyId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('case_member')
    .select('case_id')
    .where('agency_id', '=', agencyId)
    .where('acts_for', '=', 'perpetrator')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
