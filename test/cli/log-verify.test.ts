// `ostiary log verify` as somebody outside uses it: what it says and how it ends, for every failure.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import t from 'tap'
import { exportLog } from '../../src/cli/export-log.ts'
import { verifyAsAsked, type VerifyCommandOptions } from '../../src/cli/log.ts'
import type { Read } from '../../src/cli/log-reader.ts'
import { Trouble } from '../../src/cli/verify-report.ts'
import { VERIFY_WORDS } from '../../src/cli/verify-words.ts'
import { canonicalize, type Json } from '../../src/domain/log/canonical.ts'
import { openCheckpoint, logIdentity, signCheckpoint } from '../../src/domain/log/checkpoint.ts'
import { cosign } from '../../src/domain/log/cosignature.ts'
import { formatNote, formatSignatureLine, signNote } from '../../src/domain/log/note.ts'
import { ED25519, ED25519_COSIGNATURE, formatVkey, verifierKey } from '../../src/domain/log/vkey.ts'
import { openReceipt } from '../support/independent-verifier.ts'
import { checkpointsOf, keptNode, receiptOf } from '../support/kept-log.ts'
import { ORIGIN } from '../support/log-node.ts'
import { sigstoreOpinion } from '../support/sigstore-opinion.ts'
import { serveFolder } from '../support/static-server.ts'

t.setTimeout(300_000)
const { node, keysOfNode, rotate } = await keptNode(t)
const folder = await mkdtemp(join(tmpdir(), 'ostiary-verify-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const inFolder = (name: string) => join(folder, name)
const put = async (name: string, content: unknown) => {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  await writeFile(inFolder(name), text)
  return inFolder(name)
}

// A life of a log: an event under the first key, a rotation with overlap, its end, more events.
const keys = keysOfNode()
const sequence = node.sequencer({ keys: keys.forTick })
const [first] = await node.addEvents(300)
await sequence()
const early = await receiptOf(node, first!.eventId)
const earlyFull = await receiptOf(node, first!.eventId, true)
const { vkey: second } = await rotate({ overlap: 3600 })
const [later] = await node.addEvents(10)
await sequence()
const overlapping = await receiptOf(node, later!.eventId)
await sql`update log_key set signs_until = now() - interval '1 second' where kid = 'first'`.execute(
  node.owner,
)
await node.addEvents(300)
await sequence()
const history = await keys.history()
const read: Read = async (path) => (path === 'vkeys' ? Buffer.from(history) : node.fetch(path))
const checkpoints = await checkpointsOf(node)
const [cp1, cp2, cp3] = checkpoints.map(({ note }) => note) as [string, string, string]
const sizes = checkpoints.map(({ size }) => size)
const exported = inFolder('export')
await exportLog({ read, directory: exported })

const witness = { name: 'witness.example/w1', seed: randomBytes(32) }
const witnessVkey = formatVkey(verifierKey(witness, ED25519_COSIGNATURE))
const otherWitness = { name: 'witness.example/w2', seed: randomBytes(32) }
const otherVkey = formatVkey(verifierKey(otherWitness, ED25519_COSIGNATURE))
const textOf = (note: string) => note.slice(0, note.lastIndexOf('\n\n') + 1)
const cosigned = (note: string, by = witness) =>
  note + formatSignatureLine(cosign(textOf(note), 1_700_000_000, by))

/** What the command found, with its options given as on the command line. */
async function verify(source: string | undefined, options: Partial<VerifyCommandOptions> = {}) {
  const whole = { vkey: [node.vkey], receipt: [], witness: [], ...options }
  try {
    return await verifyAsAsked(source, whole)
  } catch (error) {
    if (error instanceof Trouble) return { exitCode: -1, codes: [error.code], lines: [] }
    throw error
  }
}

/** A copy of the export with something done to it. */
async function changed(how: (copy: string) => Promise<unknown>): Promise<string> {
  const copy = await mkdtemp(join(folder, 'copy-'))
  await cp(exported, copy, { recursive: true })
  await how(copy)
  return copy
}

const flipIn = (file: string, at: number) => async (copy: string) => {
  const bytes = await readFile(join(copy, file))
  bytes[at]! ^= 1
  await writeFile(join(copy, file), bytes)
}

t.test('what is right', async (t) => {
  const web = await serveFolder(exported)
  t.teardown(web.close)
  for (const source of [exported, web.url, `${web.url}/log`, `${web.url}/log/`])
    for (const vkey of [[node.vkey], [second], [node.vkey, second]]) {
      const { exitCode, lines } = await verify(source, { vkey })
      t.equal(exitCode, 0, `${source} ${vkey.length}`)
      t.equal(lines.at(-1), 'OK: the log holds what it signed')
    }
  const learnt = (await verify(exported)).lines
  t.ok(learnt.some((line) => line.includes(second) && line.includes('vouches for')))

  const receipt = [await put('early.json', early), await put('full.json', earlyFull)]
  const alone = await verify(undefined, { receipt })
  t.equal(alone.exitCode, 0, 'receipts alone, with the key of their time')
  t.same(
    alone.lines.map((line) => line.replace(/ \S+:/, '')),
    [
      `OK: is entry ${early.leafIndex} of the log`,
      `OK: is entry ${early.leafIndex} of the log, both parts of the event opened`,
    ],
  )
  const vkeys = await put('vkeys', history)
  t.equal((await verify(undefined, { receipt, vkey: [second], vkeys })).exitCode, 0)
  t.match(await verify(exported, { receipt, vkey: [second] }), { exitCode: 0, codes: [] })
  const leafHash = first!.leafHash
  t.equal((await verify(undefined, { receipt, leafHash })).exitCode, 0)

  const two = [await put('cp1', cp1), await put('cp3', cp3)]
  const consistent = await verify(exported, { checkpoints: two })
  t.match(consistent, { exitCode: 0, codes: [] })
  t.ok('consistency' in consistent && consistent.consistency!.length > 0)
  t.match(consistent.lines.at(-1), /OK: one log: the newer continues the older/)
  t.equal((await verify(undefined, { checkpoints: [...two, exported] })).exitCode, 0)
  t.equal((await verify(web.url, { checkpoints: two.toReversed() })).exitCode, 0)
  const same = [two[0]!, await put('cp1b', cosigned(cp1))]
  t.equal((await verify(undefined, { checkpoints: same })).exitCode, 0, 'equal ones need no proof')

  const withWitness = await changed((copy) =>
    writeFile(join(copy, 'checkpoint'), cosigned(cosigned(cp3), otherWitness)),
  )
  for (const [options, names] of [
    [{ witness: [witnessVkey, otherVkey] }, 2],
    [{ witness: [witnessVkey, otherVkey], quorum: '1' }, 2],
    [{ witness: [witnessVkey], quorum: '1' }, 1],
    [{ witness: [] }, 0],
  ] as const) {
    const { exitCode, lines } = await verify(withWitness, options)
    t.equal(exitCode, 0)
    t.equal(lines.filter((line) => line.startsWith('witness')).length, names)
  }
})

t.test('receipts in the eyes of two verifiers of other people', async (t) => {
  for (const [receipt, vkey] of [
    [early, node.vkey],
    [earlyFull, node.vkey],
    [overlapping, node.vkey],
    [overlapping, second],
  ] as const) {
    const text = canonicalize(receipt.publicPart as Json)
    openReceipt(receipt, vkey)
    sigstoreOpinion(receipt, vkey, text)
    const wrong = [
      { ...receipt, leafIndex: receipt.leafIndex ^ 1 },
      { ...receipt, leafIndex: receipt.treeSize },
      { ...receipt, inclusion: receipt.inclusion.slice(1) },
      { ...receipt, inclusion: receipt.inclusion.toReversed() },
      { ...receipt, publicSalt: receipt.privateCommitment },
      { ...receipt, privateCommitment: receipt.publicSalt },
      { ...receipt, checkpoint: receipt.checkpoint.replace(/\n\d+\n/, '\n1024\n') },
      { ...receipt, checkpoint: receipt.checkpoint.replace(/(\u2014 \S+ \S{20})\S/g, '$1_') },
    ]
    for (const [i, mutant] of wrong.entries()) {
      t.throws(() => sigstoreOpinion(mutant, vkey, text), `${i}`)
      t.throws(() => openReceipt(mutant, vkey), `${i}`)
    }
  }
  const { privatePart } = earlyFull as unknown as { privatePart: object }
  t.throws(() => openReceipt({ ...earlyFull, privatePart: { ...privatePart, x: 1 } }, node.vkey))
})

t.test('every failure has its code, its words and its exit code', async (t) => {
  const seen = new Set<string>()
  /** Expects a code at the head of what was found, in a line for people as well. */
  const expect = async (
    name: string,
    code: keyof typeof VERIFY_WORDS,
    exitCode: number,
    found: ReturnType<typeof verify>,
  ) => {
    const got = await found
    t.equal(got.codes[0], code, name)
    seen.add(code)
    if (got.exitCode === -1) return
    t.equal(got.exitCode, exitCode, `${name}: exit code`)
    const verdict = exitCode === 2 ? /^NOT CHECKED: / : /^FAILED: /
    const line = got.lines.find((line) => line.includes(VERIFY_WORDS[code]))
    t.match(line, verdict, name)
  }

  const stranger = formatVkey(verifierKey({ name: ORIGIN, seed: randomBytes(32) }, ED25519))
  await expect('no key', 'malformed_vkey', 2, verify(exported, { vkey: ['x'] }))
  await expect('key of a witness', 'malformed_vkey', 2, verify(exported, { vkey: [witnessVkey] }))
  await expect('no witness', 'malformed_witness', 2, verify(exported, { witness: [node.vkey] }))
  const tooMany = { witness: [witnessVkey], quorum: '2' }
  await expect('quorum', 'quorum_too_large', 2, verify(exported, tooMany))
  await expect('nobody there', 'unreachable', 2, verify('http://127.0.0.1:9'))
  await expect('an empty folder', 'nothing_published', 2, verify(inFolder('none')))
  await expect('a stranger', 'no_known_signature', 1, verify(exported, { vkey: [stranger] }))
  await expect('no cosignature', 'witness_missing', 1, verify(exported, { witness: [witnessVkey] }))

  for (const [name, code, how] of [
    ['text changed', 'bad_signature', flipIn('checkpoint', ORIGIN.length + 2)],
    ['tile gone', 'missing', (copy: string) => unlink(join(copy, 'tile/0/000'))],
    ['bundle gone', 'missing', (copy: string) => unlink(join(copy, 'tile/entries/001'))],
    ['entry changed', 'tile_differs', flipIn('tile/entries/001', 77)],
    ['length changed', 'malformed_bundle', flipIn('tile/entries/001', 1)],
    ['tile changed', 'tile_differs', flipIn('tile/0/001', 77)],
    ['history changed', 'bad_signature', flipIn('vkeys', 30)],
    [
      'an older checkpoint',
      'key_ended',
      async (copy: string) => {
        const forged = { origin: ORIGIN, size: sizes[2]!, root: randomBytes(32), extensions: [] }
        await writeFile(join(copy, 'checkpoint'), signCheckpoint(forged, node.key))
      },
    ],
    [
      'a root of nothing',
      'root_differs',
      async (copy: string) => {
        // Without the history, nobody knows that this key has ended.
        await unlink(join(copy, 'vkeys'))
        const forged = { origin: ORIGIN, size: sizes[2]!, root: randomBytes(32), extensions: [] }
        await writeFile(join(copy, 'checkpoint'), signCheckpoint(forged, node.key))
      },
    ],
    [
      'no checkpoint',
      'malformed_checkpoint',
      (copy: string) => writeFile(join(copy, 'checkpoint'), history),
    ],
    ['no history', 'malformed_history', (copy: string) => writeFile(join(copy, 'vkeys'), cp1)],
    ['not a note', 'malformed_note', (copy: string) => writeFile(join(copy, 'checkpoint'), 'x\n')],
    [
      'bytes',
      'not_utf8',
      (copy: string) => writeFile(join(copy, 'checkpoint'), Buffer.of(0xff, 10, 10)),
    ],
    ['tabs', 'control_character', (copy: string) => writeFile(join(copy, 'checkpoint'), '\t\n\n')],
    [
      'of another log',
      'wrong_origin',
      async (copy: string) => {
        const other = { origin: 'other.example', size: 1, root: randomBytes(32), extensions: [] }
        await writeFile(join(copy, 'checkpoint'), signCheckpoint(other, node.key))
      },
    ],
    [
      'cosigned by a witness alone',
      'not_signed_by_log',
      async (copy: string) => {
        const note = formatNote(textOf(cp3), [cosign(textOf(cp3), 1_700_000_000, witness)])
        await writeFile(join(copy, 'checkpoint'), note)
      },
    ],
    [
      'false cosignature',
      'bad_signature',
      async (copy: string) => {
        const line = formatSignatureLine(cosign(textOf(cp2), 1_700_000_000, witness))
        await writeFile(join(copy, 'checkpoint'), cp3 + line)
      },
    ],
  ] as const) {
    const witnesses = /cosign/.test(name) ? { witness: [witnessVkey] } : {}
    await expect(name, code, 1, verify(await changed(how), witnesses))
  }
  const many = await changed((copy) =>
    writeFile(
      join(copy, 'checkpoint'),
      formatNote(textOf(cp3), Array(65).fill(signNote(textOf(cp3), node.key))),
    ),
  )
  await expect('65 signatures', 'too_many_signatures', 1, verify(many))
  const large = await changed((copy) => writeFile(join(copy, 'checkpoint'), 'x'.repeat(600_000)))
  await expect('600 kB', 'too_large', 1, verify(large))

  await t.test('receipts', async (t) => {
    const { privatePart, ...half } = earlyFull as Record<string, Json>
    const { publicPart } = early
    for (const [code, mutant] of [
      ['malformed_receipt', {}],
      ['malformed_receipt', half],
      ['malformed_receipt', '{'],
      ['not_included', { ...early, publicPart: { ...publicPart, number: 1 } }],
      ['size_mismatch', { ...early, treeSize: early.treeSize + 1 }],
      ['index_out_of_range', { ...early, leafIndex: early.treeSize }],
      ['private_not_opened', { ...earlyFull, privatePart: { ...(privatePart as object), x: 1 } }],
      ['no_known_signature', { ...early, checkpoint: cp3 }],
    ] as const) {
      const receipt = [await put('mutant.json', mutant)]
      await expect(code, code, 1, verify(undefined, { receipt }))
      const { exitCode, codes } = await verify(exported, { receipt })
      t.equal(exitCode, 1, 'also beside a log that is right')
      t.equal(codes.length, 1)
    }
    const receipt = [inFolder('early.json')]
    await expect('leaf', 'other_leaf', 1, verify(undefined, { receipt, leafHash: later!.leafHash }))
    await expect('leaf', 'other_leaf', 1, verify(undefined, { receipt, leafHash: 'x' }))
    const none = { receipt, witness: [witnessVkey] }
    await expect('no cosignature', 'witness_missing', 1, verify(undefined, none))
    const both = await put('cosigned.json', { ...early, checkpoint: cosigned(early.checkpoint) })
    const cosignedOnes = { receipt: [both], witness: [witnessVkey, otherVkey], quorum: '1' }
    t.equal((await verify(undefined, cosignedOnes)).exitCode, 0)
    const beyond = { origin: ORIGIN, size: 9999, root: randomBytes(32), extensions: [] }
    const forged = { ...early, treeSize: 9999, checkpoint: signCheckpoint(beyond, node.key) }
    const vkeys = inFolder('vkeys')
    const lost = { receipt: [await put('lost.json', forged)], vkeys }
    await expect('a lost key', 'key_ended', 1, verify(undefined, lost))
  })

  await t.test('two checkpoints', async () => {
    const fork = (size: number) =>
      signCheckpoint({ origin: ORIGIN, size, root: randomBytes(32), extensions: [] }, node.key)
    const pair = async (a: string, b: string) => [await put('a', a), await put('b', b)]
    const at = async (a: string, b: string, source: string | undefined = exported) =>
      verify(source, { checkpoints: await pair(a, b) })
    await expect(
      'unequal, no source',
      'no_source',
      2,
      verify(undefined, { checkpoints: await pair(cp1, cp2) }),
    )
    await expect('one size', 'two_trees', 1, at(cp1, fork(sizes[0]!)))
    t.match((await at(cp1, fork(sizes[0]!))).lines, [/^signed {4}/, /^signed {4}/, /^FAILED/])
    await expect('no beginning', 'forked', 1, at(fork(sizes[0]! - 7), cp2))
    await expect('unserved', 'source_differs', 1, at(cp1, fork(sizes[0]! + 5)))
    await expect('changed', 'bad_signature', 1, at(cp1, cp2.replace(/\n\d+\n/, '\n9\n')))
    await expect('stranger', 'no_known_signature', 1, at(cp1, cp1.replaceAll(ORIGIN, 'other')))
    const beyond = await verify(exported, { checkpoints: await pair(cp1, fork(100_000)) })
    t.ok(['missing', 'key_ended'].includes(beyond.codes[0]!))
    const tiles = await changed(flipIn(`tile/1/000.p/${sizes[2]! >> 8}`, 5))
    await expect('tiles changed', 'source_differs', 1, at(cp1, cp2, tiles))
    const down = verify('http://127.0.0.1:9', { checkpoints: await pair(cp1, cp2) })
    await expect('down', 'unreachable', 2, down)
  })

  await t.test('a log and the receipts of another life of it', async () => {
    // The server was put back to an earlier state, or shows somebody another tree.
    const opened = openCheckpoint(cp1, logIdentity(node.vkey)!)
    if (!opened.ok) return t.fail(opened.reason)
    const shrunk = await changed((copy) => writeFile(join(copy, 'checkpoint'), cp1))
    const receipt = [await put('overlapping.json', overlapping)]
    await expect('put back', 'shrunk', 1, verify(shrunk, { receipt }))
  })
  t.comment(
    `${seen.size} codes seen; not here: ${Object.keys(VERIFY_WORDS)
      .filter((code) => !seen.has(code))
      .join(', ')}`,
  )
  t.ok(seen.size >= 30)
})

t.test('as a process', async (t) => {
  const { NODE_OPTIONS: _taps, ...env } = process.env
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  const ostiary = (...args: readonly string[]) =>
    new Promise<{ code: number; stdout: string }>((resolve) =>
      execFile(process.execPath, [main, 'log', 'verify', ...args], { env }, (error, stdout) =>
        resolve({ code: error ? Number(error.code) : 0, stdout }),
      ),
    )
  const trusted = ['--vkey', node.vkey] as const
  for (const [code, says, ...args] of [
    [0, /OK: the log holds what it signed/, exported, ...trusted, '--vkey', second],
    [0, /is entry \d+ of the log/, ...trusted, '--receipt', inFolder('early.json')],
    [0, /OK: one log/, ...trusted, '--checkpoints', inFolder('cp1'), inFolder('cp3'), exported],
    [1, /is not cosigned by as many/, exported, ...trusted, '--witness', witnessVkey],
    [1, /FAILED: .*lost\.json/, ...trusted, '--receipt', inFolder('lost.json')],
    [2, /NOT CHECKED: checkpoint: could not be fetched/, 'http://127.0.0.1:9', ...trusted],
    [2, /--vkey is missing/, exported],
    [2, /name a URL, a folder/, ...trusted],
    [2, /no such file/, ...trusted, '--receipt', inFolder('absent.json')],
    [2, /--checkpoints takes two files/, exported, ...trusted, '--checkpoints', inFolder('cp1')],
    [2, /--quorum is a number/, exported, ...trusted, '--quorum', 'x'],
    [2, /^$/, exported, ...trusted, '--unknown'],
  ] as const) {
    const found = await ostiary(...args)
    t.equal(found.code, code, `${String(says)}: exit code`)
    t.match(found.stdout, says)
  }
  const { stdout } = await ostiary(exported, ...trusted, '--json')
  t.match(JSON.parse(stdout), { ok: true, exitCode: 0, codes: [] })
})
