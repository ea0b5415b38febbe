import fc from 'fast-check'
import sodium from 'libsodium-wrappers-sumo'
import t from 'tap'
import { BrokenSeal, loadCrypto, SEAL_OVERHEAD } from '../../src/crypto/sodium.ts'

const crypto = await loadCrypto()
const utf8 = (text: string) => new TextEncoder().encode(text)
const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))

t.test('what is sealed opens again under the same key and associated data', async (t) => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  const property = fc.property(bytes, bytes, (plain, data) => {
    const key = crypto.generateKey()
    const sealed = crypto.seal(key, plain, data)
    const grown = sealed.length - plain.length
    return grown === SEAL_OVERHEAD && Buffer.from(crypto.open(key, sealed, data)).equals(plain)
  })
  t.doesNotThrow(() => fc.assert(property))
})

t.test('is XChaCha20-Poly1305 as published', async (t) => {
  // draft-irtf-cfrg-xchacha-03, appendix A.3.1
  const plaintext = utf8(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
      'sunscreen would be it.',
  )
  const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
  const associatedData = hex('50515253c0c1c2c3c4c5c6c7')
  const sealed = hex(
    '404142434445464748494a4b4c4d4e4f5051525354555657' +
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb' +
      '731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452' +
      '2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
      '21f9664c97637da9768812f615c68b13b52e' +
      'c0875924c1c7987947deafd8780acf49',
  )
  t.same(crypto.open(key, sealed, associatedData), plaintext)
})

t.test(
  'one changed bit anywhere, another length, key or associated data opens nothing',
  async (t) => {
    const key = crypto.generateKey()
    const data = utf8('of this record')
    const sealed = crypto.seal(key, utf8('Ana is at the shelter'), data)
    const broken = (bytes: Uint8Array, withKey = key, withData = data) => {
      try {
        crypto.open(withKey, bytes, withData)
        return false
      } catch (error) {
        return error instanceof BrokenSeal
      }
    }
    const survivors = [...sealed.keys()].filter((index) => {
      const altered = Uint8Array.from(sealed)
      altered[index]! ^= 1 << (index % 8)
      return !broken(altered)
    })
    t.same(survivors, [], 'nonce, ciphertext and tag alike')
    for (const length of [0, 1, SEAL_OVERHEAD - 1, sealed.length - 1])
      t.ok(broken(sealed.subarray(0, length)), `cut to ${length} bytes`)
    t.ok(broken(Uint8Array.of(...sealed, 0)), 'one byte more')
    t.ok(broken(sealed, crypto.generateKey()), 'another key')
    t.ok(broken(sealed, key, utf8('of that record')), 'other associated data')
    t.ok(broken(sealed, key, new Uint8Array(0)), 'no associated data')
    t.notOk(broken(sealed), 'and unaltered it does open')
  },
)

t.test('the error says nothing', async (t) => {
  const key = crypto.generateKey()
  const sealed = crypto.seal(key, utf8('canary-7f3a'), utf8('label'))
  sealed[40]! ^= 1
  try {
    crypto.open(key, sealed, utf8('label'))
    t.fail('it opened')
  } catch (error) {
    if (!(error instanceof BrokenSeal)) throw error
    t.equal(error.message, 'sealed bytes do not open')
    t.equal(error.cause, undefined)
    t.same(Object.keys(error), ['name'])
  }
})

t.test('no nonce comes twice, and no two seals are alike', async (t) => {
  const key = crypto.generateKey()
  const nothing = new Uint8Array(0)
  const nonces = Array.from({ length: 2000 }, () => {
    return Buffer.from(crypto.seal(key, nothing, nothing).subarray(0, 24)).toString('hex')
  })
  t.equal(new Set(nonces).size, nonces.length)
  const keys = Array.from({ length: 200 }, () => Buffer.from(crypto.generateKey()).toString('hex'))
  t.equal(new Set(keys).size, keys.length)
})

t.test('keys wrap keys and nothing else', async (t) => {
  const [wrapping, key] = [crypto.generateKey(), crypto.generateKey()]
  const data = utf8('purpose and ids')
  const wrapped = crypto.wrapKey(wrapping, key, data)
  t.same(crypto.unwrapKey(wrapping, wrapped, data), key)
  t.throws(() => crypto.wrapKey(wrapping, key.subarray(1), data), TypeError)
  t.throws(() => crypto.seal(key.subarray(1), key, data), TypeError)
  t.throws(() => crypto.unwrapKey(wrapping, wrapped, utf8('other ids')), BrokenSeal)
  const noKey = crypto.seal(wrapping, utf8('a text'), data)
  t.throws(() => crypto.unwrapKey(wrapping, noKey, data), BrokenSeal)
})

t.test('a sealed box opens for the holder of the private key alone', async (t) => {
  const [ana, other] = [sodium.crypto_box_keypair(), sodium.crypto_box_keypair()]
  const box = crypto.boxSeal(ana.publicKey, utf8('{"values":{}}'))
  t.same(sodium.crypto_box_seal_open(box, ana.publicKey, ana.privateKey), utf8('{"values":{}}'))
  t.throws(() => sodium.crypto_box_seal_open(box, other.publicKey, other.privateKey))
  t.throws(() => crypto.boxSeal(ana.publicKey.subarray(1), box), TypeError)
})

t.test('wiped bytes are zero, and the primitives cannot be exchanged', async (t) => {
  const key = crypto.generateKey()
  crypto.wipe(key)
  t.same(key, new Uint8Array(32))
  t.ok(Object.isFrozen(crypto))
})
