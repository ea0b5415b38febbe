// The index over the audit log follows the log: nothing twice, nothing left out, whoever fills it and whenever.
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { facetsOfPublic, readPart } from '../../src/domain/audit/facets.ts'
import { INDEX_FORM, makeIndexAuditLog } from '../../src/services/index-audit-log.ts'
import * as auditIndex from '../../src/storage/audit-index.ts'
import type { Database } from '../../src/storage/database.ts'
import { makeAuditIndexer } from '../../src/workers/audit-indexer.ts'
import { type LogNode, startLogNode, tamper } from '../support/log-node.ts'

const indexer = (db: Database, batch?: number) =>
  makeIndexAuditLog({ db, storage: auditIndex, ...(batch ? { batch } : {}) })

interface Row {
  readonly event_id: string
  readonly viewer_id: string
  readonly view: string
}
const rowsOf = async ({ owner }: LogNode): Promise<Row[]> =>
  (
    await sql<Row>`
      select event_id, viewer_id, view from audit_view order by event_id, viewer_id, view`.execute(
      owner,
    )
  ).rows
const termsOf = async ({ owner }: LogNode) =>
  (await sql<{ n: number }>`select count(*)::int as n from audit_view_term`.execute(owner)).rows[0]
    ?.n

t.test('whoever follows, each event comes in once', async (t) => {
  const node = await startLogNode()
  t.teardown(() => node.close())
  const sequence = node.sequencer()
  const workers = [node.worker, node.anotherWorker(), node.anotherWorker()]
  const agencies = [randomUUID(), randomUUID()]
  const events: string[] = []
  // Events, ticks and three that index, all at the same time.
  await Promise.all([
    ...agencies.map(async (agencyId) => {
      for (let i = 0; i < 15; i++)
        events.push(...(await node.addEvents(4, agencyId)).map(({ eventId }) => eventId))
    }),
    (async () => {
      for (let i = 0; i < 12; i++) await sequence()
    })(),
    ...workers.map(async (db) => {
      for (let i = 0; i < 12; i++) await indexer(db, 7)()
    }),
  ])
  while (
    (await sql<{ n: number }>`select count(*)::int as n from log_pending`.execute(node.owner))
      .rows[0]!.n > 0
  )
    await sequence()
  await indexer(node.worker)()
  const rows = await rowsOf(node)
  const mine = rows.filter(({ view }) => view === 'actor')
  t.same(
    mine.map(({ event_id }) => event_id),
    [...events].sort(),
    'all of them, each once',
  )
  t.equal(rows.filter(({ view }) => view === 'whole').length, events.length)
  t.equal(await indexer(node.worker)(), 0, 'and nothing is left to do')

  await t.test('filled anew it is the same', async (t) => {
    const terms = await termsOf(node)
    t.equal(await indexer(node.worker)({ anew: true }), events.length)
    t.same(await rowsOf(node), rows)
    t.equal(await termsOf(node), terms)
  })
  await t.test('another form of the index fills it anew by itself', async (t) => {
    await sql`update audit_view_cursor set form = ${INDEX_FORM + 1}`.execute(node.owner)
    t.equal(await indexer(node.worker)(), events.length)
    t.same(await rowsOf(node), rows)
  })
  await t.test('a batch that fails leaves nothing, and the next round makes it good', async (t) => {
    await sql`truncate audit_view, audit_view_term, audit_view_cursor`.execute(node.owner)
    let failing = true
    const flaky = makeAuditIndexer({
      indexAuditLog: makeIndexAuditLog({
        db: node.worker,
        storage: {
          ...auditIndex,
          moveIndexCursor: async (tx, next, form) => {
            if (failing && next > 60) throw new Error('no more')
            await auditIndex.moveIndexCursor(tx, next, form)
          },
        },
        batch: 20,
      }),
      timers: { now: () => 0, after: () => () => {} },
      log: {
        info: () => {},
        error: (content) => t.match(content, { task: 'index_audit_log' }),
        fatal: () => {},
      },
    })
    await t.rejects(flaky.runNow())
    const { rows: some } = await sql<{ next_leaf: string }>`
      select next_leaf from audit_view_cursor`.execute(node.owner)
    t.ok(Number(some[0]?.next_leaf) <= 60)
    failing = false
    await flaky.runNow()
    t.same(await rowsOf(node), rows)
  })
})

t.test('an event that was tampered with does not stop the index', async (t) => {
  const node = await startLogNode()
  t.teardown(() => node.close())
  const [first] = await node.addEvents(1)
  await tamper(
    node.owner,
    `update audit_event set public_part = '{"entries": [3', private_part = '[]' where id = '${first?.eventId}'`,
  )
  await node.addEvents(3)
  await node.sequencer()()
  t.equal(await indexer(node.worker)(), 4)
})

t.test('only codes and ids get into the index', async (t) => {
  const facets = facetsOfPublic(
    readPart(
      JSON.stringify({
        purpose: 'because she told me so',
        outcome: { value: 'full' },
        exception: '=1+1',
        disclosureId: 'Orchard Road 12',
        refused: 'He waited for her',
        requested: ['person.full_name', 'Ana Novak', '', 'a'.repeat(300), 7, null],
        entries: [
          {
            field: 'person.*',
            rules: ['F9', 'drop table x'],
            reasons: [{ code: 'no_rule' }, 'x y'],
          },
          'Ana',
        ],
        parties: ['not an id', 'd3b07384-d9a0-4c9b-8f5a-3b2c1d0e9f8a'],
      }),
    ),
  )
  t.same(facets, {
    outcome: 'refused',
    fields: ['person.*', 'person.full_name'],
    released: [],
    rules: ['F9'],
    reasons: ['no_rule'],
    parties: ['d3b07384-d9a0-4c9b-8f5a-3b2c1d0e9f8a'],
  })
  for (const text of [
    '',
    'null',
    '7',
    '[]',
    '{"entries":{}}',
    '{"entries":[[]],"items":[{"recipient":1}]}',
  ])
    t.same(facetsOfPublic(readPart(text)).fields, [], text)
})

t.test('by SQL of its own an agency gets at nothing more', async (t) => {
  const node = await startLogNode()
  t.teardown(() => node.close())
  const [mine, others] = [randomUUID(), randomUUID()]
  await node.addEvents(3, mine)
  const [foreign] = await node.addEvents(2, others)
  await node.sequencer()()
  await indexer(node.worker)()
  const asMine = <Found>(text: string) =>
    node.transact(mine, async (tx) => (await sql.raw<Found>(text).execute(tx)).rows)
  t.equal((await asMine('select from audit_view')).length, 3)
  t.same(await asMine(`select from audit_view where view = 'whole' or viewer_id <> '${mine}'`), [])
  t.same(await asMine(`select from audit_view_term where viewer_id <> '${mine}'`), [])
  t.same(await asMine(`select * from gate_audit_event('${foreign?.eventId}')`), [])
  t.same(await asMine(`select * from gate_audit_proof('${foreign?.eventId}')`), [])
  t.same(await asMine('select my_authority() as viewer'), [{ viewer: null }])
  for (const statement of [
    `insert into audit_view select (v).* from (select v from audit_view v) v`,
    `update audit_view set view = 'whole'`,
    'delete from audit_view',
    'truncate audit_view',
    'delete from audit_view_term',
    'update audit_view_cursor set next_leaf = 0',
    'select private_part from audit_event',
  ])
    await t.rejects(asMine(statement), { code: '42501' }, statement)
})
