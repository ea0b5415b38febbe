import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'

/** What a key of the server is for. */
export type ServerKeyPurpose = 'token' | 'log' | 'cookie' | 'cursor' | 'anchor'

/** A key of the server as it is kept: the private half only sealed. */
export interface StoredServerKey {
  readonly kid: string
  readonly purpose: ServerKeyPurpose
  readonly sealedPrivate: Uint8Array
  readonly publicKey: Record<string, unknown>
  /** Epoch of the key-encryption key that sealed it. */
  readonly keyEpoch: number
  readonly createdAt: Date
  readonly signsFrom: Date
  /** Null while no successor has been named. */
  readonly signsUntil: Date | null
  /** Null while it signs; afterwards the end of the time in which somebody may still verify with it. */
  readonly publishedUntil: Date | null
}

/** All keys of one purpose, those that sign first first. */
export async function listServerKeys(
  db: Database,
  purpose: ServerKeyPurpose,
): Promise<StoredServerKey[]> {
  const rows = await db
    .selectFrom('server_key')
    .selectAll()
    .where('purpose', '=', purpose)
    .orderBy('signs_from')
    .orderBy('kid')
    .execute()
  return rows.map((row) => ({
    kid: row.kid,
    purpose: row.purpose,
    sealedPrivate: row.sealed_private,
    publicKey: row.public_key,
    keyEpoch: row.key_epoch,
    createdAt: row.created_at,
    signsFrom: row.signs_from,
    signsUntil: row.signs_until,
    publishedUntil: row.published_until,
  }))
}

/** Waits until this transaction alone may change the keys of one purpose. */
export async function lockServerKeys(tx: Tx, purpose: ServerKeyPurpose): Promise<void> {
  const name = `ostiary/server-keys/${purpose}`
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}::text, 0))`.execute(tx)
}

/** Adds a key. Needs the owner's rights: the app role only reads keys. */
export async function insertServerKey(tx: Tx, key: StoredServerKey): Promise<void> {
  await tx
    .insertInto('server_key')
    .values({
      kid: key.kid,
      purpose: key.purpose,
      sealed_private: Buffer.from(key.sealedPrivate),
      public_key: JSON.stringify(key.publicKey),
      key_epoch: key.keyEpoch,
      created_at: key.createdAt,
      signs_from: key.signsFrom,
      signs_until: key.signsUntil,
      published_until: key.publishedUntil,
    })
    .execute()
}

/** Says when a key stops to sign and when it is no longer published. Owner's rights. */
export async function endServerKey(
  tx: Tx,
  kid: string,
  end: { readonly signsUntil: Date; readonly publishedUntil: Date },
): Promise<void> {
  await tx
    .updateTable('server_key')
    .set({ signs_until: end.signsUntil, published_until: end.publishedUntil })
    .where('kid', '=', kid)
    .execute()
}

/** Destroys keys that nobody may verify with any more. Owner's rights. Returns how many. */
export async function deleteUnpublishedKeys(
  tx: Tx,
  purpose: ServerKeyPurpose,
  now: Date,
): Promise<bigint> {
  const done = await tx
    .deleteFrom('server_key')
    .where('purpose', '=', purpose)
    .where('published_until', '<', now)
    .executeTakeFirst()
  return done.numDeletedRows
}

/** The keys sealed under one epoch of the key-encryption key, locked for this transaction. */
export async function lockServerKeysOfEpoch(
  tx: Tx,
  epoch: number,
): Promise<Pick<StoredServerKey, 'kid' | 'purpose' | 'sealedPrivate'>[]> {
  const rows = await tx
    .selectFrom('server_key')
    .select(['kid', 'purpose', 'sealed_private'])
    .where('key_epoch', '=', epoch)
    .orderBy('kid')
    .forUpdate()
    .execute()
  return rows.map(({ kid, purpose, sealed_private: sealedPrivate }) => {
    return { kid, purpose, sealedPrivate }
  })
}

/** Puts the same private key under another epoch. The worker role may do this and change nothing else. */
export async function replaceSealedServerKey(
  tx: Tx,
  kid: string,
  secret: { readonly sealed: Uint8Array; readonly epoch: number },
): Promise<void> {
  await tx
    .updateTable('server_key')
    .set({ sealed_private: Buffer.from(secret.sealed), key_epoch: secret.epoch })
    .where('kid', '=', kid)
    .execute()
}
