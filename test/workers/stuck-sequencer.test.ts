// The last resort against a stuck tick: a session that the database's own limits do not reach is ended by another node.
import pg from 'pg'
import t from 'tap'
import { makeFreeSequencer } from '../../src/services/free-sequencer.ts'
import * as stuck from '../../src/storage/stuck-sequencer.ts'
import { makeSequencer } from '../../src/workers/sequencer.ts'
import { readWholeLog } from '../support/independent-verifier.ts'
import { type LogNode, startLogNode } from '../support/log-node.ts'
import { ManualTimers } from '../support/manual-timers.ts'

const node: LogNode = await startLogNode()
t.teardown(() => node.close())

/** A session of the worker role that takes the lock and does nothing more, without any limit on it. */
async function hang(): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: node.database.url,
    options: '-c role=ostiary_worker',
  })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  await client.query(`select pg_try_advisory_xact_lock(hashtextextended('ostiary/sequencer', 0))`)
  return client
}
const free = (stuckAfter: number) =>
  makeFreeSequencer({ db: node.worker, storage: stuck, stuckAfter })

t.test('nobody is ended before the time', async (t) => {
  await node.addEvents(2)
  await node.sequencer()()
  t.match(await free(1)(), { heldFor: undefined, ended: false })
  const client = await hang()
  t.match(await node.sequencer()(), { state: 'skipped', why: 'other_sequencer' })
  const blocked = await free(60_000)()
  t.match(blocked, { ended: false })
  t.ok((blocked.heldFor ?? -1) >= 0 && (blocked.publishedAgo ?? -1) >= 0)
  await client.query('commit')
  await client.end()
  t.match(await node.sequencer()(), { state: 'published' })
})

t.test('then it is, the log goes on, and somebody is told', async (t) => {
  const client = await hang()
  const lines: string[] = []
  const write = ({ code }: { code?: string }) => void (code && lines.push(code))
  // No limit that the machine's own pace could come near.
  let stuckAfter = 600_000
  const sequencer = makeSequencer({
    sequenceLog: node.sequencer(),
    freeSequencer: () => free(stuckAfter)(),
    tick: 10,
    timers: new ManualTimers(Date.now()),
    log: { info: () => {}, error: write, fatal: write },
  })
  await new Promise((resolve) => setTimeout(resolve, 60))
  await sequencer.tickNow()
  t.ok((sequencer.status().stalledFor ?? 0) > 30, 'its status says that it stands still')
  t.same(lines, ['log_stalled'])
  stuckAfter = 50
  await new Promise((resolve) => setTimeout(resolve, 60))
  await sequencer.tickNow()
  t.same(lines, ['log_stalled', 'sequencer_ended', 'log_stalled'])
  await t.rejects(client.query('select 1'), 'its session is over')
  await node.addEvents(1)
  t.match(await sequencer.tickNow(), { state: 'published', events: 1 })
  t.equal(sequencer.status().stalledFor, undefined)
  await readWholeLog(node.fetch, node.vkey)
})

t.test('the database ends a tick that lies still, and nothing of it is there', async (t) => {
  const [receipt] = await node.addEvents(1)
  const frozen = node.sequencer({
    limitTick: async (tx) => {
      await stuck.limitTick(tx, 500)
      await new Promise((resolve) => setTimeout(resolve, 900))
    },
  })
  await t.rejects(frozen(), 'the tick fails')
  t.match(await node.sequencer()(), { state: 'published', events: 1 })
  t.ok(receipt)
})
