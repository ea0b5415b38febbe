/**
 * `kill -9` of server and database in the middle of a run of disclosures, again and again on one data
 * directory: what was answered is in the log afterwards, what was acknowledged is there, and the log
 * that is served is always a continuation of the one that was served before.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { makeTestFolder, removeTestFolder } from '../support/cluster.ts'
import { disclose } from '../support/lakeside-case.ts'
import { expectStatus } from '../support/world.ts'
import { faults, isAnswered, judgeLog, missing, rowsOf, settleCase } from './judge.ts'
import { type Attempt, type Load, send, startLoad } from './load.ts'
import { startProgram } from './program.ts'

/** What is killed in each round, and how often; shuffled. */
const KILLS = { server: 4, database: 7, both: 3, backend: 12 } as const
type Victim = keyof typeof KILLS

// Dozens of starts on a machine that others use as well.
t.setTimeout(400_000)
const folder = await makeTestFolder()
const program = await startProgram(join(folder, 'data'))
t.teardown(async () => {
  await program.end()
  await removeTestFolder(folder)
})

const { origin } = program
const vkey = (await (await fetch(`${origin}/log/vkey`)).text()).trim()
const at = await settleCase(program, () =>
  program.command('admin', 'create', '--name', 'Ostiary Lakeside'),
)

/** All that clients sent and saw, over all rounds. */
const attempts: Attempt[] = []
const checkpoints: string[] = []
const refusals = new Map<string, number>()

const rounds = shuffled(
  Object.entries(KILLS).flatMap(([victim, times]) => Array<Victim>(times).fill(victim as Victim)),
)
const figures = { answered: 0, unanswered: 0, logged: 0 }

for (const [index, victim] of rounds.entries()) {
  // A server that did not come back would only make every later round wait.
  if (!t.passing()) break
  await t.test(`round ${index + 1}: ${victim}`, async (t) => {
    const load = startLoad(origin, at)
    await underWay(load)
    await sleep(Math.random() * 250)
    await kill(victim)
    await load.stop()
    await revive(victim)
    take(load)
    t.same(
      await missing(program, load.attempts.filter(isAnswered)),
      [],
      'what was answered is there',
    )
    const lost = load.attempts.filter((attempt) => !isAnswered(attempt))
    figures.answered += load.attempts.length - lost.length
    figures.unanswered += lost.length
    for (const attempt of lost) await sendUntilAnswered(attempt)
    t.same(await missing(program, lost), [], 'and so is what was asked for again')
    t.ok(load.attempts.length > lost.length, 'something was answered')
    t.same(await faults(program), [], 'decisions, events and entries belong together')
  })
}

await t.test('every key stands for one disclosure or deposit', async (t) => {
  const disclosures = attempts.filter(({ kind }) => kind === 'disclosure')
  const deposits = attempts.filter(({ kind }) => kind === 'deposit')
  const [row] = await rowsOf<Record<'first' | 'records' | 'keys', number>>(
    program,
    `select
    (select count(*)::int from disclosure where replay_of is null) as first,
    (select count(*)::int from record where type = 'person') as records,
    (select count(*)::int from idempotency where operation in ('requestDisclosure', 'depositRecord')) as keys`,
  )
  // The deposits before the first round are two of other types.
  t.match(row, {
    first: disclosures.length,
    records: deposits.length,
    keys: attempts.length + 2,
  })
  t.comment(
    `${rounds.length} kills (${JSON.stringify(KILLS)}); ${figures.answered} answered before the kill, ${figures.unanswered} not, of which ${figures.logged} had been committed; other answers ${JSON.stringify(Object.fromEntries(refusals))}`,
  )
})

await t.test('acknowledged deposits open', async (t) => {
  const answer = await expectStatus(
    201,
    disclose(at, at.agencies.programme, 'pp_case_manager', {
      subject: at.marko,
      purpose: 'programme_delivery',
      fields: ['person.full_name'],
    }),
  )
  const told = answer.body.fields.map((entry: { value: string }) => entry.value)
  const deposited = attempts
    .filter(({ kind }) => kind === 'deposit')
    .map(({ body }) => (body as { fields: { full_name: string } }).fields.full_name)
  t.same(told.toSorted(), deposited.toSorted())
})

await t.test('the log holds every answer and never forked', (t) =>
  judgeLog(t, { origin, vkey }, { attempts, checkpoints }),
)

await t.test('commits that are not on disk when they are answered would show', async (t) => {
  for (const setting of ['synchronous_commit = off', "wal_writer_delay = '10s'"])
    await rowsOf(program, `alter system set ${setting}`)
  await rowsOf(program, 'select pg_reload_conf()')
  let lost: object[] = []
  // A publication of the log brings to disk what came before it; then there is nothing to lose.
  for (let tries = 0; tries < 20 && lost.length === 0; tries++) {
    const load = startLoad(origin, at)
    await underWay(load)
    await program.killDatabase()
    await load.stop()
    await revive('database')
    lost = await missing(program, load.attempts.filter(isAnswered))
  }
  t.ok(lost.length > 0, 'they are missed')
})

await t.test('it stops as if nothing had been', async (t) => {
  t.equal(await program.stop(), 0)
})

/** Until everybody was answered something, so that the kill comes into the middle. */
async function underWay({ attempts }: Load): Promise<void> {
  const until = performance.now() + 20_000
  while (attempts.filter(isAnswered).length < 10) {
    if (performance.now() > until) throw new Error('nobody is answered')
    await sleep(5)
  }
}

async function kill(victim: Victim): Promise<void> {
  if (victim === 'server' || victim === 'both') void program.kill()
  if (victim === 'database' || victim === 'both') await program.killDatabase()
  if (victim === 'server') await program.kill()
  if (victim === 'backend') await killBackend()
}

/** One that works, if any does at the moment. */
async function killBackend(): Promise<void> {
  const [backend] = await rowsOf<{ pid: number }>(
    program,
    `select pid from pg_stat_activity where application_name in ('ostiary_app', 'ostiary_worker')
     order by state <> 'active', random() limit 1`,
  )
  process.kill(backend!.pid, 'SIGKILL')
}

async function revive(victim: Victim): Promise<void> {
  if (victim === 'server' || victim === 'both') {
    await program.kill()
    return program.start()
  }
  if (victim === 'database') await program.reviveDatabase()
  await program.ready()
}

function take(load: Load): void {
  attempts.push(...load.attempts)
  checkpoints.push(...load.checkpoints.filter((note) => !checkpoints.includes(note)))
  for (const [what, times] of load.refusals) refusals.set(what, (refusals.get(what) ?? 0) + times)
}

/** The same request under the same key, until it is answered. */
async function sendUntilAnswered(attempt: Attempt): Promise<void> {
  const until = performance.now() + 20_000
  for (;;) {
    const answer = await send(attempt).catch(() => undefined)
    if (answer?.status === 201) break
    if (performance.now() > until)
      throw new Error(`not answered again: ${answer?.status} ${answer?.text}`)
    await sleep(50)
  }
  // It was in the database although nobody heard of it.
  if (attempt.answer.replayOf !== undefined) figures.logged += 1
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
