// Nobody can be probed: a client that keeps asking about one person is slowed, and only it, and only about that person.
import t from 'tap'
import { disclose, openLakesideCase } from '../support/lakeside-case.ts'
import { startWorld } from '../support/world.ts'

t.test('requests for disclosure are counted per client and person', async (t) => {
  const world = await startWorld({ environment: { OSTIARY_SUBJECT_LIMIT: '2' } })
  t.teardown(() => world.stop())
  const at = await openLakesideCase(world)
  const { police, hospital } = at.agencies
  const ask = (subject: string) =>
    disclose(at, police, 'police_officer', {
      subject,
      purpose: 'criminal_investigation',
      fields: ['person.full_name'],
    })
  t.equal((await ask(at.ana)).status, 201)
  t.equal((await ask(at.ana)).status, 201)
  const third = await ask(at.ana)
  t.equal(third.status, 429)
  t.equal(third.body.code, 'rate_limited')
  t.match(third.headers.get('retry-after'), /^\d+$/)
  t.equal((await ask(at.marko)).status, 201, 'another person is another count')
  const other = await disclose(at, hospital, 'physician', {
    subject: at.ana,
    purpose: 'care_treatment',
    fields: ['health/inj'],
  })
  t.equal(other.status, 201, 'another client is another count')
})
