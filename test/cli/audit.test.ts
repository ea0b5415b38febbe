// The operator reads the audit log at the server itself: whole events of everybody, each reading an event.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import t from 'tap'
import { logIdentity } from '../../src/domain/log/checkpoint.ts'
import { verifyReceipt } from '../../src/domain/log/receipt.ts'
import { askForHerPhone, depositHerPhone, openLakesideCase } from '../support/lakeside-case.ts'
import { startWorld } from '../support/world.ts'

t.setTimeout(300_000)
const key = randomBytes(32).toString('base64')
const world = await startWorld({ environment: { OSTIARY_KEY_ENCRYPTION_KEY: key } })
t.teardown(() => world.stop())
const owner = new pg.Client(world.databaseUrl)
await owner.connect()
t.teardown(() => owner.end())
const at = await openLakesideCase(world)
const { programme } = at.agencies
await depositHerPhone(world, at)
const { body: asked } = await askForHerPhone(at, { justification: 'zqjustified' })
await world.ostiary.publish()
const { NODE_OPTIONS: _taps, ...outer } = process.env
const env = { ...outer, DATABASE_URL: world.databaseUrl, OSTIARY_KEY_ENCRYPTION_KEY: key }

/** Runs `ostiary audit …`; what it printed, as text. */
async function audit(...args: readonly string[]): Promise<string> {
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'audit', ...args], { env })
  return stdout
}
const use = ['--use', 'integrity_security'] as const
const events = async (type: string) => {
  const { rows } = await owner.query<{ part: Record<string, never>; agency_id: string | null }>(
    'select public_part::jsonb as part, agency_id from audit_event where type = $1 order by at',
    [type],
  )
  return rows
}

t.test('search: whole events, with true causes', async (t) => {
  const text = await audit('search', ...use, '--field', 'contact_location.safe_phone')
  t.match(text, new RegExp(`disclose\\.decided ${programme.id} pp_case_manager about ${at.ana}`))
  t.match(text, /because [a-z_]+/)
  const found = JSON.parse(await audit('search', ...use, '--disclosure-id', asked.id, '--json'))
  t.match(found.events, [{ view: 'whole', outcome: 'none', disclosureId: asked.id }])
  const said = await events('consult.log_searched')
  t.equal(said.length, 2)
  t.match(said.at(-1), {
    agency_id: null,
    part: {
      lawfulUse: 'integrity_security',
      filters: { disclosureId: asked.id },
      event: { operation: 'audit search', channel: 'command_line' },
    },
  })
  await t.rejects(audit('search'), { code: 1, stderr: /--use/ })
  await t.rejects(audit('search', '--use', 'curiosity'), { code: 1, stderr: /Allowed choices/ })
  await t.rejects(audit('search', ...use, '--field', 'contact_location.safe_fone'), {
    code: 1,
    stderr: /field matches no field of the catalogue, did you mean `contact_location.safe_phone`/,
  })
})

t.test('show and prove: both parts, no words, no value', async (t) => {
  const { eventId } = asked.receipt
  const shown = await audit('show', eventId, ...use, '--json')
  t.match(JSON.parse(shown), { views: ['whole'], private: { hidden: [{ reasons: [{}] }] } })
  t.notMatch(shown, /zqjustified|555012/)
  const proof = JSON.parse(await audit('prove', eventId, ...use))
  const verified = verifyReceipt(proof, logIdentity(world.ostiary.logVkey)!)
  t.ok(verified.ok && verified.value.privatePart)
  t.equal((await events('consult.log_event_viewed')).length, 1)
  t.equal((await events('consult.log_proof_viewed')).length, 1)
  await t.rejects(audit('show', '00000000-0000-4000-8000-000000000000', ...use), {
    code: 1,
    stderr: /there is no event of that id/,
  })
  await t.rejects(audit('show', "x' or true", ...use), { code: 1, stderr: /a UUID/ })
})

t.test('export, and the same after the index was filled anew', async (t) => {
  const to = ['--to', '2026-11-16T20:00:00.001Z', '--case-id', at.caseId] as const
  const before = await audit('export', ...use, ...to)
  t.ok(before.split('\n').length > 5)
  const { events: count } = JSON.parse(await audit('reindex', '--json'))
  t.ok(count > 10)
  t.equal(await audit('export', ...use, ...to), before, 'byte by byte')
  const csv = await audit('export', ...use, ...to, '--format', 'csv')
  t.equal(csv.split('\r\n').length, before.split('\n').length + 1)
  t.notMatch(before + csv, /zqjustified|555012/)
  t.same(
    (await events('consult.log_exported')).map(({ part }) => part['stage']),
    ['begun', 'completed', 'begun', 'completed', 'begun', 'completed'],
  )
})
