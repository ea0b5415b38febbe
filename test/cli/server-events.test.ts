// What is done to a server itself is in its log: migration, first set-up, keys, starts, changed settings.
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { loadConfig } from '../../src/config.ts'
import { withAdministration } from '../../src/wire/administration.ts'
import { wire } from '../../src/wire.ts'
import { checkShape, eventReader, headerOf } from '../support/audit-shapes.ts'
import { createTestDatabase, emptyTemplate } from '../support/database.ts'

const database = await createTestDatabase(emptyTemplate)
t.teardown(() => database.drop())
const SECRET = randomBytes(32).toString('base64')
const settings = (more: Record<string, string> = {}) =>
  loadConfig({
    DATABASE_URL: database.url,
    OSTIARY_KEY_ENCRYPTION_KEY: SECRET,
    OSTIARY_PORT: '0',
    OSTIARY_METRICS_PORT: '0',
    OSTIARY_PUBLIC_URL: 'http://127.0.0.1:8080',
    OSTIARY_LOG_LEVEL: 'silent',
    ...more,
  })
const seen = new Set<string>()

/** Events that were written since the last call, each held to its shape. */
async function written() {
  const reader = await eventReader(database.url)
  const events = (await reader.all()).filter(({ id }) => !seen.has(id))
  await reader.end()
  for (const event of events) seen.add(event.id)
  return events
}

/** Type, and who says to have done it. */
const told = (events: Awaited<ReturnType<typeof written>>) =>
  events.map((event) => `${event.type} by ${String(headerOf(event)['operation'])}`).sort()

async function start(more: Record<string, string> = {}): Promise<void> {
  const ostiary = await wire(settings(more), { workers: false })
  await ostiary.listen()
  await ostiary.close()
}

t.test('migration and first set-up', async (t) => {
  await withAdministration(settings(), async (admin) => {
    const applied = await admin.migrate()
    const [migrated, ...more] = await written()
    t.same(more, [])
    t.match(migrated, { type: 'database.migrated', public: { applied } })
    checkShape(t, migrated!)
    t.same(await admin.migrate(), [])
    t.same(await written(), [], 'nothing was applied, nothing is told')

    await admin.initialise()
    const events = await written()
    for (const event of events) checkShape(t, event)
    t.same(told(events), [
      ...Array<string>(5).fill('key.created by init'),
      'policy.activated by init',
    ])
    t.same(
      events
        .filter(({ type }) => type === 'key.created')
        .map((event) => event.public['purpose'])
        .sort(),
      ['anchor', 'cursor', 'encryption', 'log', 'token'],
    )
    await admin.initialise()
    t.same(await written(), [], 'done again, it makes nothing')
  })
})

t.test('keys', async (t) => {
  await withAdministration(settings(), async (admin) => {
    const { kid } = await admin.rotateTokenKey(false)
    const { vkey } = await admin.rotateLogKey({})
    const events = await written()
    for (const event of events) checkShape(t, event)
    t.match(events, [
      { type: 'key.rotated', public: { purpose: 'token', kid } },
      { type: 'key.rotated', public: { purpose: 'log', vkey } },
    ])
    t.same(told(events), ['key.rotated by keys rotate log', 'key.rotated by keys rotate token'])
  })
})

t.test('a start, and what of the configuration is another than before', async (t) => {
  await start()
  const first = await written()
  for (const event of first) checkShape(t, event)
  t.same(told(first), ['configuration.changed by serve', 'program.started by serve'])
  const version = first.find(({ type }) => type === 'program.started')?.public
  t.match(version, { version: /^\d+\.\d+\.\d+/, node: process.version })
  const all = changesOf(first)
  t.match(all.get('OSTIARY_KEY_ENCRYPTION_KEY'), { from: null, to: 'set' })
  t.match(all.get('OSTIARY_LOG_TICK'), { from: null, to: /^sha256:[\w-]{43}$/ })
  t.match(all.get('OSTIARY_PUBLIC_URL'), { to: /^sha256:/ })
  const texts = first.flatMap((event) => event.texts).join('\n')
  t.notOk(texts.includes(SECRET) || texts.includes(database.url), 'no secret')

  await start()
  t.same(told(await written()), ['program.started by serve'], 'nothing changed')

  await start({ OSTIARY_LOG_TICK: '20000', OSTIARY_ALLOW_BEARER: 'true' })
  const changes = changesOf(await written())
  t.same([...changes.keys()], ['OSTIARY_ALLOW_BEARER', 'OSTIARY_LOG_TICK'])
  const before = all.get('OSTIARY_LOG_TICK')?.to
  t.equal(changes.get('OSTIARY_LOG_TICK')?.from, before)
  t.not(changes.get('OSTIARY_LOG_TICK')?.to, before)

  await start()
  t.equal(changesOf(await written()).get('OSTIARY_LOG_TICK')?.to, before, 'and back')
})

t.test('a server that cannot log does not start', async (t) => {
  const name = new URL(database.url).pathname.slice(1)
  const reader = await eventReader(database.url)
  await reader.db.query(`alter database ${name} set default_transaction_read_only = on`)
  t.teardown(async () => {
    await reader.db.query(`set default_transaction_read_only = off`)
    await reader.db.query(`alter database ${name} reset default_transaction_read_only`)
    await reader.end()
  })
  const ostiary = await wire(settings(), { workers: false })
  await t.rejects(ostiary.listen(), { code: 'audit_unavailable' })
  await ostiary.close()
})

function changesOf(events: Awaited<ReturnType<typeof written>>) {
  const changed = events.find(({ type }) => type === 'configuration.changed')?.public['changed']
  const list = (changed ?? []) as { setting: string; from: string | null; to: string | null }[]
  return new Map(list.map((one) => [one.setting, one]))
}
