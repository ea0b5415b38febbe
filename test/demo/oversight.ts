/** The demo's part about oversight: who saw what, by which right, and what becomes of a log that was altered. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../../src/embedded/start-embedded.ts'
import type { LakesideCase } from '../support/lakeside-case.ts'
import { type Agency, expectStatus } from '../support/world.ts'
import type { DemoServer } from './server.ts'
import { step } from './story.ts'

interface FoundEvent {
  readonly id: string
  readonly at: string
  readonly agencyId?: string
  readonly role?: string
  readonly purpose?: string
  readonly exception?: string
  readonly rules: readonly string[]
  readonly links: { readonly explanation?: string }
}

const ADDRESS = 'contact_location.victim_current_address'

/** Who had Ana's address? Her service's officer finds it; the programme's finds nothing of hers. */
export async function findWhoSaw(at: LakesideCase): Promise<FoundEvent> {
  const { support, programme } = at.agencies
  step(
    'Who had Ana’s address, when, why, under which rule? The data protection officer of Lighthouse asks the log',
    'The search is an event itself, with the lawful use that the officer names (LED art. 25(2)).',
  )
  const search = { lawfulUse: 'lawfulness_check', subjectId: at.ana, released: ADDRESS }
  const found = await until(() => asOfficer(support, search), 1)
  for (const { at: time, agencyId, purpose, exception, rules } of found)
    console.log(
      `      ${time}  ${nameOf(at, agencyId)}  for ${purpose}${exception ? `, ${exception}` : ''}, by ${rules.join(', ')}`,
    )
  const [event] = found
  assert.ok(event)

  const why = { lawfulUse: 'lawfulness_check', subjectId: at.ana, field: ADDRESS }
  const asked = await until(async () => {
    const events = await asOfficer(support, why)
    return events.filter(({ agencyId }) => agencyId === programme.id)
  }, 1)
  const link = asked[0]?.links.explanation
  assert.ok(link, 'an explanation is one click away')
  const { body } = await expectStatus(200, support.call('dpo', 'GET', link))
  assert.match(body.text, /withheld/)
  console.log('      the programme asked, too, and was not even told no; one link away stands why:')
  for (const line of String(body.text).split('\n').slice(0, 5)) console.log(`        ${line}`)

  const his = await asOfficer(programme, { lawfulUse: 'lawfulness_check', released: ADDRESS })
  assert.deepEqual(his, [], 'his side finds nothing of hers')
  console.log('      the programme’s own officer finds that it asked; nothing that anybody had it')
  return event
}

/** Somebody with every right on the database rewrites that event; it does not stay unseen. */
export async function rewriteHistory(server: DemoServer, event: FoundEvent): Promise<void> {
  step(
    'Somebody with every right on the database rewrites that event: another purpose',
    'No password of the server is needed for it, and no trigger hinders the owner.',
  )
  const set = (from: string, to: string) =>
    asOwner(
      server,
      `update audit_event set public_part = replace(public_part, '"purpose":"${from}"', '"purpose":"${to}"')
         where id = '${event.id}'`,
    )
  const before = await server.tryCommand('log', 'self-check')
  assert.equal(before.code, 0, `nothing is wrong yet: ${before.text}`)
  const purpose = event.purpose ?? ''
  await set(purpose, 'statistics')
  const { code, text } = await server.tryCommand('log', 'self-check')
  assert.equal(code, 1, 'the self-check finds it')
  for (const line of text.trim().split('\n').slice(0, 6)) console.log(`      ${line}`)
  await set('statistics', purpose)
}

async function asOfficer(agency: Agency, search: object): Promise<readonly FoundEvent[]> {
  const { body } = await expectStatus(
    200,
    agency.call('dpo', 'POST', '/v1/audit/search', { body: search }),
  )
  return body.items
}

/** Events can be found once they are in the log. */
async function until(
  search: () => Promise<readonly FoundEvent[]>,
  least: number,
): Promise<readonly FoundEvent[]> {
  const end = performance.now() + 15_000
  for (;;) {
    const found = await search()
    if (found.length >= least) return found
    assert.ok(performance.now() < end, 'the event was not found in time')
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

function nameOf({ agencies }: LakesideCase, id: string | undefined): string {
  return Object.entries(agencies).find(([, agency]) => agency.id === id)?.[0] ?? 'another agency'
}

/** What an attacker on the database host can do: triggers off. */
async function asOwner(server: DemoServer, statement: string): Promise<void> {
  const postgres = await startEmbedded({ directory: join(server.directory, 'postgres') })
  const client = new pg.Client({ connectionString: postgres.url })
  try {
    await client.connect()
    await client.query('set session_replication_role = replica')
    const { rowCount } = await client.query(statement)
    assert.equal(rowCount, 1, 'the event was rewritten')
  } finally {
    await client.end()
    await postgres.stop()
  }
}
