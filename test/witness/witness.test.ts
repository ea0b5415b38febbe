/** The witness program, by its protocol alone (c2sp.org/tlog-witness), in a process of its own. */
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  formatAddCheckpoint,
  parseAddCheckpoint,
  parseStoredSize,
  readCosignatures,
} from '../../src/domain/log/add-checkpoint.ts'
import { cosignatureVerifier } from '../../src/domain/log/cosignature.ts'
import { parseVkey } from '../../src/domain/log/vkey.ts'
import { cosignNote, decideAddCheckpoint, watchedLogs } from '../../src/domain/log/witness.ts'
import { cosignersOf, proveFork } from '../support/independent-cosignatures.ts'
import { openSigned } from '../support/independent-verifier.ts'
import { TestLog, TestLogKey } from '../support/test-log.ts'
import { witnessFor } from '../support/witness-for.ts'
import { runWitness } from '../support/witness-process.ts'
import vectors from '../vectors/log.json' with { type: 'json' }

const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const bytes = (text: string) => new TextEncoder().encode(text)
const vectorKey = new TestLogKey('audit.example.org/case-log', unhex(vectors.log.ed25519SeedHex))
/** The log of the shared vectors: eight entries. */
const vectorLog = new TestLog(vectors.merkle.leafInputsHex.map(unhex), vectorKey)

t.test('what passes between log and witness, as specified', async (t) => {
  t.equal(vectorLog.note(8), vectors.log.checkpoint, 'the test signs as the vectors say')
  t.equal(vectorKey.vkey, vectors.log.vkey)
  const key = { name: 'witness.example.org/w1', seed: unhex(vectors.witness.ed25519SeedHex) }
  const logs = watchedLogs([vectors.log.vkey])!
  const request = parseAddCheckpoint(bytes(`old 0\n\n${vectors.log.checkpoint}`))!
  const decided = decideAddCheckpoint(request, logs, () => undefined)
  t.equal(decided.status, 200)
  if (decided.status !== 200) return
  const { note } = cosignNote(decided.note, vectors.witness.timestamp, key)
  t.equal(note, vectors.log.checkpoint + vectors.witness.line, 'the cosignature of the vectors')
  t.same([...cosignersOf(note, [vectors.witness.vkey])], [[vectors.witness.vkey, 1_700_000_000]])

  for (const body of [vectorLog.request(0, 3), vectorLog.request(3, 7), vectorLog.request(8, 8)])
    t.equal(formatAddCheckpoint(parseAddCheckpoint(bytes(body))!), body)
  const proof = `${Buffer.alloc(32).toString('base64')}\n`
  for (const [what, body] of [
    ['nothing', ''],
    ['no empty line', `old 0\n${vectors.log.checkpoint.split('\n\n')[0]!}\n`],
    ['no old line', `\n${vectors.log.checkpoint}`],
    ['another word', `new 0\n\n${vectors.log.checkpoint}`],
    ['a leading zero', `old 01\n\n${vectors.log.checkpoint}`],
    ['a sign', `old -1\n\n${vectors.log.checkpoint}`],
    ['two spaces', `old  1\n\n${vectors.log.checkpoint}`],
    ['a size beyond what is counted', `old 99999999999999999999\n\n${vectors.log.checkpoint}`],
    ['a short hash', `old 1\nAAAA\n\n${vectors.log.checkpoint}`],
    ['no base64', `old 1\n%%%\n\n${vectors.log.checkpoint}`],
    ['sixty-four hashes', `old 1\n${proof.repeat(64)}\n${vectors.log.checkpoint}`],
  ] as const)
    t.equal(parseAddCheckpoint(bytes(body)), undefined, what)
  t.ok(parseAddCheckpoint(bytes(`old 1\n${proof.repeat(63)}\n${vectors.log.checkpoint}`)))
  t.equal(parseAddCheckpoint(Uint8Array.of(0x6f, 0x6c, 0x64, 0xff)), undefined, 'not UTF-8')
  t.equal(parseStoredSize('12\n'), 12)
  for (const body of ['12', '', '\n', '012\n', '12\n\n', 'x\n', '99999999999999999999\n'])
    t.equal(parseStoredSize(body), undefined)

  const verifier = cosignatureVerifier(parseVkey(vectors.witness.vkey)!)
  const [text = ''] = vectors.log.checkpoint.split('\n\n', 1)
  const reading = (body: string) => {
    const read = readCosignatures(body, `${text}\n`, verifier)
    return read.ok ? read.value.length : read.reason
  }
  const { line } = vectors.witness
  const stranger = new TestLogKey('witness.example.org/w1').line('other')
  t.equal(reading(line), 1)
  t.equal(reading(stranger + line), 1, 'lines of other keys say nothing')
  t.equal(reading(stranger), 'not_cosigned')
  t.equal(reading(''), 'not_cosigned')
  t.equal(reading(line.trimEnd()), 'malformed_answer')
  t.equal(reading('200 OK\n'), 'malformed_answer')
  t.equal(reading(line.repeat(65)), 'malformed_answer')
  t.equal(reading(line.replace('WpWUi', 'WpWUj')), 'bad_signature')
})

t.test('of random trees it takes every continuation and no other', async (t) => {
  const key = new TestLogKey('random.example/log')
  const [log, other] = [TestLog.random(600, key), TestLog.random(600, key)]
  const logs = watchedLogs([key.vkey])!
  const at = (of: TestLog, size: number) => {
    return { size, root: unhex(of.oracle.mth(0, size)) }
  }
  const decide = (body: string, latest: ReturnType<typeof at>) => {
    const request = parseAddCheckpoint(bytes(body))
    return request ? decideAddCheckpoint(request, logs, () => latest).status : 400
  }
  const sizes = fc.tuple(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 600 }))
  fc.assert(
    fc.property(sizes, fc.nat(), (two, place) => {
      const [from, to] = two[0] <= two[1] ? two : [two[1], two[0]]
      const body = log.request(from, to)
      if (decide(body, at(log, from)) !== 200) return false
      if (decide(body, at(other, from)) !== 422) return false
      if (decide(body, at(log, from === 1 ? 2 : from - 1)) !== 409) return false
      if (decide(other.request(from, to), at(log, from)) !== 422) return false
      // One bit anywhere: unless it says the same thing, it is not taken.
      const changed = Buffer.from(body)
      const index = place % changed.length
      changed[index] = changed[index]! ^ (1 << (place % 7))
      return (
        decide(changed.toString('latin1') === body ? '' : changed.toString(), at(log, from)) !== 200
      )
    }),
    { numRuns: 300 },
  )
  t.pass('300 pairs of trees')
})

t.test('every status over HTTP', async (t) => {
  const rotated = new TestLogKey(vectorKey.name)
  const { directory, vkey, start } = await witnessFor(t, vectorKey.vkey, rotated.vkey)
  const witness = await start()
  t.equal(witness.vkey, vkey)
  const { add, url } = witness
  const path = `/${createHash('sha256').update(vectorKey.name).digest('hex')}/checkpoint`
  const monitor = async (at = path) => {
    const answer = await fetch(url + at)
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      body: await answer.text(),
    }
  }
  const status = async (body: string) => (await add(body)).status
  /** A note with another root, truly signed. */
  const forgedAt = (size: number, root = Buffer.alloc(32, 7)) => {
    const text = `${vectorKey.name}\n${size}\n${root.toString('base64')}\n`
    return `${text}\n${vectorKey.line(text)}`
  }

  t.match(path, '/65374bba497bd17fec4bf56618cdf6ce7b05074d73597a0ccb4ba028c69ef061/')
  t.equal((await monitor()).status, 404, 'nothing cosigned yet')
  const stranger = new TestLogKey('other.example/log')
  t.equal(
    await status(new TestLog(vectors.merkle.leafInputsHex.map(unhex), stranger).request(0, 8)),
    404,
  )
  t.equal(await status('hello'), 400)
  t.equal(await status('old 0\n\nhello\n'), 400)
  const impostor = new TestLogKey(vectorKey.name)
  t.equal(await status(`old 0\n\n${vectorLog.note(3, [impostor])}`), 403, 'signed by another key')
  const broken = vectorLog.note(3).replace(/.{6}\n$/, 'AAAA=\n'.slice(-6) + '\n')
  t.ok([400, 403].includes(await status(`old 0\n\n${broken}`)))
  const ofAnother = `${vectorLog.text(3)}\n${vectorKey.line(vectorLog.text(4))}`
  t.equal(await status(`old 0\n\n${ofAnother}`), 403, 'the signature of another text')
  t.equal(
    await status(`old 0\n\n${vectorLog.note(3)}${vectorKey.line('other')}`),
    403,
    'one of two signatures of its key is false',
  )
  t.equal(await status(`old 9\n\n${vectorLog.note(8)}`), 400, 'older than it says')
  t.equal(await status(`old 0\n\n${forgedAt(0)}`), 422, 'a false empty root')
  t.equal(
    await status(`old 0\n${Buffer.alloc(32).toString('base64')}\n\n${vectorLog.note(3)}`),
    422,
    'a proof from nothing',
  )
  const early = await add(vectorLog.request(2, 3))
  t.same([early.status, early.type, early.body], [409, 'text/x.tlog.size', '0\n'])
  t.equal((await monitor()).status, 404, 'none of this was cosigned')

  const empty = forgedAt(0, createHash('sha256').digest())
  t.equal(await status(`old 0\n\n${empty}`), 200, 'an empty log')
  const before = Math.floor(Date.now() / 1000)
  const first = await add(vectorLog.request(0, 3))
  t.equal(first.status, 200)
  const time = cosignersOf(vectorLog.note(3) + first.body, [vkey]).get(vkey)!
  t.ok(time >= before && time <= before + 30, 'of this moment')
  t.equal(await status(vectorLog.request(3, 3)), 200, 'the same again, with a new time')
  t.equal(await status(`old 3\n\n${vectorLog.note(7)}`), 422, 'no proof')
  t.equal(
    await status(
      vectorLog
        .request(3, 7)
        .replace(/\n[^\n]{44}\n/, `\n${Buffer.alloc(32).toString('base64')}\n`),
    ),
    422,
    'a false one',
  )
  const conflict = await add(vectorLog.request(2, 7))
  t.same([conflict.status, conflict.type, conflict.body], [409, 'text/x.tlog.size', '3\n'])
  t.equal(await status(vectorLog.request(3, 7)), 200)
  t.equal((await add(vectorLog.request(3, 7))).body, '7\n', 'a rollback')
  t.equal((await add(`old 0\n\n${vectorLog.note(2)}`)).body, '7\n')
  t.equal(await status(`old 7\n\n${forgedAt(7)}`), 422, 'a fork')
  t.equal(
    await status(`old 7\n\n${vectorLog.note(7, [rotated])}`),
    200,
    'by the next key of the log',
  )
  t.equal(
    await status(`old 7\n\n${vectorLog.note(7, [impostor, vectorKey, rotated])}`),
    200,
    'several, one unknown',
  )

  const shown = await monitor()
  t.equal(shown.status, 200)
  t.match(shown.type, /^text\/plain/)
  t.equal(openSigned(shown.body, vectorKey.vkey).size, 7)
  t.equal(openSigned(shown.body, rotated.vkey).size, 7)
  t.ok(cosignersOf(shown.body, [vkey]).has(vkey))
  t.notMatch(shown.body, impostor.vkey.split('+')[1]!)
  t.equal((await monitor(path.toUpperCase())).status, 404)
  t.equal((await monitor('/')).status, 404)
  t.equal((await monitor('/add-checkpoint')).status, 405)
  t.equal((await fetch(`${url}/add-checkpoint`, { method: 'PUT', body: 'x' })).status, 405)
  t.equal((await fetch(url + path, { method: 'DELETE' })).status, 405)

  await t.test('what it refused as a fork stays as evidence', async (t) => {
    const kept = await readdir(join(directory, 'refused'))
    const notes = await Promise.all(
      kept.map((file) => readFile(join(directory, 'refused', file), 'utf8')),
    )
    const forks = notes.filter(
      (note) =>
        openSigned(note, vectorKey.vkey).size === 7 && proveFork(note, shown.body, vectorKey.vkey),
    )
    t.equal(forks.length, 1)
    t.match(witness.told(), /REFUSED, FORK: .*\(7 entries\)/)
    t.match(witness.told(), /cosigned 7 entries/)
  })
  await t.test('long bodies and slow senders', async (t) => {
    const long = await add(new Uint8Array(200_000)).catch(() => ({ status: 413 }))
    t.equal(long.status, 413)
    const { port } = new URL(url)
    const slow = connect(Number(port), '127.0.0.1')
    const gone = new Promise((resolve) => slow.once('close', resolve))
    slow.on('error', () => {})
    slow.resume()
    slow.write('POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nold')
    const began = performance.now()
    await gone
    t.ok(performance.now() - began < 20_000, 'is not waited for')
    t.equal(await status(`old 7\n\n${vectorLog.note(7)}`), 200, 'and it goes on')
  })
  await t.test('after a stop everything is as it was', async (t) => {
    t.equal(await witness.end('SIGTERM'), 0)
    const again = await start()
    t.equal((await (await fetch(again.url + path)).text()).split('\n')[1], '7')
    t.equal((await again.add(vectorLog.request(3, 8))).body, '7\n')
    t.equal((await again.add(vectorLog.request(7, 8))).status, 200)
    const printed = await runWitness('show', '--state', directory, '--json')
    t.match(JSON.parse(printed.stdout), { vkey, logs: [{ origin: vectorKey.name, size: 8 }] })
    await again.end()
  })
})

t.test('state is for one process, and never made anew', async (t) => {
  const { directory, start } = await witnessFor(t, vectorKey.vkey)
  const witness = await start()
  await witness.add(vectorLog.request(0, 5))
  const second = await runWitness('serve', '--state', directory, '--log', vectorKey.vkey)
  t.equal(second.code, 1)
  t.match(second.stderr, /another process is working on/)
  t.equal((await witness.add(vectorLog.request(5, 6))).status, 200, 'the first one goes on')

  const file = join(directory, 'checkpoints')
  const good = await readFile(file, 'utf8')
  t.equal((await stat(join(directory, 'key'))).mode & 0o777, 0o600)
  t.equal((await stat(file)).mode & 0o777, 0o600)
  await witness.add(vectorLog.request(6, 7))
  await writeFile(file, good)
  t.equal((await witness.add(vectorLog.request(7, 8))).status, 500, 'changed under its hands')
  t.equal(await witness.exited, 1, 'it stopped by itself')
  t.match(witness.told(), /changed by somebody else/)

  const serve = () => runWitness('serve', '--state', directory, '--log', vectorKey.vkey)
  for (const [what, damage] of [
    ['empty', ''],
    ['cut off', good.slice(0, good.length / 2)],
    ['another size', good.replace('\\n6\\n', '\\n2\\n')],
    ['without its notes', good.replace(/"notes": \[[^]*\]/, '"notes": []')],
    ['one byte more', `${good} `],
    ['not JSON', 'checkpoints\n'],
  ] as const) {
    t.not(damage, good)
    await writeFile(file, damage)
    const refused = await serve()
    t.equal(refused.code, 1, what)
    t.match(refused.stderr, /is damaged/, what)
    t.equal(await readFile(file, 'utf8'), damage, 'and is left as it is')
  }
  await rm(file)
  t.match((await serve()).stderr, /cannot be read/)
  await writeFile(file, good)
  const key = await readFile(join(directory, 'key'), 'utf8')
  await writeFile(join(directory, 'key'), key.replace(/\+[0-9a-f]{8}\+/, '+00000000+'))
  t.match((await serve()).stderr, /is damaged/)
  t.match((await runWitness('init', '--state', directory, '--name', 'w')).stderr, /not empty/)
  t.match(
    (await runWitness('init', '--state', `${directory}2`, '--name', 'a b')).stderr,
    /no spaces/,
  )
  t.match(
    (await runWitness('serve', '--state', `${directory}3`, '--log', vectorKey.vkey)).stderr,
    /holds no witness/,
  )
})
