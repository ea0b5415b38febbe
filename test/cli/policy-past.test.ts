// The operator explains any decision and tries policies on past ones, at the server itself.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import t from 'tap'
import { askForHerPhone, depositHerPhone, openLakesideCase } from '../support/lakeside-case.ts'
import { startWorld } from '../support/world.ts'

t.setTimeout(300_000)
const key = randomBytes(32).toString('base64')
const world = await startWorld({ environment: { OSTIARY_KEY_ENCRYPTION_KEY: key } })
t.teardown(() => world.stop())
const at = await openLakesideCase(world)
await depositHerPhone(world, at)
const { body: asked } = await askForHerPhone(at)
const { NODE_OPTIONS: _taps, ...outer } = process.env
const env = { ...outer, DATABASE_URL: world.databaseUrl, OSTIARY_KEY_ENCRYPTION_KEY: key }

/** Runs `ostiary policy …`; what it printed, as text. */
async function policy(...args: readonly string[]): Promise<string> {
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'policy', ...args], { env })
  return stdout
}

t.test('explain: everything, also what was silent, but no value', async (t) => {
  const text = await policy('explain', asked.id)
  t.match(text, /contact_location\.safe_phone .*: withheld silently by /)
  t.match(text, /^ {2}forbid .*: stands$/m)
  t.match(text, /^ {2}permit .*: does not apply \(/m)
  const told = JSON.parse(await policy('explain', asked.id, '--json'))
  t.match(told, { views: ['operator'], facts: 'recorded', outcome: 'none' })
  t.match(told.case.subject, { parties: ['victim'] })
  t.match(told.entries, [{ view: 'full', silent: true, facts: { informant: 'V' } }])
  t.notMatch(JSON.stringify(told), '555012')
  const nobody = policy('explain', '00000000-0000-4000-8000-000000000000')
  await t.rejects(nobody, { code: 1, stderr: /there is no decision of that id/ })
})

t.test('replay: of a folder over a window', async (t) => {
  const folder = t.testdir({
    'open.yaml': [
      'policy: open',
      'title: Everything to programmes',
      'source: [a test]',
      'permit:',
      '  - id: T1',
      '    to: { sector: [perpetrator_programme] }',
      '    purpose: [risk_management]',
      '    fields: [contact_location.safe_phone]',
      '    necessary: { because: a test }',
      '    basis: { gdpr: [A6-1-e], consent: not_needed }',
      '',
    ].join('\n'),
  })
  const window = ['--from', '2026-11-16', '--to', '2026-11-17']
  const text = await policy('replay', folder, ...window)
  t.match(
    text,
    '1 decisions, 0 more refusals, 1 more releases, 1 new fields to perpetrator_programme',
  )
  t.match(
    text,
    /1 {2}perpetrator_programme\/pp_case_manager, risk_management: .* silent → released/,
  )
  const backwards = policy('replay', folder, '--from', '2026-11-17', '--to', '2026-11-16')
  await t.rejects(backwards, { code: 1, stderr: /must be after/ })
  const db = new pg.Client({ connectionString: world.databaseUrl })
  await db.connect()
  const { rows } = await db.query(
    `select type, count(*)::int from audit_event where type in ('policy.replayed', 'consult.explanation_viewed') group by 1 order by 1`,
  )
  await db.end()
  t.same(rows, [
    { type: 'consult.explanation_viewed', count: 2 },
    { type: 'policy.replayed', count: 1 },
  ])
})
