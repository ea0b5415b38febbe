import t from 'tap'
import { startGateWorld } from '../support/gate-world.ts'

t.test('released values are in ledger, log and answer', async (t) => {
  const world = await startGateWorld()
  t.teardown(() => world.close())
  const { marko } = world.ids
  const programme = await world.agency('perpetrator_programme', ['pp_case_manager'], 'perpetrator')
  const support = await world.agency('victim_support', ['partner_contact_worker'], 'victim')
  const record = await world.deposit(programme, {
    type: 'programme_engagement',
    about: marko,
    fields: { status: 'dropout', dropout_at: '2026-11-16T18:00:00Z', session_notes: 'notes' },
    from: { informant: 'PP' },
  })
  const { answer } = await world.ask(support.as('partner_contact_worker'), {
    purpose: 'safety_urgent',
    fields: ['programme_engagement.*'],
    justification: 'weekly handover',
  })
  console.log(JSON.stringify(answer, null, 1))
  console.log(await world.sql('select * from disclosure'))
  console.log(await world.sql('select * from release_ledger'))
  console.log(await world.sql('select * from released_fields'))
  console.log(await world.sql('select public_part, private_part from audit_event'))
  t.ok(record)
})
