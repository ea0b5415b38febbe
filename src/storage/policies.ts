import { sql } from 'kysely'
import type { PackDocument } from '../domain/policy/settings.ts'
import type { Database, Tx } from './database.ts'
import { lockExclusive } from './locks.ts'
import type { PackText } from './policy-drafts.ts'

/** One version as it is kept; nothing of it changes once stored. */
export interface StoredPolicyVersion {
  readonly version: number
  readonly hash: string
  readonly documents: readonly PackDocument[]
  /** The tests that it was put in force with. */
  readonly suites: readonly PackText[]
  readonly createdAt: Date
}

/** A practitioner and the agency for which they acted. */
export interface PolicyActor {
  readonly agencyId: string
  readonly practitionerId: string
}

/** Where a version came from; mostly absent for what `ostiary init` put in force. */
export interface PolicyVersionEntry {
  readonly version: number
  readonly hash: string
  readonly createdAt: Date
  readonly draftId: string | null
  readonly basedOn: number | null
  readonly reactivates: number | null
  readonly reason: string | null
  readonly authors: readonly PolicyActor[] | null
  /** `at` as PostgreSQL writes it in JSON (RFC 3339 with an offset). */
  readonly approvals: readonly (PolicyActor & { readonly at: string })[] | null
  readonly activatedBy: PolicyActor | null
}

const HISTORY = [
  'version',
  'hash',
  'created_at as createdAt',
  'draft_id as draftId',
  'based_on as basedOn',
  'reactivates',
  'reason',
  'authors',
  'approvals',
  'activated_by as activatedBy',
] as const

/** A version with its documents; undefined when there is none of that number. */
export async function findPolicyVersion(
  db: Database | Tx,
  version: number,
): Promise<StoredPolicyVersion | undefined> {
  const row = await db
    .selectFrom('policy_version')
    .select(['version', 'hash', 'documents', 'suites', 'created_at'])
    .where('version', '=', version)
    .executeTakeFirst()
  return (
    row && {
      version: row.version,
      hash: row.hash,
      documents: row.documents as PackDocument[],
      suites: row.suites as PackText[],
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
export function listPolicyVersions(
  db: Database | Tx,
  before: number | undefined,
  limit: number,
): Promise<PolicyVersionEntry[]> {
  let query = db.selectFrom('policy_version').select(HISTORY)
  if (before !== undefined) query = query.where('version', '<', before)
  return query.orderBy('version', 'desc').limit(limit).execute()
}

/** Where one version came from; undefined when there is none of that number. */
export function findPolicyHistory(
  db: Database | Tx,
  version: number,
): Promise<PolicyVersionEntry | undefined> {
  return db
    .selectFrom('policy_version')
    .select(HISTORY)
    .where('version', '=', version)
    .executeTakeFirst()
}

/** What a draft becomes a version with. */
export interface DraftActivation {
  readonly draftId: string
  readonly revision: number
  /** Hash of the draft's content. */
  readonly content: string
  /** Hash of the version. */
  readonly hash: string
  readonly documents: readonly unknown[]
  readonly by: PolicyActor
  readonly at: Date
}

/**
 * Puts a draft in force, after every decision under the version before has committed; takes the policy
 * lock exclusively, to the end of the transaction. Undefined, and nothing done, when the draft is not
 * open, was changed, is based on a version that is not in force any more, or has no approval.
 */
export async function activateDraft(
  tx: Tx,
  { draftId, revision, content, hash, documents, by, at }: DraftActivation,
): Promise<number | undefined> {
  const { rows } = await sql<{ version: number | null }>`
    select activate_policy_draft(${draftId}, ${revision}, ${content}, ${hash},
      ${JSON.stringify(documents)}::jsonb, ${JSON.stringify(by)}::jsonb, ${at}) as version`.execute(
    tx,
  )
  return rows[0]?.version ?? undefined
}

/**
 * Stores a version and puts it in force, after every decision under the old one has committed. Needs
 * the owner's rights.
 */
export async function activatePolicy(
  tx: Tx,
  policy: {
    readonly hash: string
    readonly documents: readonly PackDocument[]
    readonly suites?: readonly PackText[]
  },
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
      suites: JSON.stringify(policy.suites ?? []),
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
