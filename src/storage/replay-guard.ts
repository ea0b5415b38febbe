import type pg from 'pg'
import type { Sector } from '../domain/case/vocabulary.ts'
import type { Database, Tx } from './database.ts'

/** Something that may be accepted once: the hash of an assertion's or a proof's id. */
export interface OnceOnly {
  /** `oauth`: seen by the token endpoint; `dpop`: seen by the API. */
  readonly kind: 'oauth' | 'dpop'
  readonly id: string
  /** When the thing itself has become worthless and may be forgotten. */
  readonly expiresAt: Date
}

/**
 * Remembers `once` and says whether it was new. The unique key decides, so of several nodes that ask
 * at the same moment exactly one hears `true`. Durable when the promise resolves.
 */
export async function rememberOnce(db: Database, once: OnceOnly): Promise<boolean> {
  const done = await db
    .insertInto('replay_guard')
    .values({ kind: once.kind, id: once.id, expires_at: once.expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return done.numInsertedOrUpdatedRows === 1n
}

/** One API call at the door: whose token it carries, and its proof unless it is a plain bearer. */
export interface CallAtDoor {
  readonly clientId: string
  readonly proof?: { readonly id: string; readonly expiresAt: Date }
}

/** What the database says of a call at the door. */
export interface Admission {
  /** The agency whose client it is; absent when there is none such. */
  readonly agency?: { readonly id: string; readonly sector: Sector }
  readonly suspended: boolean
  /** False when the proof was seen before, here or on another node. */
  readonly fresh: boolean
}

// Sorted insertion: two nodes that remember the same proofs must not wait for each other in a ring.
const ADMIT = `with call as (
    select * from unnest($1::text[], $2::text[], $3::timestamptz[])
      with ordinality as c (client_id, proof, expires_at, n)
  ), remembered as (
    insert into replay_guard (kind, id, expires_at)
    select 'dpop', proof, max(expires_at) from call where proof is not null group by proof order by proof
    on conflict do nothing
    returning id
  )
  select agency.id as agency, agency.sector, agency.suspended_at is not null as suspended, remembered.id is not null as remembered
  from call
  left join agency on agency.client_id = call.client_id
  left join remembered on remembered.id = call.proof
  order by call.n`

interface Answer {
  readonly agency: string | null
  readonly sector: Sector | null
  readonly suspended: boolean
  readonly remembered: boolean
}

/**
 * Remembers the proofs of several calls and looks up their agencies, in one statement and one
 * commit; answers in the order of `calls`. Of two calls with one proof only the first is fresh.
 */
export async function admitCalls(
  pool: pg.Pool,
  calls: readonly CallAtDoor[],
): Promise<Admission[]> {
  const { rows } = await pool.query<Answer>({
    name: 'admit-calls',
    text: ADMIT,
    values: [
      calls.map((call) => call.clientId),
      calls.map((call) => call.proof?.id ?? null),
      calls.map((call) => call.proof?.expiresAt.toISOString() ?? null),
    ],
  })
  if (rows.length !== calls.length) throw new Error('not every call at the door was answered')
  const taken = new Set<string>()
  return rows.map(({ agency, sector, suspended, remembered }, index) => {
    const proof = calls[index]?.proof?.id
    const fresh = proof === undefined || (remembered && !taken.has(proof))
    if (proof !== undefined) taken.add(proof)
    if (agency === null || sector === null) return { suspended, fresh }
    return { agency: { id: agency, sector }, suspended, fresh }
  })
}

/** Forgets what has become worthless; for the worker. Returns how many. */
export async function deleteExpiredReplays(tx: Tx, now: Date): Promise<bigint> {
  const done = await tx.deleteFrom('replay_guard').where('expires_at', '<', now).executeTakeFirst()
  return done.numDeletedRows
}
