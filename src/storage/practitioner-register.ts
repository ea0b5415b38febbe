/** Practitioners as their agency keeps them; row-level security shows the operator those of all agencies. */
import type { PractitionerRole } from '../domain/case/vocabulary.ts'
import type { Tx } from './database.ts'

/** One practitioner as kept. */
export interface PractitionerEntry {
  readonly id: string
  readonly agencyId: string
  /** The agency's own pseudonym. */
  readonly localId: string
  readonly roles: readonly PractitionerRole[]
  readonly trainings: readonly { readonly code: string; readonly at: string }[]
  readonly jwk: Readonly<Record<string, unknown>> | null
  readonly active: boolean
  readonly version: number
}

/** What of an entry can change. */
export type PractitionerChanges = Partial<Omit<PractitionerEntry, 'id' | 'agencyId' | 'version'>>

const COLUMNS = [
  'id',
  'agency_id as agencyId',
  'local_id as localId',
  'roles',
  'trainings',
  'jwk',
  'active',
  'version',
] as const

/** Adds a practitioner at version 1; false when the agency uses the pseudonym already. */
export async function insertPractitioner(
  tx: Tx,
  entry: Omit<PractitionerEntry, 'version'>,
  at: Date,
): Promise<boolean> {
  const done = await tx
    .insertInto('practitioner')
    .values({
      id: entry.id,
      agency_id: entry.agencyId,
      local_id: entry.localId,
      roles: [...entry.roles],
      trainings: JSON.stringify(entry.trainings),
      jwk: entry.jwk && JSON.stringify(entry.jwk),
      active: entry.active,
      created_at: at,
    })
    .onConflict((conflict) => conflict.columns(['agency_id', 'local_id']).doNothing())
    .executeTakeFirst()
  return done.numInsertedOrUpdatedRows === 1n
}

/** One practitioner; undefined when there is none that the transaction's agency may see. */
export function findPractitioner(tx: Tx, id: string): Promise<PractitionerEntry | undefined> {
  return tx.selectFrom('practitioner').select(COLUMNS).where('id', '=', id).executeTakeFirst()
}

/** Whether another practitioner of the agency has this pseudonym. */
export async function isLocalIdTaken(
  tx: Tx,
  { id, agencyId }: Pick<PractitionerEntry, 'id' | 'agencyId'>,
  localId: string,
): Promise<boolean> {
  const row = await tx
    .selectFrom('practitioner')
    .select('id')
    .where('agency_id', '=', agencyId)
    .where('local_id', '=', localId)
    .where('id', '<>', id)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Changes an entry by compare-and-set on its version; undefined when another change was first. Run it
 * under the exclusive lock of the agency: fewer roles or an end of activity stop releases.
 */
export function changePractitioner(
  tx: Tx,
  id: string,
  version: number,
  changes: PractitionerChanges,
): Promise<PractitionerEntry | undefined> {
  const { localId, roles, trainings, jwk, active } = changes
  return tx
    .updateTable('practitioner')
    .set({
      version: version + 1,
      ...(localId === undefined ? {} : { local_id: localId }),
      ...(roles === undefined ? {} : { roles: [...roles] }),
      ...(trainings === undefined ? {} : { trainings: JSON.stringify(trainings) }),
      ...(jwk === undefined ? {} : { jwk: jwk && JSON.stringify(jwk) }),
      ...(active === undefined ? {} : { active }),
    })
    .where('id', '=', id)
    .where('version', '=', version)
    .returning(COLUMNS)
    .executeTakeFirst()
}
