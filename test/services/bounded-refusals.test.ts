// Nobody can fill the log by being turned away.
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { makeBoundedRefusals, type Refusal } from '../../src/services/bounded-refusals.ts'
import type { EventStatement } from '../../src/services/record-event.ts'

const AGENCY = randomUUID()

function door() {
  const events: (EventStatement & { readonly as: string | undefined })[] = []
  const state = {
    now: new Date('2026-11-16T09:00:30Z'),
    broken: false,
    as: undefined as string | undefined,
  }
  const refusals = makeBoundedRefusals({
    transact: async (agencyId, work) => {
      if (state.broken) throw new Error('away')
      state.as = agencyId
      return work({} as never)
    },
    recordEvent: async (_tx, event) => {
      events.push({ ...event, as: state.as })
      return { eventId: '', leafHash: '', origin: '' }
    },
    runtime: { now: () => state.now },
    most: 3,
  })
  const refuse = (more: Partial<Refusal> = {}) =>
    refusals.record({
      type: 'signin.token_refused',
      code: 'invalid_client',
      requestId: randomUUID(),
      ...more,
    })
  return { events, state, refusals, refuse }
}

t.test('the first few are events, the rest of the minute is one that counts them', async (t) => {
  const { events, state, refusals, refuse } = door()
  for (let i = 0; i < 500; i++) await refuse()
  await refuse({ agencyId: AGENCY })
  await refuse({ code: 'invalid_scope' })
  t.equal(events.length, 5)
  t.same(new Set(events.map(({ type }) => type)), new Set(['signin.token_refused']))
  t.same(
    events.map(({ as }) => as),
    [undefined, undefined, undefined, AGENCY, undefined],
  )
  await refusals.flush()
  t.equal(events.length, 5, 'the minute is not over')

  state.now = new Date('2026-11-16T09:01:00Z')
  await refuse()
  t.match(events.slice(5), [
    {
      type: 'signin.refusals_counted',
      public: {
        refused: 'invalid_client',
        of: 'signin.token_refused',
        count: 497,
        from: '2026-11-16T09:00:00.000Z',
        to: '2026-11-16T09:01:00.000Z',
      },
    },
    { type: 'signin.token_refused' },
  ])
  state.now = new Date('2026-11-16T09:02:00Z')
  await refusals.flush()
  t.equal(events.length, 7, 'nothing was counted, nothing is written')
})

t.test('each kind has a bound of its own, and what is claimed stays private', async (t) => {
  const { events, refuse } = door()
  for (let i = 0; i < 10; i++) {
    await refuse({ agencyId: AGENCY, claimedPractitionerId: 'p', subjectId: 's' })
    await refuse({ agencyId: AGENCY, type: 'authority.limited', code: 'too_many_calls' })
  }
  t.equal(events.length, 6)
  t.match(events[0], { agencyId: AGENCY, subjectId: 's', private: { practitionerId: 'p' } })
  t.same(events[0]?.public, { refused: 'invalid_client' })
})

t.test('what cannot be written is refused or kept', async (t) => {
  const { events, state, refusals, refuse } = door()
  for (let i = 0; i < 5; i++) await refuse()
  state.broken = true
  await t.rejects(refuse({ code: 'invalid_scope' }), 'no audit, no answer')
  await t.rejects(refusals.flush({ all: true }))
  state.broken = false
  await refusals.flush({ all: true })
  t.match(events.at(-1), { type: 'signin.refusals_counted', public: { count: 2 } })
  await refusals.flush({ all: true })
  t.equal(events.length, 4, 'once')
})

t.test('while the log is away every refusal fails, however many there were', async (t) => {
  const { events, state, refusals, refuse } = door()
  state.broken = true
  for (let i = 0; i < 8; i++) await t.rejects(refuse(), /away/)
  state.broken = false
  for (let i = 0; i < 5; i++) await refuse()
  await refusals.flush({ all: true })
  t.match(events, [
    { type: 'signin.token_refused' },
    { type: 'signin.token_refused' },
    { type: 'signin.token_refused' },
    { type: 'signin.refusals_counted', public: { count: 2 } },
  ])
})
