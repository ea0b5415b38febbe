import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { leafHash } from '../../src/domain/log/hash.ts'
import type { Tx } from '../../src/storage/database.ts'
import * as logAppend from '../../src/storage/log-append.ts'
import * as log from '../../src/storage/log.ts'
import type { Sequenced, SequenceLog } from '../../src/services/sequence-log.ts'
import { verifyLog } from '../../src/cli/verify-log.ts'
import { makeSequencer } from '../../src/workers/sequencer.ts'
import type { LogContent, WorkerLog } from '../../src/workers/worker-log.ts'
import { readWholeLog } from '../support/independent-verifier.ts'
import { type LogNode, startLogNode, tamper } from '../support/log-node.ts'
import { ManualTimers } from '../support/manual-timers.ts'

async function nodeFor(t: Test): Promise<LogNode> {
  const node = await startLogNode()
  t.teardown(() => node.close())
  return node
}

/** Where every event stands, and what is still pending. */
async function bookkeeping({ worker }: LogNode) {
  const positions = await worker.selectFrom('log_position').selectAll().execute()
  const pending = await worker.selectFrom('log_pending').select('event_id').execute()
  const checkpoints = await worker
    .selectFrom('log_checkpoint')
    .select(['size', 'previous'])
    .orderBy('size')
    .execute()
  return {
    at: new Map(positions.map((row) => [row.event_id, Number(row.leaf_index)])),
    pending: pending.length,
    checkpoints: checkpoints.map(({ size, previous }) => ({
      size: Number(size),
      previous: previous === null ? null : Number(previous),
    })),
  }
}

/** Everything that a tick writes, as text, to see that nothing of it changed. */
async function everything({ owner }: LogNode): Promise<unknown> {
  const { rows } = await sql`select
    (select json_agg(t order by level, tile_index) from log_tile t) tiles,
    (select json_agg(b order by bundle_index) from log_bundle b) bundles,
    (select json_agg(c order by size) from log_checkpoint c) checkpoints,
    (select json_agg(p order by event_id) from log_position p) positions,
    (select json_agg(w order by seq) from log_pending w) pending`.execute(owner)
  return rows[0]
}

t.test('every tick appends a full batch, whatever happened', async (t) => {
  const node = await nodeFor(t)
  const sequence = node.sequencer()
  t.equal(await node.fetch('checkpoint'), undefined, 'nothing is published by itself')

  const receipts = []
  let size = 0
  for (const [events, growth] of [
    [0, 4],
    [1, 4],
    [3, 4],
    [4, 8],
    [5, 8],
    [9, 16],
    [0, 4],
    [300, 512],
  ] as const) {
    receipts.push(...(await node.addEvents(events)))
    t.same(await sequence(), { state: 'published', size: (size += growth), events })
    const read = await readWholeLog(node.fetch, node.vkey)
    t.equal(read.size, size)
    t.ok(read.entries.every(({ length }) => length === 64))
    t.equal(new Set(read.entries.map(String)).size, size, 'no two entries are alike')
  }

  const { at, pending } = await bookkeeping(node)
  t.equal(pending, 0)
  t.equal(at.size, receipts.length)
  t.equal(new Set(at.values()).size, receipts.length)
  const { entries } = await readWholeLog(node.fetch, node.vkey)
  for (const receipt of receipts) {
    const entry = entries[at.get(receipt.eventId)!]!
    t.equal(Buffer.from(leafHash(entry)).toString('base64url'), receipt.leafHash)
  }
})

t.test(
  'the place in a batch tells nothing, and a full tick leaves the rest to the next',
  async (t) => {
    const node = await nodeFor(t)
    const sequence = node.sequencer()
    const places = new Set<number>()
    for (let i = 0; i < 40; i++) {
      const [receipt] = await node.addEvents(1)
      await sequence()
      places.add((await bookkeeping(node)).at.get(receipt!.eventId)! % 4)
    }
    t.equal(places.size, 4, 'each place of the batch was taken')

    await node.addEvents(20)
    const bounded = node.sequencer({ most: 8 })
    const events = [await bounded(), await bounded(), await bounded()].map(
      (tick) => tick.state === 'published' && tick.events,
    )
    t.same(events, [7, 7, 6], 'one place is the anchor’s')
    await readWholeLog(node.fetch, node.vkey)
  },
)

t.test('an event that waits twice does not hold up the log', async (t) => {
  const node = await nodeFor(t)
  const [receipt] = await node.addEvents(1)
  await sql`insert into log_pending (event_id, entry) select event_id, entry from log_pending`.execute(
    node.owner,
  )
  t.match(await node.sequencer()(), { state: 'published', events: 2 })
  await sql`insert into log_pending (event_id, entry)
    values (${receipt!.eventId}, decode(repeat('ab', 64), 'hex'))`.execute(node.owner)
  const before = (await bookkeeping(node)).at.get(receipt!.eventId)
  t.match(await node.sequencer()(), { state: 'published', events: 1 })
  t.equal((await bookkeeping(node)).at.get(receipt!.eventId), before, 'the first position stands')
  t.equal((await readWholeLog(node.fetch, node.vkey)).size, 8)
})

t.test('two sequencers at once', async (t) => {
  const node = await nodeFor(t)
  const receipts: string[] = []
  const add = async (count: number) =>
    receipts.push(...(await node.addEvents(count)).map(({ eventId }) => eventId))
  /** All events once, one chain of checkpoints, a log that reads. */
  const check = async () => {
    const { at, pending, checkpoints } = await bookkeeping(node)
    t.equal(pending, 0)
    t.same([...at.keys()].sort(), receipts.toSorted())
    t.same(
      checkpoints.map(({ previous }) => previous),
      [null, ...checkpoints.map(({ size }) => size).slice(0, -1)],
    )
    t.equal((await readWholeLog(node.fetch, node.vkey)).size, checkpoints.at(-1)!.size)
  }

  await t.test('share the work by the lock', async (t) => {
    const nodes = [node.sequencer(), node.sequencer({ db: node.anotherWorker() })]
    const states: string[] = []
    for (let round = 0; round < 15; round++) {
      const ticks = nodes.flatMap((sequence) => [sequence(), sequence()])
      await add(3)
      for (const tick of await Promise.all(ticks)) states.push(tick.state)
    }
    await nodes[0]!()
    t.ok(states.includes('published'))
    t.ok(states.includes('skipped'))
    await check()
  })

  await t.test('cannot fork the log even without the lock', async (t) => {
    // Each waits, with what it has read, until the other has read as well.
    const lost: unknown[] = []
    for (let round = 0; round < 25; round++) {
      const meet = barrier(2)
      const reckless = (db = node.worker, batch = 4) =>
        node.sequencer({
          db,
          batch,
          storage: {
            log,
            append: {
              ...logAppend,
              trySequencerLock: async () => true,
              listPending: async (tx: Tx, most: number) => {
                const pending = await logAppend.listPending(tx, most)
                await meet()
                return pending
              },
            },
          },
        })
      await add(round % 3)
      const outcomes = await Promise.allSettled([
        reckless()(),
        // Another batch, so that the two would have different sizes.
        reckless(node.worker, 8)(),
      ])
      t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const outcome of outcomes) if (outcome.status === 'rejected') lost.push(outcome.reason)
    }
    t.equal(lost.length, 25)
    await check()
  })
})

/** Resolves for everybody once `count` have come. */
function barrier(count: number): () => Promise<void> {
  const all = Promise.withResolvers<void>()
  let come = 0
  return () => {
    if (++come === count) all.resolve()
    return all.promise
  }
}

t.test('a connection that breaks anywhere leaves nothing of the tick', async (t) => {
  const node = await nodeFor(t)
  await node.addEvents(250)
  await node.sequencer()()
  const receipts = await node.addEvents(30)
  const before = await everything(node)

  const steps = Object.keys(logAppend) as (keyof typeof logAppend)[]
  // Not reached by this tick: there is a checkpoint, and no pause was asked for.
  const reached = steps.filter((name) => name !== 'hasEntries' && name !== 'publicationAge')
  t.equal(reached.length, 10)
  for (const name of reached) {
    for (const when of ['before', 'after'] as const) {
      const step = logAppend[name] as (tx: Tx, ...rest: unknown[]) => Promise<unknown>
      let killed = 0
      const breaking = async (tx: Tx, ...rest: unknown[]) => {
        const result = when === 'after' ? await step(tx, ...rest) : undefined
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
        await sql`select pg_terminate_backend(${rows[0]!.pid}, 5000)`.execute(node.owner)
        killed += 1
        return when === 'after' ? result : step(tx, ...rest)
      }
      const sequence = node.sequencer({
        storage: { log, append: { ...logAppend, [name]: breaking } },
      })
      await t.rejects(sequence(), `${when} ${name}`)
      t.equal(killed, 1)
      t.same(await everything(node), before, `${when} ${name}: nothing of it is there`)
    }
  }

  t.match(await node.sequencer()(), { state: 'published', events: 30 })
  const { at } = await bookkeeping(node)
  t.ok(receipts.every(({ eventId }) => at.has(eventId)))
  await readWholeLog(node.fetch, node.vkey)
})

t.test('a log that was tampered with is not continued', async (t) => {
  const node = await nodeFor(t)
  await node.addEvents(290)
  const sequence = node.sequencer()
  await sequence()
  await node.sequencer({ batch: 8 })()
  const size = 520
  const flip = (column: string) =>
    `overlay(${column} placing set_byte(substring(${column} from 1 for 1), 0, get_byte(${column}, 0) # 1) from 1)`

  const cases: [what: string, statement: string, undo: string, fault: string, seen: string][] = [
    [
      'a tile of the edge',
      `update log_tile set bytes = ${flip('bytes')} where level = 0 and tile_index = 2`,
      `update log_tile set bytes = ${flip('bytes')} where level = 0 and tile_index = 2`,
      'tiles_damaged',
      'tile_differs',
    ],
    [
      'the tile above',
      `update log_tile set bytes = ${flip('bytes')} where level = 1 and tile_index = 0`,
      `update log_tile set bytes = ${flip('bytes')} where level = 1 and tile_index = 0`,
      'tiles_damaged',
      'tile_differs',
    ],
    [
      'an entry of the last bundle',
      `update log_bundle set bytes = set_byte(bytes, 9, get_byte(bytes, 9) # 1) where bundle_index = 2`,
      `update log_bundle set bytes = set_byte(bytes, 9, get_byte(bytes, 9) # 1) where bundle_index = 2`,
      'bundle_damaged',
      'tile_differs',
    ],
    [
      'the root of the checkpoint',
      `update log_checkpoint set root = ${flip('root')} where size = ${size}`,
      `update log_checkpoint set root = ${flip('root')} where size = ${size}`,
      'checkpoint_rolled_back',
      '',
    ],
    [
      'the note of the checkpoint',
      `update log_checkpoint set note = replace(note, '${size}', '521') where size = ${size}`,
      `update log_checkpoint set note = replace(note, '521', '${size}') where size = ${size}`,
      'checkpoint_forged',
      'bad_signature',
    ],
  ]
  for (const [what, statement, undo, fault, seen] of cases) {
    await node.addEvents(1)
    await tamper(node.owner, statement)
    const before = await everything(node)
    t.same(await node.sequencer()(), {
      state: 'refused',
      fault: fault === 'checkpoint_rolled_back' ? 'checkpoint_forged' : fault,
    })
    t.same(await everything(node), before, `${what}: nothing was appended or signed`)
    const report = await verifyLog({ read: node.fetch, vkey: node.vkey })
    if (seen) {
      t.match(report, { ok: false, code: seen }, `${what}: seen from outside`)
      await t.rejects(readWholeLog(node.fetch, node.vkey), what)
    }
    await tamper(node.owner, undo)
    t.match(await verifyLog({ read: node.fetch, vkey: node.vkey }), { ok: true, size })
  }

  await t.test('nor one whose database was put back', async (t) => {
    const fresh = node.sequencer()
    const told = await fresh()
    t.match(told, { state: 'published' })
    const now = told.state === 'published' ? told.size : 0
    // The checkpoint alone: the tiles are too wide for the one before.
    await tamper(
      node.owner,
      `create table kept as select * from log_checkpoint where size = ${now}`,
    )
    await tamper(node.owner, `delete from log_checkpoint where size = ${now}`)
    t.same(await node.sequencer()(), { state: 'refused', fault: 'tiles_damaged' })
    t.same(await fresh(), { state: 'refused', fault: 'checkpoint_rolled_back' })
    await tamper(node.owner, 'insert into log_checkpoint select * from kept')
    t.match(await fresh(), { state: 'published' })

    await tamper(node.owner, 'delete from log_checkpoint')
    t.same(await node.sequencer()(), { state: 'refused', fault: 'checkpoint_missing' })
    for (const table of ['log_tile', 'log_bundle', 'log_position'])
      await tamper(node.owner, `delete from ${table}`)
    t.same(await fresh(), { state: 'refused', fault: 'checkpoint_rolled_back' })
  })
})

t.test('what the database itself refuses', async (t) => {
  const node = await nodeFor(t)
  await node.addEvents(3)
  await node.sequencer()()
  await sql`insert into release_ledger (disclosure_id, record_id, record_version, case_id, source_agency_id,
      recipient_agency_id, fields, purpose, released_at)
    values (gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{}', 'housing', now())`.execute(
    node.owner,
  )

  // The owner's own rights do not help: these tables refuse by trigger.
  const appendOnly: [table: string, column: string][] = [
    ['audit_event', 'type'],
    ['audit_salt', 'public_salt'],
    ['log_position', 'leaf_index'],
    ['log_checkpoint', 'note'],
    ['release_ledger', 'purpose'],
  ]
  for (const [table, column] of appendOnly)
    for (const statement of [
      `update ${table} set ${column} = ${column}`,
      `delete from ${table}`,
      `truncate ${table} cascade`,
    ])
      await t.rejects(sql.raw(statement).execute(node.owner), { code: '23001' }, statement)
  for (const statement of [
    `update log_tile set bytes = decode(repeat('00', 160), 'hex'), width = 5`,
    `update log_tile set width = 4`,
    `update log_tile set tile_index = 7`,
    `delete from log_tile`,
    `truncate log_tile`,
    `update log_bundle set bytes = bytes || bytes`,
    `update log_bundle set bundle_index = 7`,
    `delete from log_bundle`,
    `truncate log_bundle`,
  ])
    await t.rejects(sql.raw(statement).execute(node.owner), { code: '23001' }, statement)

  // One chain: no second successor, no second beginning.
  const insert = (size: number, previous: string) =>
    `insert into log_checkpoint (size, root, note, previous) values (${size}, decode(repeat('00', 32), 'hex'), 'x', ${previous})`
  await node.sequencer()()
  await t.rejects(sql.raw(insert(12, '4')).execute(node.owner), { code: '23505' })
  await t.rejects(sql.raw(insert(12, 'null')).execute(node.owner), { code: '23505' })
  await t.rejects(sql.raw(insert(12, '11')).execute(node.owner), { code: '23503' })

  // The app role writes events and reads what is public.
  const refused = { code: '42501' }
  const agencyId = randomUUID()
  await node.addEvents(1, agencyId)
  for (const statement of [
    'select private_part from audit_event',
    'select * from audit_event',
    'select * from audit_salt',
    'select * from log_pending',
    'select * from log_position',
    'delete from log_pending',
    'update log_tile set width = 9',
    `insert into log_checkpoint (size, root, note) values (99, '', '')`,
    `select * from gate_proof(gen_random_uuid()); select private_part from audit_event`,
  ])
    await t.rejects(
      node.transact(agencyId, (tx) => sql.raw(statement).execute(tx)),
      refused,
      statement,
    )
  const own = await node.transact(agencyId, (tx) =>
    sql`select public_part from audit_event`.execute(tx),
  )
  t.equal(own.rows.length, 1, 'its own event alone')
  for (const statement of [
    'update log_tile set level = 1',
    'delete from log_tile',
    'delete from log_checkpoint',
  ])
    await t.rejects(sql.raw(statement).execute(node.worker), refused, `worker: ${statement}`)
})

t.test('the worker', async (t) => {
  const lines: [level: string, content: LogContent][] = []
  const write = (level: string) => (content: LogContent) => void lines.push([level, content])
  const workerLog: WorkerLog = { info: write('info'), error: write('error'), fatal: write('fatal') }

  await t.test('ticks on the grid, one at a time, and goes on after failures', async (t) => {
    const timers = new ManualTimers(1_700_000_003_456)
    const asked: number[] = []
    let answer: () => Promise<Sequenced> = async () => ({ state: 'published', size: 4, events: 1 })
    const sequenceLog: SequenceLog = ({ notWithin } = {}) => {
      asked.push(timers.now())
      t.equal(notWithin, 5000)
      return answer()
    }
    const sequencer = makeSequencer({ sequenceLog, tick: 10_000, timers, log: workerLog })
    sequencer.start()
    sequencer.start()
    await timers.advance(6_544)
    t.same(asked, [1_700_000_010_000], 'one chain, at a multiple of the tick')
    t.same(sequencer.status(), { goodAt: 1_700_000_010_000, treeSize: 4, failures: 0 })

    const broken = Object.assign(new Error('value 0815 of Ana'), { code: '57P01' })
    answer = () => Promise.reject(broken)
    await timers.advance(20_000)
    t.same(asked.slice(1), [1_700_000_020_000, 1_700_000_030_000])
    t.equal(sequencer.status().failures, 2)
    t.same(lines, [
      ['error', { task: 'sequence_log', errorClass: 'Error', errorCode: '57P01' }],
      ['error', { task: 'sequence_log', errorClass: 'Error', errorCode: '57P01' }],
    ])

    // A tick that takes long leaves out points of the grid.
    lines.length = 0
    const slow = Promise.withResolvers<Sequenced>()
    answer = () => slow.promise
    await timers.advance(35_000)
    t.equal(asked.length, 4)
    answer = async () => ({ state: 'refused', fault: 'tiles_damaged' })
    slow.resolve({ state: 'skipped', why: 'other_sequencer' })
    await timers.advance(10_000)
    t.same(asked.slice(4), [1_700_000_070_000])
    t.same(lines, [['fatal', { task: 'sequence_log', code: 'tiles_damaged' }]])
    t.match(sequencer.status(), { fault: 'tiles_damaged' })

    answer = async () => ({ state: 'skipped', why: 'other_sequencer' })
    await timers.advance(10_000)
    t.match(sequencer.status(), { fault: 'tiles_damaged' }, 'the other may be refusing as well')
    answer = async () => ({ state: 'skipped', why: 'too_soon' })
    await timers.advance(10_000)
    t.equal(sequencer.status().fault, undefined)

    // Stopping waits for the tick under way, and no other begins.
    const last = Promise.withResolvers<Sequenced>()
    answer = () => last.promise
    await timers.advance(10_000)
    let stopped = false
    const stopping = sequencer.stop().then(() => (stopped = true))
    await timers.advance(60_000)
    t.notOk(stopped)
    last.resolve({ state: 'published', size: 8, events: 0 })
    await stopping
    const count = asked.length
    await timers.advance(60_000)
    t.equal(asked.length, count)
    t.equal(timers.waiting, 0)

    // A clock that is put back by hours does not stop the ticks until it has caught up.
    answer = async () => ({ state: 'published', size: 8, events: 0 })
    sequencer.start()
    await timers.advance(10_000)
    timers.putBack(7_200_000)
    await timers.advance(20_000)
    t.ok(asked.length >= count + 2)
    await sequencer.stop()
  })

  await t.test('leaves a tick to the node that came first', async (t) => {
    const node = await nodeFor(t)
    const timers = new ManualTimers(0)
    const nodes = [node.worker, node.anotherWorker()].map((db) =>
      makeSequencer({ sequenceLog: node.sequencer({ db }), tick: 60_000, timers, log: workerLog }),
    )
    for (const sequencer of nodes) sequencer.start()
    await timers.advance(60_000)
    await Promise.all(nodes.map((sequencer) => sequencer.stop()))
    t.equal((await bookkeeping(node)).checkpoints.length, 1, 'one publication for both')
    t.ok(nodes.every((sequencer) => sequencer.status().failures === 0))

    t.match(await nodes[1]!.tickNow(), { state: 'published', size: 8 }, 'by hand, at any time')
    await node.database.drop()
    await t.rejects(nodes[0]!.tickNow())
    t.equal(nodes[0]!.status().failures, 1)
  })
})
