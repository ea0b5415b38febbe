import t from 'tap'
import { makePolicyFollower } from '../../src/workers/policy-follower.ts'
import { ManualTimers } from '../support/manual-timers.ts'

t.test(
  'a node looks for a new version more than once a second, also after a failure',
  async (t) => {
    const timers = new ManualTimers(Date.parse('2026-11-16T20:00:00Z'))
    const looks: number[] = []
    const errors: unknown[] = []
    const log = {
      info: () => {},
      error: (content: object) => errors.push(content),
      fatal: () => {},
    }
    const follower = makePolicyFollower({
      follow: async () => {
        looks.push(timers.now())
        if (looks.length === 2) throw new Error('the database is away, and `secret` is why')
        return false
      },
      timers,
      log,
    })
    t.same(looks, [], 'not before it is started')
    follower.start()
    await timers.advance(3000)
    t.ok(looks.length >= 6)
    looks.slice(1).forEach((at, i) => t.ok(at - looks[i]! < 1000))
    t.same(errors, [{ task: 'follow_policy', errorClass: 'Error' }], 'without what the error said')
    await follower.stop()
    const before = looks.length
    await timers.advance(3000)
    t.equal(looks.length, before)
  },
)
