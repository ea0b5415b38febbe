/** `kill -9` in every step of a tick: the next tick, by whichever node, goes on as if nothing had been. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { leafHash } from '../../src/domain/log/hash.ts'
import type { Sequenced } from '../../src/services/sequence-log.ts'
import * as logAppend from '../../src/storage/log-append.ts'
import { openSigned, readWholeLog, rootsOf } from '../support/independent-verifier.ts'
import { startLogNode } from '../support/log-node.ts'
import type { DyingTick } from './sequence-and-die.ts'

t.setTimeout(300_000)
const node = await startLogNode()
t.teardown(() => node.close())

/** Runs a tick in a process of its own that dies there; gives the signal and exit code it ended with. */
async function dieAt(step: string, when: 'before' | 'after') {
  const tick: DyingTick = {
    url: node.database.url,
    name: node.key.name,
    seed: Buffer.from(node.key.seed).toString('hex'),
    anchorKey: Buffer.from(node.anchorKey).toString('hex'),
    ...{ step, when },
  }
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'sequence-and-die.ts'), JSON.stringify(tick)],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return { code, signal }
}

/** Every checkpoint that anybody could have fetched. */
const seen = new Set<string>()
async function look(): Promise<void> {
  const note = await node.fetch('checkpoint')
  if (note) seen.add(Buffer.from(note).toString())
}

/** Ticks as the server does, until PostgreSQL has noticed that the other one is dead. */
async function nextTick(): Promise<Sequenced> {
  const until = performance.now() + 10_000
  for (;;) {
    const ticked = await node.sequencer()()
    if (ticked.state !== 'skipped' || performance.now() > until) return ticked
    await sleep(20)
  }
}

t.test('killed in every step, it goes on by the next tick alone', async (t) => {
  // Not reached by a tick that is not asked to pause, once there is a checkpoint.
  const steps = Object.keys(logAppend).filter((name) => name !== 'publicationAge')
  const points = steps.flatMap((step) => [[step, 'before'] as const, [step, 'after'] as const])
  const recorded = []
  // The first tick of all, which has no checkpoint to go on from, dies as well.
  recorded.push(...(await node.addEvents(3)))
  t.same(await dieAt('hasEntries', 'after'), { code: null, signal: 'SIGKILL' })
  t.same(await dieAt('insertCheckpoint', 'after'), { code: null, signal: 'SIGKILL' })
  await nextTick()
  await look()
  const within = points.filter(([step]) => step !== 'hasEntries')
  t.ok(within.length >= 8, `${within.length} points`)
  for (const [step, when] of [...within, ['commit', 'before'], ['commit', 'after']] as const) {
    // So that bundles and tiles end within a batch, too.
    recorded.push(...(await node.addEvents(7)))
    t.same(await dieAt(step, when), { code: null, signal: 'SIGKILL' }, `${when} ${step}`)
    await look()
    t.match(await nextTick(), { state: 'published' }, 'the next tick goes on by itself')
    await look()
  }

  const vkey = node.vkey
  const { entries, size } = await readWholeLog(node.fetch, vkey)
  const rootAt = rootsOf(entries)
  const trees = [...seen].map((note) => openSigned(note, vkey))
  t.same(
    trees.filter((tree) => tree.size > size || !rootAt(tree.size).equals(tree.root)),
    [],
    `no fork: all of ${trees.length} checkpoints are beginnings of one log`,
  )
  const positions = await node.worker.selectFrom('log_position').selectAll().execute()
  const at = new Map(positions.map((row) => [row.event_id, Number(row.leaf_index)]))
  const lost = recorded.filter(({ eventId, leafHash: promised }) => {
    const entry = entries[at.get(eventId) ?? -1]
    return !entry || Buffer.from(leafHash(entry)).toString('base64url') !== promised
  })
  t.same(lost, [], `all of ${recorded.length} events are in it, as their receipts say`)
  t.equal(at.size, recorded.length, 'each once')
  t.same(await node.worker.selectFrom('log_pending').selectAll().execute(), [])
})
