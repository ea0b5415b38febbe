/** Cases with their persons and members. What a member may see of them, `domain/case/case-view.ts` says. */
import { sql } from 'kysely'
import type { CasePerson, WholeCase } from '../domain/case/case-view.ts'
import type { ActsFor } from '../domain/case/vocabulary.ts'
import type { Tx } from './database.ts'

/** How the transaction's agency stands to a case. */
export interface Standing {
  /** For whom it acts now; null when it does not work the case. */
  readonly actsFor: ActsFor | null
  /** It runs the server. */
  readonly operator: boolean
}

/** A membership as kept. */
export interface Membership {
  readonly agencyId: string
  readonly actsFor: ActsFor
  readonly since: Date
  readonly until: Date | null
}

/** An agency's own words for a person or for the case, sealed. */
export interface LocalReference {
  /** The person, or the case itself. */
  readonly aboutId: string
  readonly sealed: Uint8Array
  readonly wrappedKey: Uint8Array
}

/** Opens a case. */
export async function insertCase(tx: Tx, id: string, createdBy: string, at: Date): Promise<void> {
  await tx.insertInto('case_file').values({ id, created_by: createdBy, created_at: at }).execute()
}

/** Adds persons to a case. */
export async function insertPersons(
  tx: Tx,
  caseId: string,
  persons: readonly CasePerson[],
  at: Date,
): Promise<void> {
  await tx
    .insertInto('case_person')
    .values(
      persons.map(({ id, roles, broughtBy }) => ({
        id,
        case_id: caseId,
        roles: [...roles],
        brought_by: broughtBy,
        created_at: at,
      })),
    )
    .execute()
}

/** Adds a member. Only one membership of an agency can be without an end; see `currentMembership`. */
export async function insertMember(
  tx: Tx,
  caseId: string,
  member: Membership & { readonly addedBy: string },
): Promise<void> {
  await tx
    .insertInto('case_member')
    .values({
      case_id: caseId,
      agency_id: member.agencyId,
      acts_for: member.actsFor,
      added_by: member.addedBy,
      since: member.since,
      until: member.until,
    })
    .execute()
}

/** The whole case, if the transaction's agency works it; undefined otherwise, and when there is no such case. */
export async function readCase(tx: Tx, caseId: string): Promise<WholeCase | undefined> {
  const { rows } = await sql<{ whole: WholeCase | null }>`
    select gate_case(${caseId}) as whole`.execute(tx)
  return rows[0]?.whole ?? undefined
}

/** Undefined for a case that the agency neither works nor runs the server of, and when there is none. */
export async function readStanding(tx: Tx, caseId: string): Promise<Standing | undefined> {
  const { rows } = await sql<{ acts_for: ActsFor | null; operator: boolean }>`
    select * from gate_standing(${caseId})`.execute(tx)
  return rows[0] && { actsFor: rows[0].acts_for, operator: rows[0].operator }
}

/**
 * The membership that has not been ended, which may have run out by itself; as far as the
 * transaction's agency may see it (its own, those it brought, all where it acts for all).
 */
export function openMembership(
  tx: Tx,
  caseId: string,
  agencyId: string,
): Promise<Membership | undefined> {
  return tx
    .selectFrom('case_member')
    .select(['agency_id as agencyId', 'acts_for as actsFor', 'since', 'until'])
    .where('case_id', '=', caseId)
    .where('agency_id', '=', agencyId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
}

/** Ends the open membership. Run it under the exclusive lock of the case. */
export async function endMembership(
  tx: Tx,
  caseId: string,
  agencyId: string,
  at: Date,
): Promise<void> {
  await tx
    .updateTable('case_member')
    .set({ ended_at: at })
    .where('case_id', '=', caseId)
    .where('agency_id', '=', agencyId)
    .where('ended_at', 'is', null)
    .execute()
}

/** Keeps the agency's own words; they cannot be changed afterwards. */
export async function insertLocalReferences(
  tx: Tx,
  owner: { readonly agencyId: string; readonly caseId: string },
  references: readonly LocalReference[],
): Promise<void> {
  if (references.length === 0) return
  await tx
    .insertInto('local_reference')
    .values(
      references.map(({ aboutId, sealed, wrappedKey }) => ({
        agency_id: owner.agencyId,
        case_id: owner.caseId,
        about_id: aboutId,
        sealed: Buffer.from(sealed),
        wrapped_key: Buffer.from(wrappedKey),
      })),
    )
    .execute()
}

/** The agency's own words about a case and its persons, with the key under which each lies. */
export function listLocalReferences(tx: Tx, owner: { agencyId: string; caseId: string }) {
  return tx
    .selectFrom('local_reference as l')
    .leftJoin('subject_key as k', (join) =>
      join.onRef('k.owner_id', '=', 'l.about_id').onRef('k.agency_id', '=', 'l.agency_id'),
    )
    .select([
      'l.about_id as aboutId',
      'l.sealed',
      'l.wrapped_key as wrappedKey',
      'k.wrapped as subjectKey',
      'k.key_epoch as epoch',
    ])
    .where('l.agency_id', '=', owner.agencyId)
    .where('l.case_id', '=', owner.caseId)
    .execute()
}
