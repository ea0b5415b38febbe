/**
 * `kill -9` of server and database in the middle of a run of disclosures, again and again on one data
 * directory: what was answered is in the log afterwards, what was acknowledged is there, and the log
 * that is served is always a continuation of the one that was served before.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JWK } from 'jose'
import pg from 'pg'
import t from 'tap'
import { verifyServer } from '../../src/cli/verify-server.ts'
import { AgencyClient } from '../support/agency-client.ts'
import { makeTestFolder, removeTestFolder } from '../support/cluster.ts'
import {
  openReceipt,
  openSigned,
  readWholeLog,
  rootsOf,
  type SignedTree,
} from '../support/independent-verifier.ts'
import { concludeAgreement, deposit, disclose, openLakesideCase } from '../support/lakeside-case.ts'
import { expectStatus, onboard, operatorOf } from '../support/world.ts'
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
const at = await settle()

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
    t.same(await missing(load.attempts.filter(isAnswered)), [], 'what was answered is there')
    const lost = load.attempts.filter((attempt) => !isAnswered(attempt))
    figures.answered += load.attempts.length - lost.length
    figures.unanswered += lost.length
    for (const attempt of lost) await sendUntilAnswered(attempt)
    t.same(await missing(lost), [], 'and so is what was asked for again')
    t.ok(load.attempts.length > lost.length, 'something was answered')
    t.same(await faults(), [], 'decisions, events and entries belong together')
  })
}

await t.test('every key stands for one disclosure or deposit', async (t) => {
  const disclosures = attempts.filter(({ kind }) => kind === 'disclosure')
  const deposits = attempts.filter(({ kind }) => kind === 'deposit')
  const [row] = await rows<Record<'first' | 'records' | 'keys', number>>(`select
    (select count(*)::int from disclosure where replay_of is null) as first,
    (select count(*)::int from record where type = 'person') as records,
    (select count(*)::int from idempotency where operation in ('requestDisclosure', 'depositRecord')) as keys`)
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

await t.test('the log holds every answer and never forked', async (t) => {
  const answered = attempts.filter(({ kind }) => kind === 'disclosure')
  // The root is made of the entries, so that a leaf among them is proof enough; of some the API's is taken too.
  const asked = answered.filter((_, index) => index % 5 === 0)
  const proofs = await published(asked)
  const log = await readWholeLog(async (path) => {
    const response = await fetch(`${origin}/log/${path}`)
    return response.status === 404 ? undefined : new Uint8Array(await response.arrayBuffer())
  }, vkey)
  const leaves = log.entries.map((entry) =>
    createHash('sha256')
      .update(Buffer.concat([Buffer.of(0), entry]))
      .digest('base64url'),
  )
  const inLog = new Set(leaves)
  t.same(
    answered.filter(({ answer }) => !inLog.has(answer.receipt.leafHash)),
    [],
    'every receipt is a leaf of the tree that was signed',
  )
  t.equal(inLog.size, leaves.length, 'no entry is there twice')
  const trees = [...checkpoints, ...proofs.map(({ checkpoint }) => checkpoint)].map((note) =>
    openSigned(note, vkey),
  )
  t.same(forks(trees, log.entries), [], 'every checkpoint that was ever seen is of this log')
  for (const { leafIndex, proof } of proofs.map((proof) => ({ ...proof, proof })))
    if (!openReceipt(proof, vkey).entry.equals(log.entries[leafIndex]!))
      t.fail('a proof opens another entry')
  const report = await verifyServer(origin, vkey, () => {}, {
    receipts: asked.map(({ answer }, index) => ({
      name: `proof ${index}`,
      text: JSON.stringify(proofs[index]),
      leafHash: answer.receipt.leafHash as string,
    })),
  })
  t.equal(report.exitCode, 0, 'our own verifier agrees')
  t.comment(
    `${answered.length} disclosures, ${proofs.length} proofs, ${trees.length} checkpoints seen, ${log.size} entries in the log`,
  )
})

await t.test('commits that are not on disk when they are answered would show', async (t) => {
  for (const setting of ['synchronous_commit = off', "wal_writer_delay = '10s'"])
    await rows(`alter system set ${setting}`)
  await rows('select pg_reload_conf()')
  let lost: object[] = []
  // A publication of the log brings to disk what came before it; then there is nothing to lose.
  for (let tries = 0; tries < 20 && lost.length === 0; tries++) {
    const load = startLoad(origin, at)
    await underWay(load)
    await program.killDatabase()
    await load.stop()
    await revive('database')
    lost = await missing(load.attempts.filter(isAnswered))
  }
  t.ok(lost.length > 0, 'they are missed')
})

await t.test('it stops as if nothing had been', async (t) => {
  t.equal(await program.stop(), 0)
})

/** Operator, agencies and case through the public API, and what they ask about later. */
async function settle() {
  const made = (await program.command('admin', 'create', '--name', 'Ostiary Lakeside')) as {
    agencyId: string
    practitionerId: string
    clientId: string
    privateJwk: JWK
  }
  const connect = (clientId: string, privateJwk: JWK) =>
    AgencyClient.connect({ origin, clientId, privateJwk })
  const operator = operatorOf(made, await connect(made.clientId, made.privateJwk))
  const lakeside = await openLakesideCase({
    onboard: (member, roles) => onboard(operator, connect, member, roles),
  })
  const { programme, hospital } = lakeside.agencies
  await concludeAgreement(lakeside.agencies)
  const clock = { clock: { now: () => new Date() } }
  await deposit(clock, lakeside, programme, 'pp_case_manager', {
    type: 'programme_engagement',
    subject: lakeside.marko,
    informant: 'PP',
    fields: { status: 'dropout' },
  })
  await deposit(clock, lakeside, hospital, 'physician', {
    type: 'health',
    subject: lakeside.ana,
    informant: 'HE',
    fields: { injury_findings: 'bruises on both wrists' },
  })
  return lakeside
}

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
  const [backend] = await rows<{ pid: number }>(
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

function isAnswered({ answer }: Attempt): boolean {
  return answer !== undefined
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

/** What of these is not there: decision, event and entry of each, as its receipt says. */
function missing(answered: readonly Attempt[]): Promise<object[]> {
  const disclosures = answered
    .filter(({ kind }) => kind === 'disclosure')
    .map(({ answer: { id, receipt } }) => ({ id, event: receipt.eventId, leaf: receipt.leafHash }))
  const deposits = answered
    .filter(({ kind }) => kind === 'deposit')
    .map(({ answer: { id } }) => ({ id }))
  return rows(
    `select a.id, a.event from jsonb_to_recordset($1) as a(id uuid, event uuid, leaf text)
     where not exists (
       select from disclosure d
       join audit_event e on e.id = d.event_id
       join audit_salt s on s.event_id = e.id
       where d.id = a.id and e.id = a.event and e.type = 'disclose.decided'
         and d.leaf_hash = decode(translate(a.leaf, '-_', '+/') || '=', 'base64')
         and e.public_part::jsonb ->> 'disclosureId' = a.id::text)
     union all
     select a.id, null from jsonb_to_recordset($2) as a(id uuid)
     where not exists (
       select from record r join record_version v on v.record_id = r.id and v.version = r.version
       join audit_event e on e.type = 'collect.deposited' and e.public_part::jsonb ->> 'recordId' = a.id::text
       where r.id = a.id)`,
    [JSON.stringify(disclosures), JSON.stringify(deposits)],
  )
}

/** What no crash may leave: halves of what one transaction writes. */
async function faults(): Promise<string[]> {
  const found = await rows<{ what: string }>(`
    select 'disclosure without event' as what from disclosure d
      where not exists (select from audit_event e where e.id = d.event_id)
    union all select 'event without disclosure' from audit_event e
      where e.type = 'disclose.decided' and not exists (select from disclosure d where d.event_id = e.id)
    union all select 'event without salt' from audit_event e
      where not exists (select from audit_salt s where s.event_id = e.id)
    union all select 'event neither pending nor in the log, or both' from audit_event e
      where (select count(*) from log_pending p where p.event_id = e.id)
        + (select count(*) from log_position p where p.event_id = e.id) <> 1
    union all select 'ledger without disclosure' from release_ledger l
      where not exists (select from disclosure d where d.id = l.disclosure_id)
    union all select 'key without resource' from idempotency i
      where i.operation = 'requestDisclosure' and not exists (select from disclosure d where d.id = i.resource_id)
    union all select 'record without its version' from record r
      where not exists (select from record_version v where v.record_id = r.id and v.version = r.version)
    union all select 'position outside the tree' from log_position p
      where p.leaf_index >= (select max(size) from log_checkpoint)`)
  return found.map(({ what }) => what)
}

type Proof = Parameters<typeof openReceipt>[0]

/** Proofs of these, once they are published, as the API gives them. */
async function published(answered: readonly Attempt[]): Promise<Proof[]> {
  const proofs: Proof[] = []
  for (const { agency, role, answer } of answered)
    for (;;) {
      const reply = await agency.call(role, 'GET', `/v1/disclosures/${answer.id}/proof`)
      if (reply.status === 202) await sleep(50)
      else {
        if (reply.status !== 200) throw new Error(`no proof: ${reply.text}`)
        proofs.push(reply.body)
        break
      }
    }
  return proofs
}

/** Trees that are not the beginning of these entries. */
function forks(trees: readonly SignedTree[], entries: readonly Buffer[]): SignedTree[] {
  const rootAt = rootsOf(entries)
  return trees.filter(({ size, root }) => size > entries.length || !rootAt(size).equals(root))
}

/** Reads as the superuser, on a connection of this one query: others may have been killed. */
async function rows<Row extends pg.QueryResultRow>(
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: program.databaseUrl })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
