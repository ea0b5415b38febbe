// Two round trips to the database for one disclosure, whatever comes of it (architecture §3).
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import t from 'tap'
import { startGateWorld } from '../support/gate-world.ts'

const REQUEST = {
  purpose: 'safety_urgent',
  fields: ['programme_engagement/event', 'programme_engagement/status'],
  justification: 'weekly handover',
} as const

/** Counts how often a pool's connections went from having nothing to wait for to waiting. */
function countRoundTrips(pool: pg.Pool): { taken(): number } {
  let count = 0
  const watched = new WeakSet<pg.PoolClient>()
  pool.on('acquire', (client) => {
    if (watched.has(client)) return
    watched.add(client)
    const query = client.query.bind(client) as (...asked: unknown[]) => Promise<unknown>
    let waiting = 0
    const counted = (...asked: unknown[]): Promise<unknown> => {
      if (waiting++ === 0) count++
      const answer = query(...asked)
      const done = () => void waiting--
      answer.then(done, done)
      return answer
    }
    Object.assign(client, { query: counted })
  })
  return {
    taken() {
      const before = count
      count = 0
      return before
    },
  }
}

t.test('a disclosure takes two round trips', async (t) => {
  const world = await startGateWorld()
  t.teardown(() => world.close())
  const programme = await world.agency('perpetrator_programme', ['pp_case_manager'], 'perpetrator')
  const support = await world.agency('victim_support', ['partner_contact_worker'], 'victim')
  const stranger = await world.agency('victim_support', ['partner_contact_worker'], null)
  await world.deposit(programme, {
    type: 'programme_engagement',
    about: world.ids.marko,
    fields: { status: 'dropout', dropout_at: '2026-11-16T18:00:00Z' },
    from: { informant: 'PP' },
  })
  const trips = countRoundTrips(world.pools.gate)
  const worker = support.as('partner_contact_worker')
  const marko = { subjectId: world.ids.marko }

  // The agency's key for its own notes about him is made at the first request.
  const first = await world.ask(worker, { ...REQUEST, ...marko })
  t.equal(first.answer.outcome, 'full')
  t.ok(trips.taken() > 2, 'the very first one takes more')

  const again = await world.ask(worker, { ...REQUEST, ...marko })
  t.equal(again.answer.outcome, 'full')
  t.equal(trips.taken(), 2, 'released')

  const none = await world.ask(worker, { ...REQUEST, ...marko, purpose: 'partner_contact' })
  t.equal(none.answer.fields.filter(({ value }) => value !== undefined).length, 0)
  t.equal(trips.taken(), 2, 'withheld')

  const { caseId } = world.ids
  const request = { ...REQUEST, ...marko, caseId, fields: [...REQUEST.fields] }
  await world.services.discloseFields(worker, request, { kind: 'preview' })
  t.equal(trips.taken(), 2, 'previewed')

  const strange = stranger.as('partner_contact_worker')
  await t.rejects(world.ask(strange, { ...REQUEST, ...marko }), { code: 'not_found' })
  t.equal(trips.taken(), 2, 'refused')

  await t.rejects(world.ask(worker, { ...REQUEST, ...marko, subjectId: randomUUID() }))
  t.equal(trips.taken(), 2, 'nobody of the case')
})
