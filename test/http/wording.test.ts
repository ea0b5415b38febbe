// Records say who did what (R26): forms of violence are codes, an author is named, and wording that blames or blurs is hinted at.
import pg from 'pg'
import t from 'tap'
import pino from 'pino'
import { loggerOptions } from '../../src/http/logging.ts'
import { openLakesideCase } from '../support/lakeside-case.ts'
import { startWorld } from '../support/world.ts'

const lines: string[] = []
const logger = pino(loggerOptions('trace'), { write: (line: string) => void lines.push(line) })
const world = await startWorld({ logger })
const db = new pg.Client({ connectionString: world.databaseUrl })
await db.connect()
t.teardown(async () => {
  await db.end()
  await world.stop()
})
const at = await openLakesideCase(world)
const { police } = at.agencies
const officer = police.people.get('police_officer')!.id
const path = `/v1/cases/${at.caseId}/records`
const provenance = {
  informant: 'PO',
  kind: 'assessment',
  collectedAt: world.clock.now().toISOString(),
}
const observed = 'In Orchardroad she provoked him and the situation escalated.'

t.test('a hint says where and why, and nothing of the text goes anywhere [R26]', async (t) => {
  const body = {
    type: 'incident',
    fields: { violence_types: ['physical'], professional_observation: observed },
    provenance,
  }
  const idempotencyKey = '0b6cb2b9-9b43-43e1-a6ab-1f0d7a4a1f00'
  const send = () => police.call('police_officer', 'POST', path, { body, idempotencyKey })
  const made = await send()
  t.equal(made.status, 201, 'it refuses nothing')
  t.match(made.body.hints, [
    { code: 'blames_victim', pointer: '#/fields/professional_observation', language: 'en' },
    { code: 'hides_actor', pointer: '#/fields/professional_observation', language: 'en' },
  ])
  t.same((await send()).body, made.body, 'a repeated request is told the same')

  const better = 'Marko hit Ana with his fist in the kitchen.'
  const amend = (text: string) =>
    police.call('police_officer', 'PATCH', `/v1/records/${made.body.id}`, {
      headers: { 'if-match': '*' },
      body: { fields: { professional_observation: text }, provenance },
    })
  t.notOk((await amend(better)).body.hints)
  t.match((await amend('Es kam zu einem Ehestreit.')).body.hints, [
    { code: 'equates_parties', language: 'de' },
  ])

  const { rows } = await db.query(`select public_part || private_part as text from audit_event`)
  for (const text of [...lines, ...rows.map((row: { text: string }) => row.text)])
    for (const word of ['Orchardroad', 'blames_victim', 'hides_actor', 'equates_parties'])
      t.notOk(text.includes(word), `no log has ${word}`)
  t.ok(lines.length > 0 && rows.length > 0)
})

t.test('what she said herself stays as she said it [R26]', async (t) => {
  const made = await police.call('police_officer', 'POST', path, {
    body: {
      type: 'incident',
      fields: { victim_account: 'I provoked him and he was drunk.' },
      provenance: { ...provenance, informant: 'V', informantPersonId: at.ana, kind: 'statement' },
    },
  })
  t.equal(made.status, 201)
  t.notOk(made.body.hints)
})

t.test('forms of violence are codes, and the author is on record [R26]', async (t) => {
  const deposit = (violence: string) =>
    police.call('police_officer', 'POST', path, {
      body: { type: 'incident', fields: { violence_types: [violence] }, provenance },
    })
  const prose = await deposit('a domestic dispute')
  t.match([prose.status, prose.body.code], [400, 'wrong_field_type'])
  const made = await deposit('coercive_control')
  t.equal(made.status, 201)
  const { rows } = await db.query(
    `select practitioner_id, (public_part::jsonb -> 'event' ->> 'practitionerId') as author
     from record_version v join audit_event e using (practitioner_id)
     where v.record_id = $1 and e.type = 'collect.deposited' limit 1`,
    [made.body.id],
  )
  t.match(rows, [{ practitioner_id: officer, author: officer }])
})
