/** A witness that is killed while it signs, and one that is asked by many at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { cosignersOf } from '../support/independent-cosignatures.ts'
import { TestLog, TestLogKey } from '../support/test-log.ts'
import { witnessFor } from '../support/witness-for.ts'

t.test(
  'killed again and again while it signs: its state never goes back',
  { timeout: 170_000 },
  async (t) => {
    const key = new TestLogKey('busy.example/log')
    const log = TestLog.random(1500, key)
    const { vkey, start } = await witnessFor(t, key.vkey)
    let answered = 0
    let kills = 0
    let adds = 0
    for (let round = 0; round < 8; round++) {
      const witness = await start()
      const stored = Number((await witness.add(log.request(1, 2))).body)
      if (round > 0) {
        t.ok(stored >= answered, `round ${round}: has ${stored}, had answered ${answered}`)
        t.ok(stored <= answered + 1, 'and at most what was asked besides')
      }
      let from = stored
      const killing = sleep(120 + round * 45).then(() => witness.end('SIGKILL'))
      while (from < 1500) {
        const answer = await witness.add(log.request(from, from + 1)).catch(() => undefined)
        if (!answer) break
        t.equal(answer.status, 200)
        from += 1
        answered = from
        adds += 1
        cosignersOf(log.note(from) + answer.body, [vkey])
      }
      await killing
      kills += 1
    }
    t.equal(kills, 8)
    t.ok(adds > 50, `${adds} cosignatures`)
    t.comment(`${adds} cosignatures, ${kills} kills, ${answered} entries`)
  },
)

t.test('many at once: one chain', async (t) => {
  const key = new TestLogKey('busy.example/log')
  const log = TestLog.random(60, key)
  const { start } = await witnessFor(t, key.vkey)
  const witness = await start()
  await witness.add(log.request(0, 1))
  // Everybody starts from what was stored a moment ago: of those who start from the same, one wins.
  for (let from = 1; from < 50;) {
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((more) => witness.add(log.request(from, from + more))),
    )
    const won = answers.flatMap(({ status }, i) => (status === 200 ? [i + 1] : []))
    t.equal(won.length, 1)
    t.ok(
      answers.every(
        ({ status, body }) => status === 200 || (status === 409 && body === `${from + won[0]!}\n`),
      ),
    )
    from += won[0]!
  }
  const fork = TestLog.random(60, key)
  t.equal((await witness.add(fork.request(0, 60))).status, 409)
  const size = Number((await witness.add(fork.request(0, 60))).body)
  t.equal(
    (await witness.add(fork.request(size, 60))).status,
    422,
    'another history of the same log',
  )
})
