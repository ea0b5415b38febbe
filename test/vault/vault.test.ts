import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import type { Json } from '../../src/domain/log/canonical.ts'
import type { ReleaseVerdict, Verdict } from '../../src/domain/policy/verdict.ts'
import { SubjectKeyClosed } from '../../src/vault/borrowed-keys.ts'
import { encodePlaintext, paddedLength } from '../../src/vault/plaintext.ts'
import type { Opened, SealedRecord } from '../../src/vault/sealed-record.ts'
import { findCanaries } from '../support/canaries.ts'
import { realCatalogue } from '../support/catalogue.ts'
import { recordRef, release, sealedRecord, testVault } from '../support/vault.ts'

const { vault, crypto } = await testVault()

/** Opens every field of a record by name. */
function openAll(record: SealedRecord, with_ = vault): Record<string, Opened<Json>> {
  const verdicts = record.fields.map(({ name }) => release(record, name))
  const values = with_.open(verdicts, [record])
  return Object.fromEntries(verdicts.map((one) => [one.field.name, values.get(one)!]))
}
const ok = (value: Json) => ({ opened: true, value })
const failed = (failure: string) => ({ opened: false, failure })

const FIELDS = {
  safe_phone: '+385 91 555 0142',
  shelter_flag: true,
  risk_level: 'very_high',
  children: ['Lea', 'Ivo'],
  nothing: null,
}

t.test('any JSON values come back as they went in', async (t) => {
  const name = fc.stringMatching(/^[a-z][a-z_]{0,40}$/)
  const property = fc.property(fc.dictionary(name, fc.jsonValue()), (given) => {
    const fields = JSON.parse(JSON.stringify(given)) as Record<string, Json>
    const opened = openAll(sealedRecord(vault, recordRef(), fields))
    const values = Object.entries(opened).map(([name, one]) => [name, one.opened && one.value])
    return inspect(Object.fromEntries(values), { depth: 99 }) === inspect(fields, { depth: 99 })
  })
  t.doesNotThrow(() => fc.assert(property))
})

t.test('only what a verdict names is opened, and it is found by its verdict', async (t) => {
  const one = sealedRecord(vault, recordRef(), FIELDS)
  const two = sealedRecord(vault, recordRef(), { risk_level: 'standard' })
  const verdicts = [release(two, 'risk_level'), release(one, 'risk_level'), release(one, 'nothing')]
  const values = vault.open(verdicts, [one, two])
  t.equal(values.size, 3)
  t.same(
    verdicts.map((verdict) => values.get(verdict)),
    [ok('standard'), ok('very_high'), ok(null)],
  )
})

t.test(
  'a verdict that does not release opens nothing, not even beside one that does',
  async (t) => {
    const record = sealedRecord(vault, recordRef(), FIELDS)
    const good = release(record, 'risk_level')
    for (const outcome of ['withheld', 'review'] as const) {
      const verdict = { ...good, outcome } as unknown as ReleaseVerdict
      t.throws(() => vault.open([good, verdict], [record]), TypeError, outcome)
    }
    // @ts-expect-error: the type accepts no verdict that might withhold
    const untyped: Parameters<typeof vault.open>[0] = [good as Verdict]
    t.equal(untyped.length, 1)
  },
)

t.test('a value that is not there, or of another version, is a failure of its own', async (t) => {
  const record = sealedRecord(vault, recordRef(), FIELDS)
  const cases = [
    release(record, 'no_such_field'),
    release({ recordId: record.recordId, version: 2 }, 'risk_level'),
    release({ recordId: randomUUID(), version: 1 }, 'risk_level'),
  ]
  const values = vault.open([...cases, release(record, 'risk_level')], [record])
  t.same([...values.values()].slice(0, 3), Array(3).fill(failed('not_stored')))
  t.same([...values.values()][3], ok('very_high'))
  const flagsOnly = { ...record, sealed: null }
  t.same(openAll(flagsOnly)['risk_level'], failed('not_stored'))
})

t.test('altering any byte of a value closes that value and no other', async (t) => {
  const record = sealedRecord(vault, recordRef(), FIELDS)
  const good = openAll(record)
  const wrong: number[] = []
  for (const index of record.sealed!.keys()) {
    const sealed = Uint8Array.from(record.sealed!)
    sealed[index]! ^= 0x80
    const hit = record.fields.find(
      ({ offset, length }) => index >= offset && index < offset + length,
    )!
    const want = { ...good, [hit.name]: failed('value_broken') }
    if (inspect(openAll({ ...record, sealed })) !== inspect(want)) wrong.push(index)
  }
  t.same(wrong, [])
})

t.test('ciphertext moved elsewhere does not open', async (t) => {
  const record = sealedRecord(vault, recordRef(), { a: 'one', b: 'two' })
  const [a, b] = record.fields as [SealedRecord['fields'][0], SealedRecord['fields'][0]]
  const other = recordRef({ ...record, recordId: randomUUID() })

  const swapped = {
    ...record,
    fields: [
      { ...a, name: 'b' },
      { ...b, name: 'a' },
    ],
  }
  t.same(openAll(swapped), { a: failed('value_broken'), b: failed('value_broken') }, 'other field')
  const older = { ...record, fields: [{ ...a, setIn: 2 }, b] }
  t.same(openAll(older), { a: failed('value_broken'), b: ok('two') }, 'other version')
  for (const beyond of [{ offset: 9e9 }, { length: 9e9 }, { length: 0 }, { offset: -5 }]) {
    const outside = { ...record, fields: [{ ...a, ...beyond }, b] }
    t.same(openAll(outside), { a: failed('value_broken'), b: ok('two') }, inspect(beyond))
  }

  const transplant = {
    ...sealedRecord(vault, other, {}, { subjectKey: record.subjectKey }),
    ...pick(record),
  }
  t.same(
    openAll({ ...transplant, wrappedKey: record.wrappedKey }).a,
    failed('key_broken'),
    'record',
  )
  t.same(openAll(transplant).a, failed('value_broken'), 'record, under its own data key')
  for (const name of ['caseId', 'agencyId', 'ownerId'] as const)
    t.same(openAll({ ...record, [name]: randomUUID() }).a, failed('key_broken'), name)
})
const pick = ({ sealed, fields }: SealedRecord) => ({ sealed, fields })

t.test('altered keys close the record, and say which way', async (t) => {
  const record = sealedRecord(vault, recordRef(), { a: 1 }, { flags: { a: ['risk_high'] } })
  const flip = (bytes: Uint8Array, index: number) => bytes.with(index, bytes[index]! ^ 1)
  for (const index of [0, 24, 71]) {
    const wrappedKey = flip(record.wrappedKey, index)
    t.same(openAll({ ...record, wrappedKey }).a, failed('key_broken'))
    const subjectKey = { epoch: 1, wrapped: flip(record.subjectKey!.wrapped, index) }
    t.same(openAll({ ...record, subjectKey }).a, failed('key_broken'))
    const broken = vault.openFlags([{ ...record, subjectKey }])
    t.same(broken.get(record.recordId), failed('key_broken'))
  }
  const elsewhere = { ...record, subjectKey: { ...record.subjectKey!, epoch: 7 } }
  t.same(openAll(elsewhere).a, failed('key_unavailable'))
  const foreign = await testVault()
  t.same(openAll(record, foreign.vault).a, failed('key_broken'), 'another key-encryption key')
})

t.test(
  'a destroyed subject key closes what that agency holds of that person, and nothing else',
  async (t) => {
    const [ana, marko, police, shelter] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
    const subjectKeyOf = new Map<string, SealedRecord['subjectKey']>()
    const seal = (ownerId: string, agencyId: string) => {
      const ref = recordRef({ ownerId, agencyId })
      const name = `${ownerId}/${agencyId}`
      const known = subjectKeyOf.get(name) ?? { wrapped: vault.createSubjectKey(ref, 1), epoch: 1 }
      subjectKeyOf.set(name, known)
      return sealedRecord(vault, ref, FIELDS, { subjectKey: known, flags: { a: ['risk_high'] } })
    }
    const records = [seal(ana, police), seal(ana, police), seal(ana, shelter), seal(marko, police)]
    const note = {
      ownerId: ana,
      agencyId: police,
      kind: 'review_note',
      id: randomUUID(),
    } as const
    const text = vault.sealText(note, records[0]!.subjectKey!, 'she called')

    const erased = records.map((record) =>
      record.ownerId === ana && record.agencyId === police
        ? { ...record, subjectKey: null }
        : record,
    )
    const outcome = erased.map((record) => {
      const fields = Object.values(openAll(record))
      return fields.map((one) => (one.opened ? 'open' : one.failure)).join()
    })
    const all = (word: string) => Array(5).fill(word).join()
    t.same(outcome, [all('key_destroyed'), all('key_destroyed'), all('open'), all('open')])
    const flags = [...vault.openFlags(erased).values()].map((one) => one.opened)
    t.same(flags, [false, false, true, true])
    t.same(vault.openText(note, null, text), failed('key_destroyed'))
    t.throws(
      () => vault.amendRecord(erased[0]!, { version: 2, fields: { nothing: 1 } }),
      SubjectKeyClosed,
    )
  },
)

t.test(
  'amending seals what changed, carries the rest unopened, and keeps history readable',
  async (t) => {
    const flags = { risk_level: ['risk_high'], shelter_flag: ['child_exposed'] } as const
    const first = sealedRecord(vault, recordRef(), FIELDS, { flags })
    const amended = vault.amendRecord(first, {
      version: 2,
      fields: { risk_level: 'standard', extra: 5 },
      removed: ['nothing'],
      flags: { risk_level: [], extra: ['dropout'] },
    })
    const second = { ...first, version: 2, ...amended }
    const { nothing: _, ...kept } = FIELDS
    const values = Object.entries({ ...kept, risk_level: 'standard', extra: 5 })
    t.same(openAll(second), Object.fromEntries(values.map(([name, value]) => [name, ok(value)])))
    t.same(openAll(first)['risk_level'], ok('very_high'), 'version 1 still opens')
    t.same(Object.fromEntries(second.fields.map(({ name, setIn }) => [name, setIn])), {
      safe_phone: 1,
      shelter_flag: 1,
      children: 1,
      risk_level: 2,
      extra: 2,
    })
    const bytesOf = (record: SealedRecord, field: string) => {
      const { offset, length } = record.fields.find(({ name }) => name === field)!
      return record.sealed!.subarray(offset, offset + length)
    }
    t.same(bytesOf(second, 'safe_phone'), bytesOf(first, 'safe_phone'), 'carried as it is')
    t.same(second.wrappedKey, first.wrappedKey)

    const flagsOf = (record: SealedRecord) => vault.openFlags([record]).get(record.recordId)
    t.same(flagsOf(first), ok({ risk_level: ['risk_high'], shelter_flag: ['child_exposed'] }))
    t.same(
      flagsOf(second),
      ok({ shelter_flag: ['child_exposed'], extra: ['dropout'] }),
      'flags follow their fields',
    )
    const copied = { ...second, version: 3 }
    t.same(
      openAll(copied)['risk_level'],
      ok('standard'),
      'a version that changes no value is a copy',
    )
    t.same(flagsOf(copied), flagsOf(second))
  },
)

t.test('flags: none and no possible ones differ from unreadable ones', async (t) => {
  const none = sealedRecord(vault, recordRef(), FIELDS, { flags: {} })
  const without = sealedRecord(vault, recordRef(), FIELDS)
  const some = sealedRecord(vault, recordRef(), FIELDS, {
    flags: { a: ['risk_high', 'dropout'], b: ['risk_high'] },
  })
  const broken = { ...some, ...recordRef(some), sealedFlags: none.sealedFlags }
  t.equal(without.sealedFlags, null)
  t.same(vault.openFlags([none, without]).get(none.recordId), ok({}))
  t.same(vault.openFlags([without]).get(without.recordId), ok({}))
  t.same(
    vault.openFlags([some]).get(some.recordId),
    ok({ a: ['risk_high', 'dropout'], b: ['risk_high'] }),
  )
  t.same(vault.openFlags([broken]).get(some.recordId), failed('value_broken'))
  t.equal(none.sealedFlags!.length, some.sealedFlags!.length, 'their number does not show')
})

t.test('text opens under its own kind and id only', async (t) => {
  const owner = { ownerId: randomUUID(), agencyId: randomUUID() }
  const key = { wrapped: vault.createSubjectKey(owner, 1), epoch: 1 }
  const ref = { ...owner, kind: 'disclosure_notes', id: randomUUID() } as const
  const notes = { justification: 'drop-out reported by phone', ethicsNote: 'weighed' }
  const text = vault.sealText(ref, key, notes)
  t.same(vault.openText(ref, key, text), ok(notes))
  t.same(vault.openText({ ...ref, kind: 'review_note' }, key, text), failed('key_broken'))
  t.same(vault.openText({ ...ref, id: randomUUID() }, key, text), failed('key_broken'))
  const altered = { ...text, sealed: text.sealed.with(30, text.sealed[30]! ^ 1) }
  t.same(vault.openText(ref, key, altered), failed('value_broken'))
  const long = vault.sealText(ref, key, 'x'.repeat(5000))
  t.same(vault.openText(ref, key, long), ok('x'.repeat(5000)))
})

t.test('lengths tell no closed answer from another', async (t) => {
  const answers = [true, false, null, 0, -1234.5678, '2026-11-16', '2026-11-16T18:00:00.000Z']
  const codes = realCatalogue().fields.flatMap(({ codes }) => codes ?? [])
  t.ok(codes.length > 300, 'the codes of the catalogue are there')
  const lengths = [...answers, ...codes, randomUUID()].map((one) => encodePlaintext(one).length)
  t.same([...new Set(lengths)], [64])

  const record = sealedRecord(vault, recordRef(), { a: false, b: 'very_high', c: null })
  t.same([...new Set(record.fields.map(({ length }) => length))], [64 + 40])
  const edges = [0, 1, 64, 65, 128, 129, 256, 257, 5000].map(paddedLength)
  t.same(edges, [64, 64, 64, 128, 128, 256, 256, 512, 8192])
  t.throws(() => encodePlaintext(undefined as unknown as Json), TypeError)
})

t.test('no plaintext, and no key, in anything that is kept', async (t) => {
  const canaries = Array.from({ length: 20 }, (_, index) => {
    return { field: `field_${index}`, text: `kanarinac-${randomUUID()}` }
  })
  const fields = Object.fromEntries(canaries.map(({ field, text }) => [field, text]))
  const record = sealedRecord(vault, recordRef(), fields, { flags: { field_1: ['dropout'] } })
  const note = vault.sealText(
    { ...record, kind: 'local_reference', id: record.caseId },
    record.subjectKey!,
    fields,
  )
  const amended = vault.amendRecord(record, { version: 2, fields: { field_0: canaries[0]!.text } })
  const kept = [
    record.sealed!,
    record.wrappedKey,
    record.sealedFlags!,
    note.sealed,
    note.wrappedKey,
  ]
  const all = Buffer.concat([
    ...kept,
    amended.sealed,
    amended.sealedFlags!,
    record.subjectKey!.wrapped,
  ])
  const forms = [all.toString('latin1'), all.toString('hex'), all.toString('base64')].join('\n')
  t.same(findCanaries(forms, canaries), [])
  t.notOk(all.includes('dropout'))
  t.notOk(all.includes('field_'))
  t.same(findCanaries(Buffer.from(canaries[3]!.text).toString('hex'), canaries), [canaries[3]])
})

t.test('faults of the caller are told as such', async (t) => {
  const ref = recordRef()
  const subjectKey = { wrapped: vault.createSubjectKey(ref, 1), epoch: 1 }
  const noUuid = { ...ref, recordId: 'record-1', version: 1, subjectKey }
  t.throws(() => vault.sealRecord(noUuid, {}), TypeError)
  const wrong = { ...ref, version: 1, subjectKey: { ...subjectKey, wrapped: crypto.generateKey() } }
  t.throws(() => vault.sealRecord(wrong, {}), SubjectKeyClosed)
  const flagsOnly = { ...sealedRecord(vault, ref, FIELDS), sealed: null }
  t.throws(() => vault.amendRecord(flagsOnly, { version: 2, fields: {} }), TypeError)
  t.ok(Object.isFrozen(vault))
})
