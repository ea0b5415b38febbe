// Retention: months of audit events go, the log over them and everything that was handed out stays.
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import t from 'tap'
import { eventDigest } from '../../src/domain/log/event-digest.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import { makeRetireAuditMonths } from '../../src/services/retire-audit-months.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import * as retirement from '../../src/storage/audit-retirement.ts'
import { openOwner } from '../../src/wire/database.ts'
import { makeTestFolder, removeTestFolder } from '../support/cluster.ts'
import { openReceipt, readWholeLog } from '../support/independent-verifier.ts'
import { concludeAgreement, deposit, disclose, openLakesideCase } from '../support/lakeside-case.ts'
import { expectStatus, startWorld } from '../support/world.ts'

const world = await startWorld({ environment: { OSTIARY_LOG_TICK: '3600000' } })
const owner = openOwner({ owner: world.databaseUrl })
const folder = await makeTestFolder()
t.teardown(async () => {
  await owner.destroy()
  await world.stop()
  await removeTestFolder(folder)
})
let now = new Date('2026-11-16T20:00:00Z')
const runtime = {
  now: () => now,
  uuid: () => randomUUID(),
  random: (count: number) => randomBytes(count),
}
const recordEvent = makeRecordEvent({ storage: auditEvents, runtime, origin: 'test.example/log' })
const retireWith = (keep: number) =>
  makeRetireAuditMonths({ db: owner, storage: retirement, recordEvent, runtime, keep })
const retire = retireWith(12)

async function rows<Row>(text: string): Promise<Row[]> {
  return (await sql.raw<Row>(text).execute(owner)).rows
}
const vkey = (await (await fetch(`${world.address}/log/vkey`)).text()).trim()
const wholeLog = () =>
  readWholeLog(async (path) => {
    const response = await fetch(`${world.address}/log/${path}`)
    return response.status === 404 ? undefined : new Uint8Array(await response.arrayBuffer())
  }, vkey)
/** Events as of a time, in one transaction. */
async function addEvents(count: number, at: string): Promise<string[]> {
  return owner.transaction().execute(async (tx) => {
    const ids: string[] = []
    for (let i = 0; i < count; i++) {
      const event = { type: 'consult.case_viewed', at: new Date(at) } as const
      ids.push((await recordEvent(tx, { ...event, public: { i }, private: { i } })).eventId)
    }
    return ids
  })
}
const memory = () => {
  const lines: string[] = []
  return { lines, write: async (text: string) => void lines.push(text), flush: async () => {} }
}

// Two old months, with a tick at midnight that takes in some of both.
await sql`select ensure_audit_partitions('2025-01-01')`.execute(owner)
const january = await addEvents(2100, '2025-01-20T10:00:00Z')
await world.ostiary.publish()
january.push(...(await addEvents(5, '2025-01-31T23:59:59.999Z')))
const february = await addEvents(6, '2025-02-01T00:00:00Z')
await world.ostiary.publish()
february.push(...(await addEvents(3, '2025-02-10T00:00:00Z')))
await world.ostiary.publish()
const late = await addEvents(1, '2025-03-03T00:00:00Z')

t.test('nothing that the policy keeps is retired', async (t) => {
  await t.rejects(retire('2026-01', memory()), /kept for 12 months/)
  await t.rejects(retireWith(24)('2025-01'), /kept for 24 months: nothing from 2024-12 on/)
  t.same(await retire('2024-12'), [])
  t.same(await rows('select from audit_retired'), [])
})

t.test('old months go, with what tells that they did', async (t) => {
  const before = await wholeLog()
  const archive = memory()
  const done = await retire('2025-12', archive)
  t.match(done, [
    { month: '2025-01', state: 'retired', events: 2105 },
    { month: '2025-02', state: 'retired', events: 9 },
    { month: '2025-03', state: 'kept', unfinished: { unsequenced: 1, reviews: 0, duties: 0 } },
  ])
  t.same(
    await rows(`select from audit_event where at < '2025-03-01'`),
    [],
    'no event of theirs is left',
  )
  t.equal((await rows(`select from audit_event where at < '2025-04-01'`)).length, 1)
  const gone = [...january, ...february]
  const ids = gone.map((id) => `'${id}'`).join()
  t.same(await rows(`select from audit_salt where event_id in (${ids})`), [])
  t.equal((await rows(`select from log_position where event_id in (${ids})`)).length, gone.length)
  t.same(await rows(`select to_regclass('audit_event_202501') as there`), [{ there: null }])

  // What the event and the row say is exactly what is gone: positions in the range, without the others.
  const retired = await rows<{
    month: string
    first_leaf: string
    last_leaf: string
    others: string[]
    digest: string
    retired_by: string
    archive_sha256: string
  }>('select r.*, r.month::text from audit_retired r order by r.month')
  t.ok(retired[0]!.others.length > 0, 'the tick at midnight held some of both')
  for (const [row, expected] of [
    [retired[0]!, january],
    [retired[1]!, february],
  ] as const) {
    const positions = await rows<{ event_id: string }>(
      `select event_id from log_position where leaf_index between ${row.first_leaf} and ${row.last_leaf}`,
    )
    const others = new Set(row.others)
    const derived = positions.map(({ event_id }) => event_id).filter((id) => !others.has(id))
    t.same(derived.toSorted(), expected.toSorted())
    t.equal(row.digest, eventDigest(expected))
    const [event] = await rows<{ public_part: string }>(
      `select public_part from audit_event where id = '${row.retired_by}'`,
    )
    t.match(JSON.parse(event!.public_part), {
      month: row.month.slice(0, 7),
      events: expected.length,
      digest: row.digest,
      archiveSha256: row.archive_sha256,
    })
  }

  // The archive opens the very entries that stand in the log.
  const lines = archive.lines.join('').split('\n').slice(0, -1)
  t.equal(lines.length, gone.length)
  const first = lines.slice(0, 2105).map((line) => `${line}\n`)
  t.equal(createHash('sha256').update(first.join('')).digest('hex'), retired[0]!.archive_sha256)
  const log = await wholeLog()
  for (const line of lines) {
    const kept = JSON.parse(line)
    const commit = (salt: string, text: string) =>
      createHmac('sha256', Buffer.from(salt, 'base64')).update(text).digest()
    const entry = Buffer.concat([
      commit(kept.publicSalt, kept.publicPart),
      commit(kept.privateSalt, kept.privatePart),
    ])
    if (!log.entries[kept.leafIndex]?.equals(entry)) t.fail('an archived event is not the entry')
  }
  t.ok(
    before.entries.every((entry, index) => entry.equals(log.entries[index]!)),
    'the tree is what it was',
  )
})

t.test('what waits keeps its month; disclosures behave well when theirs is gone', async (t) => {
  const at = await openLakesideCase(world)
  const { support, programme, police } = at.agencies
  await concludeAgreement(at.agencies)
  await deposit(world, at, programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: at.marko,
    informant: 'PP',
    fields: { status: 'dropout', dropout_at: '2026-11-16T18:00:00.000Z' },
  })
  const request = {
    subject: at.marko,
    purpose: 'safety_urgent',
    fields: ['programme_engagement.status', 'programme_engagement.dropout_at'],
    justification: 'she heard that he stayed away',
  }
  const key = randomUUID()
  const ask = () =>
    expectStatus(
      201,
      disclose(at, support, 'partner_contact_worker', request, { idempotencyKey: key }),
    )
  const { body: asked } = await ask()
  const path = `/v1/disclosures/${asked.id}`
  const get = (more = '') => support.call('partner_contact_worker', 'GET', `${path}${more}`)
  await world.ostiary.publish()
  const { body: receipt } = await expectStatus(200, get('/proof'))

  now = new Date('2028-02-01T00:00:00Z')
  await world.ostiary.publish()
  t.match((await retire('2026-12')).at(-1), { state: 'kept', unfinished: { duties: 1 } })
  t.equal((await expectStatus(200, get('/proof'))).status, 200)
  await world.ostiary.runClocks()
  await rows(`update duty set state = 'met' where state = 'open'`)
  // Of the clocks' own events.
  await world.ostiary.publish()
  t.match((await retire('2026-12')).at(-1), { month: '2026-11', state: 'retired' })

  t.match(await get('/proof'), { status: 410, body: { code: 'event_retired' } })
  t.equal((await police.call('police_officer', 'GET', `${path}/proof`)).status, 404)
  t.match(await get(), { status: 410, body: { code: 'event_retired' } })
  t.equal((await support.call('dpo', 'GET', `${path}/explanation`)).status, 404)
  const listed = await support.call('partner_contact_worker', 'GET', '/v1/disclosures')
  t.ok(listed.body.items.some(({ id }: { id: string }) => id === asked.id))
  t.equal((await ask()).body.replayOf, asked.id, 'it can be repeated')
  await world.ostiary.publish()
  const { entry } = openReceipt(receipt, vkey)
  t.ok((await wholeLog()).entries[receipt.leafIndex]!.equals(entry), 'the receipt of then stands')
  t.equal((await rows(`select from audit_event where id = '${late[0]}'`)).length, 0)
})

t.test('by command: an archive of its own, never over another file', async (t) => {
  const ids = await (async () => {
    await sql`select ensure_audit_partitions('2019-05-01')`.execute(owner)
    now = new Date('2026-11-16T20:00:00Z')
    return addEvents(3, '2019-05-02T00:00:00Z')
  })()
  const file = join(folder, 'archive.jsonl')
  const { OSTIARY_TEST_PG: _, NODE_OPTIONS: __, ...outer } = process.env
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['src/cli/main.ts', 'audit', 'retire', ...args], {
      env: {
        ...outer,
        DATABASE_URL: world.databaseUrl,
        OSTIARY_AUDIT_RETENTION: '36',
      },
    }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
  t.match(await run('--before', '2019-13'), { code: 1, stderr: /is a month/ })
  t.match(await run('--before', '2026-01'), { code: 1, stderr: /kept for 36 months/ })
  const kept = await run('--before', '2020-01', '--json')
  t.equal(kept.code, 2)
  t.match(JSON.parse(kept.stdout).months[0], { state: 'kept', unfinished: { unsequenced: 3 } })
  await world.ostiary.publish()
  t.match(await run('--before', '2020-01', '--archive', file), {
    code: 0,
    stdout: /2019-05: 3 events retired/,
  })
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  t.same(lines.map((line) => JSON.parse(line).id).toSorted(), ids.toSorted())
  t.match(await run('--before', '2020-01', '--archive', file), { code: 1, stderr: /EEXIST/ })
  t.match(await run('--before', '2020-01'), { code: 0, stdout: /nothing to retire/ })
})
