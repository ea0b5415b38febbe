import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import t from 'tap'
import { BrokenSeal, loadCrypto } from '../../src/crypto/sodium.ts'
import { formatKeyEncryptionKey, parseKeyEncryptionKeys } from '../../src/vault/key-file.ts'
import { openKeyRing } from '../../src/vault/key-ring.ts'
import { KeyUnavailable } from '../../src/vault/key-unavailable.ts'
import { testVault } from '../support/vault.ts'

const crypto = await loadCrypto()
const owner = { ownerId: randomUUID(), agencyId: randomUUID() }

t.test('a wrong or missing key is noticed at start', async (t) => {
  const { keyRing, keys } = await testVault([1, 2])
  const rows = [1, 2].map((epoch) => {
    return { epoch, checkValue: keyRing.checkValue(epoch), retired: false }
  })
  t.same(keyRing.check(rows), [])
  const swapped = new Map([
    [1, keys.get(2)!],
    [2, keys.get(1)!],
  ])
  t.same(openKeyRing(crypto, { keys: swapped, currentEpoch: 2 }).check(rows), [
    { epoch: 1, fault: 'wrong' },
    { epoch: 2, fault: 'wrong' },
  ])
  const newest = openKeyRing(crypto, { keys: new Map([[2, keys.get(2)!]]), currentEpoch: 2 })
  t.same(newest.check(rows), [{ epoch: 1, fault: 'missing' }])
  t.same(newest.check(rows.map((row) => ({ ...row, retired: row.epoch === 1 }))), [], 'retired')
  const mixed = [{ ...rows[0]!, checkValue: rows[1]!.checkValue }]
  t.same(keyRing.check(mixed), [{ epoch: 1, fault: 'wrong' }], 'the value of another epoch')
})

t.test('keys are refused by form', async (t) => {
  const keys = new Map([[1, crypto.generateKey()]])
  t.throws(() => openKeyRing(crypto, { keys, currentEpoch: 2 }), KeyUnavailable)
  for (const epoch of [0, -1, 1.5, Number.NaN])
    t.throws(
      () =>
        openKeyRing(crypto, {
          keys: new Map([[epoch, crypto.generateKey()]]),
          currentEpoch: epoch,
        }),
      TypeError,
    )
  const short = new Map([[1, new Uint8Array(31)]])
  t.throws(() => openKeyRing(crypto, { keys: short, currentEpoch: 1 }), TypeError)
})

t.test('subject keys move from epoch to epoch and stay the same key', async (t) => {
  const { keyRing } = await testVault([1, 2])
  const key = crypto.generateKey()
  const first = { wrapped: keyRing.wrapSubjectKey(key, owner, 1), epoch: 1 }
  const second = keyRing.rewrapSubjectKey(first, owner, 2)
  if (!second.opened) return t.fail('it did not open')
  t.equal(second.value.epoch, 2)
  t.same(keyRing.unwrapSubjectKey(second.value, owner), key)
  t.throws(() => keyRing.unwrapSubjectKey({ ...second.value, epoch: 1 }, owner), BrokenSeal)
  for (const other of [{ ownerId: randomUUID() }, { agencyId: randomUUID() }]) {
    const moved = { ...owner, ...other }
    t.throws(() => keyRing.unwrapSubjectKey(first, moved), BrokenSeal)
    t.same(keyRing.rewrapSubjectKey(first, moved, 2), { opened: false, failure: 'key_broken' })
  }
  const gone = keyRing.rewrapSubjectKey({ ...first, epoch: 9 }, owner, 2)
  t.same(gone, { opened: false, failure: 'key_unavailable' })
})

t.test('secrets of the server open under their own context and epoch', async (t) => {
  const { keyRing } = await testVault([1, 2])
  const plain = Buffer.from('{"d":"private"}')
  const secret = keyRing.sealSecret(plain, 'server-key/token/k1')
  t.equal(secret.epoch, 2, 'the current epoch')
  t.same(Buffer.from(keyRing.openSecret(secret, 'server-key/token/k1')), plain)
  t.throws(() => keyRing.openSecret(secret, 'server-key/log/k1'), BrokenSeal)
  t.throws(() => keyRing.openSecret({ ...secret, epoch: 1 }, 'server-key/token/k1'), BrokenSeal)
  t.throws(() => keyRing.openSecret({ ...secret, epoch: 3 }, 'server-key/token/k1'), KeyUnavailable)
  const old = keyRing.sealSecret(plain, 'server-key/log/k2', 1)
  const fresh = keyRing.resealSecret(old, 'server-key/log/k2', 2)
  if (!fresh.opened) return t.fail('it did not open')
  t.same(Buffer.from(keyRing.openSecret(fresh.value, 'server-key/log/k2')), plain)
  const wrong = keyRing.resealSecret(old, 'server-key/log/k3', 2)
  t.same(wrong, { opened: false, failure: 'value_broken' })
})

t.test('the ring shows no key, keeps copies of its own, and is empty once closed', async (t) => {
  const { keyRing, keys } = await testVault([1])
  const hex = Buffer.from(keys.get(1)!).toString('hex')
  const shown = inspect(keyRing, { depth: 9, showHidden: true }) + JSON.stringify(keyRing)
  t.notOk(shown.includes(hex) || shown.includes(String(keys.get(1))))
  const wrapped = keyRing.wrapSubjectKey(crypto.generateKey(), owner, 1)
  keys.get(1)!.fill(0)
  t.equal(keyRing.unwrapSubjectKey({ wrapped, epoch: 1 }, owner).length, 32)
  keyRing.close()
  t.throws(() => keyRing.unwrapSubjectKey({ wrapped, epoch: 1 }, owner), KeyUnavailable)
})

t.test('the text form of keys', async (t) => {
  const [one, two] = [crypto.generateKey(), crypto.generateKey()]
  const lines = [formatKeyEncryptionKey(1, one), formatKeyEncryptionKey(12, two)]
  const text = `# keys\n\n${lines.join('\r\n')}\n`
  t.same(
    parseKeyEncryptionKeys(text),
    new Map([
      [1, one],
      [12, two],
    ]),
  )
  const alone = Buffer.from(one).toString('base64url')
  t.same(parseKeyEncryptionKeys(`${alone}\n`), new Map([[1, one]]))
  const faulty = [
    '',
    '# none',
    '1:short',
    `0:${alone}`,
    `x:${alone}`,
    `1:${alone}a`,
    `${alone}\n1:${alone}`,
  ]
  for (const bad of faulty) {
    try {
      parseKeyEncryptionKeys(bad)
      t.fail(`accepted ${bad}`)
    } catch (error) {
      t.notOk(String(error).includes(alone.slice(0, 8)), String(error))
    }
  }
})
