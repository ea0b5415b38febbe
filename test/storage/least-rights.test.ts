// The logins of docs/deployment/logins.sql: the server runs on them, and they can do no more than that.
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import t, { type Test } from 'tap'
import { migrate } from '../../src/storage/migrate.ts'
import { createPool } from '../../src/storage/pool.ts'
import { startTestCluster } from '../support/cluster.ts'
import { deposit, disclose, type LakesideCase, openLakesideCase } from '../support/lakeside-case.ts'
import { createLogins, loginUrl } from '../support/logins.ts'
import { type Agency, startWorld } from '../support/world.ts'

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))
const ROLES = ['ostiary_app', 'ostiary_gate', 'ostiary_worker', 'ostiary_auditor']
const APPEND_ONLY = [
  'audit_event',
  'audit_salt',
  'log_position',
  'log_checkpoint',
  'release_ledger',
]

/** SQLSTATE insufficient_privilege: no right, or no policy that lets the row through. */
const DENIED = { code: '42501' }
/** SQLSTATE restrict_violation: the trigger of an append-only table. */
const REFUSED = { code: '23001' }

async function connect(t: Test, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.end())
  return client
}

const actAs = (client: pg.Client, agency: Pick<Agency, 'id'> | undefined) =>
  client.query(`select set_config('app.agency', $1, false)`, [agency?.id ?? ''])

async function count(client: pg.Client, rows: string): Promise<number> {
  const { rows: found } = await client.query<{ n: number }>(
    `select count(*)::int as n from ${rows}`,
  )
  return found[0]!.n
}

async function denied(t: Test, client: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await t.rejects(client.query(statement), DENIED, statement)
}

/** What would rewrite the past, one statement each. */
const rewrites = APPEND_ONLY.flatMap((table) => [
  `delete from ${table}`,
  `truncate ${table} cascade`,
])
const updates = [
  `update audit_event set public_part = '{}'`,
  `update audit_salt set public_salt = private_salt`,
  `update log_position set leaf_index = -leaf_index - 1`,
  `update log_checkpoint set note = ''`,
  `update release_ledger set fields = '{}'`,
]

t.test('the server runs on logins of little right', async (t) => {
  const cluster = await startTestCluster()
  t.teardown(() => cluster.stop())
  const logins = await createLogins(cluster.url)
  const superuser = await connect(t, loginUrl(cluster.url, 'postgres', 'ostiary'))
  const { rows: powers } = await superuser.query(`
    select rolname from pg_roles
    where rolname like 'ostiary%' and (rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication)`)
  t.same(powers, [], 'none is a superuser or nearly one')

  t.ok((await migrate(logins.owner, MIGRATIONS)).length > 0)
  t.same(await migrate(logins.owner, MIGRATIONS), [])

  // Initialised and administered as the owner, served as the API, sequenced as the worker.
  const world = await startWorld({
    environment: {
      DATABASE_URL: logins.api,
      OSTIARY_WORKER_DATABASE_URL: logins.worker,
      OSTIARY_MIGRATION_DATABASE_URL: logins.owner,
    },
  })
  t.teardown(() => world.stop())
  const lakeside = await openLakesideCase(world)
  const { police, support } = lakeside.agencies
  const outsider = await world.onboard(
    { name: 'Elsewhere', sector: 'victim_support', actsFor: 'victim', public: false },
    ['vss_advocate'],
  )
  await deposit(world, lakeside, police, 'police_officer', {
    type: 'incident',
    fields: { occurred_at: '2026-11-15T21:30:00Z', violence_types: ['physical'] },
    informant: 'PO',
  })
  await deposit(world, lakeside, support, 'vss_advocate', {
    type: 'contact_location',
    subject: lakeside.ana,
    fields: { safe_phone: '+38640111222' },
    informant: 'V',
    toldBy: lakeside.ana,
  })
  const answer = await disclose(lakeside, support, 'vss_advocate', {
    subject: lakeside.ana,
    purpose: 'referral',
    fields: ['incident.violence_types'],
  })
  t.equal(answer.status, 201)
  t.match(answer.body, { outcome: 'full', fields: [{ value: ['physical'] }] })
  await world.ostiary.publish()
  await world.ostiary.runClocks()

  t.test('the API reads what its agency may, and cannot become anything else', async (t) => {
    await api(t, logins.api, { lakeside, outsider })
  })
  t.test('the worker reads the log in and changes no past', async (t) => {
    const worker = await connect(t, logins.worker)
    for (const table of APPEND_ONLY) t.ok((await count(worker, table)) > 0, `${table} has rows`)
    await denied(t, worker, [
      ...rewrites,
      ...updates,
      `insert into agency select * from agency`,
      `update record_version set sealed = ''`,
      `update subject_key set agency_id = owner_id`,
      `create table own_table ()`,
      ...ROLES.filter((role) => role !== 'ostiary_worker').map((role) => `set role ${role}`),
      `set role ostiary_owner`,
    ])
  })
  t.test('the owner may do much, and the append-only tables still refuse', async (t) => {
    const owner = await connect(t, logins.owner)
    for (const statement of [...rewrites, ...updates]) {
      await t.rejects(owner.query(statement), REFUSED, statement)
    }
    await denied(t, owner, [
      `create role another login`,
      `set role ostiary_app`,
      `set role postgres`,
      `select pg_read_file('/etc/hostname')`,
      `copy agency to program 'true'`,
    ])
  })
  t.test('nobody else gets in', async (t) => {
    await superuser.query('create role stranger login')
    const stranger = new pg.Client({
      connectionString: loginUrl(cluster.url, 'stranger', 'ostiary'),
    })
    await t.rejects(stranger.connect(), DENIED)
  })
  t.test('whatever table or function is added later is held to the same', async (t) => {
    await structure(t, superuser)
  })
})

async function api(
  t: Test,
  url: string,
  { lakeside, outsider }: { lakeside: LakesideCase; outsider: Agency },
): Promise<void> {
  const { support, programme } = lakeside.agencies
  const client = await connect(t, url)
  const { rows: tables } = await client.query<{ name: string; by_agency: boolean }>(`
    select c.relname as name, exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attname = 'agency_id') as by_agency
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relrowsecurity and not c.relispartition
      and has_any_column_privilege(c.oid, 'select')`)
  t.ok(tables.length > 15)

  for (const agency of [undefined, outsider]) {
    await actAs(client, agency)
    for (const { name } of tables) {
      // Of itself it may know its practitioners, what its own calls left behind, and what of that is indexed.
      const own =
        agency &&
        ['practitioner', 'audit_event', 'audit_view', 'audit_view_term', 'idempotency'].includes(
          name,
        )
      // The directory is no secret.
      if (name === 'agency') continue
      if (!own)
        t.equal(await count(client, name), 0, `${agency ? 'an outsider' : 'nobody'}: ${name}`)
    }
    t.equal(
      await count(client, `(select gate_case('${lakeside.caseId}') as c) x where c is not null`),
      0,
    )
    t.equal(
      await count(
        client,
        `gate_values('${lakeside.caseId}', '${lakeside.ana}', '{incident}', null)`,
      ),
      0,
    )
  }
  await actAs(client, support)
  t.equal(await count(client, 'record_version'), 1, 'its own record, not that of the police')
  await actAs(client, programme)
  for (const { name, by_agency } of tables) {
    if (!by_agency) continue
    // In the index it is whoever did it; whose row it is, stands beside.
    const owner = name === 'audit_view' ? 'viewer_id' : 'agency_id'
    t.equal(await count(client, `${name} where ${owner} <> '${programme.id}'`), 0, name)
  }

  await actAs(client, support)
  await denied(t, client, [
    ...rewrites,
    ...updates,
    `select private_part from audit_event`,
    `select * from audit_event_default`,
    `select * from audit_salt`,
    `select * from log_pending`,
    `insert into audit_event (id, at, type, agency_id, public_part, private_part)
      values (gen_random_uuid(), now(), 'x', '${programme.id}', '{}', '{}')`,
    `insert into log_checkpoint (size, root, note) values (0, '\\x', '')`,
    `insert into policy_version select * from policy_version`,
    `update policy_active set version = version`,
    `delete from consent`,
    `update record_version set sealed = ''`,
    `select * from schema_migration`,
    `select ensure_audit_partitions(now())`,
    `alter table record disable row level security`,
    `drop trigger append_only on audit_event`,
    `create table own_table ()`,
    ...ROLES.filter((role) => role !== 'ostiary_app').map((role) => `set role ${role}`),
    `set role ostiary_owner`,
    `set session authorization ostiary_jobs`,
  ])
}

/** Row-level security on everything that belongs to a case or an agency; no function that lends rights unguarded. */
async function structure(t: Test, superuser: pg.Client): Promise<void> {
  const { rows: open } = await superuser.query(`
    select c.relname from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and not c.relrowsecurity and exists (
        select from pg_attribute a
        where a.attrelid = c.oid and a.attname in ('agency_id', 'case_id', 'subject_id'))`)
  t.same(open, [], 'tables by case or agency without row-level security')
  const { rows: lending } = await superuser.query(`
    select p.proname from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.prosecdef and p.prorettype <> 'trigger'::regtype
      and (not coalesce(p.proconfig::text like '%search_path=public, pg_temp%', false)
        or p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))`)
  t.same(lending, [], 'functions with rights of their own that everybody can call or redirect')
  const { rows: powers } = await superuser.query(
    `
    select c.relname from pg_class c, unnest($1::text[]) role
    where c.relname = any ($2) and has_table_privilege(role, c.oid, 'update, delete, truncate')`,
    [ROLES, APPEND_ONLY],
  )
  t.same(powers, [], 'append-only tables that a role may change')
}

t.test('an owner that may make roles makes them itself', async (t) => {
  const cluster = await startTestCluster()
  t.teardown(() => cluster.stop())
  const superuser = await connect(t, cluster.url)
  await superuser.query('create role installer login createrole')
  await superuser.query('create database installed owner installer')
  const url = loginUrl(cluster.url, 'installer', 'installed')
  t.ok((await migrate(url, MIGRATIONS)).length > 0)

  // One login for everything still works as the role of each pool.
  for (const role of ['ostiary_app', 'ostiary_worker']) {
    const pool = createPool({ url, role, max: 1 })
    t.teardown(() => pool.end())
    const { rows } = await pool.query<{ role: string }>('select current_user as role')
    t.same(rows, [{ role }])
    await t.rejects(pool.query('delete from audit_event'), DENIED)
  }

  await superuser.query('create role powerless login')
  await superuser.query('create database elsewhere owner powerless')
  await t.rejects(migrate(loginUrl(cluster.url, 'powerless', 'elsewhere'), MIGRATIONS), {
    message: /0001-roles\.sql.*must be a member of role ostiary_gate/,
  })
})
