/**
 * A database that is put back from an old backup and goes on writing: witnesses refuse it, the server reports it, releases
 * stop, and two checkpoints prove it to anybody without asking either server.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { cosignersOf, proveFork } from '../support/independent-cosignatures.ts'
import { openReceipt, openSigned, readWholeLog } from '../support/independent-verifier.ts'
import { deposit, openLakesideCase } from '../support/lakeside-case.ts'
import { expectStatus } from '../support/world.ts'
import { type Server, startWitnessedWorld } from '../support/witnessed-world.ts'
import { runOstiary, runWitness } from '../support/witness-process.ts'
import { saidBy } from '../support/written.ts'

const BOUND = 12

t.test('restored from an old backup', async (t) => {
  const here = await startWitnessedWorld(t, 3, {
    OSTIARY_WITNESS_QUORUM: '2',
    OSTIARY_WITNESS_BOUND: String(BOUND),
    OSTIARY_WITNESS_MODE: 'stop',
    OSTIARY_LOG_TICK: '500',
  })
  const { world, first, vkey, witnesses } = here
  const vkeys = witnesses.map((witness) => witness.vkey)
  const running = await Promise.all(witnesses.map((witness) => witness.start()))
  const lake = await openLakesideCase(world)
  const { prosecution, police } = lake.agencies
  await deposit(world, lake, police, 'police_officer', {
    type: 'risk_assessment',
    subject: lake.marko,
    informant: 'PO',
    kind: 'assessment',
    fields: { risk_level: 'high', score: 17 },
  })
  const body = {
    caseId: lake.caseId,
    subjectId: lake.marko,
    purpose: 'criminal_investigation',
    fields: ['risk_assessment.risk_level'],
  }
  const ask = (server: Server) =>
    server.call(prosecution, 'prosecutor', 'POST', '/v1/disclosures', { body })
  await first.ostiary.publish()
  const backedUp = openSigned((await first.checkpoint())!, vkey).size
  await first.close()
  const backup = await here.copyDatabase()

  // Life goes on, and somebody is told something.
  const real = await here.serve()
  const told = await expectStatus(201, ask(real))
  await real.ostiary.publish()
  const path = `/v1/disclosures/${told.body.id}/proof`
  const proof = await expectStatus(200, real.call(prosecution, 'prosecutor', 'GET', path))
  await real.ostiary.publish()
  const realNote = (await real.checkpoint())!
  const seen = openSigned(realNote, vkey).size
  t.ok(seen > backedUp)
  t.equal(cosignersOf(realNote, vkeys).size, 3)
  await real.close()

  const forked = await here.serve({}, backup)
  const published: string[] = []
  await t.test('while it is behind, witnesses say that they have seen more', async (t) => {
    await forked.ostiary.publish()
    const lines = forked.logged.of('witness_refuses')
    t.equal(lines.length, 3, 'each of them, at once')
    t.match(lines[0], { level: 60, treeSize: seen, witness: /^w\d\.witness\.example$/ })
    t.same((await forked.ready()).degraded, ['witness_refuses'])
    const notices = await forked.call(world.operator, 'org_admin', 'GET', '/v1/notices')
    const alarms = notices.body.items.filter(
      ({ type }: { type: string }) => type === 'witness_refuses',
    )
    t.equal(alarms.length, 3, 'the operator is told of each, once')
    t.match(alarms[0], {
      urgency: 'immediate',
      refs: { as: 'rolled_back', stored: String(seen) },
    })
    const shown = openSigned((await forked.checkpoint())!, vkey)
    t.equal(shown.size, backedUp, 'what no witness has seen is not shown yet')
    t.match(running[0]!.told(), /an older checkpoint|another starting point/)
  })
  await t.test('what was told after the backup is gone, and its proof is not', async (t) => {
    t.equal((await forked.call(prosecution, 'prosecutor', 'GET', path)).status, 404)
    openReceipt(proof.body, vkey)
    t.ok(cosignersOf(proof.body.checkpoint, vkeys).size >= 2)
  })
  await t.test('when it has grown past them, its history is another', async (t) => {
    await t.test('releases stop', async (t) => {
      await sleep(BOUND * 1000 + 200)
      t.equal(saidBy(await ask(forked)), '503 witness_missing')
    })
    for (let i = 0; i < 50; i++) {
      await forked.ostiary.publish()
      const note = (await forked.checkpoint())!
      published.push(note)
      if (openSigned(note, vkey).size > seen) break
    }
    t.equal(saidBy(await ask(forked)), '503 witness_missing', 'and stay so')
    t.same((await forked.ready()).degraded?.sort(), ['witness_missing', 'witness_refuses'])
    t.ok(
      published.every((note) => cosignersOf(note, vkeys).size === 0),
      'nobody cosigned any of it',
    )
    t.match(running[0]!.told(), /REFUSED, FORK/)
    const notices = await forked.call(world.operator, 'org_admin', 'GET', '/v1/notices')
    const alarms = notices.body.items.filter(
      ({ type }: { type: string }) => type === 'witness_refuses',
    )
    t.equal(alarms.length, 3, 'and the operator hears no more than before')
  })
  await t.test('two notes prove it offline', async (t) => {
    const log = await readWholeLog(forked.fetch, vkey)
    const last = published.at(-1)!
    t.equal(proveFork(realNote, last, vkey, log.entries), true)
    t.equal(
      proveFork(published[0]!, last, vkey, log.entries),
      false,
      'its own do not exclude each other',
    )
    // What a witness shows to everybody, and what it kept as evidence when it refused.
    const { logs } = JSON.parse(
      (await runWitness('show', '--state', witnesses[0]!.directory, '--json')).stdout,
    ) as { logs: { note: string; size: number; path: string }[] }
    const monitored = await (await fetch(witnesses[0]!.url + logs[0]!.path)).text()
    t.equal(monitored, logs[0]!.note)
    t.equal(openSigned(monitored, vkey).size, seen, 'the witness stays with what it saw')
    const kept = join(witnesses[0]!.directory, 'refused')
    const evidence = await Promise.all(
      (await readdir(kept)).map((file) => readFile(join(kept, file), 'utf8')),
    )
    t.ok(evidence.length > 0)
    for (const note of evidence) t.equal(proveFork(monitored, note, vkey, log.entries), true)
  })
  await t.test('and so does the command, as docs/witness.md says', async (t) => {
    const folder = t.testdir({ 'mine.txt': realNote, 'theirs.txt': published.at(-1)! })
    const files = ['mine.txt', 'theirs.txt'].map((name) => join(folder, name))
    const said = await runOstiary(
      ...['log', 'verify', forked.address, '--vkey', vkey, '--checkpoints', ...files],
    )
    t.equal(said.code, 1, said.stdout)
    t.match(said.stdout, /FORK/)
  })
  await t.test('and with the right database all is as it was', async (t) => {
    await forked.close()
    const again = await here.serve()
    await again.ostiary.publish()
    t.equal(cosignersOf((await again.checkpoint())!, vkeys).size, 3)
    t.same(await again.ready(), { status: 'up' })
    t.equal((await ask(again)).status, 201)
    await again.close()
  })
})
