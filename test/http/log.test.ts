import { createHash, randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { httpReader } from '../../src/cli/log-reader.ts'
import { checkReceipt } from '../../src/cli/verify-receipt.ts'
import { verifyServer } from '../../src/cli/verify-server.ts'
import { VERIFY_WORDS } from '../../src/cli/verify-words.ts'
import { verifyLog } from '../../src/cli/verify-log.ts'
import { logRoutes } from '../../src/http/log-routes.ts'
import { registerProblems } from '../../src/http/problem.ts'
import { makeActing } from '../../src/services/acting.ts'
import type { Caller } from '../../src/services/caller.ts'
import { makeProveDisclosure } from '../../src/services/prove-disclosure.ts'
import type { Receipt } from '../../src/services/record-event.ts'
import { makeRequirePractitioner } from '../../src/services/require-practitioner.ts'
import * as disclosures from '../../src/storage/disclosures.ts'
import * as erasure from '../../src/storage/erasure.ts'
import * as log from '../../src/storage/log.ts'
import * as practitioners from '../../src/storage/practitioners.ts'
import {
  openHistory,
  openReceipt,
  openSigned,
  pathOf,
  readWholeLog,
} from '../support/independent-verifier.ts'
import { type LogNode, ORIGIN, startLogNode, tamper } from '../support/log-node.ts'

async function serverFor(t: Test): Promise<{ node: LogNode; app: FastifyInstance }> {
  const node = await startLogNode()
  const app = Fastify()
  registerProblems(app, () => [])
  await app.register(logRoutes({ log: node.serve, keys: node.keys }))
  t.teardown(async () => {
    await app.close()
    await node.close()
  })
  return { node, app }
}

/** Entries from nowhere, many at once. */
async function addPending({ owner }: LogNode, count: number): Promise<void> {
  await sql`insert into log_pending (event_id, entry)
    select gen_random_uuid(), sha256(gen_random_uuid()::text::bytea) || sha256(gen_random_uuid()::text::bytea)
    from generate_series(1, ${count})`.execute(owner)
}

t.test('the public log', async (t) => {
  const { node, app } = await serverFor(t)
  const get = (path: string) => app.inject({ method: 'GET', url: `/log/${path}` })

  t.equal((await get('checkpoint')).statusCode, 404, 'nothing yet')
  t.equal((await get('tile/0/000.p/1')).statusCode, 404)
  const vkey = await get('vkey')
  t.equal(vkey.body, `${node.vkey}\n`)
  t.equal(vkey.headers['content-type'], 'text/plain; charset=utf-8')
  const vkeys = await get('vkeys')
  t.same(openHistory(vkeys.body, [node.vkey]), [
    { vkey: node.vkey, from: 0, until: Infinity, compromised: false },
  ])
  t.equal(vkeys.headers['cache-control'], 'public, max-age=60')

  // Sizes at which tiles begin, fill and are followed by others; the last with the widths of c2sp.org/tlog-tiles.
  let size = 0
  for (const [next, tiles] of [
    [1, [[0, 0, 1]]],
    [255, [[0, 0, 255]]],
    [
      256,
      [
        [0, 0, 256],
        [1, 0, 1],
      ],
    ],
    [
      257,
      [
        [0, 1, 1],
        [1, 0, 1],
      ],
    ],
    [
      65_536,
      [
        [0, 255, 256],
        [1, 0, 256],
        [2, 0, 1],
      ],
    ],
    [
      70_000,
      [
        [0, 273, 112],
        [1, 1, 17],
        [2, 0, 1],
      ],
    ],
  ] as const) {
    t.match(await node.sequencer({ batch: next - size })(), { state: 'published', size: next })
    size = next
    const checkpoint = await get('checkpoint')
    t.equal(checkpoint.statusCode, 200)
    t.equal(checkpoint.headers['content-type'], 'text/plain; charset=utf-8')
    t.match(String(checkpoint.headers['cache-control']), /^public, max-age=[1-5]$/)
    t.equal(openSigned(checkpoint.body, node.vkey).size, size)

    const last = Math.ceil(size / 256) - 1
    const bundle = [last, size - last * 256] as const
    for (const [kind, index, width] of [...tiles, ['entries', ...bundle] as const]) {
      const entries = kind === 'entries'
      const served = await get(pathOf(String(kind), index, width))
      t.equal(served.statusCode, 200, `${kind}/${index} of ${size}`)
      t.equal(served.rawPayload.length, width * (entries ? 66 : 32))
      t.equal(served.headers['content-type'], 'application/octet-stream')
      t.equal(served.headers['cache-control'], 'public, max-age=31536000, immutable')
      // Narrower ones, for sizes that had a checkpoint, are its beginning; wider ones are not there yet.
      const narrow = await get(pathOf(String(kind), index, Math.ceil(width / 2)))
      t.ok(served.rawPayload.subarray(0, narrow.rawPayload.length).equals(narrow.rawPayload))
      if (width < 256) t.equal((await get(pathOf(String(kind), index, width + 1))).statusCode, 404)
      t.equal((await get(pathOf(String(kind), index + 1, 1))).statusCode, 404)
    }
  }
  t.equal((await readWholeLog(node.fetch, node.vkey)).tiles, 274 + 2 + 1)

  await t.test('what is not there is one and the same 404', async (t) => {
    const bodies = new Set<string>()
    for (const path of [
      'tile/0/273',
      'tile/0/273.p/113',
      'tile/0/274.p/1',
      'tile/3/000.p/1',
      'tile/63/000',
      'tile/64/000',
      'tile/0/x999/x999/x999/x999/x999/999',
      'tile/0/0',
      'tile/0/0000',
      'tile/00/000',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/08',
      'tile/0/x000/001',
      'tile/0/%30%30%30',
      'tile/0/000/',
      'tile//000',
      'tile/entries/274.p/1',
      'tile/entries/-01',
      "tile/entries/000';--",
      'tile/0/..%2f..%2fcheckpoint',
    ]) {
      const { statusCode, body, headers } = await get(path)
      t.equal(statusCode, 404, path)
      t.equal(headers['cache-control'], 'no-store', 'it may be there soon')
      bodies.add(body.replace(/urn:uuid:[^"]+/, ''))
    }
    t.equal(bodies.size, 1)
    t.equal((await get('tile/0/000?x=1')).statusCode, 200)
  })
})

t.test('verified from outside', async (t) => {
  const { node, app } = await serverFor(t)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const lines: string[] = []
  const out = (line: string) => void lines.push(line)

  const early = await verifyServer(url, node.vkey, out)
  t.match(early, { exitCode: 2, log: { code: 'nothing_published' } })
  await node.addEvents(600)
  await node.sequencer()()
  const first = openSigned(Buffer.from((await node.fetch('checkpoint'))!).toString(), node.vkey)
  const known = { ...first, root: new Uint8Array(first.root), extensions: [] }
  await node.addEvents(3)
  await node.sequencer()()

  lines.length = 0
  const report = await verifyServer(url, node.vkey, out)
  t.match(report, {
    exitCode: 0,
    log: { ok: true, origin: ORIGIN, size: 1028, bundles: 5, tiles: 6 },
  })
  t.match(lines.join('\n'), /1028 entries[^]*OK: the log holds what it signed/)
  t.match(await verifyServer(`${url}/log/`, node.vkey, out), { exitCode: 0 }, 'the prefix will do')

  const read = httpReader(url)
  const codeFor = async (changed: Parameters<typeof verifyLog>[0]) => {
    const { ok, ...rest } = await verifyLog(changed)
    return ok ? 'ok' : (rest as { code: string }).code
  }
  t.match(await verifyLog({ read, vkey: node.vkey, known: [known] }), { ok: true, known: 1 })
  const other = { ...known, root: new Uint8Array(32) }
  t.equal(await codeFor({ read, vkey: node.vkey, known: [other] }), 'forked')
  t.equal(await codeFor({ read, vkey: node.vkey, known: [{ ...known, size: 4096 }] }), 'shrunk')

  // A log that has dropped the partial tiles and bundles of a full one; and one that lacks something.
  const forgetful = (gone: RegExp) => async (path: string) =>
    gone.test(path) ? undefined : read(path)
  const noPartials = forgetful(/(?:0|entries)\/00[0-3]\.p/)
  t.equal(await codeFor({ read: noPartials, vkey: node.vkey, known: [{ ...known }] }), 'ok')
  t.equal(await codeFor({ read: forgetful(/tile\/1/), vkey: node.vkey }), 'missing')
  t.equal(await codeFor({ read: forgetful(/entries\/004/), vkey: node.vkey }), 'missing')

  const stranger = await startLogNode()
  t.teardown(() => stranger.close())
  t.match(await verifyServer(url, stranger.vkey, out), {
    exitCode: 1,
    log: { code: 'no_known_signature' },
  })
  t.match(await verifyServer(url, 'exchange.example/log+00000000+AAAA', out), {
    exitCode: 2,
    log: { code: 'malformed_vkey' },
  })
  lines.length = 0
  t.match(await verifyServer('http://127.0.0.1:9', node.vkey, out), { exitCode: 2 })
  t.same(lines, ['NOT CHECKED: checkpoint: could not be fetched'])

  const flipped = (table: string, where: string) =>
    `update ${table} set bytes = set_byte(bytes, 40, get_byte(bytes, 40) # 128) where ${where}`
  for (const [statement, code] of [
    [flipped('log_tile', 'level = 0 and tile_index = 1'), 'tile_differs'],
    [flipped('log_tile', 'level = 1'), 'tile_differs'],
    [flipped('log_bundle', 'bundle_index = 0'), 'tile_differs'],
    [
      `update log_bundle set bytes = substring(bytes from 3) where bundle_index = 4`,
      'malformed_bundle',
    ],
  ] as const) {
    await tamper(node.owner, 'create table kept_tile as select * from log_tile')
    await tamper(node.owner, 'create table kept_bundle as select * from log_bundle')
    await tamper(node.owner, statement)
    lines.length = 0
    const found = await verifyServer(url, node.vkey, out).catch(() => undefined)
    if (code === 'malformed_bundle') t.notOk(found?.exitCode === 0)
    else {
      t.match(found, { exitCode: 1, log: { code } }, statement)
      t.match(lines, [/^FAILED: tile\/.*: IS NOT THE TILE/])
    }
    await t.rejects(readWholeLog(node.fetch, node.vkey))
    await tamper(
      node.owner,
      'update log_tile t set bytes = k.bytes from kept_tile k where (k.level, k.tile_index) = (t.level, t.tile_index)',
    )
    await tamper(
      node.owner,
      'update log_bundle b set bytes = k.bytes from kept_bundle k where k.bundle_index = b.bundle_index',
    )
    for (const table of ['kept_tile', 'kept_bundle'])
      await sql.raw(`drop table ${table}`).execute(node.owner)
  }
  t.equal((await verifyServer(url, node.vkey, out)).exitCode, 0)
  t.ok(Object.values(VERIFY_WORDS).every((words) => words.length > 10))
})

t.test('the proof of a disclosure', async (t) => {
  const { node } = await serverFor(t)
  const [anna, marko] = [await addAgency(node), await addAgency(node)]
  const acting = makeActing({
    transact: node.transact,
    requirePractitioner: makeRequirePractitioner({ storage: practitioners }),
    recordEvent: node.recordEvent,
  })
  let now = Date.UTC(2026, 10, 20, 12, 0, 3, 500)
  const prove = makeProveDisclosure({
    acting,
    storage: { disclosures, erasure, log },
    recordEvent: node.recordEvent,
    runtime: { now: () => new Date(now) },
    tick: 10_000,
  })
  const { id, receipt } = await addDisclosure(node, anna)

  t.same(await prove(anna, id), { state: 'pending', retryAfter: 7 }, 'not before the tick')
  now += 6_400
  t.same(await prove(anna, id), { state: 'pending', retryAfter: 1 })
  await node.addEvents(700)
  await node.sequencer()()
  const proven = await prove(anna, id)
  if (proven.state !== 'published') return t.fail('published')
  const { proof } = proven
  t.equal(proof.treeSize, 1024)
  t.equal(proof.inclusion.length, 10)
  t.match(proof.publicPart, {
    event: { id: receipt.eventId, agencyId: anna.agencyId },
    outcome: 'none',
  })

  await t.test('holds for a verifier that shares no code', async (t) => {
    const { entry, tree } = openReceipt(proof, node.vkey)
    t.equal(tree.size, 1024)
    const { entries } = await readWholeLog(node.fetch, node.vkey)
    t.ok(entries[proof.leafIndex]!.equals(entry))
    const leafHash = createHash('sha256').update(Buffer.of(0)).update(entry).digest('base64url')
    t.equal(leafHash, receipt.leafHash, 'it is the leaf that the answer promised')
    for (const altered of [
      { ...proof, publicPart: { ...proof.publicPart, outcome: 'full' } },
      { ...proof, leafIndex: proof.leafIndex ^ 1 },
      { ...proof, inclusion: proof.inclusion.slice(1) },
      { ...proof, privateCommitment: proof.publicSalt },
      { ...proof, checkpoint: proof.checkpoint.replace('\n1024\n', '\n1025\n') },
    ])
      t.throws(() => openReceipt(altered, node.vkey))
  })

  await t.test('and from the command line', async (t) => {
    const text = JSON.stringify(proof)
    const file = { name: 'proof.json', text, leafHash: receipt.leafHash }
    t.match(checkReceipt(file, node.vkey), { ok: true, leafIndex: proof.leafIndex })
    const outcome = text.replace('"outcome":"none"', '"outcome":"full"')
    for (const [changed, code] of [
      [{ ...file, text: outcome }, 'other_leaf'],
      [{ name: 'x', text: outcome }, 'not_included'],
      [{ ...file, leafHash: Buffer.alloc(32).toString('base64url') }, 'other_leaf'],
      [{ ...file, leafHash: 'x' }, 'other_leaf'],
      [{ name: 'x', text: '{' }, 'malformed_receipt'],
      [{ name: 'x', text: text.replace(/,"privateCommitment":"[^"]*"/, '') }, 'malformed_receipt'],
    ] as const)
      t.match(checkReceipt(changed, node.vkey), { ok: false, code })

    const lines: string[] = []
    await node.sequencer()()
    const options = { receipts: [file], read: node.fetch }
    const report = await verifyServer(
      'http://unused',
      node.vkey,
      (line) => lines.push(line),
      options,
    )
    t.match(report, { exitCode: 0, log: { size: 1028, known: 1 } })
    t.match(lines.at(-1), `OK: proof.json: is entry ${proof.leafIndex} of the log`)
    const bad = { receipts: [{ name: 'x', text: outcome }], read: node.fetch }
    t.match(await verifyServer('http://unused', node.vkey, () => {}, bad), {
      exitCode: 1,
      log: { ok: true },
    })
  })

  await t.test("is for the requester's own agency alone", async (t) => {
    for (const [caller, of] of [
      [marko, id],
      [anna, randomUUID()],
    ] as const) {
      await t.rejects(prove(caller, of), { code: 'not_found' })
      const { rows } = await sql<{ public_part: string }>`select public_part from audit_event
        where agency_id = ${caller.agencyId} and type = 'authority.refused'`.execute(node.owner)
      t.equal(rows.length, 1, 'which is an event')
    }
    await t.rejects(prove({ ...marko, practitionerId: anna.practitionerId! }, id), {
      code: 'practitioner_not_recognised',
    })
  })

  await t.test('is not handed out when it would not verify', async (t) => {
    const damages: [statement: string, undo: string][] = [
      [
        `update log_tile set bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1) where level = 0`,
        `update log_tile set bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1) where level = 0`,
      ],
      [
        `update log_position set leaf_index = leaf_index + 1000000`,
        `update log_position set leaf_index = leaf_index - 1000000`,
      ],
      [
        `update audit_event set public_part = replace(public_part, 'none', 'full') where id = '${receipt.eventId}'`,
        `update audit_event set public_part = replace(public_part, 'full', 'none') where id = '${receipt.eventId}'`,
      ],
      [
        `update disclosure set leaf_hash = sha256(leaf_hash)`,
        `update disclosure set leaf_hash = decode('${Buffer.from(receipt.leafHash, 'base64url').toString('hex')}', 'hex')`,
      ],
    ]
    for (const [statement, undo] of damages) {
      await tamper(node.owner, statement)
      await t.rejects(prove(anna, id), { code: 'internal_error' }, statement)
      await tamper(node.owner, undo)
      t.match(await prove(anna, id), { state: 'published', proof: { leafIndex: proof.leafIndex } })
    }
  })
})

/** An agency with one practitioner, who makes the calls. */
async function addAgency({ owner }: LogNode): Promise<Caller> {
  const [agencyId, practitionerId] = [randomUUID(), randomUUID()]
  await sql`insert into agency (id, client_id, name, sector, country, public, jwks, scopes)
    values (${agencyId}, ${agencyId}, 'Harbour', 'victim_support', 'SI', false, '{"keys": []}', '{}')`.execute(
    owner,
  )
  await sql`insert into practitioner (id, agency_id, local_id, roles)
    values (${practitionerId}, ${agencyId}, 'w-1', '{vss_advocate}')`.execute(owner)
  return {
    agencyId,
    practitionerId,
    sector: 'victim_support',
    clientId: agencyId,
    scopes: ['disclosures:read'],
    channel: 'sender_constrained',
    role: 'vss_advocate',
    requestId: randomUUID(),
  }
}

/** A decided disclosure of the caller, as the gate writes it. */
async function addDisclosure(
  { transact, recordEvent }: LogNode,
  caller: Caller,
): Promise<{ id: string; receipt: Receipt }> {
  const [id, caseId, subjectId] = [randomUUID(), randomUUID(), randomUUID()]
  const { agencyId } = caller
  const receipt = await transact(agencyId, async (tx) => {
    const event = await recordEvent(tx, {
      type: 'disclose.decided',
      agencyId,
      caseId,
      subjectId,
      public: { outcome: 'none', numbers: [1, 0.1, 1e21], text: 'ö\u20ac"' },
      private: { silent: ['x'] },
    })
    await tx
      .insertInto('disclosure')
      .values({
        id,
        kind: 'disclosure',
        case_id: caseId,
        subject_id: subjectId,
        agency_id: agencyId,
        practitioner_id: caller.practitionerId!,
        role: 'vss_advocate',
        purpose: 'housing',
        requested: ['person.*'],
        outcome: 'none',
        record_versions: '{}',
        policy_version: 1,
        exception: null,
        sealed: false,
        notes_sealed: null,
        notes_key: null,
        under_review: false,
        replay_of: null,
        released_from: null,
        event_id: event.eventId,
        leaf_hash: Buffer.from(event.leafHash, 'base64url'),
        decided_at: new Date(),
      })
      .execute()
    return event
  })
  return { id, receipt }
}

t.test('many events at once', async (t) => {
  const { node } = await serverFor(t)
  await addPending(node, 20_000)
  const sequence = node.sequencer({ most: 16_384 })
  const began = performance.now()
  t.match(await sequence(), { state: 'published', size: 16_384, events: 16_383 })
  t.comment(`${Math.round(16_384 / ((performance.now() - began) / 1000))} events/s`)
  t.match(await sequence(), { state: 'published', size: 16_384 + 4096, events: 3617 })
  t.equal((await readWholeLog(node.fetch, node.vkey)).size, 20_480)
})
