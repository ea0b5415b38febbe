import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { verifyLog } from '../../src/cli/verify-log.ts'
import { logIdentity, openCheckpoint, signCheckpoint } from '../../src/domain/log/checkpoint.ts'
import {
  identityWithHistory,
  openKeyHistory,
  type KeyPeriod,
} from '../../src/domain/log/key-history.ts'
import { verifyReceipt } from '../../src/domain/log/receipt.ts'
import { parseVkey } from '../../src/domain/log/vkey.ts'
import * as logKeys from '../../src/storage/log-keys.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { createTestDatabase, emptyTemplate } from '../support/database.ts'
import {
  openHistory,
  openReceipt,
  openSigned,
  readWholeLog,
  rootsOf,
} from '../support/independent-verifier.ts'
import { checkpointsOf, keptNode, receiptOf } from '../support/kept-log.ts'
import { tamper } from '../support/log-node.ts'

t.test('a rotation with overlap, then one without, then one in haste', async (t) => {
  const { node, keysOfNode, rotate } = await keptNode(t)
  const keys = keysOfNode()
  const sequence = node.sequencer({ keys: keys.forTick })
  const [event] = await node.addEvents(1)
  t.match(await sequence(), { state: 'published', size: 4 })
  const early = await receiptOf(node, event!.eventId)
  t.equal(await keys.newest(), node.vkey)

  const second = await rotate({ overlap: 3600 })
  t.match(second, { fromSize: 4 })
  t.ok(Math.abs(second.oldUntil!.getTime() - Date.now() - 3_600_000) < 60_000)
  t.equal(await keys.newest(), second.vkey, 'without a restart')
  await sequence()
  const overlapping = (await checkpointsOf(node)).at(-1)!
  t.same(openSigned(overlapping.note, [node.vkey, second.vkey]).signers, [node.vkey, second.vkey])
  t.equal((await readWholeLog(node.fetch, node.vkey)).size, 8, 'for who knows the old key')
  t.equal((await readWholeLog(node.fetch, second.vkey)).size, 8, 'for who knows the new one')

  // The end of the overlap comes: the next tick ends the old key.
  await sql`update log_key set signs_until = now() - interval '1 second' where kid = 'first'`.execute(
    node.owner,
  )
  await sequence()
  const after = (await checkpointsOf(node)).at(-1)!
  t.throws(() => openSigned(after.note, node.vkey), { message: 'not signed by this key' })
  t.same(openSigned(after.note, second.vkey).size, 12)
  const told = await keys.history()
  const periods = openHistory(told, [node.vkey])
  t.same(periods, [
    { vkey: node.vkey, from: 0, until: 8, compromised: false },
    { vkey: second.vkey, from: 4, until: Infinity, compromised: false },
  ])
  t.same(openHistory(told, [second.vkey]), periods)
  t.equal(await keys.history(), told)

  const third = await rotate({ overlap: 0 })
  t.match(third, { fromSize: 12, oldUntil: null })
  await sequence()
  const fourth = await rotate({ compromised: true })
  t.match(fourth, { fromSize: 16, oldUntil: null })
  t.same(
    openHistory(await keys.history(), [fourth.vkey]).map(({ from, until, compromised }) => {
      return [from, until, compromised]
    }),
    [
      [0, 8, true],
      [4, 12, true],
      [12, 16, true],
      [16, Infinity, false],
    ],
  )
  t.throws(() => openHistory(told.replace('ended', 'signs'), [node.vkey]))
  const note = await keys.history()
  for (const { vkey } of [third, second])
    t.throws(() => openHistory(note, [vkey]), { message: 'not signed by this key' })
  t.match(await sequence(), { state: 'published', size: 20 }, 'goes on from what a lost key signed')
  t.match(await node.sequencer({ keys: keysOfNode().forTick })(), { size: 24 }, 'on a fresh node')

  await t.test('an old receipt verifies for ever', async (t) => {
    t.equal(openReceipt(early, node.vkey).tree.size, 4)
    const opened = openKeyHistory(await keys.history(), logIdentity(fourth.vkey)!)
    const periods = opened.ok ? opened.value : []
    t.equal(periods.length, 4)
    const identity = identityWithHistory(logIdentity(fourth.vkey)!, [fourth.vkey], periods)
    t.ok(verifyReceipt(early, identity).ok, 'by the history, for who knows the new key alone')
    t.ok(verifyReceipt(early, logIdentity(node.vkey)!).ok)
    t.match(verifyReceipt(early, logIdentity(fourth.vkey)!), { reason: 'no_known_signature' })
    const known = (await checkpointsOf(node)).slice(0, 1).map(({ note }) => {
      const opened = openCheckpoint(note, identity)
      if (!opened.ok) throw new Error(opened.reason)
      return opened.value.checkpoint
    })
    t.match(await verifyLog({ read: node.fetch, vkey: fourth.vkey, known }), { ok: true, known: 1 })

    // What a thief signs with the lost key counts for nothing beyond its end.
    const forged = { origin: node.key.name, size: 40, root: known[0]!.root, extensions: [] }
    t.match(openCheckpoint(signCheckpoint(forged, node.key), identity), { reason: 'key_ended' })
  })

  await t.test('each rotation is an event of the log', async (t) => {
    const events = await node.owner
      .selectFrom('audit_event')
      .innerJoin('log_position', 'event_id', 'id')
      .select(['public_part', 'private_part'])
      .where('type', '=', 'key.rotated')
      .orderBy('leaf_index')
      .execute()
    t.same(
      events.map(({ public_part }) => JSON.parse(public_part).vkey).sort(),
      [second, third, fourth].map(({ vkey }) => vkey).sort(),
    )
  })

  await t.test('seeds of lost keys are gone', async (t) => {
    const rows = await logKeys.listLogKeys(node.owner)
    t.same(
      rows.map(({ sealedPrivate }) => sealedPrivate.length > rows.at(-1)!.sealedPrivate.length),
      [true, true, true, false],
      'in their place lies something else',
    )
  })
})

t.test('keys that were planted or moved stop the log', async (t) => {
  const { node, keysOfNode, rotate } = await keptNode(t)
  const sequence = node.sequencer({ keys: keysOfNode().forTick })
  await sequence()
  await rotate({ compromised: true })
  await sequence()
  const fresh = () => node.sequencer({ keys: keysOfNode().forTick })()
  const size = (await checkpointsOf(node)).at(-1)!.size
  const stranger = (await rotate({ overlap: 60 })).vkey
  for (const [change, back] of [
    [
      `update log_key set until_size = 1000000 where kid = 'first'`,
      `update log_key set until_size = 4 where kid = 'first'`,
    ],
    [
      `update log_key set compromised = false, until_size = null, until_time = null where kid = 'first'`,
      `update log_key set compromised = true, until_size = 4, until_time = now() where kid = 'first'`,
    ],
    [
      `update log_key set vkey = '${stranger}x' where kid = 'first'`,
      `update log_key set vkey = '${node.vkey}' where kid = 'first'`,
    ],
  ] as const) {
    await t.rejects(sql.raw(change).execute(node.owner), /only grows/, 'the database refuses it')
    await tamper(node.owner, change)
    await t.rejects(fresh(), /does not match|no verifier key/)
    await t.rejects(sequence(), /does not match|no verifier key/, 'nor on a node that knew it')
    await tamper(node.owner, back)
  }
  await t.rejects(sql`delete from log_key`.execute(node.owner))
  await tamper(
    node.owner,
    `update log_key set until_size = 8, until_time = now()
    where until_size is null`,
  )
  await t.rejects(fresh(), { message: 'the log has no key that signs' })
  t.equal((await checkpointsOf(node)).at(-1)!.size, size, 'nothing was signed')
})

t.test('rotation under load with two sequencers', async (t) => {
  const { node, keysOfNode, rotate } = await keptNode(t)
  const nodes = [
    node.sequencer({ keys: keysOfNode().forTick }),
    node.sequencer({ db: node.anotherWorker(), keys: keysOfNode(node.worker).forTick }),
  ]
  const state = { over: false }
  const states: string[] = []
  const receipts: Awaited<ReturnType<typeof receiptOf>>[] = []
  const tickers = nodes.map(async (sequence) => {
    while (!state.over) states.push((await sequence()).state)
  })
  const writer = (async () => {
    while (!state.over) {
      const [first] = await node.addEvents(3)
      await nodes[0]!()
      const placed = await node.owner
        .selectFrom('log_position')
        .select('event_id')
        .where('event_id', '=', first!.eventId)
        .executeTakeFirst()
      if (placed) receipts.push(await receiptOf(node, first!.eventId))
    }
  })()
  const rotations = []
  for (const options of [
    { overlap: 1 },
    { overlap: 1 },
    { overlap: 0 },
    { compromised: true },
    { overlap: 1 },
    { overlap: 3600 },
  ]) {
    await new Promise((resolve) => setTimeout(resolve, 400))
    rotations.push(await rotate(options))
  }
  await new Promise((resolve) => setTimeout(resolve, 1200))
  state.over = true
  await Promise.all([...tickers, writer])
  await nodes[0]!()

  t.notOk(states.includes('refused'))
  t.ok(states.filter((tick) => tick === 'published').length > 10)
  const history = openHistory(await keysOfNode().history(), [rotations.at(-1)!.vkey])
  t.equal(history.length, 7)
  const all = history.map(({ vkey }) => vkey)
  const checkpoints = await checkpointsOf(node)
  const { entries } = await readWholeLog(node.fetch, all)
  const rootAt = rootsOf(entries)
  let both = 0
  for (const { size, note } of checkpoints) {
    const tree = openSigned(note, all)
    // One tree, of which every checkpoint is a beginning; and signed by who should, and nobody else.
    if (!tree.root.equals(rootAt(size))) t.fail(`a fork at ${size}`)
    const wanted = history.filter(({ from, until }) => from < size && size <= until)
    if (wanted.length === 0) t.fail(`no valid key at ${size}`)
    t.same(
      tree.signers,
      wanted.map(({ vkey }) => vkey),
      `signers of ${size}`,
    )
    if (wanted.length > 1) both += 1
  }
  t.ok(both > 0, 'some were signed by two')
  t.ok(receipts.length > 3)
  const periods: KeyPeriod[] = history.map(({ vkey, from, until, compromised }) => ({
    vkey,
    fromSize: from,
    fromTime: new Date(0),
    untilSize: until === Infinity ? null : until,
    untilTime: null,
    compromised,
  }))
  const identity = identityWithHistory(logIdentity(all)!, all, periods)
  for (const receipt of receipts) {
    openReceipt(receipt, all)
    if (!verifyReceipt(receipt, identity).ok) t.fail(`a receipt of size ${receipt.treeSize}`)
  }
  t.comment(
    `${checkpoints.length} checkpoints, ${both} with several signatures, ${receipts.length} receipts, ${rotations.length} rotations`,
  )
  t.ok(all.every((vkey) => parseVkey(vkey)?.name === node.key.name))
})

t.test('a log that is older than the history of its keys', async (t) => {
  const migrations = join(import.meta.dirname, '../../migrations')
  const early = await mkdtemp(join(tmpdir(), 'ostiary-migrations-'))
  const database = await createTestDatabase(emptyTemplate)
  const client = new pg.Client({ connectionString: database.url })
  t.teardown(async () => {
    await client.end()
    await database.drop()
    await rm(early, { recursive: true })
  })
  for (const file of await readdir(migrations))
    if (file < '0021') await cp(join(migrations, file), join(early, file))
  await migrate(database.url, early)
  await client.connect()
  await client.query(`insert into key_epoch (epoch, check_value) values (1, 'x');
    insert into server_key (kid, purpose, sealed_private, public_key, key_epoch, signs_from)
    values ('log-1', 'log', 'x', '{"vkey": "log.example+00000000+AAAA"}', 1, '2026-01-01T00:00:00Z'),
      ('token-1', 'token', 'x', '{}', 1, now())`)
  await migrate(database.url, migrations)
  const { rows } = await client.query('select * from log_key')
  t.match(rows, [
    {
      kid: 'log-1',
      vkey: 'log.example+00000000+AAAA',
      from_size: '0',
      from_time: new Date('2026-01-01T00:00:00Z'),
      until_size: null,
      compromised: false,
    },
  ])
})
