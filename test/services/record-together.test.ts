// Events that stand alone share commits, and each is as good as one that was written by itself.
import { createHash, randomUUID } from 'node:crypto'
import t from 'tap'
import type { SealedEvent } from '../../src/domain/log/event.ts'
import { makeRecordTogether } from '../../src/services/record-together.ts'
import * as auditEvents from '../../src/storage/audit-events.ts'
import type { Database, Tx } from '../../src/storage/database.ts'
import { readWholeLog } from '../support/independent-verifier.ts'
import { startLogNode } from '../support/log-node.ts'

const node = await startLogNode()
t.teardown(() => node.close())
const groups: number[] = []
const storage = {
  insertEvents: (db: Database | Tx, events: readonly SealedEvent[]) => {
    groups.push(events.length)
    return auditEvents.insertEvents(db, events)
  },
}
const record = makeRecordTogether({
  ...{ db: node.worker, storage, runtime: node.runtime, origin: 'exchange.example/log' },
})
const statement = (i: number) => ({
  type: 'signin.token_issued' as const,
  agencyId: randomUUID(),
  requestId: randomUUID(),
  public: { scopes: [`"quoted", {braced} \\ ${i}`], keyThumbprint: null },
  private: {},
})

t.test('what comes together is written together', async (t) => {
  const receipts = await Promise.all(Array.from({ length: 300 }, (_, i) => record(statement(i))))
  t.same(groups, [1, 1, 128, 128, 42])
  const rows = await node.owner
    .selectFrom('audit_event as e')
    .innerJoin('audit_salt as s', 's.event_id', 'e.id')
    .innerJoin('log_pending as l', 'l.event_id', 'e.id')
    .select(['e.id', 'e.public_part'])
    .orderBy('l.seq')
    .execute()
  t.same(
    rows.map(({ id }) => id).toSorted(),
    receipts.map(({ eventId }) => eventId).toSorted(),
    'every one once',
  )
  const texts = new Map(rows.map(({ id, public_part: text }) => [id, JSON.parse(text).scopes[0]]))
  t.ok(
    receipts.every(({ eventId }, i) => texts.get(eventId).endsWith(` ${i}`)),
    'and each its own',
  )
  await node.sequencer()()
  const log = await readWholeLog(node.fetch, node.vkey)
  const leaves = new Set(
    log.entries.map((entry) =>
      createHash('sha256').update(Buffer.of(0)).update(entry).digest('base64url'),
    ),
  )
  t.ok(
    receipts.every(({ leafHash }) => leaves.has(leafHash)),
    'and each receipt is a leaf',
  )
})

t.test('a group that fails is refused, and the next one is not', async (t) => {
  const broken = makeRecordTogether({
    db: node.worker,
    storage: {
      insertEvents: async (tx, events) => {
        if (events.length > 1) throw new Error('the database is away')
        await auditEvents.insertEvents(tx, events)
      },
    },
    runtime: node.runtime,
    origin: 'exchange.example/log',
  })
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map((i) => broken(statement(i))))
  t.same(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  )
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'audit_unavailable' })
  await t.resolves(broken(statement(5)))
})
