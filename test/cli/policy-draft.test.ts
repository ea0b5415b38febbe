// A fresh install changes its policies from the command line, under the rules of the API.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { createTestDatabase } from '../support/database.ts'
import { GUARD, rules, SUITE } from '../support/small-pack.ts'

t.setTimeout(600_000)
const database = await createTestDatabase()
t.teardown(() => database.drop())
const { NODE_OPTIONS: _taps, ...outer } = process.env
const folder = t.testdir({
  'police-refer.yaml': rules(),
  'guardrails.yaml': GUARD,
  'police-refer.test.yaml': SUITE,
})
const env = {
  ...outer,
  DATABASE_URL: database.url,
  OSTIARY_KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  NODE_COMPILE_CACHE: join(folder, '..', 'compiled'),
}

/** Runs `ostiary …`; what it printed, as text. */
async function ostiary(...args: readonly string[]): Promise<string> {
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { env })
  return stdout
}
const json = async (...args: readonly string[]) => JSON.parse(await ostiary(...args, '--json'))

t.test('create, check, compare, approve, activate, look back', async (t) => {
  await ostiary('init')
  const operator = await json('admin', 'create', '--name', 'Ostiary Lakeside')
  const partner = await json(
    ...['agency', 'add', '--name', 'Police of Lakeside', '--sector', 'police', '--country', 'SI'],
    ...['--admin', 'admin'],
  )
  const keyOf = async (name: string, jwk: object): Promise<string> => {
    await writeFile(join(folder, name), JSON.stringify(jwk))
    return join(folder, name)
  }
  const own = await keyOf('own.jwk', operator.privateJwk)
  const other = await keyOf('other.jwk', partner.privateJwk)
  const as = ['--as', operator.practitionerId]

  const draft = await json('policy', 'draft', 'create', folder, ...as, '--reason', 'a small start')
  t.match(draft, { state: 'open', basedOn: 1, reason: 'a small start', documents: { length: 2 } })
  const { id } = draft
  const second = ['--as', partner.practitionerId]
  const [checked, shown] = await Promise.all([
    ostiary('policy', 'draft', 'check', id),
    ostiary('policy', 'draft', 'diff', id),
  ])
  t.match(checked, /0 faults, 1 tests pass, 0 fail, 1 guardrails, 0 broken/)
  t.match(shown, /against version 1:\n.* loses /s)
  const seen = ['--seen', /--seen (sha256:\w{64})/.exec(shown)?.[1] ?? '']
  const early = ostiary('policy', 'draft', 'activate', id, ...as)
  const alone = ostiary('policy', 'draft', 'approve', id, ...as, ...seen, '--key', own)
  const forged = ostiary('policy', 'draft', 'approve', id, ...second, ...seen, '--key', own)
  const unread = ostiary(
    ...['policy', 'draft', 'approve', id, ...second, '--seen', 'sha256:x', '--key', other],
  )
  await Promise.all([
    t.rejects(early, { code: 1, stderr: /draft_not_approved/ }),
    t.rejects(alone, { code: 1, stderr: /approver_not_allowed: a second person/ }),
    t.rejects(forged, { code: 1, stderr: /approval_signature_invalid/ }),
    t.rejects(unread, { code: 1, stderr: /look at it with `diff` first/ }),
  ])
  await ostiary('policy', 'draft', 'approve', id, ...second, ...seen, '--key', other)
  const [told, done] = await Promise.all([
    ostiary('policy', 'draft', 'show', id),
    ostiary('policy', 'draft', 'activate', id, ...as),
  ])
  t.match(told, new RegExp(`approval: +${partner.practitionerId}\n`))
  t.match(done, /version 2 is in force/)
  const [history, back] = await Promise.all([
    ostiary('policy', 'history'),
    json('policy', 'reactivate', '1', ...as),
  ])
  t.match(history, /^\* 2 .*\n +why: +a small start\n/)
  t.match(back, { basedOn: 2, reactivates: 1 })
  t.match(await ostiary('policy', 'draft', 'list'), new RegExp(`${back.id} +open`))
  t.match(await ostiary('policy', 'draft', 'withdraw', back.id, ...as), /withdrawn/)
})
