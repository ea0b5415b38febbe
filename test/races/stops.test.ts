/**
 * A disclosure against what stops it, on two nodes over one database: no disclosure commits after the
 * stop has committed. What was first is read from the write-ahead log, not from anybody's clock.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config.ts'
import { wire } from '../../src/wire.ts'
import { AgencyClient } from '../support/agency-client.ts'
import { type Agency, expectStatus, fakeRuntime, startWorld } from '../support/world.ts'
import { openCommitOrder } from './commit-order.ts'
import { openNode, type NodeOptions } from './node.ts'
import { commitOf, commitOfAsked, type Outcome, type Race, runRace } from './race.ts'
import { consentTo, hers, openGround, STOPS, withdrawal } from './stops.ts'
import { factsFirst, ONE_SNAPSHOT, type Tamper, WITHOUT_LOCKS } from './tampered-pool.ts'

/** Rounds of each kind; in every one both nodes ask, so that there are twice as many disclosures. */
const ROUNDS = { withdrawal: 320, other: 40, http: 40 }

/** Rounds in which a planted fault has to show; most show in the first few. */
const PATIENCE = 300

const key = randomBytes(32).toString('base64')
const world = await startWorld({ environment: { OSTIARY_KEY_ENCRYPTION_KEY: key } })
const order = await openCommitOrder(world.databaseUrl)
const ground = await openGround(world, order)
const node = (options: Partial<NodeOptions> = {}) =>
  openNode({ url: world.databaseUrl, key, now: () => world.clock.now(), ...options })
const [one, other] = [await node(), await node()]
t.teardown(async () => {
  await Promise.all([one.close(), other.close(), order.close(), ground.owner.destroy()])
  await world.stop()
})

/** The same kind of stop at both nodes. */
const atBoth = (stop: (typeof STOPS)[number]): [Race, Race] => [
  stop(ground, one),
  stop(ground, other),
]

function report(t: Test, { rounds, before, after, together }: Outcome): void {
  t.comment(
    `${rounds} rounds: ${before} disclosures committed before the stop, ${after} after it; in ${together} rounds both were under way at once`,
  )
}

/** Nothing was late, nothing was lost, and chance brought about both orders. */
function expectHeld(t: Test, outcome: Outcome, rounds: number): void {
  report(t, outcome)
  t.equal(outcome.rounds, rounds)
  t.equal(outcome.late, 0, 'no disclosure committed after the stop')
  t.equal(outcome.lost, 0, 'what committed before the stop was released')
  t.ok(outcome.before >= rounds / 10 && outcome.after >= rounds / 10, 'both orders came about')
  t.ok(outcome.together >= rounds / 4, 'they met')
}

for (const stop of STOPS) {
  const [atOne, atOther] = atBoth(stop)
  const rounds = stop === withdrawal ? ROUNDS.withdrawal : ROUNDS.other
  await t.test(`${atOne.name} against disclosures, at random moments [R18, R31]`, async (t) => {
    const outcome = await runRace([atOne, atOther], order, { rounds })
    expectHeld(t, outcome, rounds)
    await atOne.allow()
  })
}

await t.test('both orders, with the first one held open', async (t) => {
  // Keys of locks that this test holds; they are of this database alone.
  const [disclosing, stopping] = [1, 2]
  await order.rows(`create function hold_here() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint); return null; end $$`)
  for (const [table, event, hold] of [
    ['release_ledger', 'insert', disclosing],
    ...STOPS.map((stop) => stop(ground, one)).map(
      ({ table, change = 'update' }) => [table, change, stopping] as const,
    ),
  ] as const)
    await order.rows(
      `create trigger hold_here after ${event} on ${table} for each statement execute function hold_here(${hold})`,
    )

  for (const stop of STOPS) {
    const [atOne, atOther] = atBoth(stop)
    await t.test(`${atOne.name} waits for a disclosure that is under way`, async (t) => {
      await atOne.allow()
      const { first, second } = await inTurn(t, disclosing, atOne.ask, atOther.stop)
      const commits = await order.read()
      t.ok(first.released)
      t.ok(
        (await commitOfAsked(order, commits, first)) <
          (await commitOf(order, commits, atOne.stoppedBy)),
      )
      t.equal(second, undefined)
      t.notOk((await atOther.ask()).released, 'the next one is stopped')
      await atOne.allow()
    })
    await t.test(`a disclosure waits for ${atOne.name} and sees it`, async (t) => {
      await atOne.allow()
      const { second } = await inTurn(t, stopping, atOther.stop, atOne.ask)
      const commits = await order.read()
      t.notOk(second.released)
      t.ok(
        (await commitOfAsked(order, commits, second)) >
          (await commitOf(order, commits, atOne.stoppedBy)),
      )
      await atOne.allow()
      t.ok((await atOne.ask()).released, 'allowed again, it goes')
    })
  }
})

await t.test('a stop counts at a node whose clock is behind', async (t) => {
  const late = await node({ now: () => new Date(world.clock.now().getTime() - 60_000) })
  t.teardown(() => late.close())
  for (const stop of STOPS) {
    const [atOne, atLate] = [stop(ground, one), stop(ground, late)]
    await atOne.allow()
    world.clock.advance(600_000)
    t.ok((await atLate.ask()).released, `${atOne.name}: before, it goes`)
    await atOne.stop()
    t.notOk((await atLate.ask()).released, `${atOne.name}: after, it does not`)
    await atOne.allow()
  }
})

await t.test('withdrawal against disclosures over HTTP, on two servers [R31]', async (t) => {
  const second = await wire(
    loadConfig({
      DATABASE_URL: world.databaseUrl,
      OSTIARY_KEY_ENCRYPTION_KEY: key,
      OSTIARY_PORT: '0',
      OSTIARY_METRICS_PORT: '0',
      OSTIARY_PUBLIC_URL: world.origin,
      OSTIARY_LOG_LEVEL: 'silent',
      OSTIARY_RATE_LIMIT: '0',
      OSTIARY_TIME_GRID: '0',
      OSTIARY_MAX_EVENT_LOOP_DELAY: '0',
    }),
    { runtime: fakeRuntime(world.clock).runtime, workers: false },
  )
  t.teardown(() => second.close())
  const address = await second.listen()
  const races = [await overHttp(world.address), await overHttp(address)] as const
  expectHeld(t, await runRace(races, order, { rounds: ROUNDS.http }), ROUNDS.http)
})

await t.test('a fault that is planted shows as a late disclosure', async (t) => {
  const faults: readonly [string, { gate?: Tamper; app?: Tamper }][] = [
    ['facts read before the locks are taken', { gate: factsFirst() }],
    ['facts read from a snapshot that is older than the locks', { gate: ONE_SNAPSHOT }],
    ['a disclosure without locks', { gate: WITHOUT_LOCKS }],
    ['a withdrawal without locks', { app: WITHOUT_LOCKS }],
  ]
  for (const [name, tamper] of faults) {
    await t.test(name, async (t) => {
      const faulty = [await node({ tamper }), await node({ tamper })] as const
      t.teardown(() => Promise.all(faulty.map((one) => one.close())))
      const races = faulty.map((one) => withdrawal(ground, one)) as unknown as [Race, Race]
      const outcome = await runRace(races, order, { rounds: PATIENCE, until: 'late' })
      report(t, outcome)
      t.ok(outcome.late > 0, 'it is caught')
    })
  }
})

/** Starts `before`, which stops at the held lock, then `after`, which waits for it; lets go; gives both results. */
async function inTurn<First, Second>(
  t: Test,
  hold: number,
  before: () => Promise<First>,
  after: () => Promise<Second>,
): Promise<{ first: First; second: Second }> {
  await order.rows('select pg_advisory_lock($1::bigint)', [hold])
  const over: string[] = []
  const first = before().finally(() => over.push('first'))
  // Nobody hears of a failure before both are over.
  first.catch(() => {})
  try {
    await waiting(1)
    const second = after().finally(() => over.push('second'))
    second.catch(() => {})
    await waiting(2)
    t.same(over, [], 'the one is held and the other waits')
    await order.rows('select pg_advisory_unlock($1::bigint)', [hold])
    return { first: await first, second: await second }
  } finally {
    // Also when something went wrong before.
    await order.rows('select pg_advisory_unlock_all()')
  }
}

/** Until so many transactions of this database wait for an advisory lock. */
async function waiting(wanted: number): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const [row] = await order.rows<{ count: number }>(
      `select count(*)::integer from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())`,
    )
    if (row?.count === wanted) return
    await sleep(5)
  }
  throw new Error(`there were never ${wanted} that wait`)
}

/** The withdrawal of consent, by clients of one server. */
async function overHttp(address: string): Promise<Race> {
  const connect = ({ clientId, privateJwk }: Agency) =>
    AgencyClient.connect({ origin: world.origin, clientId, privateJwk, reach: () => address })
  const [programme, support] = [await connect(ground.programme), await connect(ground.support)]
  const acting = (agency: Agency, role: 'pp_case_manager' | 'vss_advocate') => ({
    practitioner: { id: agency.people.get(role)!.id, role },
    idempotencyKey: randomUUID(),
  })
  return {
    ...withdrawal(ground, one),
    async allow() {
      await order.rows('delete from consent')
      world.clock.advance(1000)
      const answer = await expectStatus(
        201,
        support.call('POST', '/v1/consents', {
          ...acting(ground.support, 'vss_advocate'),
          body: consentTo(ground),
        }),
      )
      ground.given.set('consent', answer.body.id)
    },
    async ask() {
      const { subjectId, purpose, field } = hers(ground)
      const { body } = await expectStatus(
        201,
        programme.call('POST', '/v1/disclosures', {
          ...acting(ground.programme, 'pp_case_manager'),
          body: { caseId: ground.caseId, subjectId, purpose, fields: [field] },
        }),
      )
      const released = body.fields.some((entry: object) => 'value' in entry)
      return { released, event: { id: body.receipt.eventId } }
    },
    async stop() {
      await expectStatus(
        200,
        support.call('POST', `/v1/consents/${ground.given.get('consent')!}/withdrawal`, {
          ...acting(ground.support, 'vss_advocate'),
        }),
      )
    },
  }
}
