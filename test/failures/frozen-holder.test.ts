/**
 * A node that is frozen in the middle of a tick holds the log's lock, and others cannot publish. They
 * say so, release as before, and go on once its session is ended, while it still stands there. When it
 * comes back, its tick fails: one log, nothing lost.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { faults, isAnswered, judgeLog, missing, settleCase } from '../crash/judge.ts'
import { type Attempt, type Load, startLoad } from '../crash/load.ts'
import { type Program, startProgram } from '../crash/program.ts'
import { makeTestFolder, removeTestFolder } from '../support/cluster.ts'

const TICK = 200
const STUCK = 2000
const ROUNDS = 4
const PATIENCE = 60_000

t.setTimeout(400_000)
const folder = await makeTestFolder()
const environment = {
  OSTIARY_LOG_LEVEL: 'error',
  OSTIARY_LOG_TICK: String(TICK),
  OSTIARY_LOG_STUCK: String(STUCK),
  OSTIARY_LOG_ORIGIN: 'frozen.example/log',
  // Ticks that take a while, so that one can be caught in the middle.
  OSTIARY_LOG_BATCH: '256',
}
interface Alarm {
  readonly task?: string
  readonly code?: string
  readonly errorCode?: string
  readonly msg: string
}
const alarms = { victim: [] as Alarm[], other: [] as Alarm[] }
const node = (told: Alarm[]): Promise<Program> =>
  startProgram(join(folder, 'data'), {
    environment,
    onLine: (line) => void told.push(JSON.parse(line) as Alarm),
  })
const victim = await node(alarms.victim)
const other = await node(alarms.other)
const eye = new pg.Client({ connectionString: other.databaseUrl })
await eye.connect()
t.teardown(async () => {
  victim.signal('SIGCONT')
  await eye.end()
  await victim.end()
  await other.end()
  await removeTestFolder(folder)
})
const vkey = (await (await fetch(`${other.origin}/log/vkey`)).text()).trim()
const at = await settleCase(other, () =>
  other.command('admin', 'create', '--name', 'Ostiary Lakeside'),
)
const seen: { attempts: Attempt[]; checkpoints: string[] } = { attempts: [], checkpoints: [] }

for (let round = 1; round <= ROUNDS; round++)
  await t.test(`frozen in a tick, ${round}`, async (t) => {
    const load = startLoad(other.origin, at)
    try {
      await until(() => answered(load) >= 10, 'nobody is answered')
      const caught = await freezeInTick()
      alarms.victim.length = 0
      alarms.other.length = 0
      const from = performance.now()
      const [size, before] = [await treeSize(), answered(load)]
      await sleep(STUCK / 2)
      t.equal(await holder(), caught, 'it holds the lock')
      t.equal(await treeSize(), size, 'so the log does not grow')
      t.ok(answered(load) > before, 'what is released is written down and waits')
      await until(async () => (await treeSize()) > size, 'the log never went on')
      const stood = Math.round(performance.now() - from)
      t.ok(stood < 2 * STUCK + 10 * TICK, 'within the bound it goes on without the frozen node')
      t.ok(
        alarms.other.some(({ code }) => code === 'log_stalled'),
        'meanwhile the other one said so',
      )
      t.comment(`the log stood still for ${stood} ms`)
      await sleep(5 * TICK)

      t.same(alarms.victim, [], 'it is still frozen')
      victim.signal('SIGCONT')
      await until(() => alarms.victim.length > 0, 'it never noticed')
      t.ok(
        alarms.victim.some(({ msg }) => msg === 'the log could not be published'),
        'its tick failed',
      )
      await sleep(10 * TICK)
      t.equal((await fetch(`${victim.origin}/health/ready`)).status, 200, 'and it works again')
    } finally {
      victim.signal('SIGCONT')
      await load.stop()
    }
    t.same([...load.refusals], [], 'nobody was refused')
    t.same(await missing(other, load.attempts.filter(isAnswered)), [], 'nothing is lost')
    t.same(await faults(other), [], 'decisions, events and entries belong together')
    seen.attempts.push(...load.attempts)
    seen.checkpoints.push(...load.checkpoints)
  })

await t.test('one log, that of all checkpoints ever seen', (t) =>
  judgeLog(t, { origin: other.origin, vkey }, seen),
)

function answered({ attempts }: Load): number {
  return attempts.filter(isAnswered).length
}

/** Freezes the victim until it is caught with the lock in its hands; gives its transaction. */
async function freezeInTick(): Promise<string> {
  const end = performance.now() + PATIENCE
  while (performance.now() < end) {
    const caught = await holder()
    if (caught === undefined) continue
    victim.signal('SIGSTOP')
    // The other one's ticks go on, and are over by then.
    await sleep(TICK)
    const still = await holder()
    await sleep(TICK)
    if (still === caught && (await holder()) === caught) return caught
    victim.signal('SIGCONT')
    await sleep(TICK * Math.random())
  }
  throw new Error('it was never caught in a tick')
}

/** The transaction that holds the sequencer's lock now. */
async function holder(): Promise<string | undefined> {
  const { rows } = await eye.query<{ tx: string }>(`select virtualtransaction as tx from pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
      and ((classid::bigint << 32) | objid::bigint) = hashtextextended('ostiary/sequencer', 0)`)
  return rows[0]?.tx
}

async function treeSize(): Promise<number> {
  const { rows } = await eye.query<{ size: string }>('select max(size) as size from log_checkpoint')
  return Number(rows[0]?.size)
}

async function until(isSo: () => boolean | Promise<boolean>, complaint: string): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(complaint)
    await sleep(10)
  }
}
