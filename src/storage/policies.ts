import type { PolicyDocument } from '../domain/policy/document.ts'
import type { Database, Tx } from './database.ts'
import { lockExclusive } from './locks.ts'

/** One version as it is kept; documents never change once stored. */
export interface StoredPolicyVersion {
  readonly version: number
  readonly hash: string
  readonly documents: readonly PolicyDocument[]
  readonly createdAt: Date
}

/** A version with its documents; undefined when there is none of that number. */
export async function findPolicyVersion(
  db: Database | Tx,
  version: number,
): Promise<StoredPolicyVersion | undefined> {
  const row = await db
    .selectFrom('policy_version')
    .select(['version', 'hash', 'documents', 'created_at'])
    .where('version', '=', version)
    .executeTakeFirst()
  return (
    row && {
      version: row.version,
      hash: row.hash,
      documents: row.documents as PolicyDocument[],
      createdAt: row.created_at,
    }
  )
}

/** Number of the version in force and since when; undefined before `ostiary init`. */
export async function findActivePolicy(
  db: Database | Tx,
): Promise<{ version: number; activatedAt: Date } | undefined> {
  const row = await db
    .selectFrom('policy_active')
    .select(['version', 'activated_at'])
    .executeTakeFirst()
  return row && { version: row.version, activatedAt: row.activated_at }
}

/** Versions below `before`, newest first, without their documents. */
export function listPolicyVersions(db: Database | Tx, before: number | undefined, limit: number) {
  let query = db.selectFrom('policy_version').select(['version', 'hash', 'created_at'])
  if (before !== undefined) query = query.where('version', '<', before)
  return query.orderBy('version', 'desc').limit(limit).execute()
}

/**
 * Stores a version and puts it in force, after every decision under the old one has committed. Needs
 * the owner's rights.
 */
export async function activatePolicy(
  tx: Tx,
  policy: { readonly hash: string; readonly documents: readonly PolicyDocument[] },
  at: Date,
): Promise<number> {
  await lockExclusive(tx, ['policy'])
  const newest = await tx
    .selectFrom('policy_version')
    .select((eb) => eb.fn.max('version').as('version'))
    .executeTakeFirst()
  const version = (newest?.version ?? 0) + 1
  await tx
    .insertInto('policy_version')
    .values({
      version,
      hash: policy.hash,
      documents: JSON.stringify(policy.documents),
      created_at: at,
      created_by: null,
    })
    .execute()
  await tx
    .insertInto('policy_active')
    .values({ version, activated_at: at, activated_by: null })
    .onConflict((conflict) =>
      conflict.column('singleton').doUpdateSet({ version, activated_at: at }),
    )
    .execute()
  return version
}
