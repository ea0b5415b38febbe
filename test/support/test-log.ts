/** A log of nothing but hashes, signed with node:crypto, for those who watch logs. Imports nothing of src/. */
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto'
import { MerkleOracle } from '../domain/log/merkle-oracle.ts'

/** An Ed25519 key of a log under its name, from a seed of 32 bytes. */
export class TestLogKey {
  readonly vkey: string
  readonly #id: Buffer
  readonly #private
  readonly name: string

  constructor(name: string, seed: Uint8Array = randomBytes(32)) {
    const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
    const der = Buffer.concat([prefix, seed])
    this.name = name
    this.#private = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const { x } = createPublicKey(this.#private).export({ format: 'jwk' })
    const material = Buffer.concat([Buffer.of(1), Buffer.from(x!, 'base64url')])
    const hash = createHash('sha256').update(`${name}\n`).update(material).digest()
    this.#id = hash.subarray(0, 4)
    this.vkey = `${name}+${this.#id.toString('hex')}+${material.toString('base64')}`
  }

  /** The signature line over a text. */
  line(text: string): string {
    const blob = Buffer.concat([this.#id, sign(null, Buffer.from(text), this.#private)])
    return `\u2014 ${this.name} ${blob.toString('base64')}\n`
  }
}

/** A log whose entries are known. */
export class TestLog {
  readonly oracle: MerkleOracle
  readonly keys: readonly TestLogKey[]

  constructor(entries: readonly Uint8Array[], ...keys: readonly TestLogKey[]) {
    this.oracle = new MerkleOracle(entries)
    this.keys = keys
  }

  /** `count` random entries, after those of another log if given. */
  static random(count: number, key: TestLogKey, before: readonly Uint8Array[] = []): TestLog {
    const more = Array.from({ length: count - before.length }, () => randomBytes(64))
    return new TestLog([...before, ...more], key)
  }

  text(size: number): string {
    const root = Buffer.from(this.oracle.mth(0, size), 'hex').toString('base64')
    return `${this.keys[0]!.name}\n${size}\n${root}\n`
  }

  /** The checkpoint of the first `size` entries, signed with every key. */
  note(size: number, keys = this.keys): string {
    const text = this.text(size)
    return `${text}\n${keys.map((key) => key.line(text)).join('')}`
  }

  /** The body of an add-checkpoint request. */
  request(from: number, to: number): string {
    const proof = from === 0 ? [] : this.oracle.proof(from, to)
    const lines = proof.map((hash) => `${Buffer.from(hash, 'hex').toString('base64')}\n`)
    return `old ${from}\n${lines.join('')}\n${this.note(to)}`
  }
}
