import fc from 'fast-check'
import t from 'tap'
import {
  formatCheckpoint,
  logIdentity,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../../src/domain/log/checkpoint.ts'
import {
  cosign,
  cosignatureTime,
  cosignatureVerifier,
} from '../../../src/domain/log/cosignature.ts'
import {
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  equalBytes,
  hmacSha256,
  sha256,
} from '../../../src/domain/log/hash.ts'
import {
  formatNote,
  formatSignatureLine,
  MAX_NOTE_BYTES,
  MAX_SIGNATURES,
  noteVerifier,
  openNote,
  parseNote,
  parseSignatureLine,
  signNote,
} from '../../../src/domain/log/note.ts'
import {
  ED25519,
  ED25519_COSIGNATURE,
  formatVkey,
  isKeyName,
  keyId,
  parseVkey,
  verifierKey,
} from '../../../src/domain/log/vkey.ts'
import vectors from '../../vectors/log.json' with { type: 'json' }

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const utf8 = (text: string) => new TextEncoder().encode(text)

const logKey = { name: 'audit.example.org/case-log', seed: unhex(vectors.log.ed25519SeedHex) }
const witnessKey = { name: 'witness.example.org/w1', seed: unhex(vectors.witness.ed25519SeedHex) }
const log = logIdentity(vectors.log.vkey)!
const witness = cosignatureVerifier(parseVkey(vectors.witness.vkey)!)
const root = Buffer.from('XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=', 'base64')
const checkpoint = { origin: logKey.name, size: 8, root: new Uint8Array(root), extensions: [] }
const checkpointText = formatCheckpoint(checkpoint)
const cosigned = vectors.log.checkpoint + vectors.witness.line

const reason = (outcome: { ok: true } | { ok: false; reason: string }) =>
  outcome.ok ? 'ok' : outcome.reason

t.test('primitives', async (t) => {
  // RFC 8032 §7.1, test 2; RFC 4231 §4.3, test case 2.
  const seed = unhex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')
  const publicKey = unhex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
  const signature = ed25519Sign(seed, Uint8Array.of(0x72))
  t.equal(
    hex(signature),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  )
  t.equal(hex(ed25519PublicKey(seed)), hex(publicKey))
  t.ok(ed25519Verify(publicKey, Uint8Array.of(0x72), signature))
  t.notOk(ed25519Verify(publicKey, Uint8Array.of(0x73), signature))
  t.notOk(ed25519Verify(publicKey, Uint8Array.of(0x72), signature.subarray(1)))
  t.notOk(ed25519Verify(new Uint8Array(32).fill(0xff), Uint8Array.of(0x72), signature))
  t.throws(() => ed25519Verify(publicKey.subarray(1), Uint8Array.of(0x72), signature), RangeError)
  t.throws(() => ed25519Sign(seed.subarray(1), Uint8Array.of(0x72)), RangeError)
  t.throws(() => ed25519PublicKey(new Uint8Array(33)), RangeError)
  t.equal(
    hex(hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?'))),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
  t.ok(equalBytes(Uint8Array.of(1, 2), Buffer.from([1, 2])))
  t.notOk(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)))
  t.notOk(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0)))
  t.notOk([hmacSha256(seed, seed), sha256(), signature].some((bytes) => Buffer.isBuffer(bytes)))
})

t.test('vkeys', async (t) => {
  const sumdb = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'
  for (const vkey of [vectors.specNote.vkey, vectors.log.vkey, vectors.witness.vkey, sumdb]) {
    const key = parseVkey(vkey)
    t.ok(key, vkey)
    t.equal(formatVkey(key!), vkey)
  }
  t.equal(formatVkey(verifierKey(logKey, ED25519)), vectors.log.vkey)
  t.equal(formatVkey(verifierKey(witnessKey, ED25519_COSIGNATURE)), vectors.witness.vkey)
  const key = parseVkey(vectors.log.vkey)!
  t.not(keyId(key.name, ED25519_COSIGNATURE, key.publicKey), key.keyId, 'the type is in the key id')

  const ecdsa = formatVkey({ ...key, type: 2 as never })
  for (const wrong of [
    '',
    '++',
    'name',
    vectors.log.vkey.replace('365bd292', '365bd293'),
    vectors.log.vkey.replace('365bd292', '365BD292'),
    vectors.log.vkey.replace('365bd292', '0365bd292'),
    vectors.log.vkey.replace('case-log', 'case log'),
    vectors.log.vkey.replace('case-log', 'case+log'),
    vectors.log.vkey.replace('case-log', 'other-log'),
    vectors.log.vkey.replace('audit.example.org/case-log', ''),
    `${vectors.log.vkey}\n`,
    `${vectors.log.vkey}=`,
    vectors.log.vkey.slice(0, -1),
    vectors.log.vkey.slice(0, -4),
    ecdsa,
  ]) {
    t.equal(parseVkey(wrong), undefined, JSON.stringify(wrong))
  }
  for (const name of [
    '',
    'a b',
    'a+b',
    'a\u00a0b',
    'a\u2003',
    'a\u0085',
    'a\nb',
    '\u0000',
    '\ud800',
  ]) {
    t.notOk(isKeyName(name), JSON.stringify(name))
    t.throws(() => verifierKey({ ...logKey, name }, ED25519), RangeError)
  }
})

t.test('the example of the specification', async (t) => {
  const verifier = noteVerifier(parseVkey(vectors.specNote.vkey)!)
  for (const note of [vectors.specNote.note, utf8(vectors.specNote.note)]) {
    const opened = openNote(note, [verifier])
    t.match(opened, { ok: true, value: { text: 'This is an example message.\n', unknown: [] } })
  }
  const forged = vectors.specNote.note.replace('example message', 'Example message')
  t.equal(reason(openNote(forged, [verifier])), 'bad_signature')
  t.equal(reason(openNote(vectors.specNote.note, [])), 'no_known_signature')
})

t.test('which signatures count', async (t) => {
  const lea = { name: 'lea.example', seed: sha256(utf8('lea')) }
  const ana = { name: 'ana.example', seed: sha256(utf8('ana')) }
  const verifiers = [lea, ana].map((key) => noteVerifier(verifierKey(key, ED25519)))
  const text = 'one\n\ntwo\n'
  const byLea = signNote(text, lea)
  const byAna = signNote(text, ana)
  const stranger = signNote(text, { name: 'marko.example', seed: sha256(utf8('marko')) })
  const broken = { ...byAna, signature: sha256(utf8('x')) }
  const open = (...signatures: (typeof byLea)[]) =>
    openNote(formatNote(text, signatures), verifiers)

  const both = open(byLea, stranger, byAna)
  t.ok(both.ok && both.value.text === text, 'blank lines belong to the text')
  t.same(both.ok && both.value.signatures, [byLea, byAna])
  t.same(both.ok && both.value.unknown, [stranger])
  t.equal(reason(open(stranger)), 'no_known_signature')
  t.equal(reason(open(byLea, broken)), 'bad_signature', 'one that fails refuses all')
  t.equal(reason(open(byLea, byLea, broken)), 'bad_signature')
  t.equal(
    reason(open({ ...byLea, name: 'ana.example' })),
    'no_known_signature',
    'same id, other name',
  )
  t.equal(
    reason(open({ ...byLea, keyId: '00000000' })),
    'no_known_signature',
    'same name, other id',
  )
  t.equal(reason(open({ ...byLea, signature: byAna.signature })), 'bad_signature')
  t.equal(reason(open({ ...byLea, signature: byLea.signature.slice(1) })), 'bad_signature')
  t.throws(() => openNote(vectors.specNote.note, [verifiers[0]!, verifiers[0]!]), RangeError)
  t.throws(() => noteVerifier(parseVkey(vectors.witness.vkey)!), RangeError)

  const strangers = Array.from({ length: MAX_SIGNATURES - 1 }, () => stranger)
  t.equal(reason(open(...strangers, byLea)), 'ok')
  t.equal(reason(open(...strangers, stranger, byLea)), 'too_many_signatures')
})

t.test('notes that are refused for their form', async (t) => {
  const { note } = vectors.specNote
  const line = note.slice(note.indexOf('\u2014'))
  const [, , base64 = ''] = line.trimEnd().split(' ')
  const verifier = noteVerifier(parseVkey(vectors.specNote.vkey)!)
  for (const [wrong, want] of [
    ['', 'malformed_note'],
    ['\n\n', 'malformed_note'],
    ['text\n', 'malformed_note'],
    ['text\n\n', 'malformed_note'],
    [line, 'malformed_note'],
    [`\n${line}`, 'malformed_note'],
    [note.slice(0, -1), 'malformed_note'],
    [`${note}\n`, 'malformed_note'],
    [`${note} `, 'malformed_note'],
    [note.replace('\n\n', '\n'), 'malformed_note'],
    [note.replace('\u2014', '-'), 'malformed_note'],
    [note.replace('\u2014 ', '\u2014'), 'malformed_note'],
    [note.replace('\u2014 ', '\u2014  '), 'malformed_note'],
    [note.replace('example.com/foo ', 'example.com/foo'), 'malformed_note'],
    [note.replace('example.com/foo', 'example.com+foo'), 'malformed_note'],
    [note.replace('example.com/foo', 'example.com/\u00a0foo'), 'malformed_note'],
    [note.replace(base64, ''), 'malformed_note'],
    [note.replace(base64, 'Uw2QOg=='), 'malformed_note'],
    [note.replace(base64, base64.replace('=', '')), 'malformed_note'],
    [note.replace(base64, base64.replace('U', '-')), 'malformed_note'],
    [note.replace(base64, base64.replace('QM=', 'QN=')), 'malformed_note'],
    [note.replace(base64, `${base64} `), 'malformed_note'],
    [note.replace('This', 'This\t'), 'control_character'],
    [note.replace('This', 'This\r\n'), 'control_character'],
    [note.replace('This', '\u0000'), 'control_character'],
    [note.replace(/\n$/, '\r\n'), 'control_character'],
    [note.replace('This', '\ud800'), 'not_utf8'],
    [note.replace('This', '\ufeffThis'), 'bad_signature'],
    [`\ufeff${note}`, 'bad_signature'],
    [note.replace('This', 'This\u007f'), 'bad_signature'],
    [`x${note}`, 'bad_signature'],
    [`${'x'.repeat(MAX_NOTE_BYTES)}\n\n${line}`, 'too_large'],
  ] as const) {
    const name = JSON.stringify(wrong.slice(0, 60))
    t.equal(reason(openNote(wrong, [verifier])), want, name)
    if (want !== 'not_utf8') t.equal(reason(openNote(utf8(wrong), [verifier])), want, name)
  }
  const overlong = Buffer.concat([Buffer.from([0xc0, 0x8a]), Buffer.from(note)])
  t.equal(reason(parseNote(overlong)), 'not_utf8')
  t.equal(reason(parseNote(Buffer.from(note).subarray(0, -3).fill(0xff, 5, 6))), 'not_utf8')
  for (const text of ['', 'no newline', 'tab\t\n', 'cr\r\n', '\ud800\n']) {
    t.throws(() => signNote(text, logKey), RangeError, JSON.stringify(text))
    t.throws(() => formatNote(text, [signNote('x\n', logKey)]), RangeError)
  }
  t.throws(() => formatNote('x\n', []), RangeError)
})

t.test('any text can be signed, opened, and is lost with any flipped bit', async (t) => {
  const line = fc.string({ unit: 'grapheme', maxLength: 40 }).map((s) => s.replace(/\p{Cc}/gu, ''))
  const texts = fc
    .array(line, { minLength: 1, maxLength: 5 })
    .map((lines) => lines.join('\n') + '\n')
  fc.assert(
    fc.property(texts, fc.nat(), (text, bit) => {
      const note = formatNote(text, [signNote(text, logKey)])
      const opened = openNote(
        utf8(note),
        log.keys.map(({ verifier }) => verifier),
      )
      const bytes = utf8(note)
      bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7)
      return (
        opened.ok &&
        opened.value.text === text &&
        !openNote(
          bytes,
          log.keys.map(({ verifier }) => verifier),
        ).ok
      )
    }),
    { numRuns: 200 },
  )
  t.pass('200 texts')
})

t.test('checkpoints', async (t) => {
  t.equal(
    hex(sha256(utf8(checkpointText))),
    '15f57cc0f22a5ca3b9468d7043e7149f35c8402df80488238bdcb5e7e01227cd',
  )
  t.equal(signCheckpoint(checkpoint, logKey), vectors.log.checkpoint, 'the vector, to the byte')
  t.equal(hex(sha256(utf8(logKey.name))), vectors.log.originSha256Hex)
  const opened = openCheckpoint(vectors.log.checkpoint, log)
  t.same(opened.ok && opened.value.checkpoint, checkpoint)
  t.equal(opened.ok && opened.value.note.text, checkpointText)
  t.same(parseCheckpoint(`${checkpointText}extension one\ntwo\n`)?.extensions, [
    'extension one',
    'two',
  ])
  const empty = { ...checkpoint, size: 0, root: sha256() }
  t.equal(
    formatCheckpoint(empty),
    'audit.example.org/case-log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
  )
  t.same(parseCheckpoint(formatCheckpoint(empty)), empty)
  const largest = { ...checkpoint, size: Number.MAX_SAFE_INTEGER }
  t.same(parseCheckpoint(formatCheckpoint(largest)), largest)

  for (const [from, to] of [
    ['case-log\n', 'case-log\n\n'],
    ['audit.example.org/case-log\n', '\n'],
    ['audit.example.org/case-log\n', ''],
    ['\n8\n', '\n08\n'],
    ['\n8\n', '\n-8\n'],
    ['\n8\n', '\n+8\n'],
    ['\n8\n', '\n8 \n'],
    ['\n8\n', '\n8.0\n'],
    ['\n8\n', '\n1e3\n'],
    ['\n8\n', '\n\n'],
    ['\n8\n', '\n9007199254740992\n'],
    ['\n8\n', '\n18446744073709551616\n'],
    ['Qyg=\n', 'Qyg\n'],
    ['Qyg=\n', 'Qyh=\n'],
    ['Qyg=\n', 'Qw==\n'],
    ['Qyg=\n', 'Qyg=\n\n'],
    ['Qyg=\n', 'Qyg='],
    ['XcnaeacG', 'XcnaeacGXcna'],
  ] as const) {
    const text = checkpointText.replace(from, to)
    t.not(text, checkpointText)
    t.equal(parseCheckpoint(text), undefined, JSON.stringify([from, to]))
  }
  for (const wrong of [
    { ...checkpoint, origin: '' },
    { ...checkpoint, origin: 'a\nb' },
    { ...checkpoint, size: -1 },
    { ...checkpoint, size: 2 ** 53 },
    { ...checkpoint, root: new Uint8Array(31) },
    { ...checkpoint, extensions: [''] },
    { ...checkpoint, extensions: ['a\nb'] },
    { ...checkpoint, extensions: ['a\tb'] },
  ]) {
    t.throws(() => signCheckpoint(wrong, logKey), RangeError)
  }
})

t.test('whose checkpoint it is', async (t) => {
  t.equal(logIdentity('nonsense'), undefined)
  t.equal(logIdentity(vectors.witness.vkey), undefined, 'a witness is no log')
  t.equal(
    reason(openCheckpoint(vectors.log.checkpoint, logIdentity(vectors.log.vkey, 'x')!)),
    'wrong_origin',
  )
  const other = { ...checkpoint, origin: 'audit.example.org/other-log' }
  t.equal(reason(openCheckpoint(signCheckpoint(other, logKey), log)), 'wrong_origin')
  t.equal(
    reason(openCheckpoint(signCheckpoint(other, { ...logKey, name: other.origin }), log)),
    'no_known_signature',
  )
  t.equal(
    reason(openCheckpoint(vectors.log.checkpoint.replace('\n8\n', '\n9\n'), log)),
    'bad_signature',
  )
  const text = 'audit.example.org/case-log\n8\n'
  t.equal(
    reason(openCheckpoint(formatNote(text, [signNote(text, logKey)]), log)),
    'malformed_checkpoint',
  )
  const witnessOnly = formatNote(checkpointText, [
    parseSignatureLine(vectors.witness.line.trimEnd())!,
  ])
  t.equal(reason(openCheckpoint(witnessOnly, log, [witness])), 'not_signed_by_log')
})

t.test('cosignatures', async (t) => {
  const { timestamp, line, signedMessage } = vectors.witness
  const cosignature = cosign(checkpointText, timestamp, witnessKey)
  t.equal(formatSignatureLine(cosignature), line, 'the vector, to the byte')
  t.equal(cosignatureTime(cosignature.signature), timestamp)
  const { publicKey } = parseVkey(vectors.witness.vkey)!
  t.ok(ed25519Verify(publicKey, utf8(signedMessage), cosignature.signature.subarray(8)))

  const opened = openCheckpoint(cosigned, log, [witness])
  t.same(opened.ok && opened.value.note.signatures.map(({ name }) => name), [
    logKey.name,
    witnessKey.name,
  ])
  const without = openCheckpoint(cosigned, log)
  t.same(without.ok && without.value.note.unknown, [cosignature], 'an unknown witness is ignored')

  const moved = cosignature.signature.slice()
  moved[7]! ^= 1
  const { verifies } = witness
  t.ok(verifies(checkpointText, cosignature.signature))
  t.notOk(verifies(checkpointText, moved), 'another time')
  t.notOk(verifies(`${checkpointText}extension\n`, cosignature.signature), 'another text')
  t.notOk(verifies(checkpointText, cosignature.signature.subarray(8)), 'no time')
  t.notOk(verifies(checkpointText, new Uint8Array([...cosignature.signature, 0])))
  const refused = formatNote(checkpointText, [
    signNote(checkpointText, logKey),
    { ...cosignature, signature: moved },
  ])
  t.equal(reason(openCheckpoint(refused, log, [witness])), 'bad_signature')

  // A signature that is right in itself, over a time of 0 or one that no number holds, is none.
  for (const time of [0n, 2n ** 53n, 2n ** 64n - 1n]) {
    const signature = new Uint8Array(72)
    new DataView(signature.buffer).setBigUint64(0, time)
    const message = utf8(`cosignature/v1\ntime ${time}\n${checkpointText}`)
    signature.set(ed25519Sign(witnessKey.seed, message), 8)
    t.notOk(verifies(checkpointText, signature), `time ${time}`)
  }
  for (const time of [0, -1, 1.5, NaN, 2 ** 53]) {
    t.throws(() => cosign(checkpointText, time, witnessKey), RangeError)
  }
  t.throws(() => cosignatureVerifier(parseVkey(vectors.log.vkey)!), RangeError)
})
