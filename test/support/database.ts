import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { migrate } from '../../src/storage/migrate.ts'
import { startTestCluster } from './cluster.ts'

/** A database of the caller's own; `url` is the superuser's. */
export type TestDatabase = { url: string; name: string; drop: () => Promise<void> }

/** A database that others are cloned from, and what fills it. */
export type Template = { name: string; prepare: (url: string) => Promise<unknown> }

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))
const LOCK = '8312075531'

/** All migrations, no rows. */
export const migratedTemplate: Template = { name: 'template_migrated', prepare: prepareTemplate }

/** A database without any table. */
export const emptyTemplate: Template = { name: 'template_empty', prepare: async () => {} }

/** Applies all migrations to the database at `url`. */
export async function prepareTemplate(url: string): Promise<void> {
  await migrate(url, MIGRATIONS)
}

/**
 * Makes a database as a copy of a template (about 30 ms); the template is made by whoever first needs it in a run.
 *
 * The cluster is the run's (`npm test`), named by OSTIARY_TEST_PG. Where that is absent, a test file run by itself starts
 * its own, which ends with it. Roles belong to the cluster: tests share those the migrations create.
 */
export async function createTestDatabase(template = migratedTemplate): Promise<TestDatabase> {
  const cluster = await clusterUrl()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await withClient(cluster, async (admin) => {
    await makeTemplate(admin, cluster, template)
    await admin.query(`create database ${name} template ${template.name} strategy file_copy`)
  })
  const drop = () =>
    withClient(cluster, async (admin) => {
      await admin.query(`drop database if exists ${name} with (force)`)
    })
  return { url: databaseUrl(cluster, name), name, drop }
}

/** Fills a draft and renames it, so that a template under its own name is always complete. */
async function makeTemplate(admin: pg.Client, cluster: string, template: Template): Promise<void> {
  if (await hasDatabase(admin, template.name)) return
  await admin.query('select pg_advisory_lock($1)', [LOCK])
  try {
    if (await hasDatabase(admin, template.name)) return
    const draft = `${template.name}_draft`
    await admin.query(`drop database if exists ${draft} with (force)`)
    await admin.query(`create database ${draft} template template0 strategy file_copy`)
    await template.prepare(databaseUrl(cluster, draft))
    // A template with a session in it cannot be copied.
    await admin.query(`alter database ${draft} with allow_connections false`)
    await admin.query(`alter database ${draft} rename to ${template.name}`)
  } finally {
    await admin.query('select pg_advisory_unlock($1)', [LOCK])
  }
}

async function hasDatabase(admin: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
  return rowCount === 1
}

/** The private cluster of this process, once started. Owned by `clusterUrl` alone. */
const own = new Map<'url', Promise<string>>()

async function clusterUrl(): Promise<string> {
  const given = process.env.OSTIARY_TEST_PG
  if (given) return given
  const url = own.get('url') ?? startOwnCluster()
  own.set('url', url)
  return url
}

async function startOwnCluster(): Promise<string> {
  const { default: t } = await import('tap')
  const cluster = await startTestCluster()
  t.teardown(() => cluster.stop())
  return cluster.url
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function databaseUrl(cluster: string, name: string): string {
  const url = new URL(cluster)
  url.pathname = `/${name}`
  return url.href
}
