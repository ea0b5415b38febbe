import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { appendLeaves, EMPTY_EDGE, edgeRoot } from '../../../src/domain/log/append.ts'
import { canonicalize, type Json, MAX_DEPTH } from '../../../src/domain/log/canonical.ts'
import { logIdentity, signCheckpoint } from '../../../src/domain/log/checkpoint.ts'
import { cosign, cosignatureVerifier } from '../../../src/domain/log/cosignature.ts'
import {
  commitment,
  commitmentOfText,
  decodeEntry,
  encodeEntry,
  opensCommitment,
} from '../../../src/domain/log/entry.ts'
import { leafHash, sha256 } from '../../../src/domain/log/hash.ts'
import { formatSignatureLine } from '../../../src/domain/log/note.ts'
import {
  type EventPart,
  fullReceiptJson,
  type FullReceiptJson,
  parseReceipt,
  type ReceiptJson,
  receiptJson,
  verifyEntry,
  verifyReceipt,
} from '../../../src/domain/log/receipt.ts'
import { inclusionProof } from '../../../src/domain/log/tree.ts'
import { ED25519_COSIGNATURE, verifierKey } from '../../../src/domain/log/vkey.ts'
import vectors from '../../vectors/log.json' with { type: 'json' }

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const utf8 = (text: string) => new TextEncoder().encode(text)
const seeded = (text: string) => sha256(utf8(text))
const reason = (outcome: { ok: true } | { ok: false; reason: string }) =>
  outcome.ok ? 'ok' : outcome.reason

t.test('RFC 8785: the examples of the RFC', async (t) => {
  // §3.2.2 and §3.2.3.
  const sample = JSON.parse(
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
  )
  t.equal(
    canonicalize(sample),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
  const sorted = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  }
  t.same(Object.keys(JSON.parse(canonicalize(sorted))).length, 7)
  t.same(
    canonicalize(sorted).match(/:"[^"]*"/g),
    ['Carriage Return', 'One', 'Control', 'Latin Small Letter O With Diaeresis', 'Euro Sign']
      .concat('Emoji: Grinning Face', 'Hebrew Letter Dalet With Dagesh')
      .map((name) => `:"${name}"`),
  )
  // Appendix B, by the bits of the number.
  for (const [bits, text] of Object.entries({
    '0000000000000000': '0',
    '8000000000000000': '0',
    '0000000000000001': '5e-324',
    '8000000000000001': '-5e-324',
    '7fefffffffffffff': '1.7976931348623157e+308',
    ffefffffffffffff: '-1.7976931348623157e+308',
    '4340000000000000': '9007199254740992',
    c340000000000000: '-9007199254740992',
    '4430000000000000': '295147905179352830000',
    '44b52d02c7e14af5': '9.999999999999997e+22',
    '44b52d02c7e14af6': '1e+23',
    '44b52d02c7e14af7': '1.0000000000000001e+23',
    '444b1ae4d6e2ef4e': '999999999999999700000',
    '444b1ae4d6e2ef4f': '999999999999999900000',
    '444b1ae4d6e2ef50': '1e+21',
    '3eb0c6f7a0b5ed8c': '9.999999999999997e-7',
    '3eb0c6f7a0b5ed8d': '0.000001',
    '41b3de4355555553': '333333333.3333332',
    '41b3de4355555554': '333333333.33333325',
    '41b3de4355555555': '333333333.3333333',
    '41b3de4355555556': '333333333.3333334',
    '41b3de4355555557': '333333333.33333343',
    becbf647612f3696: '-0.0000033333333333333333',
    '43143ff3c1cb0959': '1424953923781206.2',
  })) {
    t.equal(canonicalize(Buffer.from(bits, 'hex').readDoubleBE()), text, bits)
  }
})

t.test('RFC 8785: what is refused, never with the value in the message', async (t) => {
  const secret = 'Lindenweg 4'
  let deep: Json = secret
  for (let i = 0; i <= MAX_DEPTH; i++) deep = [deep]
  const cyclic: Record<string, unknown> = { secret }
  cyclic['self'] = cyclic
  for (const [name, value] of Object.entries({
    NaN: NaN,
    infinity: [secret, -Infinity],
    'lone high surrogate': `${secret}\ud800`,
    'lone low surrogate': { a: `\udc00${secret}` },
    'lone surrogate in a name': { [`${secret}\ud800`]: 1 },
    undefined: undefined,
    'undefined member': { secret, a: undefined },
    hole: new Array(2),
    date: new Date(0),
    bytes: utf8(secret),
    map: new Map([[secret, 1]]),
    bigint: 1n,
    function: () => secret,
    symbol: Symbol(secret),
    'boxed string': Object(secret),
    'too deep': deep,
    cycle: cyclic,
  })) {
    try {
      canonicalize(value as Json)
      t.fail(name)
    } catch (error) {
      t.type(error, TypeError, name)
      t.notMatch((error as Error).message, /Lindenweg/)
    }
  }
})

t.test('RFC 8785: one text per value, and it reads back', async (t) => {
  const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' })
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, shuffled(member)]),
    )
  }
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalize(value as Json)
      return (
        canonicalize(JSON.parse(text) as Json) === text &&
        canonicalize(shuffled(value) as Json) === text &&
        JSON.stringify(JSON.parse(text)).length === text.length
      )
    }),
    { numRuns: 500 },
  )
  t.equal(
    canonicalize(JSON.parse('{"__proto__":{"b":1,"a":2},"\\u007f":"\\u2028"}')),
    '{"__proto__":{"a":2,"b":1},"\u007f":"\u2028"}',
  )
})

t.test('commitments and entries', async (t) => {
  const salt = seeded('salt')
  const part = { b: [1, 'Ana'], a: null }
  const wanted = createHmac('sha256', salt).update('{"a":null,"b":[1,"Ana"]}').digest('hex')
  const committed = commitment(salt, part)
  t.equal(hex(committed), wanted)
  t.equal(hex(commitmentOfText(salt, canonicalize(part))), wanted)
  t.ok(opensCommitment(salt, { a: null, b: [1, 'Ana'] }, committed))
  t.notOk(opensCommitment(salt, { a: null, b: [1, 'ana'] }, committed))
  t.notOk(opensCommitment(seeded('other'), part, committed))
  t.notOk(opensCommitment(salt.subarray(1), part, committed))
  t.notOk(opensCommitment(salt, NaN, committed))
  t.notOk(opensCommitment(salt, part, committed.subarray(1)))
  t.throws(() => commitment(salt.subarray(1), part), RangeError)
  t.throws(() => commitment(new Uint8Array(0), part), RangeError)

  const other = commitment(seeded('other salt'), part)
  t.not(hex(other), wanted, 'the same part under another salt')
  const entry = encodeEntry({ public: committed, private: other })
  t.equal(hex(entry), wanted + hex(other))
  t.same(decodeEntry(Buffer.from(entry)), { public: committed, private: other })
  t.equal(decodeEntry(entry.subarray(1)), undefined)
  t.throws(() => encodeEntry({ public: committed, private: other.subarray(1) }), RangeError)
  t.throws(() => encodeEntry({ public: new Uint8Array(64), private: other }), RangeError)
})

const logKey = {
  name: 'audit.example.org/case-log',
  seed: Buffer.from(vectors.log.ed25519SeedHex, 'hex'),
}
const witnessKey = { name: 'witness.example.org/w1', seed: seeded('witness') }
const log = logIdentity(vectors.log.vkey)!
const witnesses = [cosignatureVerifier(verifierKey(witnessKey, ED25519_COSIGNATURE))]

/** A log of `size` entries in which the event is number `leafIndex`, and the receipt for it. */
function issueReceipt(
  size: number,
  leafIndex: number,
  privatePart: EventPart = { reasons: ['silent'] },
  publicPart: EventPart = {
    kind: 'disclosure',
    agency: '6f0c…',
    fields: [{ field: 'court_order.kind', outcome: 'withheld' }],
  },
) {
  const privateSalt = seeded('private salt')
  const publicSalt = seeded('public salt')
  const privateCommitment = commitment(privateSalt, privatePart)
  const entry = encodeEntry({
    public: commitment(publicSalt, publicPart),
    private: privateCommitment,
  })
  const leaves = Array.from({ length: size }, (_, i) =>
    leafHash(i === leafIndex ? entry : new Uint8Array([...seeded(`a${i}`), ...seeded(`b${i}`)])),
  )
  const { edge, tiles } = appendLeaves(EMPTY_EDGE, leaves)
  const note = signCheckpoint(
    { origin: logKey.name, size, root: edgeRoot(edge), extensions: [] },
    logKey,
  )
  const opened = {
    publicPart,
    publicSalt,
    privateCommitment,
    leafIndex,
    treeSize: size,
    inclusion: inclusionProof(leafIndex, size, tiles),
    checkpoint: note,
  }
  const receipt: ReceiptJson = receiptJson(opened)
  const full: FullReceiptJson = fullReceiptJson({ ...opened, privatePart, privateSalt })
  return { receipt, full, leaf: leaves[leafIndex]!, entry }
}

t.test('receipts that hold', async (t) => {
  for (const [size, index] of [
    [1, 0],
    [4, 2],
    [300, 299],
    [300, 0],
    [257, 256],
  ] as const) {
    const { receipt, leaf } = issueReceipt(size, index)
    const overHttp: unknown = JSON.parse(JSON.stringify({ ...receipt, extra: true }))
    const verified = verifyReceipt(overHttp, log, { leafHash: leaf })
    t.match(verified, { ok: true, value: { leafIndex: index, checkpoint: { size } } })
    t.same(verified.ok && verified.value.publicPart, receipt.publicPart)
    t.same(verified.ok && verified.value.leafHash, leaf)
  }
  const { receipt } = issueReceipt(4, 1)
  const text = receipt.checkpoint.slice(0, receipt.checkpoint.indexOf('\n\n') + 1)
  const line = formatSignatureLine(cosign(text, 1_700_000_000, witnessKey))
  const cosigned = { ...receipt, checkpoint: receipt.checkpoint + line }
  t.equal(reason(verifyReceipt(cosigned, log, { witnesses })), 'ok')
  t.equal(reason(verifyReceipt(cosigned, log)), 'ok', 'an unknown witness does no harm')
})

t.test('receipts that do not hold, and why', async (t) => {
  const { receipt, leaf } = issueReceipt(300, 77)
  const other = issueReceipt(300, 78)
  const grown = issueReceipt(301, 77)
  const [first = '', ...rest] = receipt.inclusion
  const salt = Buffer.from(seeded('x')).toString('base64')
  const part = receipt.publicPart
  const claimed = { ...part, fields: [{ field: 'court_order.kind', outcome: 'released' }] }
  for (const [name, change, want] of [
    ['part altered', { publicPart: claimed }, 'not_included'],
    ['member added', { publicPart: { ...part, note: '' } }, 'not_included'],
    ['other salt', { publicSalt: salt }, 'not_included'],
    ['other private part', { privateCommitment: salt }, 'not_included'],
    ['commitments exchanged', { privateCommitment: receipt.publicSalt }, 'not_included'],
    ['index of the neighbour', { leafIndex: 78 }, 'not_included'],
    ['index beyond the tree', { leafIndex: 300 }, 'index_out_of_range'],
    ['path cut', { inclusion: rest }, 'not_included'],
    ['path empty', { inclusion: [] }, 'not_included'],
    ['path longer', { inclusion: [...receipt.inclusion, first] }, 'not_included'],
    ['path of another', { inclusion: other.receipt.inclusion }, 'not_included'],
    ['size changed', { treeSize: 301 }, 'size_mismatch'],
    ['checkpoint of another size', { checkpoint: grown.receipt.checkpoint }, 'size_mismatch'],
    ['checkpoint of a fork', { checkpoint: other.receipt.checkpoint }, 'not_included'],
    [
      'checkpoint altered',
      { checkpoint: receipt.checkpoint.replace('\n300\n', '\n301\n') },
      'bad_signature',
    ],
    ['checkpoint of a stranger', { checkpoint: vectors.specNote.note }, 'no_known_signature'],
    [
      'checkpoint with a control character',
      { checkpoint: `\t${receipt.checkpoint}` },
      'control_character',
    ],
    ['checkpoint empty', { checkpoint: '' }, 'malformed_note'],
    ['checkpoint missing', { checkpoint: undefined }, 'malformed_receipt'],
    ['negative index', { leafIndex: -1 }, 'malformed_receipt'],
    ['index as text', { leafIndex: '77' }, 'malformed_receipt'],
    ['broken size', { treeSize: 300.5 }, 'malformed_receipt'],
    ['part that is a list', { publicPart: [part] }, 'malformed_receipt'],
    ['part that is null', { publicPart: null }, 'malformed_receipt'],
    ['part without canonical form', { publicPart: { a: '\ud800' } }, 'malformed_receipt'],
    ['salt of 31 bytes', { publicSalt: salt.slice(4) }, 'malformed_receipt'],
    ['salt in hex', { publicSalt: hex(seeded('x')) }, 'malformed_receipt'],
    ['salt with a space', { publicSalt: ` ${salt}` }, 'malformed_receipt'],
    ['commitment missing', { privateCommitment: undefined }, 'malformed_receipt'],
    ['path that is text', { inclusion: first }, 'malformed_receipt'],
    ['path with a number', { inclusion: [1, ...rest] }, 'malformed_receipt'],
    ['path with a short hash', { inclusion: [first.slice(4), ...rest] }, 'malformed_receipt'],
    ['path of 54', { inclusion: new Array(54).fill(first) }, 'malformed_receipt'],
  ] as const) {
    t.equal(reason(verifyReceipt({ ...receipt, ...change }, log)), want, name)
  }
  for (const nothing of [null, undefined, 1, 'receipt', [], {}]) {
    t.equal(reason(verifyReceipt(nothing, log)), 'malformed_receipt')
    t.equal(parseReceipt(nothing), undefined)
  }
  t.equal(reason(verifyReceipt(receipt, log, { leafHash: seeded('promised') })), 'other_leaf')
  t.equal(
    reason(verifyReceipt({ ...receipt, publicPart: claimed }, log, { leafHash: leaf })),
    'other_leaf',
  )
  t.equal(reason(verifyReceipt(receipt, logIdentity(vectors.specNote.vkey)!)), 'no_known_signature')
  t.equal(reason(verifyReceipt(receipt, logIdentity(vectors.log.vkey, 'other')!)), 'wrong_origin')
})

t.test('a full receipt opens both parts', async (t) => {
  const event = { id: 'e1', type: 'disclose.decided' }
  const privatePart = { event, reasons: ['silent'] }
  const { full, receipt, leaf } = issueReceipt(300, 77, privatePart, { event, fields: [] })
  const overHttp: unknown = JSON.parse(JSON.stringify(full))
  const verified = verifyReceipt(overHttp, log, { leafHash: leaf })
  t.same(verified.ok && verified.value.privatePart, privatePart)
  t.same(verified.ok && verified.value.publicPart, full.publicPart)
  const plain = verifyReceipt(receipt, log)
  t.equal(reason(plain), 'ok')
  t.notOk(plain.ok && 'privatePart' in plain.value, 'nothing is said to be opened that is not')
  for (const [name, change, want] of [
    ['reasons altered', { privatePart: { event, reasons: [] } }, 'private_not_opened'],
    ['the public part twice', { privatePart: full.publicPart }, 'private_not_opened'],
    ['other salt', { privateSalt: full.publicSalt }, 'private_not_opened'],
    [
      'commitment to another private part',
      { privateCommitment: Buffer.from(commitment(seeded('x'), {})).toString('base64') },
      'not_included',
    ],
    ['no salt', { privateSalt: undefined }, 'malformed_receipt'],
    ['no part', { privatePart: undefined }, 'malformed_receipt'],
    ['part that is null', { privatePart: null }, 'malformed_receipt'],
    ['salt that is null', { privatePart: undefined, privateSalt: null }, 'malformed_receipt'],
    ['salt of 31 bytes', { privateSalt: full.privateSalt.slice(4) }, 'malformed_receipt'],
    ['part without canonical form', { privatePart: { a: '\ud800' } }, 'malformed_receipt'],
  ] as const)
    t.equal(reason(verifyReceipt({ ...full, ...change }, log)), want, name)

  // Both are committed to, so only who sees both can tell that they are two stories.
  for (const [one, other, want] of [
    [{ event }, { event: { ...event, id: 'e2' } }, 'parts_differ'],
    [{ event }, { event: { id: 'e1', role: 'dpo' } }, 'ok'],
    [{ event }, { reasons: [] }, 'parts_differ'],
    [{ fields: [] }, { event }, 'parts_differ'],
  ] as const)
    t.equal(reason(verifyReceipt(issueReceipt(5, 2, other, one).full, log)), want)
})

/** Every place in a JSON value, as the path to it. */
function placesIn(value: unknown, path: readonly string[] = []): string[][] {
  const members = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return [[...path], ...members.flatMap(([name, member]) => placesIn(member, [...path, name]))]
}

/** The value with another one at one place; undefined takes it away. */
function replaced(value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
  if (name === undefined) return by
  if (Array.isArray(value))
    return value.flatMap((item: unknown, i) => {
      const changed = String(i) === name ? replaced(item, rest, by) : item
      return changed === undefined ? [] : [changed]
    })
  const object = value as Record<string, unknown>
  return { ...object, [name]: replaced(object[name], rest, by) }
}

t.test('receipts with any one thing changed do not hold', async (t) => {
  const event = { id: 'e1', at: '2026-11-20T10:00:00.000Z', type: 'disclose.decided' }
  const { full } = issueReceipt(
    300,
    77,
    { event, reasons: [{ field: 'a.b', reason: 'silent' }] },
    { event, fields: [{ field: 'a.b', outcome: 'withheld' }], none: null, count: 3 },
  )
  const at = (path: readonly string[]) =>
    path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], full)
  const places = placesIn(full).filter((path) => path.length > 0)
  const flipped = (text: string, i: number) => {
    const place = i % text.length
    const code = text.charCodeAt(place) ^ (1 << (i % 5))
    return text.slice(0, place) + String.fromCharCode(code) + text.slice(place + 1)
  }
  const mutation = fc.tuple(fc.constantFrom(...places), fc.nat(), fc.jsonValue())
  fc.assert(
    fc.property(mutation, fc.constantFrom('flip', 'replace', 'drop'), ([path, i, json], how) => {
      const old = at(path)
      const by =
        how === 'drop'
          ? undefined
          : how === 'replace'
            ? json
            : typeof old === 'string'
              ? flipped(old, i)
              : typeof old === 'number'
                ? old + 1 + (i % 9)
                : [old]
      const mutant = replaced(full, path, by)
      // The same again in another spelling is no change: -0, or members in another order.
      if (JSON.stringify(mutant) === JSON.stringify(full)) return true
      return !verifyReceipt(mutant, log).ok
    }),
    { numRuns: 3000 },
  )
  t.ok(places.length > 30)
  // Each bit of what is short enough for all of them.
  for (const path of [['publicSalt'], ['privateSalt'], ['privateCommitment'], ['inclusion', '3']]) {
    const bytes = Buffer.from(at(path) as string, 'base64')
    for (let bit = 0; bit < 256; bit++) {
      const other = Buffer.from(bytes)
      other[bit >> 3]! ^= 1 << (bit & 7)
      const mutant = replaced(full, path, other.toString('base64'))
      if (verifyReceipt(mutant, log).ok) t.fail(`${path.join('.')}: bit ${bit}`)
    }
  }
  for (let index = 0; index < 300; index++)
    if (index !== 77 && verifyReceipt({ ...full, leafIndex: index }, log).ok)
      t.fail(`index ${index}`)
})

t.test('an entry proven by its leaf hash alone, as an auditor does', async (t) => {
  const { receipt, leaf } = issueReceipt(9, 8)
  const proof = parseReceipt(receipt)!
  t.equal(reason(verifyEntry(leaf, proof, log)), 'ok')
  t.equal(reason(verifyEntry(seeded('another leaf'), proof, log)), 'not_included')
  t.equal(reason(verifyEntry(leaf.subarray(1), proof, log)), 'not_included')
  t.equal(reason(verifyEntry(leaf, { ...proof, leafIndex: -1 }, log)), 'not_included')
})
