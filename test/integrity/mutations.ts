/**
 * Changes that somebody with all rights on the database could make, drawn from a seed: any column of
 * any audited table as the schema lists them, whole rows, rows that belong together, and the log as a
 * whole. Each runs in a transaction with the triggers switched off.
 */
import { sql } from 'kysely'
import type { Tx } from '../../src/storage/database.ts'

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

export async function run(tx: Tx, statement: string): Promise<boolean> {
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
