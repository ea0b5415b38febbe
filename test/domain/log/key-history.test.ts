import fc from 'fast-check'
import t from 'tap'
import {
  logIdentity,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../../src/domain/log/checkpoint.ts'
import { sha256 } from '../../../src/domain/log/hash.ts'
import {
  identityWithHistory,
  type KeyPeriod,
  openKeyHistory,
  signKeyHistory,
} from '../../../src/domain/log/key-history.ts'
import { openNote, parseNote } from '../../../src/domain/log/note.ts'
import { ED25519, formatVkey, verifierKey } from '../../../src/domain/log/vkey.ts'
import vectors from '../../vectors/log.json' with { type: 'json' }

const ORIGIN = 'log.example/cases'
const keyOf = (text: string, name = ORIGIN) => ({
  name,
  seed: sha256(new TextEncoder().encode(text)),
})
const vkeyOf = (key: { name: string; seed: Uint8Array }) => formatVkey(verifierKey(key, ED25519))
const [first, second, third] = [keyOf('first'), keyOf('second'), keyOf('third')]
const [vkey1, vkey2, vkey3] = [vkeyOf(first), vkeyOf(second), vkeyOf(third)]
const checkpoint = { origin: ORIGIN, size: 100, root: sha256(), extensions: [] }
const reason = (outcome: { ok: true } | { ok: false; reason: string }) =>
  outcome.ok ? 'ok' : outcome.reason

const history: readonly KeyPeriod[] = [
  {
    vkey: vkey1,
    fromSize: 0,
    fromTime: new Date('2026-01-01T00:00:00.000Z'),
    untilSize: 80,
    untilTime: new Date('2026-02-01T00:00:00.000Z'),
    compromised: false,
  },
  {
    vkey: vkey2,
    fromSize: 60,
    fromTime: new Date('2026-01-15T12:00:00.123Z'),
    untilSize: null,
    untilTime: new Date('2027-01-01T00:00:00.000Z'),
    compromised: false,
  },
  {
    vkey: vkey3,
    fromSize: 90,
    fromTime: new Date('2026-03-01T00:00:00.000Z'),
    untilSize: null,
    untilTime: null,
    compromised: false,
  },
]

t.test('a log with several keys', async (t) => {
  const both = signCheckpoint(checkpoint, first, second)
  const one = signCheckpoint(checkpoint, second)
  for (const [vkeys, note, want] of [
    [vkey1, both, 'ok'],
    [[vkey2], both, 'ok'],
    [[vkey1, vkey2, vkey2], both, 'ok'],
    [[vkey1, vkey2, vkey3], one, 'ok'],
    [[vkey1, vkey3], one, 'no_known_signature'],
    [[{ vkey: vkey2, until: 100 }], one, 'ok'],
    [[{ vkey: vkey2, until: 99 }], one, 'key_ended'],
    [[vkey1, { vkey: vkey2, until: 99 }], one, 'key_ended'],
    [[vkey1, { vkey: vkey2, until: 99 }], both, 'ok'],
    [[vkey2, { vkey: vkey2, until: 99 }], one, 'key_ended'],
  ] as const)
    t.equal(reason(openCheckpoint(note, logIdentity(vkeys)!)), want)

  // A known key whose signature fails refuses the note, whoever else signed it rightly.
  const lines = parseNote(both)
  if (!lines.ok) return t.fail('a note')
  const [line1 = '', line2 = ''] = both.split('\n\n')[1]!.split('\n')
  const swapped = both
    .replace(line1.split(' ')[2]!.slice(8), line2.split(' ')[2]!.slice(8))
    .normalize()
  t.equal(reason(openCheckpoint(swapped, logIdentity([vkey1, vkey2])!)), 'bad_signature')
  t.equal(reason(openCheckpoint(swapped, logIdentity([vkey2])!)), 'ok')

  for (const vkeys of [[], ['x'], [vkey1, 'x'], [vkey1, vectors.log.vkey], [vectors.witness.vkey]])
    t.equal(logIdentity(vkeys), undefined)
  t.throws(() => signCheckpoint(checkpoint), RangeError)
})

t.test('the history of keys', async (t) => {
  const note = signKeyHistory(ORIGIN, history, [first, second, third])
  for (const vkey of [vkey1, vkey2, vkey3]) {
    const opened = openKeyHistory(note, logIdentity(vkey)!)
    t.same(opened.ok && opened.value, history, 'whoever knows one learns the others')
  }
  const log = logIdentity(vkey1)!
  const whole = identityWithHistory(log, [vkey1], history)
  t.equal(whole.keys.length, 3)
  t.equal(reason(openCheckpoint(signCheckpoint(checkpoint, third), whole)), 'ok')
  t.equal(reason(openCheckpoint(signCheckpoint(checkpoint, first), whole)), 'key_ended')
  const old = signCheckpoint({ ...checkpoint, size: 80 }, first)
  t.equal(reason(openCheckpoint(old, whole)), 'ok', 'what it signed in its time stands')

  t.equal(parseCheckpoint(note.split('\n\n')[0]! + '\n'), undefined, 'it is no checkpoint')
  t.equal(reason(openCheckpoint(note, log)), 'malformed_checkpoint')
  t.equal(reason(openKeyHistory(signCheckpoint(checkpoint, first), log)), 'malformed_history')
  t.equal(
    reason(openKeyHistory(note, logIdentity(vkeyOf(keyOf('x')))!)),
    'no_known_signature',
    'a stranger learns nothing',
  )
  t.equal(reason(openKeyHistory(note, logIdentity(vkey1, 'other')!)), 'wrong_origin')
  t.throws(() => signKeyHistory('other', history, [first]), RangeError)
  t.throws(() => signKeyHistory('', [], [first]), RangeError)
  t.throws(() => signKeyHistory(ORIGIN, history, []), RangeError)
})

t.test('histories of another form are refused, even signed', async (t) => {
  const [text = ''] = signKeyHistory(ORIGIN, history, [first]).split('\n\n')
  const log = logIdentity(vkey1)!
  const { signNote, formatNote } = await import('../../../src/domain/log/note.ts')
  const signed = (changed: string) => formatNote(`${changed}\n`, [signNote(`${changed}\n`, first)])
  t.equal(reason(openKeyHistory(signed(text), log)), 'ok')
  for (const changed of [
    text.replace('v1', 'v2'),
    text.split('\n').slice(0, 2).join('\n'),
    text.replace(' 80 ', ' 080 '),
    text.replace(' 80 ', ' -1 '),
    text.replace(' 80 ', ' - '),
    text.replace(' ended', ' signs'),
    text.replace(' ended', ''),
    text.replace(' ended', ' ended more'),
    text.replace('.123Z', '.123z'),
    text.replace('2026-02-01', '2026-02-31'),
    text.replace(vkey2, vectors.witness.vkey),
    `${text}\n`,
  ])
    t.equal(reason(openKeyHistory(signed(changed), log)), 'malformed_history', changed.slice(-40))
  for (const changed of [
    text.replace(vkey2, vectors.log.vkey),
    text.replace(`\n${ORIGIN}\n`, '\nother\n'),
  ])
    t.equal(reason(openKeyHistory(signed(changed), log)), 'wrong_origin')
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 127 }), (at, mask) => {
      const code = text.charCodeAt(at) ^ mask
      const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
      const opened = openKeyHistory(
        `${changed}\n\n${signKeyHistory(ORIGIN, history, [first]).split('\n\n')[1]!}`,
        log,
      )
      return !opened.ok
    }),
    { numRuns: 500 },
  )
  t.ok(openNote(signed(text), [log.keys[0]!.verifier]).ok)
})
