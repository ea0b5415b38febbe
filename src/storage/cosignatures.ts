/** Cosignatures of witnesses, and what counts as published because of them. Written by the worker role. */
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'

/** How many of which witnesses have to cosign a checkpoint, and for how long it may go without. */
export interface WitnessPolicy {
  /** Verifier keys of those that count. */
  readonly vkeys: readonly string[]
  /** From 1. */
  readonly quorum: number
  /** Seconds. */
  readonly bound: number
}

/**
 * Takes on asking a witness about a checkpoint. Of several nodes that try, one gets it; again only for
 * another checkpoint, or after `retryAfter` milliseconds.
 *
 * @returns the size that it cosigned last, null when that is not known; undefined for whoever lost
 */
export async function claimWitness(
  db: Database,
  asked: { readonly vkey: string; readonly size: number; readonly retryAfter: number },
): Promise<{ readonly cosignedSize: number | null } | undefined> {
  const { vkey, size, retryAfter } = asked
  const { rows } = await sql<{ cosigned_size: string | null }>`
    insert into witness (vkey, tried_size, tried_at) values (${vkey}, ${size}, clock_timestamp())
    on conflict (vkey) do update set tried_size = excluded.tried_size, tried_at = excluded.tried_at
      where witness.tried_size <> excluded.tried_size
        or witness.tried_at < clock_timestamp() - make_interval(secs => ${retryAfter / 1000})
    returning cosigned_size`.execute(db)
  const [row] = rows
  return row && { cosignedSize: row.cosigned_size === null ? null : Number(row.cosigned_size) }
}

/** Whether a witness's cosignature of a checkpoint is there already. */
export async function hasCosignature(db: Database, size: number, vkey: string): Promise<boolean> {
  const row = await db
    .selectFrom('log_cosignature')
    .select('size')
    .where('size', '=', String(size))
    .where('witness', '=', vkey)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Stores a verified cosignature; one that is there already stays. The witness counts as reconciled.
 *
 * @returns whether it had refused before
 */
export async function storeCosignature(
  tx: Tx,
  cosigned: {
    readonly size: number
    readonly vkey: string
    /** With its newline. */
    readonly line: string
    readonly time: Date
  },
): Promise<boolean> {
  const { size, vkey, line, time } = cosigned
  await sql`insert into log_cosignature (size, witness, line, cosigned_at)
    values (${size}, ${vkey}, ${line}, ${time}) on conflict (size, witness) do nothing`.execute(tx)
  const { rows } = await sql<{ refused: boolean }>`
    with before as (select vkey, refused_at is not null as refused, state from witness where vkey = ${vkey} for update)
    update witness w set cosigned_size = greatest(w.cosigned_size, ${size}),
      since = case when before.state = 'cosigned' then w.since else clock_timestamp() end,
      state = 'cosigned', refused_at = null, refused_as = null, refused_size = null, refused_stored = null
    from before where w.vkey = before.vkey
    returning before.refused`.execute(tx)
  return rows[0]?.refused === true
}

/** Notes how a witness answered that did not cosign. `state` is a code. */
export async function noteWitnessState(db: Database, vkey: string, state: string): Promise<void> {
  await sql`update witness set since = case when state = ${state} then since else clock_timestamp() end,
    state = ${state} where vkey = ${vkey}`.execute(db)
}

/** What a witness said against this log. */
export interface WitnessRefusal {
  readonly vkey: string
  readonly as: 'rolled_back' | 'forked'
  /** The size that it was shown. */
  readonly size: number
  /** The size that it had cosigned. */
  readonly stored: number
}

/** Notes a refusal; true when it is the first since the witness last cosigned. */
export async function noteRefusal(tx: Tx, refusal: WitnessRefusal): Promise<boolean> {
  const { vkey, as, size, stored } = refusal
  const { rows } = await sql<{ first: boolean }>`
    with before as (select vkey, refused_at is null as first from witness where vkey = ${vkey} for update)
    update witness w set refused_at = coalesce(w.refused_at, clock_timestamp()), refused_as = ${as},
      refused_size = ${size}, refused_stored = ${stored},
      since = case when w.state = 'refuses' then w.since else clock_timestamp() end, state = 'refuses'
    from before where w.vkey = before.vkey
    returning before.first`.execute(tx)
  return rows[0]?.first === true
}

/** How a witness is doing. */
export interface WitnessRow {
  readonly vkey: string
  readonly state: string
  readonly since: Date
  readonly cosignedSize: number | null
  readonly refusedAt: Date | null
}

/** Those of these witnesses that were ever asked. */
export async function listWitnesses(
  db: Database,
  vkeys: readonly string[],
): Promise<readonly WitnessRow[]> {
  const rows = await db
    .selectFrom('witness')
    .select(['vkey', 'state', 'since', 'cosigned_size', 'refused_at'])
    .where('vkey', 'in', [...vkeys, ''])
    .orderBy('vkey')
    .execute()
  return rows.map(({ cosigned_size: size, refused_at: refusedAt, ...row }) => {
    return { ...row, refusedAt, cosignedSize: size === null ? null : Number(size) }
  })
}

/** How long the log has been without witnesses; all ages in seconds by the database's clock. */
export interface QuorumState {
  /** The newest checkpoint within the bound that has the quorum, and its age. */
  readonly newest: { readonly size: number; readonly age: number } | undefined
  /** Age of the log's first checkpoint; undefined before it. */
  readonly firstAge: number | undefined
}

/** Looks for the quorum among the checkpoints of the last `bound` seconds. */
export async function findQuorum(db: Database, policy: WitnessPolicy): Promise<QuorumState> {
  const { vkeys, quorum, bound } = policy
  const { rows } = await sql<{
    size: string | null
    age: number | null
    first_age: number | null
  }>`
    select q.size, q.age, (select extract(epoch from clock_timestamp() - published_at)::float8
        from log_checkpoint order by size limit 1) as first_age
    from (select) as one
    left join lateral (
      select c.size, extract(epoch from clock_timestamp() - c.published_at)::float8 as age
      from log_checkpoint c
      where c.published_at > statement_timestamp() - make_interval(secs => ${bound})
        and (select count(*) from log_cosignature s
          where s.size = c.size and s.witness = any(${vkeys}::text[])) >= ${quorum}
      order by c.published_at desc limit 1) q on true`.execute(db)
  const { size = null, age = null, first_age: firstAge = null } = rows[0] ?? {}
  return {
    newest: size === null || age === null ? undefined : { size: Number(size), age },
    firstAge: firstAge ?? undefined,
  }
}

/**
 * Whether the world is shown what `publishCheckpoint` says, or the newest checkpoint, cosigned or not.
 * What it has seen already it will go on seeing. Writes only where that changes something.
 */
export async function showPublished(db: Database, gated: boolean): Promise<void> {
  const row = await db.selectFrom('log_publication').select('gated').executeTakeFirst()
  if ((row?.gated ?? false) === gated) return
  if (!gated) {
    await sql`update log_publication set gated = false, missing_since = null where gated`.execute(
      db,
    )
    return
  }
  await sql`insert into log_publication (gated, size) values (true, (select max(size) from log_checkpoint))
    on conflict (singleton) do update set gated = true, size = excluded.size
    where not log_publication.gated`.execute(db)
}

/** Shows the world a checkpoint, if it is larger than what it was shown; undefined size means the newest. */
export async function publishCheckpoint(db: Database, size: number | undefined): Promise<void> {
  const shown = size === undefined ? sql`(select max(size) from log_checkpoint)` : sql`${size}`
  await sql`update log_publication set size = ${shown}::bigint
    where gated and (size is null or size < ${shown}::bigint)`.execute(db)
}

/** Says that the quorum is missing, or no longer; true for whoever says so first. */
export async function noteMissing(tx: Tx, missing: boolean): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update log_publication set missing_since = ${missing ? sql`clock_timestamp()` : null}
    where gated and (missing_since is null) = ${missing}`.execute(tx)
  return numAffectedRows === 1n
}
