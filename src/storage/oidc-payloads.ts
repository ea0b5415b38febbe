import type { Database, Tx } from './database.ts'

/** What the token server keeps of one of its models (session, grant, code …). */
export interface OidcPayload {
  readonly model: string
  readonly id: string
  readonly payload: Record<string, unknown>
  readonly grantId?: string
  readonly uid?: string
  readonly userCode?: string
  readonly expiresAt: Date
}

/** How a kept payload is found again. */
export type OidcPayloadKey =
  { readonly id: string } | { readonly uid: string } | { readonly userCode: string }

/** Keeps a payload, in place of an earlier one with the same id. Durable when it resolves. */
export async function keepPayload(db: Database, kept: OidcPayload): Promise<void> {
  const row = {
    payload: JSON.stringify(kept.payload),
    grant_id: kept.grantId ?? null,
    uid: kept.uid ?? null,
    user_code: kept.userCode ?? null,
    expires_at: kept.expiresAt,
  }
  await db
    .insertInto('oidc_payload')
    .values({ model: kept.model, id: kept.id, ...row })
    .onConflict((conflict) => conflict.columns(['model', 'id']).doUpdateSet(row))
    .execute()
}

/** The payload under this key, unless it has expired; `consumedAt` if it was used up. */
export async function findPayload(
  db: Database,
  model: string,
  key: OidcPayloadKey,
  now: Date,
): Promise<{ payload: Record<string, unknown>; consumedAt?: Date } | undefined> {
  const [column, value] =
    'id' in key
      ? (['id', key.id] as const)
      : 'uid' in key
        ? (['uid', key.uid] as const)
        : (['user_code', key.userCode] as const)
  const row = await db
    .selectFrom('oidc_payload')
    .select(['payload', 'consumed_at'])
    .where('model', '=', model)
    .where(column, '=', value)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  if (!row) return undefined
  const { payload, consumed_at: consumedAt } = row
  return consumedAt === null ? { payload } : { payload, consumedAt }
}

/** Marks a payload as used up; it stays findable, so that a second use can be told from an unknown one. */
export async function consumePayload(
  db: Database,
  model: string,
  id: string,
  now: Date,
): Promise<void> {
  await db
    .updateTable('oidc_payload')
    .set({ consumed_at: now })
    .where('model', '=', model)
    .where('id', '=', id)
    .execute()
}

/** Forgets one payload. */
export async function dropPayload(db: Database, model: string, id: string): Promise<void> {
  await db.deleteFrom('oidc_payload').where('model', '=', model).where('id', '=', id).execute()
}

/** Forgets everything of one model that came from one grant. */
export async function dropPayloadsOfGrant(
  db: Database,
  model: string,
  grantId: string,
): Promise<void> {
  await db
    .deleteFrom('oidc_payload')
    .where('model', '=', model)
    .where('grant_id', '=', grantId)
    .execute()
}

/** Forgets what has expired; for the worker. Returns how many. */
export async function deleteExpiredPayloads(tx: Tx, now: Date): Promise<bigint> {
  const done = await tx.deleteFrom('oidc_payload').where('expires_at', '<', now).executeTakeFirst()
  return done.numDeletedRows
}
