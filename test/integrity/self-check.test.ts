/** The self-check as it runs: slices that any node goes on with, incidents, alarms, the command. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { sql } from 'kysely'
import t from 'tap'
import { loggerOptions } from '../../src/http/logging.ts'
import { makeCheckIntegrity } from '../../src/services/check-integrity.ts'
import { makeRecordEvent } from '../../src/services/record-event.ts'
import { makeReportFindings } from '../../src/services/report-incidents.ts'
import { type Finding, FINDING_KINDS } from '../../src/domain/integrity/finding.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import * as integrity from '../../src/storage/integrity.ts'
import * as notices from '../../src/storage/notices.ts'
import { makeSelfCheck } from '../../src/workers/self-check.ts'
import type { LogContent, WorkerLog } from '../../src/workers/worker-log.ts'
import { ManualTimers } from '../support/manual-timers.ts'
import { tamper } from '../support/log-node.ts'
import { askForDropout } from '../support/lakeside-case.ts'
import { fakeRuntime } from '../support/world.ts'
import { startCheckedWorld } from './checked-world.ts'
import { liveShortly } from './story.ts'

t.setTimeout(300_000)
const node = await startCheckedWorld()
t.teardown(() => node.stop())
const at = await liveShortly(node)
const { world, owner, worker } = node
const { publish } = world.ostiary
await publish()

const alarms: ({ incidentId: string } & Finding)[] = []
const { runtime } = fakeRuntime(world.clock)
const recordEvent = makeRecordEvent({
  storage: auditEvents,
  runtime,
  origin: '127.0.0.1:8080/log',
})
/** A node of its own, which remembers nothing of the others. */
const checker = (interval = 3_600_000, slice = 8) =>
  makeCheckIntegrity({
    ...node.deps,
    slice,
    db: worker,
    cycles: integrity,
    report: makeReportFindings({
      storage: { ...integrity, ...notices },
      recordEvent,
      runtime,
      alarm: (incident) => alarms.push(incident),
    }),
    now: () => runtime.now(),
    interval,
  })
type Step = Awaited<ReturnType<ReturnType<typeof checker>['step']>>

/** Steps until a cycle is over; gives how many it took. */
async function cycle(nodes = [checker()]): Promise<number> {
  for (let steps = 1; ; steps++) {
    const step: Step = await nodes[steps % nodes.length]!.step()
    if (step.state === 'finished') return steps
    if (step.state === 'idle') throw new Error('nothing was due')
  }
}
const rows = async <Row>(text: string): Promise<Row[]> =>
  (await sql.raw<Row>(text).execute(owner)).rows
const open = () => integrity.listOpenIncidents(worker, 100)
const FLIP = `set_byte(sealed, 9, get_byte(sealed, 9) # 1)`
const health = async () => (await fetch(`${world.address}/health/ready`)).json()

t.test(
  'a cycle is walked in slices, by whichever node, and begins anew when it is due',
  async (t) => {
    const steps = await cycle([checker(), checker()])
    t.ok(steps > 30, `${steps} slices by two nodes in turn, each resuming where the other stopped`)
    t.same(await open(), [], 'nothing is found')
    const [state] = await rows<{ finished: Record<string, number>; stage: null }>(
      'select finished, stage from integrity_cycle',
    )
    const [{ size, events }] = (await rows<{ size: string; events: number }>(
      `select (select max(size) from log_checkpoint) as size, (select count(*)::integer from log_position) as events`,
    )) as [{ size: string; events: number }]
    t.match(state, {
      stage: null,
      finished: { entries: Number(size), loggedEvents: events, findings: 0 },
    })
    t.same(await checker().step(), { state: 'idle' }, 'the next is not due yet')
    world.clock.advance(3_600_001)
    t.match(await checker().step(), { state: 'went_on' })

    // While one node is at it, another leaves it alone.
    await worker.transaction().execute(async (tx) => {
      t.ok(await integrity.tryCheckLock(tx))
      t.same(await checker().step(), { state: 'idle' })
    })
    await cycle()
  },
)

t.test('under load nothing is found that is not there', async (t) => {
  let stop = false
  const load = (async () => {
    for (let i = 0; !stop; i++) {
      await askForDropout(at)
      if (i % 3 === 0) await publish()
    }
  })()
  for (let round = 0; round < 3; round++) {
    world.clock.advance(3_600_001)
    await cycle([checker(), checker(3_600_000, 64)])
  }
  stop = true
  await load
  t.same(await open(), [])
})

t.test('an altered row becomes one incident, with event, notices and alarm', async (t) => {
  await publish()
  const [version] = await rows<{ record_id: string }>(
    `select record_id from record_version where version = 1 order by record_id limit 1`,
  )
  const where = `record_id = '${version!.record_id}' and version = 1`
  await tamper(owner, `update record_version set sealed = ${FLIP} where ${where}`)
  const before = alarms.length
  for (let round = 0; round < 2; round++) {
    world.clock.advance(3_600_001)
    await cycle()
  }
  const [incident, ...more] = await open()
  t.same(more, [], 'found twice, it is one incident')
  t.match(incident, {
    kind: 'row_altered',
    table: 'record_version',
    row: `${version!.record_id}/1`,
    state: 'open',
  })
  t.ok(incident!.lastSeenAt > incident!.foundAt)
  t.match(alarms.slice(before), [{ incidentId: incident!.id, kind: 'row_altered' }])
  const told = await rows<{ role: string; agency_id: string; refs: object }>(
    `select role, agency_id, refs from notice where type = 'integrity_incident' order by role`,
  )
  t.same(told, [
    { role: 'dpo', agency_id: world.operator.id, refs: { incidentId: incident!.id } },
    { role: 'org_admin', agency_id: world.operator.id, refs: { incidentId: incident!.id } },
  ])
  const events = await rows<{ public_part: string }>(
    `select public_part from audit_event where type = 'integrity.incident_found'`,
  )
  t.match(
    events.map(({ public_part: text }) => JSON.parse(text)),
    [{ incidentId: incident!.id, kind: 'row_altered', table: 'record_version' }],
  )

  await t.test('data incidents stop nothing, but readiness says degraded', async (t) => {
    t.match(await health(), { status: 'degraded', degraded: ['integrity'] })
    t.equal((await askForDropout(at)).status, 201)
    t.match(await (await fetch(`${world.address}/health/live`)).json(), { status: 'up' })
  })

  await t.test(
    'closed by an operator it stays closed, without the event of that it does not',
    async (t) => {
      await node.administer((admin) =>
        admin.withIntegrity((own) =>
          own.close(incident!.id, 'a restore of one table; rows compared'),
        ),
      )
      t.same(await open(), [])
      world.clock.advance(3_600_001)
      await cycle()
      t.same(await open(), [], 'met again, and settled')
      await tamper(
        owner,
        `update integrity_incident set closed_event = gen_random_uuid() where id = '${incident!.id}'`,
      )
      world.clock.advance(3_600_001)
      await cycle()
      t.match(
        await open(),
        [{ id: incident!.id, state: 'open' }],
        'whoever closed it left no event',
      )
      await t.rejects(
        node.administer((admin) => admin.withIntegrity((own) => own.close(runtime.uuid(), 'x'))),
        { code: 'not_found' },
      )
    },
  )
  await tamper(owner, `update record_version set sealed = ${FLIP} where ${where}`)
  await node.administer((admin) =>
    admin.withIntegrity((own) => own.close(incident!.id, 'repaired')),
  )
})

t.test('a column that holds no JSON any more does not stop the cycle', async (t) => {
  const text = `update policy_version set documents = documents || '["x"]' where version = 1`
  await tamper(owner, text)
  world.clock.advance(3_600_001)
  await cycle()
  t.match(await open(), [{ kind: 'row_altered', table: 'policy_version' }])
  await tamper(owner, `update policy_version set documents = documents - -1 where version = 1`)
})

t.test('many findings are listed up to a bound', async (t) => {
  await sql`insert into audit_salt select gen_random_uuid(), ${Buffer.alloc(32)}::bytea, ${Buffer.alloc(32)}::bytea
    from generate_series(1, 1100)`.execute(owner)
  world.clock.advance(3_600_001)
  await cycle([checker(3_600_000, 2048)])
  const counted = `select kind, table_name, count(*)::integer as count from integrity_incident
    where state = 'open' and 'audit_salt' = table_name group by 1, 2 order by 1`
  t.same(await rows(counted), [
    { kind: 'many_more', table_name: 'audit_salt', count: 1 },
    { kind: 'salt_extra', table_name: 'audit_salt', count: 1000 },
  ])
  await tamper(
    owner,
    `delete from audit_salt s where not exists (select from audit_event e where e.id = s.event_id)`,
  )
})

t.test('the command says it in words and by its exit code', async (t) => {
  await publish()
  const run = async (args: string[], more: Record<string, string> = {}) => {
    const { NODE_OPTIONS: _taps, ...outer } = process.env
    const command = promisify(execFile)(process.execPath, ['src/cli/main.ts', 'log', ...args], {
      cwd: join(import.meta.dirname, '../..'),
      env: { ...outer, ...node.environment, ...more },
    })
    return command.then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => {
        return { code, stdout, stderr }
      },
    )
  }
  t.match(await run(['self-check']), { code: 0, stdout: /nothing found: \d+ entries in \d+ ticks/ })
  await tamper(owner, `update review_task set state = 'approved' where state = 'open'`)
  const found = await run(['self-check'])
  t.match(found, { code: 1, stdout: /no event tells of a row: review_task [0-9a-f-]{36}/ })
  const asJson = JSON.parse((await run(['self-check', '--json'])).stdout)
  t.match(asJson, { ok: false, findings: [{ kind: 'row_extra', table: 'review_task' }] })
  t.match((await run(['incidents'])).stdout, /review_task/)
  const elsewhere = node.environment['DATABASE_URL']!.replace(/[^/]*$/, 'nowhere')
  t.match(await run(['self-check'], { DATABASE_URL: elsewhere }), {
    code: 2,
    stderr: /could not be made/,
  })
  await tamper(
    owner,
    `update review_task set state = 'open' where state = 'approved' and decided_by is null`,
  )
})

t.test(
  'the worker goes on slice by slice, rests between them, and survives failures',
  async (t) => {
    const lines: [level: string, content: LogContent][] = []
    const write = (level: string) => (content: LogContent) => void lines.push([level, content])
    const log: WorkerLog = { info: write('info'), error: write('error'), fatal: write('fatal') }
    const timers = new ManualTimers(1_700_000_000_000)
    const answers: (Step | Error)[] = [
      { state: 'went_on', findings: 0 },
      { state: 'went_on', findings: 0 },
      { state: 'finished', findings: 0 },
      Object.assign(new Error('value of Ana'), { code: '57P01' }),
      { state: 'idle' },
    ]
    let steps = 0
    const check = makeSelfCheck({
      async step() {
        const answer = answers[steps++] ?? { state: 'idle' }
        if (answer instanceof Error) throw answer
        return answer
      },
      timers,
      log,
      poll: 1000,
    })
    check.start()
    check.start()
    await timers.advance(0)
    await timers.advance(20)
    t.equal(steps, 3, 'a whole cycle without waiting for its time')
    await timers.advance(999)
    t.equal(steps, 4)
    await timers.advance(1001)
    t.equal(steps, 5)
    t.same(lines, [
      ['info', { task: 'self_check' }],
      ['error', { task: 'self_check', errorClass: 'Error', errorCode: '57P01' }],
    ])
    await check.stop()
    await timers.advance(10_000)
    t.equal(steps, 5)
    // What the alarm writes passes the list of keys that lines may have.
    const written: string[] = []
    const logger = pino(loggerOptions('info'), { write: (line: string) => void written.push(line) })
    logger.fatal({ task: 'self_check', code: 'row_altered', incidentId: runtime.uuid() }, 'x')
    t.match(JSON.parse(written[0]!), { task: 'self_check', code: 'row_altered', incidentId: /-/ })
  },
)

t.test('the manual says of every kind what to do', async (t) => {
  const manual = await readFile(join(import.meta.dirname, '../../docs/integrity.md'), 'utf8')
  const untold = Object.keys(FINDING_KINDS).filter((kind) => !manual.includes(`\`${kind}\``))
  t.same(untold, [])
})
