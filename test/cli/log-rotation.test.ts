// A new key for the log from the command line, while a server runs; proofs from before go on verifying.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import pino from 'pino'
import t from 'tap'
import { secondsOf } from '../../src/cli/keys.ts'
import { loadCrypto } from '../../src/crypto/sodium.ts'
import { loggerOptions } from '../../src/http/logging.ts'
import { logKeyContext } from '../../src/services/log-keys.ts'
import { openKeyRing } from '../../src/vault/key-ring.ts'
import {
  type AnyReceipt,
  openHistory,
  openReceipt,
  openSigned,
  readWholeLog,
} from '../support/independent-verifier.ts'
import { deposit, disclose, openLakesideCase } from '../support/lakeside-case.ts'
import { expectStatus, startWorld } from '../support/world.ts'

t.setTimeout(300_000)
const kek = randomBytes(32)
const environment = { OSTIARY_KEY_ENCRYPTION_KEY: kek.toString('base64') }
const told: string[] = []
const logger = pino(loggerOptions('trace'), { write: (line: string) => void told.push(line) })
const world = await startWorld({ environment, logger })
t.teardown(() => world.stop())
const folder = await mkdtemp(join(tmpdir(), 'ostiary-rotation-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const at = await openLakesideCase(world)
const { programme, support } = at.agencies
await deposit(world, at, support, 'vss_advocate', {
  type: 'contact_location',
  subject: at.ana,
  informant: 'V',
  toldBy: at.ana,
  fields: { safe_phone: '+38640555012' },
})

const { NODE_OPTIONS: _taps, ...outer } = process.env
const env = { ...outer, ...environment, DATABASE_URL: world.databaseUrl }

/** Runs `ostiary …` against the database of the running server. */
function ostiary(...args: readonly string[]) {
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) => {
      told.push(stdout, stderr)
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    }),
  )
}

const log = async (path: string) => {
  const response = await fetch(`${world.address}/log/${path}`)
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined
}
const text = async (path: string) => Buffer.from((await log(path))!).toString()

/** The proof of a disclosure that was just made. */
async function proofOfOne(): Promise<AnyReceipt> {
  const asked = await expectStatus(
    201,
    disclose(at, programme, 'pp_case_manager', {
      subject: at.ana,
      purpose: 'risk_management',
      fields: ['contact_location.safe_phone'],
    }),
  )
  await world.ostiary.publish()
  const path = `/v1/disclosures/${asked.body.id}/proof`
  const proof = await expectStatus(200, programme.call('pp_case_manager', 'GET', path))
  return proof.body as AnyReceipt
}

const vkey1 = world.ostiary.logVkey
const early = await proofOfOne()

t.test('with overlap, then in haste', async (t) => {
  t.equal(await text('vkey'), `${vkey1}\n`)
  const refused = await ostiary('keys', 'rotate', 'log', '--compromised', '--overlap', '1h')
  t.match(refused, { code: 1, stderr: /makes no sense/ })
  const rotated = await ostiary('keys', 'rotate', 'log', '--overlap', '12h', '--json')
  t.equal(rotated.code, 0, rotated.stderr)
  const { vkey: vkey2, fromSize, oldUntil } = JSON.parse(rotated.stdout)
  const hours = (new Date(oldUntil).getTime() - Date.now()) / 3_600_000
  t.ok(hours > 11.9 && hours < 12.1)
  t.equal(await text('vkey'), `${vkey2}\n`)

  const between = await proofOfOne()
  t.same(openSigned(between.checkpoint, [vkey1, vkey2]).signers, [vkey1, vkey2])
  openReceipt(between, vkey1)
  openReceipt(between, vkey2)
  for (const known of [vkey1, vkey2]) {
    t.same(
      openHistory(await text('vkeys'), [known]).map(({ vkey, from }) => [vkey, from]),
      [
        [vkey1, 0],
        [vkey2, fromSize],
      ],
    )
    t.equal((await readWholeLog(log, known)).size, between.treeSize)
  }

  const urgent = await ostiary('keys', 'rotate', 'log', '--compromised', '--json')
  const { vkey: vkey3, oldUntil: ended } = JSON.parse(urgent.stdout)
  t.equal(ended, null)
  const late = await proofOfOne()
  t.same(openSigned(late.checkpoint, [vkey1, vkey2, vkey3]).signers, [vkey3])
  t.same(
    openHistory(await text('vkeys'), [vkey3]).map(({ until, compromised }) => [until, compromised]),
    [
      [between.treeSize, true],
      [between.treeSize, true],
      [Infinity, false],
    ],
  )

  const file = join(folder, 'early.json')
  await writeFile(file, JSON.stringify(early))
  const verify = (...vkeys: readonly string[]) =>
    ostiary(
      ...['log', 'verify', world.address, '--receipt', file],
      ...vkeys.flatMap((vkey) => ['--vkey', vkey]),
    )
  t.match(await verify(vkey3), { code: 0, stdout: /OK: .*early\.json: is entry/ })
  t.match(await verify(vkey1, vkey3), { code: 0 })
  t.match(await verify(vkey1), { code: 1, stdout: /not signed by the key you gave/ })

  const third = await ostiary('keys', 'rotate', 'log', '--overlap', '0')
  t.match(third.stdout, /new key of the log: .*\n.*\nthe keys before it have ended/)
  t.match(await ostiary('keys', 'rotate', 'log', '--overlap', 'soon'), { code: 1 })
})

t.test('no seed is told to anybody', async (t) => {
  const crypto = await loadCrypto()
  const keyRing = openKeyRing(crypto, { keys: new Map([[1, kek]]), currentEpoch: 1 })
  const client = new pg.Client({ connectionString: world.databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ kid: string; sealed_private: Buffer }>(
    `select kid, sealed_private from server_key where purpose = 'log'`,
  )
  const { rows: events } = await client.query<{ text: string }>(
    'select public_part || private_part as text from audit_event',
  )
  await client.end()
  t.equal(rows.length, 4)
  const everything = [...told, ...events.map(({ text }) => text)].join('\n')
  t.ok(everything.includes('log-'), 'keys are named')
  let seeds = 0
  for (const { kid, sealed_private: sealed } of rows) {
    const plain = Buffer.from(keyRing.openSecret({ sealed, epoch: 1 }, logKeyContext(kid)))
    if (plain.length !== 32) continue
    seeds += 1
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      t.notOk(everything.includes(plain.toString(encoding)), `${kid} in ${encoding}`)
  }
  t.equal(seeds, 2, 'those of lost keys are gone')
})

t.test('durations', async (t) => {
  for (const [duration, seconds] of [
    ['0', 0],
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['12h', 43_200],
    ['30d', 2_592_000],
  ] as const)
    t.equal(secondsOf(duration), seconds)
  for (const wrong of ['', '-1', '1.5h', '1w', 'h', '1h30m', '999999999'])
    t.throws(() => secondsOf(wrong))
})
