import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

type Migration = { name: string; sql: string; sha256: Buffer }
type Applied = { name: string; sha256: Buffer }

const FILE_NAME = /^\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.sql$/

/** Key of the advisory lock that keeps two migrations of one database apart; any number that nobody else uses. */
const LOCK = '4207849484'

/** Advisory locks are a database's own, roles are the cluster's: this often a file is tried anew after such a clash. */
const ATTEMPTS = 5

/**
 * Applies the migrations of `directory` (`NNNN-name.sql`, in order of name) that the database at `url` lacks, and
 * returns their names. `url` is the owner's.
 *
 * Each file runs in a transaction of its own together with its row in `schema_migration`, so a crash leaves whole files
 * applied and no half ones. Two calls at once are safe: the second waits, and finds nothing left to do.
 *
 * @throws Error when a file that was applied has changed or is missing, when a new file would come before an applied one
 * (migrations only go forward), when names are malformed or share a number, or when a file fails (with file and line).
 */
export async function migrate(url: string, directory: string): Promise<string[]> {
  const migrations = await readMigrations(directory)
  const client = new pg.Client({ connectionString: url, application_name: 'ostiary-migrate' })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await client.query(`
      create table if not exists schema_migration (
        name text primary key,
        sha256 bytea not null,
        applied_at timestamptz not null default now()
      )`)
    const { rows } = await client.query<Applied>(
      'select name, sha256 from schema_migration order by name',
    )
    const pending = findPending(migrations, rows)
    for (const migration of pending) await applyWithRetry(client, migration)
    return pending.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  const numbers = new Set<string>()
  for (const name of names) {
    if (!FILE_NAME.test(name)) throw new Error(`migration \`${name}\` is not named NNNN-name.sql`)
    const number = name.slice(0, 4)
    if (numbers.has(number)) throw new Error(`two migrations have the number ${number}`)
    numbers.add(number)
  }
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(directory, name))
      return { name, sql: bytes.toString(), sha256: createHash('sha256').update(bytes).digest() }
    }),
  )
}

function findPending(migrations: Migration[], applied: Applied[]): Migration[] {
  const files = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, sha256 } of applied) {
    const file = files.get(name)
    if (!file) throw new Error(`the database has migration \`${name}\`, which is not in the folder`)
    if (!file.sha256.equals(sha256)) {
      throw new Error(
        `migration \`${name}\` was changed after it was applied; add a new one instead`,
      )
    }
    files.delete(name)
  }
  const last = applied.at(-1)?.name ?? ''
  const pending = [...files.values()]
  const late = pending.find(({ name }) => name < last)
  if (late) {
    throw new Error(`migration \`${late.name}\` comes before \`${last}\`, which is applied already`)
  }
  return pending
}

async function applyWithRetry(client: pg.Client, migration: Migration): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await apply(client, migration)
    } catch (error) {
      if (attempt === ATTEMPTS || !isClash(error)) throw explain(error, migration)
      await sleep(20 * attempt)
    }
  }
}

async function apply(client: pg.Client, { name, sql, sha256 }: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(sql)
    await client.query('insert into schema_migration (name, sha256) values ($1, $2)', [
      name,
      sha256,
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

/** Another database of the cluster made or granted the same role at the same moment. */
function isClash(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false
  const { code, table, routine, message } = error
  if (code === '42710') return routine === 'CreateRole'
  if (code === '23505') return table === 'pg_authid' || table === 'pg_auth_members'
  // PostgreSQL has no code of its own for this one.
  return code === 'XX000' && message === 'tuple concurrently updated'
}

function explain(cause: unknown, { name, sql }: Migration): Error {
  if (!(cause instanceof Error)) return new Error(`migration \`${name}\` failed`, { cause })
  const position = cause instanceof pg.DatabaseError ? Number(cause.position) : Number.NaN
  const line = Number.isNaN(position) ? '' : ` in line ${sql.slice(0, position).split('\n').length}`
  return new Error(`migration \`${name}\` failed${line}: ${cause.message}`, { cause })
}
