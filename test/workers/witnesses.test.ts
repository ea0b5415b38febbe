/** Collecting cosignatures from witnesses of every kind, over real HTTP and a real log. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { parseAddCheckpoint } from '../../src/domain/log/add-checkpoint.ts'
import { type ConfigError, loadConfig } from '../../src/config.ts'
import { cosign, cosignatureVerifier } from '../../src/domain/log/cosignature.ts'
import { formatSignatureLine, parseNote } from '../../src/domain/log/note.ts'
import {
  ED25519_COSIGNATURE,
  formatVkey,
  parseVkey,
  verifierKey,
} from '../../src/domain/log/vkey.ts'
import { makeAskWitness } from '../../src/notify/witness-client.ts'
import type { Witness } from '../../src/services/ask-witness.ts'
import {
  type CollectDependencies,
  makeCollectCosignatures,
} from '../../src/services/collect-cosignatures.ts'
import { makeDemandWitnesses } from '../../src/services/demand-witnesses.ts'
import * as cosignatures from '../../src/storage/cosignatures.ts'
import { listOperators } from '../../src/storage/integrity.ts'
import * as log from '../../src/storage/log.ts'
import * as notices from '../../src/storage/notices.ts'
import { cosignersOf } from '../support/independent-cosignatures.ts'
import { openSigned } from '../support/independent-verifier.ts'
import { type LogNode, startLogNode, tamper } from '../support/log-node.ts'
import { initWitness, startWitness } from '../support/witness-process.ts'

type Answer = (request: { body: Buffer; path: string }, response: ServerResponse) => unknown

/** A witness that does what the test says; counts what it was asked. */
async function oddWitness(t: Test, name: string, answer: Answer) {
  const key = { name, seed: new Uint8Array(32).fill(name.length) }
  let asked = 0
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      asked += 1
      void answer({ body: Buffer.concat(chunks), path: request.url ?? '' }, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const vkey = formatVkey(verifierKey(key, ED25519_COSIGNATURE))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const cosigned = (body: Buffer) => {
    const note = parseNote(parseAddCheckpoint(body)!.note)
    return note.ok ? formatSignatureLine(cosign(note.value.text, 1_800_000_000, key)) : ''
  }
  return { ...witnessOf(vkey, url), key, asked: () => asked, cosigned }
}

const witnessOf = (vkey: string, url: string): Witness => {
  return { vkey, url, verifier: cosignatureVerifier(parseVkey(vkey)!) }
}

/** A real witness in a process of its own. */
async function realWitness(t: Test, node: LogNode) {
  const directory = join(t.testdir({}), 'state')
  const vkey = await initWitness(directory, 'real.witness.example')
  const running = await startWitness(directory, [node.vkey])
  t.teardown(() => running.end('SIGKILL'))
  return { ...witnessOf(vkey, running.url), running }
}

function collector(
  node: LogNode,
  witnesses: readonly Witness[],
  more: Partial<CollectDependencies> = {},
) {
  return makeCollectCosignatures({
    db: node.worker,
    log,
    storage: { ...cosignatures, ...notices, listOperators },
    ask: makeAskWitness(700),
    witnesses,
    retryAfter: 60_000,
    recordEvent: node.recordEvent,
    runtime: node.runtime,
    ...more,
  })
}

async function nodeFor(t: Test): Promise<LogNode> {
  const node = await startLogNode()
  t.teardown(() => node.close())
  return node
}

const stored = async ({ worker }: LogNode) =>
  (await worker.selectFrom('log_cosignature').select(['size', 'witness']).execute()).map(
    ({ size, witness }) => `${size} ${witness.split('+', 1)[0]}`,
  )

/** The public parts of what was logged, the oldest first. */
const events = async ({ owner }: LogNode) =>
  (await owner.selectFrom('audit_event').select('public_part').orderBy('at').execute()).map(
    ({ public_part: text }) => JSON.parse(text) as Record<string, unknown>,
  )

t.test('witnesses that do not do as they should', async (t) => {
  const node = await nodeFor(t)
  const target = await oddWitness(t, 'target', (_, response) => response.end())
  const say =
    (status: number, body: string, type = 'text/plain') =>
    (_: unknown, response: ServerResponse) =>
      response.writeHead(status, { 'content-type': type }).end(body)
  const another = (body: Buffer) => {
    const note = parseNote(parseAddCheckpoint(body)!.note)
    const key = { name: 'stranger', seed: new Uint8Array(32).fill(99) }
    return note.ok ? formatSignatureLine(cosign(note.value.text, 1_800_000_000, key)) : ''
  }
  const cases: Record<string, [Answer, string]> = {
    'hangs.witness': [() => {}, 'unreachable'],
    'breaks.witness': [(_, response) => response.destroy(), 'unreachable'],
    'sends.too.much': [
      (_, response) => response.writeHead(200).end('x'.repeat(70_000)),
      'unreachable',
    ],
    'never.ends': [
      (_, response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write('x'), 50)
        response.on('close', () => clearInterval(drip))
      },
      'unreachable',
    ],
    'is.broken': [say(500, 'oops'), 'unreachable'],
    'is.busy': [say(429, 'later'), 'unreachable'],
    'knows.no.log': [say(404, 'unknown'), 'unknown_log'],
    'trusts.no.key': [say(403, 'no'), 'not_trusted'],
    'understands.nothing': [say(400, 'what'), 'unexpected_answer'],
    'redirects.elsewhere': [
      (_, response) => response.writeHead(307, { location: target.url }).end(),
      'unexpected_answer',
    ],
    'says.nothing': [say(200, ''), 'false_cosignature'],
    'says.ok': [say(200, 'ok\n'), 'false_cosignature'],
    'gives.another.signature': [
      ({ body }, response) => response.end(another(body)),
      'false_cosignature',
    ],
    'has.no.size': [say(409, '12\n'), 'unexpected_answer'],
    'has.no.number': [say(409, 'many\n', 'text/x.tlog.size'), 'unexpected_answer'],
    'asks.for.the.same': [say(409, '0\n', 'text/x.tlog.size'), 'unexpected_answer'],
    'refuses.from.nothing': [say(422, 'no'), 'unexpected_answer'],
  }
  const witnesses = await Promise.all(
    Object.entries(cases).map(([name, [answer]]) => oddWitness(t, name, answer)),
  )
  const false1 = await oddWitness(t, 'false.signature', ({ body }, response) => {
    const line = false1.cosigned(body)
    const at = line.length - 20
    response.end(line.slice(0, at) + (line[at] === 'A' ? 'B' : 'A') + line.slice(at + 1))
  })
  const restless = await oddWitness(t, 'another.size.each.time', ({ body }, response) => {
    const next = (parseAddCheckpoint(body)!.oldSize + 1) % 4
    response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${next}\n`)
  })
  const good = await oddWitness(t, 'good.witness', ({ body }, response) =>
    response.end(another(body) + good.cosigned(body)),
  )
  const all = [...witnesses, false1, restless, good]
  const collect = collector(node, all)
  t.same((await collect()).asked, [], 'nothing to ask before the first checkpoint')
  await node.sequencer()()
  const began = performance.now()
  const { asked, witnesses: rows } = await collect()
  t.ok(performance.now() - began < 5_000, 'they are asked beside each other, and not waited for')
  const codes = new Map(
    asked.map(({ vkey, outcome }) => [
      vkey.split('+', 1)[0],
      outcome.state === 'failed' ? outcome.code : outcome.state,
    ]),
  )
  for (const [name, [, code]] of Object.entries(cases)) t.equal(codes.get(name), code, name)
  t.equal(codes.get('false.signature'), 'false_cosignature')
  t.equal(codes.get('another.size.each.time'), 'unexpected_answer')
  t.ok(restless.asked() <= 4, 'within bounds')
  t.equal(codes.get('good.witness'), 'cosigned')
  t.same(await stored(node), ['4 good.witness'], 'nothing else was stored')
  t.equal(target.asked(), 0, 'no redirect was followed')
  t.equal(rows.length, all.length)
  t.equal(rows.find(({ vkey }) => vkey === good.vkey)?.state, 'cosigned')
  const note = (await node.fetch('checkpoint'))!.toString()
  t.same(
    [
      ...cosignersOf(
        note,
        all.map(({ vkey }) => vkey),
      ).keys(),
    ],
    [good.vkey],
  )

  await collect()
  t.equal(good.asked(), 1, 'what has cosigned is not asked again')
  t.equal(witnesses[0]!.asked(), 1, 'and what failed not before its time')
  await node.sequencer()()
  await collect()
  t.equal(witnesses[0]!.asked(), 2, 'but about the next checkpoint')
  t.equal(good.asked(), 2)
})

t.test('one that says it has seen more', async (t) => {
  const node = await nodeFor(t)
  await sql`insert into agency (id, client_id, name, sector, country, public, phases, competent_authority, jwks, contacts, operator, scopes)
    values (gen_random_uuid(), 'op', 'Operator', 'coordination_body', 'SI', true, '{}', false, '{"keys":[]}', '[]', true, '{}')`.execute(
    node.owner,
  )
  const size = 'text/x.tlog.size'
  const liar = await oddWitness(t, 'liar', (_, response) =>
    response.writeHead(409, { 'content-type': size }).end('4000\n'),
  )
  let moved = false
  /** Another node publishes while this one asks, and its checkpoint is there first. */
  const ahead = await oddWitness(t, 'ahead', async ({ body }, response) => {
    const { oldSize } = parseAddCheckpoint(body)!
    if (!moved) {
      moved = true
      await node.sequencer({ db: node.anotherWorker() })()
      response.writeHead(409, { 'content-type': size }).end('8\n')
    } else if (oldSize === 8) response.end(ahead.cosigned(body))
    else response.writeHead(500).end()
  })
  const collect = collector(node, [liar, ahead])
  await node.sequencer()()
  const { asked, witnesses } = await collect()
  const outcomes = new Map(asked.map(({ vkey, outcome }) => [vkey, outcome]))
  t.match(outcomes.get(ahead.vkey), { state: 'cosigned', size: 8 }, 'no alarm for a race')
  t.match(outcomes.get(liar.vkey), { state: 'refuses', as: 'rolled_back', stored: 4000 })
  t.ok(witnesses.find(({ vkey }) => vkey === liar.vkey)?.refusedAt)
  const told = async () => (await node.owner.selectFrom('notice').selectAll().execute()).length
  t.equal(await told(), 1)
  await node.sequencer()()
  await collect()
  t.equal(await told(), 1, 'told once')
  t.match(await events(node), [
    {
      event: { type: 'integrity.witness_refused', channel: 'worker' },
      ...{ witness: 'liar', as: 'rolled_back', size: 4, stored: 4000 },
    },
  ])
})

t.test('two nodes ask once', async (t) => {
  const node = await nodeFor(t)
  const slow = await oddWitness(t, 'slow', async ({ body }, response) => {
    await sleep(200)
    response.end(slow.cosigned(body))
  })
  const nodes = [collector(node, [slow]), collector(node, [slow], { db: node.anotherWorker() })]
  for (let size = 4; size <= 20; size += 4) {
    await node.sequencer()()
    await Promise.all([...nodes, ...nodes].map((collect) => collect()))
    t.equal(slow.asked(), size / 4)
  }
  const impatient = collector(node, [slow], { retryAfter: 0 })
  await node.sequencer()()
  await Promise.all([impatient(), impatient(), impatient()])
  t.equal((await stored(node)).length, 6, 'twice at once does no harm')
})

t.test('a proof that the own tiles do not give is not sent', async (t) => {
  const node = await nodeFor(t)
  const witness = await realWitness(t, node)
  const collect = collector(node, [witness])
  await node.sequencer()()
  await collect()
  await node.sequencer()()
  const told = witness.running.told()
  await tamper(node.owner, `update log_tile set bytes = set_byte(bytes, 3, get_byte(bytes, 3) # 1)`)
  t.match((await collect()).asked, [{ outcome: { state: 'failed', code: 'tiles_damaged' } }])
  t.equal(witness.running.told(), told)
})

t.test('what is published', async (t) => {
  const node = await nodeFor(t)
  const answers = { one: true, two: true }
  const make = (name: 'one' | 'two') =>
    oddWitness(t, name, ({ body }, response) => {
      if (!answers[name]) response.writeHead(500).end()
      else response.end((name === 'one' ? one : two).cosigned(body))
    })
  const [one, two] = [await make('one'), await make('two')]
  const policy = { vkeys: [one.vkey, two.vkey], quorum: 2, bound: 600 }
  const collect = collector(node, [one, two], { policy })
  const tick = async () => {
    await node.sequencer()()
    return collect()
  }
  const shown = async () => {
    const note = await node.fetch('checkpoint')
    return note && openSigned(note.toString(), node.vkey).size
  }
  await cosignatures.showPublished(node.worker, true)
  answers.two = false
  await tick()
  t.equal(await shown(), undefined, 'nothing without the quorum')
  answers.two = true
  t.match(await tick(), { missing: false })
  t.equal(await shown(), 8)
  answers.one = false
  await tick()
  t.equal(await shown(), 8)
  t.equal(
    (await node.fetch('tile/0/000.p/12'))?.length,
    12 * 32,
    'tiles of what witnesses show are there',
  )

  // As if the last good one were long ago.
  await tamper(
    node.owner,
    `update log_checkpoint set published_at = published_at - interval '1 hour' where size <= 8`,
  )
  const { missing, age } = await collect()
  t.same([missing, age], [true, undefined])
  t.equal(await shown(), 12, 'beyond the bound the newest, with what it has')
  const note = (await node.fetch('checkpoint'))!.toString()
  t.same([...cosignersOf(note, policy.vkeys).keys()], [two.vkey])
  await node.worker.transaction().execute((tx) =>
    cosignatures.storeCosignature(tx, {
      size: 8,
      vkey: one.vkey,
      line: one.cosigned(Buffer.from('old 0\n\n' + note)),
      time: new Date(),
    }),
  )
  await tamper(node.owner, `update log_checkpoint set published_at = now() where size = 8`)
  await collect()
  t.equal(await shown(), 12, 'never back')
  for (const statement of [
    `update log_publication set size = 4`,
    `update log_publication set size = null`,
    `delete from log_publication`,
    `truncate log_publication`,
    `update log_cosignature set witness = 'x'`,
    `delete from log_cosignature`,
  ])
    await t.rejects(sql.raw(statement).execute(node.owner), statement)
  t.same(
    (await events(node)).map(({ event }) => (event as { type: string }).type),
    ['integrity.witnesses_missing', 'integrity.witnesses_back'],
  )
  await cosignatures.showPublished(node.worker, false)
  await node.sequencer()()
  t.equal(await shown(), 16, 'without a policy the newest')
  await cosignatures.showPublished(node.worker, true)
  await node.sequencer()()
  t.equal(await shown(), 16, 'what was shown stays')
})

t.test('bounded fail-closed', async (t) => {
  const node = await nodeFor(t)
  const policy = { vkeys: ['w'], quorum: 1, bound: 60 }
  let now = 1_000_000
  let reachable = true
  const demand = makeDemandWitnesses({
    db: node.app,
    storage: {
      findQuorum: (db, asked) =>
        reachable ? cosignatures.findQuorum(db, asked) : Promise.reject(new Error('away')),
    },
    policy,
    elapsed: () => now,
    retryAfter: 10,
  })
  const missing = { code: 'witness_missing', headers: { 'retry-after': '10' } }
  await demand()
  now += 59_000
  await demand()
  now += 2_000
  await t.rejects(demand(), missing, 'a log that never begins')
  await node.sequencer()()
  await demand()
  const witness = await oddWitness(t, 'w', ({ body }, response) =>
    response.end(witness.cosigned(body)),
  )
  const known = makeDemandWitnesses({
    ...{ db: node.app, elapsed: () => now, retryAfter: 10 },
    storage: {
      findQuorum: (db, asked) =>
        reachable ? cosignatures.findQuorum(db, asked) : Promise.reject(new Error('away')),
    },
    policy: { ...policy, vkeys: [witness.vkey] },
  })
  await collector(node, [witness])()
  await known()
  reachable = false
  now += 55_000
  await known()
  now += 6_000
  await t.rejects(known(), { message: 'away' }, 'who cannot ask does not go on')
  await t.rejects(known())
  reachable = true
  await known()
  await tamper(
    node.owner,
    `update log_checkpoint set published_at = published_at - interval '1 hour'`,
  )
  now += 61_000
  await t.rejects(Promise.all([known(), known(), known()]), missing)
})

t.test('the look for a quorum that is not there stays cheap', async (t) => {
  const node = await nodeFor(t)
  // Two hundred thousand ticks: 23 days at ten seconds.
  await node.owner.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx)
    await sql`insert into log_checkpoint (size, root, note, published_at, previous)
      select i * 4, sha256(i::text::bytea), 'x', now() - make_interval(secs => (200000 - i) * 10), nullif(i - 1, 0) * 4
      from generate_series(1, 200000) i`.execute(tx)
    await sql`insert into log_cosignature (size, witness, line, cosigned_at)
      select size, 'one', E'\u2014 x\n', now() from log_checkpoint`.execute(tx)
  })
  await sql`analyze log_checkpoint, log_cosignature`.execute(node.owner)
  const policy = { vkeys: ['one', 'two'], quorum: 2, bound: 3_600 }
  await cosignatures.findQuorum(node.app, policy)
  const took: number[] = []
  for (let i = 0; i < 20; i++) {
    const began = performance.now()
    t.equal((await cosignatures.findQuorum(node.app, policy)).newest, undefined)
    took.push(performance.now() - began)
  }
  const median = took.sort((a, b) => a - b)[10]!
  t.ok(median < 30, `${median.toFixed(1)} ms`)
  t.comment(`${median.toFixed(1)} ms over 200,000 checkpoints with one cosignature each`)
})

t.test('settings of witnesses', async (t) => {
  const vkey = 'w.example+f3c080b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X'
  const faults = (environment: Record<string, string>): readonly string[] => {
    try {
      loadConfig(environment)
      return []
    } catch (error) {
      return (error as ConfigError).faults
    }
  }
  const config = loadConfig({
    OSTIARY_WITNESSES: `# ours\n ${vkey} https://w.example:8443/log \n\n${vkey} http://127.0.0.1:8091`,
    OSTIARY_WITNESS_QUORUM: '2',
  })
  t.same(config.witnesses, [
    { vkey, url: 'https://w.example:8443/log' },
    { vkey, url: 'http://127.0.0.1:8091/' },
  ])
  t.match(config, { witnessMode: 'warn', witnessBound: 3600 })
  t.equal(loadConfig({}).witnesses, undefined)
  for (const line of [
    vkey,
    `${vkey} http://w.example`,
    `${vkey} ftp://127.0.0.1`,
    `${vkey} https://w.example?x=1`,
    `${vkey} https://user:word@w.example`,
    `${vkey} https://w.example more`,
    `w.example https://w.example`,
    `https://w.example ${vkey}`,
  ])
    t.match(faults({ OSTIARY_WITNESSES: line }), [/^OSTIARY_WITNESSES must be lines/], line)
  t.match(faults({ OSTIARY_WITNESS_QUORUM: '1' }), [/more than there are witnesses/])
  t.match(
    faults({
      ...{ OSTIARY_WITNESSES: `${vkey} https://w.example`, OSTIARY_WITNESS_QUORUM: '1' },
      ...{ OSTIARY_WITNESS_BOUND: '19', OSTIARY_LOG_TICK: '10000' },
    }),
    [/at least two ticks/],
  )
  t.match(faults({ OSTIARY_WITNESS_MODE: 'halt' }), [/OSTIARY_WITNESS_MODE/])
})
