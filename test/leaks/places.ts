/** Every place in which something might have been left, as text. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import type pg from 'pg'

/** Name of a place, and all that it holds. */
export type Places = Record<string, string>

/** Every table of the database but PostgreSQL's own, row by row: as text, and bytes also as what they spell. */
export async function dumpTables(db: pg.Client): Promise<Places> {
  const { rows: tables } = await db.query<{ name: string; plain: string; bytes: string[] }>(
    `select format('%I.%I', n.nspname, c.relname) as name, c.relname as plain,
       array(select quote_ident(a.attname) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.atttypid = 'bytea'::regtype) as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'm') and not c.relispartition
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`,
  )
  const places: Places = {}
  for (const { name, plain, bytes } of tables) {
    const columns = ['t::text as "the row"', ...bytes.map((column) => `t.${column}`)]
    const { rows } = await db.query<unknown[]>({
      text: `select ${columns.join(', ')} from ${name} t`,
      rowMode: 'array',
    })
    places[`table ${plain}`] = rows
      .flat()
      .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value)))
      .join('\n')
  }
  return places
}

/** What PostgreSQL itself keeps of statements, and its own log, as far as they can be read. */
export async function databaseServer(db: pg.Client): Promise<Places> {
  const { rows } = await db.query<{ told: string }>(
    `select string_agg(s::text, chr(10)) as told from (
       select query from pg_stat_activity union all select statement from pg_prepared_statements) s`,
  )
  const log = join(dirname(await dataDirectory(db)), 'postgres.log')
  return {
    'statements of PostgreSQL': rows[0]!.told,
    'log of PostgreSQL': await readFile(log, 'utf8').catch(() => ''),
  }
}

/** Keeps the server from recycling segments that are still to be read; other tests share it. */
const SLOT = `kept_for_canaries_${process.pid}`

/** Where the write-ahead log is now; from here on it is kept until it has been read. */
export async function walPosition(db: pg.Client): Promise<string> {
  await db.query('select pg_create_physical_replication_slot($1, true)', [SLOT])
  const { rows } = await db.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn')
  return rows[0]!.lsn
}

/** The write-ahead log since a position: also what was rolled back, or is no longer in any table. */
export async function writeAheadLog(db: pg.Client, since: string): Promise<Buffer[]> {
  const { rows } = await db.query<{ name: string }>(
    `with span as (
       select setting::bigint as size, ($1::pg_lsn - '0/0')::bigint / setting::bigint as first,
         (pg_switch_wal() - '0/0')::bigint / setting::bigint as last
       from pg_settings where name = 'wal_segment_size')
     select pg_walfile_name('0/0'::pg_lsn + (n * size)::numeric + 1) as name from span, generate_series(first, last) n`,
    [since],
  )
  const folder = join(await dataDirectory(db), 'pg_wal')
  const segments = await Promise.all(rows.map(({ name }) => readFile(join(folder, name))))
  await db.query('select pg_drop_replication_slot($1)', [SLOT])
  return segments
}

async function dataDirectory(db: pg.Client): Promise<string> {
  const { rows } = await db.query<{ path: string }>(
    `select current_setting('data_directory') as path`,
  )
  return rows[0]!.path
}

/** A stream that keeps what is written to it. */
export function memory(): { stream: Writable; text(): string } {
  const kept: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      kept.push(chunk.toString())
      done()
    },
  })
  return { stream, text: () => kept.join('') }
}

/** Keeps what this process writes to its standard error, until `end`; it is written all the same. */
export function standardError(): { text(): string; end(): void } {
  const kept: string[] = []
  const real = process.stderr.write.bind(process.stderr)
  process.stderr.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
    kept.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    return real(chunk, ...rest)
  }) as typeof process.stderr.write
  return {
    text: () => kept.join(''),
    end() {
      process.stderr.write = real
    },
  }
}
