import t from 'tap'
import { loadRecordSchemas } from '../../src/files/schemas.ts'
import { makePolicyExaminer } from '../../src/workers/policy-examiner.ts'
import { GUARD, rules, SUITE } from '../support/small-pack.ts'

const schemas = () => loadRecordSchemas(new URL('../../schemas/records', import.meta.url).pathname)
const pack = { documents: [rules(), GUARD], suites: [SUITE] }

t.test('a pack is examined apart from the event loop', async (t) => {
  const { examine, compare, examineAgainst } = makePolicyExaminer({ schemas })
  let turns = 0
  const turning = setInterval(() => (turns += 1), 5)
  const found = await examine(pack)
  clearInterval(turning)
  t.ok(turns > 10, `${turns} other things were done meanwhile`)
  t.match(found, {
    faults: [],
    tests: { passed: 1, failed: [] },
    sound: { proof: { holds: true } },
  })
  const wider = { ...pack, documents: [rules({ fields: 'incident/core, person/id' }), GUARD] }
  const { difference } = await compare(pack, wider)
  t.match(difference, { empty: false, statements: [{ id: 'T1', change: 'changed' }] })
  t.ok(difference?.changes.every(({ kind }) => kind === 'gains'))
  const both = await examineAgainst(pack, wider)
  t.same(both.comparison.difference, difference)
  t.equal(both.examination.tests.passed, 1)
  t.match((await compare(pack, { ...pack, documents: ['policy: ['] })).faults, [{ code: 'syntax' }])
})

t.test('time and memory for one task are limited, and so is the queue', async (t) => {
  const hurried = makePolicyExaminer({ schemas, timeLimit: 1 })
  await t.rejects(hurried.examine(pack), { code: 'draft_too_heavy', statusCode: 422 })
  const cramped = makePolicyExaminer({ schemas, memory: 8 })
  await t.rejects(cramped.examine(pack), { code: 'draft_too_heavy' })
  const busy = makePolicyExaminer({ schemas, waiting: 1 })
  const [one, two, three] = [busy.examine(pack), busy.examine(pack), busy.examine(pack)]
  await t.rejects(three, { code: 'overloaded', statusCode: 503 })
  t.same((await one).faults, [])
  t.same((await two).faults, [], 'who waits has a turn')
  t.same((await busy.examine(pack)).faults, [], 'and the place is free again')
})
