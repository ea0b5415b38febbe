/**
 * Changes that somebody with all rights on the database could make, drawn from a seed: any column of
 * any audited table as the schema lists them, whole rows, rows that belong together, and the log as a
 * whole. Each runs in a transaction with the triggers switched off.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { ED25519, verifierKey } from '../../src/domain/log/vkey.ts'
import type { Tx } from '../../src/storage/database.ts'
import { republish, type Rewritten } from './republish.ts'

/** Numbers from 0 to 1, the same for the same seed. */
export type Dice = () => number

/** One kind of change. `name` is `<what> <table>[.<column>]`. */
export interface Mutation {
  readonly name: string
  /** Makes it; rejects with an SQLSTATE where the schema itself forbids it, gives false where there is nothing to change. */
  readonly apply: (tx: Tx, dice: Dice) => Promise<boolean>
}

interface Column {
  readonly table: string
  readonly column: string
  readonly type: string
  readonly generated: boolean
}

/** Rows that are not part of what a handed-out checkpoint covers, or are only derived. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  audit_view: 'derived: filled again from the log, and what is opened is held against its event',
  audit_view_term: 'derived, as audit_view',
  audit_view_cursor: 'derived, as audit_view',
}

/** Tables of audit and log, whatever they are called by now, and those of which events tell. */
export async function auditedTables(tx: Tx): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
      and (c.relname ~ '^(audit|log|release)_' or c.relname in
        ('disclosure', 'record', 'record_version', 'consent', 'agreement', 'review_task', 'policy_version', 'policy_active'))
    order by 1`.execute(tx)
  return rows.map(({ name }) => name).filter((name) => !(name in LEFT_OUT))
}

/** Every change of every column of these tables. */
export async function columnMutations(tx: Tx, tables: readonly string[]): Promise<Mutation[]> {
  const { rows } = await sql<Column>`
    select table_name as table, column_name as column, coalesce(nullif(data_type, 'ARRAY'), udt_name) as type,
      is_identity = 'YES' or is_generated <> 'NEVER' as generated
    from information_schema.columns where table_schema = 'public' and table_name = any(${tables})
    order by table_name, ordinal_position`.execute(tx)
  return rows
    .filter(({ generated }) => !generated)
    .flatMap(({ table, column, type }) => [
      change(table, column, type),
      empty(table, column),
      swap(table, column),
    ])
}

/** Whole rows of these tables taken away or put in. */
export function rowMutations(tables: readonly string[]): Mutation[] {
  return tables.flatMap((table) => [remove(table), insert(table)])
}

/** A row by chance, as a condition on its place; undefined for an empty table. */
async function pick(
  tx: Tx,
  table: string,
  dice: Dice,
  where = 'true',
): Promise<string | undefined> {
  const { rows } = await sql<{ place: string }>`
    select format('tableoid = %s and ctid = %L', tableoid, ctid) as place from ${sql.table(table)}
    where ${sql.raw(where)} order by md5(${String(dice())} || ${sql.table(table)}::text) limit 1`.execute(
    tx,
  )
  return rows[0]?.place
}

async function run(tx: Tx, statement: string): Promise<boolean> {
  const { numAffectedRows } = await sql.raw(statement).execute(tx)
  return (numAffectedRows ?? 0n) > 0n
}

/** Another value of the same type. */
function altered(column: string, type: string, dice: Dice): string {
  const c = `"${column}"`
  const at = Math.floor(dice() * 1000)
  switch (type) {
    case 'uuid':
      return `gen_random_uuid()`
    case 'boolean':
      return `not coalesce(${c}, false)`
    case 'smallint':
    case 'integer':
    case 'bigint':
      return `coalesce(${c}, 0) + ${1 + Math.floor(dice() * 3)}`
    case 'date':
      return `${c} + 1`
    case 'timestamp with time zone':
      return `coalesce(${c}, now()) + interval '${1 + at} milliseconds'`
    case 'bytea':
      return `case when octet_length(${c}) > 0 then set_byte(${c}, ${at} % octet_length(${c}), get_byte(${c}, ${at} % octet_length(${c})) # ${1 + (at % 255)}) else '\\x00'::bytea end`
    case 'jsonb':
      return `case jsonb_typeof(${c}) when 'array' then ${c} || '["x"]' when 'object' then ${c} || '{"x": 1}' else '{"x": 1}' end`
    case '_text':
      return `coalesce(${c}, '{}') || '{person.full_name}'::text[]`
    case '_uuid':
      return `coalesce(${c}, '{}') || gen_random_uuid()`
    case 'text':
      // A character somewhere, or one more.
      return at % 2 === 0
        ? `coalesce(${c}, '') || ' '`
        : `case when length(${c}) > 0 then overlay(${c} placing (case when substr(${c}, 1 + ${at} % length(${c}), 1) = 'x' then 'y' else 'x' end) from 1 + ${at} % length(${c}) for 1) else 'x' end`
    default:
      throw new Error(`no other value of type ${type} is known (${column})`)
  }
}

const change = (table: string, column: string, type: string): Mutation => ({
  name: `change ${table}.${column}`,
  async apply(tx, dice) {
    const place = await pick(tx, table, dice)
    if (!place) return false
    return run(
      tx,
      `update ${table} set "${column}" = ${altered(column, type, dice)} where ${place}`,
    )
  },
})

const empty = (table: string, column: string): Mutation => ({
  name: `null ${table}.${column}`,
  async apply(tx, dice) {
    const place = await pick(tx, table, dice, `"${column}" is not null`)
    return place ? run(tx, `update ${table} set "${column}" = null where ${place}`) : false
  },
})

/** All of a table in one hash, whatever the order of its rows. */
async function contentOf(tx: Tx, table: string): Promise<string> {
  const { rows } = await sql
    .raw<{ hash: string }>(
      `select md5(string_agg(t::text, ';' order by t::text)) as hash from ${table} t`,
    )
    .execute(tx)
  return rows[0]?.hash ?? ''
}

/** Two rows get each other's value. */
const swap = (table: string, column: string): Mutation => ({
  name: `swap ${table}.${column}`,
  async apply(tx, dice) {
    const before = await contentOf(tx, table)
    const one = await pick(tx, table, dice)
    if (!one) return false
    const other = await pick(
      tx,
      table,
      dice,
      `"${column}" is distinct from (select "${column}" from ${table} where ${one})`,
    )
    if (!other) return false
    await sql
      .raw(
        `create temp table swapped on commit drop as select a."${column}" as a, b."${column}" as b
       from (select * from ${table} where ${one}) a, (select * from ${table} where ${other}) b`,
      )
      .execute(tx)
    // A unique column takes a detour over a value that nobody has.
    await sql.raw('set constraints all deferred').execute(tx)
    await unique(tx, table, column, one)
    await run(tx, `update ${table} set "${column}" = (select a from swapped) where ${other}`)
    // Rows move when they are updated: found again by what they are not.
    await run(
      tx,
      `update ${table} set "${column}" = (select b from swapped) where "${column}" is not distinct from (select v from parked)`,
    )
    // Rows that differ in nothing else have changed nothing between them.
    return (await contentOf(tx, table)) !== before
  },
})

/** Parks a value out of the way; `parked.v` says under which. */
async function unique(tx: Tx, table: string, column: string, place: string): Promise<void> {
  const { rows } = await sql
    .raw<{ type: string }>(
      `select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = '${table}'::regclass and attname = '${column}'`,
    )
    .execute(tx)
  const type = rows[0]?.type ?? 'text'
  const values: Readonly<Record<string, string>> = {
    uuid: `gen_random_uuid()`,
    text: `'parked'`,
    bigint: `987654321`,
    integer: `987654321`,
    smallint: `255`,
    'timestamp with time zone': `'2026-11-16T01:02:03.456Z'`,
    date: `'2026-11-02'`,
    bytea: `decode(repeat('7e', 32), 'hex')`,
    jsonb: `'{"parked": true}'`,
    'text[]': `'{parked}'`,
    'uuid[]': `array[gen_random_uuid()]`,
    boolean: `not "${column}"`,
  }
  await sql
    .raw(
      `create temp table parked on commit drop as select (${type === 'boolean' ? `(select a from swapped)` : values[type]})::${type} as v`,
    )
    .execute(tx)
  if (type !== 'boolean')
    await run(tx, `update ${table} set "${column}" = (select v from parked) where ${place}`)
}

const remove = (table: string): Mutation => ({
  name: `delete ${table}`,
  async apply(tx, dice) {
    const place = await pick(tx, table, dice)
    return place ? run(tx, `delete from ${table} where ${place}`) : false
  },
})

/** A copy of a row under another key. */
const insert = (table: string): Mutation => ({
  name: `insert ${table}`,
  async apply(tx, dice) {
    const place = await pick(tx, table, dice)
    if (!place) return false
    const { rows } = await sql<{ column: string; type: string; key: boolean }>`
      select a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
        exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique and a.attnum = any(i.indkey)) as key
      from pg_attribute a where a.attrelid = ${table}::regclass and a.attnum > 0 and not a.attisdropped
        and a.attidentity = ''`.execute(tx)
    // One column of the key gets a new value; all others are those of the row.
    const keys = rows.filter(({ key }) => key)
    const fresh = keys[Math.floor(dice() * keys.length)]
    const values = rows.map(({ column, type }) =>
      column !== fresh?.column
        ? `"${column}"`
        : type === 'uuid'
          ? 'gen_random_uuid()'
          : type === 'timestamp with time zone'
            ? `"${column}" + interval '1 second'`
            : type === 'date'
              ? `("${column}" - interval '1 month')::date`
              : type === 'boolean'
                ? `not "${column}"`
                : type === 'text'
                  ? `"${column}" || 'x'`
                  : `"${column}" + 1`,
    )
    const names = rows.map(({ column }) => `"${column}"`)
    return run(
      tx,
      `insert into ${table} (${names.join()}) select ${values.join()} from ${table} where ${place}`,
    )
  },
})

/** A logged event by chance. */
async function someEvent(tx: Tx, dice: Dice, where = 'true'): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select p.event_id as id from log_position p join audit_event e on e.id = p.event_id
    where ${sql.raw(where)} order by md5(${String(dice())} || p.event_id) limit 1`.execute(tx)
  return rows[0]?.id
}

/** Everything that is told by one event goes with it: what somebody would do who knows the tables. */
async function vanish(tx: Tx, eventId: string, tables: readonly string[]): Promise<boolean> {
  const statements: Readonly<Record<string, string>> = {
    ledger: `delete from release_ledger where disclosure_id in (select id from disclosure where event_id = '${eventId}')`,
    tasks: `delete from review_task where disclosure_id in (select id from disclosure where event_id = '${eventId}')`,
    disclosure: `delete from disclosure where event_id = '${eventId}'`,
    salt: `delete from audit_salt where event_id = '${eventId}'`,
    position: `delete from log_position where event_id = '${eventId}'`,
    event: `delete from audit_event where id = '${eventId}'`,
  }
  for (const table of tables) await run(tx, statements[table] ?? '')
  return true
}

const ofEvent = (
  name: string,
  work: (tx: Tx, eventId: string, dice: Dice) => Promise<boolean>,
  where?: string,
): Mutation => ({
  name,
  async apply(tx, dice) {
    const id = await someEvent(tx, dice, where)
    return id === undefined ? false : work(tx, id, dice)
  },
})

const ofLog = (name: string, change: (log: Rewritten, dice: Dice) => void): Mutation => ({
  name,
  apply: (tx, dice) => republish(tx, (log) => change(log, dice)),
})

const some = (dice: Dice, count: number): number => Math.floor(dice() * count)

/** Changes of several rows at once, by somebody who knows what belongs together. */
export function wholeMutations(): Mutation[] {
  const forger = { name: 'forger', seed: new Uint8Array(randomBytes(32)) }
  void verifierKey(forger, ED25519)
  return [
    ofEvent('event, salt and position gone', (tx, id) =>
      vanish(tx, id, ['salt', 'position', 'event']),
    ),
    ofEvent('position gone', (tx, id) => vanish(tx, id, ['position'])),
    ofEvent('event and salt gone', (tx, id) => vanish(tx, id, ['salt', 'event'])),
    ofEvent(
      'a decision gone without a trace',
      (tx, id) => vanish(tx, id, ['ledger', 'tasks', 'disclosure', 'salt', 'position', 'event']),
      `e.type = 'disclose.decided'`,
    ),
    ofEvent('event put back to wait', async (tx, id) => {
      await sql`insert into log_pending (event_id, entry)
        select ${id}::uuid, substring(b.bytes from (3 + 66 * (p.leaf_index % 256))::integer for 64)
        from log_position p join log_bundle b on b.bundle_index = p.leaf_index / 256 where p.event_id = ${id}`.execute(
        tx,
      )
      return vanish(tx, id, ['position'])
    }),
    {
      name: 'two positions changed for each other',
      async apply(tx, dice) {
        const a = await someEvent(tx, dice)
        const b = await someEvent(tx, dice, `e.id <> '${a}'`)
        if (!a || !b) return false
        await sql`create temp table places on commit drop as select event_id, leaf_index from log_position
          where event_id in (${a}, ${b})`.execute(tx)
        await run(tx, `delete from log_position where event_id in ('${a}', '${b}')`)
        return run(
          tx,
          `insert into log_position select case event_id when '${a}'::uuid then '${b}'::uuid else '${a}'::uuid end, leaf_index from places`,
        )
      },
    },
    {
      name: 'an event moved to a leaf of padding',
      async apply(tx, dice) {
        const id = await someEvent(tx, dice)
        return run(
          tx,
          `update log_position set leaf_index = (select n from generate_series(0, (select max(size) - 1 from log_checkpoint)) n
            where not exists (select from log_position p where p.leaf_index = n) order by n limit 1) where event_id = '${id}'`,
        )
      },
    },
    {
      name: 'an invented event at a leaf of padding',
      async apply(tx) {
        const id = randomUUID()
        await sql`insert into audit_event select ${id}::uuid, at, type, agency_id, practitioner_id, case_id, subject_id,
            request_id, replace(public_part, id::text, ${id}), replace(private_part, id::text, ${id})
          from audit_event limit 1`.execute(tx)
        await sql`insert into audit_salt values (${id}, ${randomBytes(32)}, ${randomBytes(32)})`.execute(
          tx,
        )
        return run(
          tx,
          `insert into log_position select '${id}', n from generate_series(0, (select max(size) - 1 from log_checkpoint)) n
            where not exists (select from log_position p where p.leaf_index = n) order by n limit 1`,
        )
      },
    },
    {
      name: 'an invented event that waits, with its entry',
      async apply(tx) {
        const id = randomUUID()
        await sql`insert into audit_event select ${id}::uuid, at, type, agency_id, practitioner_id, case_id, subject_id,
            request_id, replace(public_part, id::text, ${id}), replace(private_part, id::text, ${id})
          from audit_event limit 1`.execute(tx)
        await sql`insert into audit_salt values (${id}, ${randomBytes(32)}, ${randomBytes(32)})`.execute(
          tx,
        )
        await sql`insert into log_pending (event_id, entry) values (${id}, ${randomBytes(64)})`.execute(
          tx,
        )
        return true
      },
    },
    {
      name: 'a whole tick of events gone',
      async apply(tx, dice) {
        const { rows } = await sql<{ size: string; previous: string }>`
          select size, coalesce(previous, 0) as previous from log_checkpoint c
          where exists (select from log_position p where p.leaf_index >= coalesce(c.previous, 0) and p.leaf_index < c.size)
          order by md5(${String(dice())} || size) limit 1`.execute(tx)
        const [tick] = rows
        if (!tick) return false
        const gone = `(select event_id from log_position where leaf_index >= ${tick.previous} and leaf_index < ${tick.size})`
        await run(tx, `delete from audit_event where id in ${gone}`)
        await run(tx, `delete from audit_salt where event_id in ${gone}`)
        return run(
          tx,
          `delete from log_position where leaf_index >= ${tick.previous} and leaf_index < ${tick.size}`,
        )
      },
    },
    {
      name: 'two ticks made one',
      async apply(tx, dice) {
        const { rows } = await sql<{ size: string }>`
          select previous as size from log_checkpoint where previous is not null
          order by md5(${String(dice())} || size) limit 1`.execute(tx)
        const size = rows[0]?.size
        if (size === undefined) return false
        await run(
          tx,
          `create temp table kept on commit drop as select * from log_checkpoint where size = ${size}`,
        )
        await run(tx, `delete from log_checkpoint where size = ${size}`)
        return run(
          tx,
          `update log_checkpoint set previous = (select previous from kept) where previous = ${size}`,
        )
      },
    },
    {
      name: 'where anchors begin moved behind everything',
      apply: (tx) =>
        run(tx, `update log_anchor_start set size = (select max(size) from log_checkpoint)`),
    },
    {
      name: 'where anchors begin taken away',
      apply: (tx) => run(tx, `delete from log_anchor_start`),
    },
    ofLog('an entry changed, tiles and bundles replaced to fit', ({ entries }, dice) => {
      entries[some(dice, entries.length)] = randomBytes(64)
    }),
    ofLog('an entry changed, all of it and signed with another key', (log, dice) => {
      log.entries[some(dice, log.entries.length)] = randomBytes(64)
      log.signWith = forger
    }),
    ofLog('an entry changed, all of it and signed with the log’s own key', (log, dice) => {
      log.entries[some(dice, log.entries.length)] = randomBytes(64)
      log.signWith = 'own'
    }),
    ofLog('an entry left out, all of it and signed with the log’s own key', (log, dice) => {
      log.entries.splice(some(dice, log.entries.length), 1)
      log.entries.push(randomBytes(64))
      log.signWith = 'own'
    }),
    ofLog(
      'two entries in another order, tiles and bundles replaced to fit',
      ({ entries }, dice) => {
        const [a, b] = [some(dice, entries.length), some(dice, entries.length - 1)]
        const other = b >= a ? b + 1 : b
        ;[entries[a], entries[other]] = [entries[other]!, entries[a]!]
      },
    ),
    ofLog('the newest tick cut off, rows and all', (log) => {
      log.ticks.pop()
    }),
    ofLog('the log rolled back by several ticks, rows and all', (log, dice) => {
      log.ticks.splice(Math.max(1, log.ticks.length - 2 - some(dice, 10)))
    }),
    ofLog('the log begun anew, rows and all', (log) => {
      log.ticks.splice(0)
    }),
    ofLog('the newest tick cut off and written again with other padding', (log) => {
      log.entries[log.entries.length - 1] = randomBytes(64)
      log.signWith = 'own'
      log.onlyLast = true
    }),
  ]
}
