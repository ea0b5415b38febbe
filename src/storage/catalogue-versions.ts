import type { Json } from '../domain/log/canonical.ts'
import type { Database, Tx } from './database.ts'

/**
 * The number under which a catalogue is kept; kept now if it never was. Of several servers that start
 * at once with a new one, all get the same number.
 */
export async function keepCatalogue(
  db: Database | Tx,
  hash: string,
  records: Json,
): Promise<number> {
  const known = await findNumber(db, hash)
  if (known !== undefined) return known
  await db
    .insertInto('catalogue_version')
    .values({ hash, records: JSON.stringify(records) })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .execute()
  const kept = await findNumber(db, hash)
  if (kept === undefined) throw new Error('the catalogue is not there')
  return kept
}

/** A catalogue as it was kept, with its hash; undefined when there is none of that number. */
export async function findCatalogue(
  db: Database | Tx,
  id: number,
): Promise<{ hash: string; records: Json } | undefined> {
  const row = await db
    .selectFrom('catalogue_version')
    .select(['hash', 'records'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row && { hash: row.hash, records: row.records as unknown as Json }
}

async function findNumber(db: Database | Tx, hash: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('catalogue_version')
    .select('id')
    .where('hash', '=', hash)
    .executeTakeFirst()
  return row?.id
}
