/** Two of three witnesses: what is published, what is proven, and what stops when too few are there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CompactSign, importJWK } from 'jose'
import pg from 'pg'
import t from 'tap'
import { saidBy } from '../support/written.ts'
import { cosignersOf } from '../support/independent-cosignatures.ts'
import { openReceipt, openSigned, readWholeLog } from '../support/independent-verifier.ts'
import { deposit, openLakesideCase } from '../support/lakeside-case.ts'
import { expectStatus } from '../support/world.ts'
import { freePort } from '../support/free-port.ts'
import { type Server, startWitnessedWorld } from '../support/witnessed-world.ts'

/** Seconds without a quorum. */
const BOUND = 12

const here = await startWitnessedWorld(t, 3, {
  OSTIARY_WITNESS_QUORUM: '2',
  OSTIARY_WITNESS_BOUND: String(BOUND),
  OSTIARY_WITNESS_MODE: 'stop',
  OSTIARY_LOG_TICK: '500',
})
const { world, first, vkey, witnesses } = here
const vkeys = witnesses.map((witness) => witness.vkey)
const began = performance.now()
await first.ostiary.publish()
const lake = await openLakesideCase(world)
const { prosecution, police, programme } = lake.agencies

const body = {
  caseId: lake.caseId,
  subjectId: lake.marko,
  purpose: 'criminal_investigation',
  fields: ['risk_assessment.risk_level'],
}
const ask = (server: Server, path = '/v1/disclosures') =>
  server.call(prosecution, 'prosecutor', 'POST', path, { body })
const prove = (server: Server, id: string) =>
  server.call(prosecution, 'prosecutor', 'GET', `/v1/disclosures/${id}/proof`)
/** Publishes until it has held for the bound. */
const untilMissing = async (server: Server) => {
  await sleep(BOUND * 1000 + 200)
  await server.ostiary.publish()
}

t.test(
  'before any witness has answered nothing is published, and then nothing leaves',
  async (t) => {
    t.equal(await first.checkpoint(), undefined)
    // A log that has just begun has the bound to find its witnesses.
    await sleep(Math.max(0, BOUND * 1000 + 200 - (performance.now() - began)))
    const refused = await ask(first)
    t.equal(saidBy(refused), '503 witness_missing')
    t.equal(refused.headers.get('retry-after'), '1')
  },
)

t.test('all three', async (t) => {
  await Promise.all(witnesses.map((witness) => witness.start()))
  await first.ostiary.publish()
  const note = (await first.checkpoint())!
  t.equal(cosignersOf(note, vkeys).size, 3)
  const log = await readWholeLog(first.fetch, vkey)
  t.equal(log.size, openSigned(note, vkey).size)
  t.same(await first.ready(), { status: 'up' })
  await deposit(world, lake, police, 'police_officer', {
    type: 'risk_assessment',
    subject: lake.marko,
    informant: 'PO',
    kind: 'assessment',
    fields: { risk_level: 'high', score: 17 },
  })
  const answer = await expectStatus(201, ask(first))
  t.equal(answer.body.fields[0].value, 'high')
  t.equal((await prove(first, answer.body.id)).status, 202)
  await first.ostiary.publish()
  const proof = await expectStatus(200, prove(first, answer.body.id))
  openReceipt(proof.body, vkey)
  const at = cosignersOf(proof.body.checkpoint, vkeys)
  t.equal(at.size, 3, 'the proof carries its witnesses')
  const changed = proof.body.checkpoint.replace(/ (.)([^ ]{20})([^\n]*)\n$/, ' $1$2A$3\n')
  t.throws(() => cosignersOf(changed, vkeys))
  for (const { url } of witnesses) {
    const hash = '65374bba497bd17fec4bf56618cdf6ce7b05074d73597a0ccb4ba028c69ef061'
    t.equal((await fetch(`${url}/${hash}/checkpoint`)).status, 404, 'not a log of this witness')
  }
})

t.test('one is frozen: nobody waits for it', async (t) => {
  const other = await here.serve()
  witnesses[0]!.freeze(true)
  const before = openSigned((await first.checkpoint())!, vkey).size
  const publishing = first.ostiary.publish()
  const began = performance.now()
  for (let size = before; size === before && performance.now() - began < 20_000;)
    size = openSigned((await first.checkpoint())!, vkey).size
  const took = performance.now() - began
  await publishing
  const rest = performance.now() - began
  t.ok(
    took < 900,
    `published after ${Math.round(took)} ms, while the round took ${Math.round(rest)} ms`,
  )
  const asking = other.ostiary.publish().catch(() => {})
  await sleep(300)
  const closing = performance.now()
  await other.close()
  await asking
  t.ok(performance.now() - closing < 5_000, 'nor does a stop')
  witnesses[0]!.freeze(false)
})

t.test('one is down: two are enough', async (t) => {
  await witnesses[0]!.kill()
  const before = openSigned((await first.checkpoint())!, vkey).size
  await first.ostiary.publish()
  const note = (await first.checkpoint())!
  t.ok(openSigned(note, vkey).size > before)
  t.same([...cosignersOf(note, vkeys).keys()].sort(), vkeys.slice(1).sort())
  t.equal((await ask(first)).status, 201)
  t.same(await first.ready(), { status: 'up' })
  t.match(first.logged.of('unreachable').at(-1), { witness: 'w0.witness.example', level: 50 })
})

t.test('two are down', async (t) => {
  const other = await here.serve()
  const metricsPort = String(await freePort())
  const warned = await here.serve({
    OSTIARY_WITNESS_MODE: 'warn',
    OSTIARY_METRICS_PORT: metricsPort,
  })
  const own = police.people.get('police_officer')!.privateJwk
  await deposit(world, lake, prosecution, 'prosecutor', {
    type: 'criminal_proceedings',
    subject: lake.marko,
    informant: 'PR',
    fields: { pp_mandate: 'mandatory' },
  })
  await deposit(world, lake, police, 'police_officer', {
    type: 'person',
    subject: lake.marko,
    informant: 'PO',
    fields: { full_name: 'Marko Novak' },
  })
  await first.ostiary.publish()
  const intake = { ...body, purpose: 'programme_intake', fields: ['person.full_name'] }
  const waiting = await expectStatus(
    201,
    first.call(programme, 'pp_case_manager', 'POST', '/v1/disclosures', { body: intake }),
  )
  t.equal(waiting.body.outcome, 'review')
  await first.ostiary.publish()
  await witnesses[1]!.kill()
  const covered = await expectStatus(201, ask(first))
  await first.ostiary.publish()
  const published = openSigned((await first.checkpoint())!, vkey).size
  const pending = await prove(first, covered.body.id)
  t.equal(pending.status, 202, 'what witnesses have not seen is not proven yet')
  t.ok(Number(pending.headers.get('retry-after')) >= 1)
  t.ok((await readWholeLog(first.fetch, vkey)).size === published, 'the published log reads')

  await t.test('beyond the bound every release stops, on every node', async (t) => {
    await untilMissing(first)
    for (const [node, server] of Object.entries({ first, other })) {
      t.equal(saidBy(await ask(server)), '503 witness_missing', node)
      const preview = await ask(server, '/v1/disclosures/preview')
      t.equal(saidBy(preview), '503 witness_missing', `${node}: preview`)
      t.ok(Number(preview.headers.get('retry-after')) >= 1)
    }
    const listed = await first.call(police, 'police_officer', 'GET', '/v1/reviews')
    const task = listed.body.items.find(
      ({ disclosureId }: { disclosureId: string }) => disclosureId === waiting.body.id,
    )
    const jws = new CompactSign(
      new TextEncoder().encode(JSON.stringify({ hash: task.hash, decision: 'approve' })),
    )
    const signature = await jws
      .setProtectedHeader({ alg: 'ES256' })
      .sign(await importJWK(own, 'ES256'))
    const path = `/v1/disclosures/${waiting.body.id}`
    const approve = { decision: 'approve', note: 'order in the file', signature }
    const approved = await first.call(police, 'police_officer', 'POST', `${path}/review`, {
      body: approve,
    })
    t.equal(approved.status, 200, 'reviewing is no release')
    const release = () => first.call(programme, 'pp_case_manager', 'POST', `${path}/release`)
    t.equal(saidBy(await release()), '503 witness_missing', 'nor does what was reviewed leave')
    t.equal(
      (await first.call(prosecution, 'prosecutor', 'GET', `/v1/disclosures/${covered.body.id}`))
        .status,
      200,
    )
    await deposit(world, lake, police, 'police_officer', {
      type: 'person',
      subject: lake.marko,
      informant: 'PO',
      fields: { full_name: 'Marko Novak' },
    })
  })
  await t.test('nothing of what was stopped was written', async (t) => {
    const { rows } = await query(`select count(*)::int as count from audit_event
      where type like 'disclose.%' and agency_id = '${prosecution.id}'`)
    t.equal(rows[0]!['count'], 3)
  })
  await t.test('it is told: log, health, figures, the operator', async (t) => {
    t.match(first.logged.of('witness_missing'), [{ level: 50, task: 'collect_cosignatures' }])
    t.same(await first.ready(), { status: 'degraded', degraded: ['witness_missing'] })
    const notices = await first.call(world.operator, 'org_admin', 'GET', '/v1/notices')
    const told = notices.body.items.filter(
      ({ type }: { type: string }) => type === 'witness_missing',
    )
    // Once for the log that began without witnesses, if that was seen in time, and once for this.
    t.ok(told.length >= 1 && told.length <= 2)
    t.match(told[0], { urgency: 'immediate', role: 'org_admin', refs: { quorum: '2', of: '3' } })
  })
  await t.test('the log itself goes on, with the witnesses that it has', async (t) => {
    const note = (await first.checkpoint())!
    t.ok(openSigned(note, vkey).size > published)
    t.same([...cosignersOf(note, vkeys).keys()], [vkeys[2]])
    const proof = await expectStatus(200, prove(first, covered.body.id))
    openReceipt(proof.body, vkey)
  })
  await t.test('in mode warn it is only told', async (t) => {
    await warned.ostiary.publish()
    t.equal((await ask(warned)).status, 201)
    t.same(await warned.ready(), { status: 'degraded', degraded: ['witness_missing'] })
    t.equal(warned.logged.of('witness_missing').length, 1)
    const figures = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    t.match(figures, /^ostiary_witness_missing 1$/m)
    t.match(figures, /^ostiary_witness_refuses\{witness="w2.witness.example"\} 0$/m)
    t.match(figures, /^ostiary_witness_cosigned_size\{witness="w2.witness.example"\} [1-9]/m)
    t.match(figures, /^ostiary_witness_quorum_age_seconds Nan$/m)
  })
  await t.test('and with enough of them again all is as it was', async (t) => {
    const size = openSigned((await first.checkpoint())!, vkey).size
    await witnesses[0]!.start()
    await witnesses[1]!.start()
    await first.ostiary.publish()
    const note = (await first.checkpoint())!
    t.ok(openSigned(note, vkey).size > size, 'what was published never shrank')
    t.equal(cosignersOf(note, vkeys).size, 3)
    t.equal((await ask(first)).status, 201)
    t.equal((await ask(other)).status, 201, 'a node that collected nothing itself knows it too')
    t.same(await first.ready(), { status: 'up' })
    const path = `/v1/disclosures/${waiting.body.id}/release`
    const released = await first.call(programme, 'pp_case_manager', 'POST', path)
    const values = released.body.fields.map(({ value }: { value?: string }) => value)
    t.ok(values.includes('Marko Novak'), 'what was reviewed leaves now')
  })
  await Promise.all([other.close(), warned.close()])
})

t.test('who changes the number of witnesses shows nobody a log that shrinks', async (t) => {
  const sizeAt = async (server: Server) => openSigned((await server.checkpoint())!, vkey).size
  const without = await here.serve({ OSTIARY_WITNESS_QUORUM: '0' })
  await Promise.all(witnesses.map((witness) => witness.kill()))
  await without.ostiary.publish()
  const shown = await sizeAt(without)
  await without.close()
  const again = await here.serve()
  await again.ostiary.publish()
  t.equal(await sizeAt(again), shown, 'nor one that grows without them')
  await again.close()
})

async function query(text: string): Promise<{ rows: Record<string, unknown>[] }> {
  const client = new pg.Client({ connectionString: world.databaseUrl })
  await client.connect()
  try {
    return await client.query<Record<string, unknown>>(text)
  } finally {
    await client.end()
  }
}
