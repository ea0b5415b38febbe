// Dockerfile, docker-compose.yml and docs/deployment hold together, and what they start runs.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config.ts'
import { startTestCluster } from '../support/cluster.ts'
import { createLogins, loginUrl } from '../support/logins.ts'
import { freePort } from '../support/free-port.ts'

interface Service {
  readonly image: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  readonly networks: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly read_only: boolean
  readonly depends_on?: Readonly<Record<string, { condition: string }>>
}
interface Compose {
  readonly services: Readonly<Record<'database' | 'migrate' | 'init' | 'api', Service>>
  readonly networks: Readonly<Record<string, { internal?: boolean }>>
  readonly secrets: Readonly<Record<string, { file: string }>>
}

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const text = (path: string) => readFile(join(root, path), 'utf8')

const compose = parse(await text('docker-compose.yml'), { merge: true }) as Compose
const { database, migrate, init, api } = compose.services
const ours = { migrate, init, api }

/** Instructions with their continued lines joined: `['COPY', 'src src']`. */
const instructions = (await text('Dockerfile'))
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .flatMap((line) => {
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    return name === undefined ? [] : [[name, rest!] as const]
  })
const all = (name: string) => instructions.filter(([own]) => own === name).map(([, rest]) => rest)
/** Files and folders of the repository that the image holds. */
const copied = all('COPY')
  .filter((rest) => !rest.startsWith('--from='))
  .flatMap((rest) => rest.split(' ').slice(0, -1))

/** Runs make-secrets.sh; gives the folder. */
async function makeSecrets(folder: string): Promise<string> {
  const secrets = join(folder, 'secrets')
  await run(join(root, 'docs/deployment/make-secrets.sh'), [secrets])
  return secrets
}

/** The environment of a service as its process sees it, with the secrets in `folder`. */
function environmentOf(service: Service, folder: string): Record<string, string> {
  const image = Object.fromEntries(
    all('ENV')
      .flatMap((rest) => rest.split(' '))
      .map((pair) => pair.split('=')),
  )
  const own = Object.entries(service.environment).map(([name, value]) => [
    name,
    value
      .replace('/run/secrets', folder)
      .replace(/^\$\{OSTIARY_PUBLIC_URL:\?.*\}$/, 'https://exchange.example'),
  ])
  return { ...image, ...Object.fromEntries(own) } as Record<string, string>
}

t.test('docker-compose.yml', async (t) => {
  t.test('mounts only secrets that there are, each where it is needed', async (t) => {
    const made = await readdir(await makeSecrets(t.testdir()))
    const used = new Set(Object.values(compose.services).flatMap(({ secrets }) => secrets))
    t.same(
      [...used].sort(),
      Object.keys(compose.secrets).sort(),
      'none is mounted or declared in vain',
    )
    t.same(
      Object.values(compose.secrets)
        .map(({ file }) => basename(file))
        .sort(),
      made.sort(),
    )
    for (const [name, { file }] of Object.entries(compose.secrets)) t.equal(file, `secrets/${name}`)
    for (const [name, { environment, secrets }] of Object.entries(ours)) {
      const read = Object.values(environment).flatMap(
        (value) => /^\/run\/secrets\/(\w+)$/.exec(value)?.[1] ?? [],
      )
      t.same(read.sort(), [...secrets].sort(), `${name} reads what it mounts`)
    }
    t.notOk(api.secrets.includes('database_owner_url'), 'the API is never the owner')
    t.notOk(migrate.secrets.includes('key_encryption_key'))
    const script = await text('docs/deployment/logins.sql')
    for (const [, name] of script.matchAll(/\/run\/secrets\/(\w+)/g))
      t.ok(database.secrets.includes(name!), name!)
    const ignored = await text('.gitignore')
    t.match(ignored, /^secrets\/$/m)
  })

  t.test('gives every service a configuration that loads', async (t) => {
    const folder = await makeSecrets(t.testdir())
    for (const [name, service] of Object.entries(ours)) {
      const config = loadConfig(environmentOf(service, folder))
      t.equal(config.host, '0.0.0.0', name)
      t.equal(config.logOrigin, 'exchange.example/log', `${name} names the log as the others do`)
    }
    const { databaseUrl, workerDatabaseUrl } = loadConfig(environmentOf(api, folder))
    const script = await text('docs/deployment/logins.sql')
    for (const [url, login] of [
      [databaseUrl, 'api'],
      [workerDatabaseUrl, 'worker'],
      [loadConfig(environmentOf(init, folder)).databaseUrl, 'owner'],
    ] as const) {
      const { username, password, hostname, pathname } = new URL(url!)
      t.ok(script.includes(`create role ${username} login password :'${login}_password'`), username)
      t.equal(password, await readFile(join(folder, `database_${login}_password`), 'utf8'))
      t.ok(hostname in compose.services && pathname === '/ostiary')
    }
    await t.rejects(
      run(join(root, 'docs/deployment/make-secrets.sh'), [folder]),
      'never overwrites',
    )
  })

  t.test('starts in order, with no more than each needs', async (t) => {
    t.same(
      Object.values(ours).map(({ depends_on }) => Object.entries(depends_on!)),
      [
        [['database', { condition: 'service_healthy' }]],
        [['migrate', { condition: 'service_completed_successfully' }]],
        [['init', { condition: 'service_completed_successfully' }]],
      ],
    )
    for (const [name, service] of Object.entries(compose.services)) {
      t.ok(service.read_only, `${name}: read-only file system`)
      t.match(service.image, /^[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?$/, `${name}: pinned image`)
      t.equal(service.build, service === database ? undefined : '.', name)
    }
    t.notOk(database.ports, 'the port of the database is not published')
    t.same(database.networks, ['inside'])
    t.equal(compose.networks.inside!.internal, true)
    t.same(api.ports, ['127.0.0.1:8080:8080'])
    const mounted = database.volumes!.flatMap((volume) => /^\.\/([^:]+):/.exec(volume)?.[1] ?? [])
    t.same(mounted, ['docs/deployment/logins.sql'])
  })
})

t.test('the image', async (t) => {
  const manifest = JSON.parse(await text('package.json')) as { version: string }
  t.equal(api.image, `ostiary:${manifest.version}`)
  for (const image of all('FROM'))
    t.match(image, /^node:24\.\d+\.\d+-bookworm-slim( AS packages)?$/)
  t.same(all('USER'), ['node'])
  const kept = (await text('.dockerignore')).split('\n').filter((line) => line.startsWith('!'))
  t.same(
    kept.map((line) => line.slice(1)).sort(),
    [...new Set(copied)].sort(),
    'the context is what is copied',
  )

  t.test(
    'holds everything that migrate, init and serve need, on logins of little right',
    async (t) => {
      const cluster = await startTestCluster()
      t.teardown(() => cluster.stop())
      await createLogins(cluster.url)
      const folder = t.testdir()
      const home = join(folder, 'image')
      for (const path of copied) {
        await mkdir(dirname(join(home, path)), { recursive: true })
        await cp(join(root, path), join(home, path), { recursive: true })
      }
      await symlink(join(root, 'node_modules'), join(home, 'node_modules'))
      const secrets = await makeSecrets(folder)
      for (const login of ['owner', 'api', 'worker']) {
        // The same logins, on a server that is not called `database`.
        const file = join(secrets, `database_${login}_url`)
        const { username } = new URL(await readFile(file, 'utf8'))
        await chmod(file, 0o600)
        await writeFile(file, loginUrl(cluster.url, username, 'ostiary'))
      }
      const port = String(await freePort())
      const origin = `http://127.0.0.1:${port}`
      const local = {
        OSTIARY_PORT: port,
        OSTIARY_METRICS_PORT: '0',
        OSTIARY_PUBLIC_URL: origin,
        OSTIARY_LOG_LEVEL: 'silent',
      }
      const settings = (service: Service) => ({
        cwd: home,
        env: { ...environmentOf(service, secrets), ...local },
      })
      const [, ...program] = JSON.parse(all('ENTRYPOINT')[0]!) as string[]
      const [, ...probe] = JSON.parse(/CMD (\[.*\])$/.exec(all('HEALTHCHECK')[0]!)![1]!) as string[]

      const migrated = await run(
        process.execPath,
        [...program, ...migrate.command!],
        settings(migrate),
      )
      t.match(migrated.stdout, /^applied 0001-roles\.sql$/m)
      const made = await run(process.execPath, [...program, ...init.command!], settings(init))
      t.match(made.stdout, /^log verifier key: +127\.0\.0\.1:\d+\/log\+/m)

      const isReady = () =>
        run(process.execPath, probe, settings(api)).then(
          () => true,
          () => false,
        )
      t.notOk(await isReady(), 'not ready before it runs')
      const [serve] = JSON.parse(all('CMD')[0]!) as string[]
      const server = spawn(process.execPath, [...program, serve!], {
        ...settings(api),
        stdio: 'ignore',
      })
      t.teardown(() => server.kill('SIGKILL'))
      const exited = once(server, 'exit') as Promise<[number | null]>
      const ready = async (): Promise<boolean> =>
        (await isReady()) || (server.exitCode === null && ready())
      t.ok(await ready(), 'ready once it runs')

      const words =
        'agency add --name Lighthouse --sector victim_support --country SI --json'.split(' ')
      const added = await run(process.execPath, [...program, ...words], settings(init))
      const file = join(folder, 'lighthouse.json')
      await writeFile(file, added.stdout)
      const example = join(root, 'docs/first-request.mjs')
      const answered = await run(process.execPath, [example, file, origin])
      t.match(
        answered.stdout,
        /^200 \{[^]*name: 'Lighthouse'/,
        'the example in docs gets its answer',
      )

      server.kill('SIGTERM')
      t.equal((await exited)[0], 0, 'stops when told')
    },
  )
})
