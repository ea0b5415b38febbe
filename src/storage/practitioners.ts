import { sql } from 'kysely'
import type { PractitionerRole } from '../domain/case/vocabulary.ts'
import type { Tx } from './database.ts'

/** A practitioner who may act for the transaction's agency at this moment. */
export interface ActingPractitioner {
  readonly id: string
  readonly trainings: readonly { readonly code: string; readonly at: string }[]
}

/**
 * The practitioner, if of the transaction's agency, active, and holding the role; nothing otherwise.
 * The agency is asked for besides row-level security, because the operator sees those of others too.
 */
export async function findActingPractitioner(
  tx: Tx,
  practitionerId: string,
  role: PractitionerRole,
): Promise<ActingPractitioner | undefined> {
  return tx
    .selectFrom('practitioner')
    .select(['id', 'trainings'])
    .where('id', '=', practitionerId)
    .where('agency_id', '=', sql<string>`app_agency()`)
    .where('active', '=', true)
    .where(sql<boolean>`${role}::text = any (roles)`)
    .executeTakeFirst()
}

/** The practitioner's registered public key, with which they sign decisions of their own; undefined without one. */
export async function findSignatureKey(
  tx: Tx,
  practitionerId: string,
): Promise<Record<string, unknown> | undefined> {
  const row = await tx
    .selectFrom('practitioner')
    .select('jwk')
    .where('id', '=', practitionerId)
    .where('agency_id', '=', sql<string>`app_agency()`)
    .executeTakeFirst()
  return row?.jwk ?? undefined
}
