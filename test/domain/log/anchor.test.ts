// Anchors: what they fix, and that they look like any other entry.
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { anchorOf, anchorStartMark, type TickContent } from '../../../src/domain/log/anchor.ts'
import { ENTRY_BYTES } from '../../../src/domain/log/entry.ts'

const key = new Uint8Array(32).fill(7)
const eventId = '6f0d3c9e-3d52-4a5e-9b69-2f8f4b6f6a01'
const tick: TickContent = {
  treeSizeBefore: 8,
  count: 4,
  at: new Date('2026-11-20T10:00:00.123Z'),
  positions: [
    { leafIndex: 10, eventId },
    { leafIndex: 9, eventId: '0a7f3d44-6c55-4b7a-8a3e-0d3f7d3b9c02' },
  ],
}

t.test('an anchor is what its description says', async (t) => {
  const lines = `9:0a7f3d44-6c55-4b7a-8a3e-0d3f7d3b9c02\n10:${eventId}\n`
  const digest = createHash('sha256').update(lines).digest('base64')
  const text = `{"at":"2026-11-20T10:00:00.123Z","count":4,"digest":"${digest}","treeSizeBefore":8}`
  const wanted = createHmac('sha512', key).update(text).digest()
  t.ok(wanted.equals(anchorOf(key, tick)))
  t.equal(anchorOf(key, tick).length, ENTRY_BYTES, 'as long as every entry')
  const mark = createHmac('sha256', key).update('{"anchorsFrom":12}').digest()
  t.ok(mark.equals(anchorStartMark(key, 12)))
})

t.test('whatever the tick did counts, the order in which it is told does not', async (t) => {
  const same = { ...tick, positions: tick.positions.toReversed() }
  t.same(anchorOf(key, same), anchorOf(key, tick))
  const empty = { ...tick, positions: [] }
  t.notSame(anchorOf(key, empty), anchorOf(key, tick), 'also that nothing was integrated')
  const others: TickContent[] = [
    { ...tick, treeSizeBefore: 7 },
    { ...tick, count: 8 },
    { ...tick, at: new Date(tick.at.getTime() + 1) },
    { ...tick, positions: tick.positions.slice(1) },
    { ...tick, positions: [...tick.positions, { leafIndex: 11, eventId: randomUUID() }] },
    { ...tick, positions: [{ leafIndex: 11, eventId }, tick.positions[1]!] },
    { ...tick, positions: tick.positions.map((one) => ({ ...one, eventId: randomUUID() })) },
  ]
  for (const other of others) t.notSame(anchorOf(key, other), anchorOf(key, tick))
  t.notSame(anchorOf(new Uint8Array(32).fill(8), tick), anchorOf(key, tick))
  t.throws(() => anchorOf(key.subarray(1), tick), RangeError)
  t.throws(() => anchorStartMark(key.subarray(1), 1), RangeError)
})

t.test('no two ticks have the same', async () => {
  const position = fc.record({ leafIndex: fc.nat(1000), eventId: fc.uuid() })
  const content = fc.record({
    treeSizeBefore: fc.nat(1000),
    count: fc.nat(64),
    at: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
    positions: fc.uniqueArray(position, { selector: ({ leafIndex }) => leafIndex, maxLength: 8 }),
  })
  const anchors = new Map<string, string>()
  fc.assert(
    fc.property(content, (tick) => {
      const sorted = tick.positions.toSorted((a, b) => a.leafIndex - b.leafIndex)
      const name = JSON.stringify({ ...tick, positions: sorted })
      const anchor = Buffer.from(anchorOf(key, tick)).toString('hex')
      const before = anchors.get(anchor)
      anchors.set(anchor, name)
      return before === undefined || before === name
    }),
  )
})

t.test('to whoever lacks the key it cannot be told from padding', async (t) => {
  // As many ones as zeros at every bit, as random bytes have: a mistake such as a fixed part would show.
  const count = 2000
  const ones = (make: () => Uint8Array) => {
    const sums = new Array<number>(ENTRY_BYTES * 8).fill(0)
    for (let i = 0; i < count; i++)
      make().forEach((byte, at) => {
        for (let bit = 0; bit < 8; bit++) sums[at * 8 + bit]! += (byte >> bit) & 1
      })
    return Math.max(...sums.map((sum) => Math.abs(sum - count / 2)))
  }
  const fresh = new Uint8Array(randomBytes(32))
  let size = 0
  const anchor = () => anchorOf(fresh, { ...tick, treeSizeBefore: (size += 4), positions: [] })
  // Six standard deviations.
  t.ok(ones(anchor) < 6 * Math.sqrt(count / 4))
})
