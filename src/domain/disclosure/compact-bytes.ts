/**
 * A compact form for facts: small whole numbers in one byte (LEB128, as in Protocol Buffers), and each
 * text written once and named by its number from then on. UUIDs take sixteen bytes.
 */

/** Bytes that are not in this form: cut short, or written by something else. Holds nothing of them. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes'

  constructor() {
    super('not the bytes of recorded facts')
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const DASHES = [8, 12, 16, 20] as const
/** Times that no number stands for. */
const ODD_TIMES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const

/** Writes numbers, texts and lists one after the other; it grows as needed. */
export class CompactWriter {
  #bytes = Buffer.allocUnsafe(1024)
  #length = 0
  readonly #known = new Map<string, number>()

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  /** A whole number of either sign, or one of the three that stand for no time. */
  time(value: number): void {
    const odd = ODD_TIMES.findIndex((one) => Object.is(one, value))
    if (odd >= 0) this.number(odd)
    else this.number((value < 0 ? -2 * value - 1 : 2 * value) + ODD_TIMES.length)
  }

  /** Up to seven answers, the first in the lowest bit. */
  answers(...values: readonly boolean[]): void {
    this.number(values.reduce((bits, value, i) => (value ? bits | (1 << i) : bits), 0))
  }

  /** A text: its number, and the first time itself. */
  text(value: string): void {
    const known = this.#known.get(value)
    if (known !== undefined) return this.number(known)
    this.number(this.#known.size)
    this.#known.set(value, this.#known.size)
    if (UUID.test(value)) {
      this.number(0)
      this.#reserve(16)
      this.#length += this.#bytes.write(value.replaceAll('-', ''), this.#length, 'hex')
      return
    }
    const length = Buffer.byteLength(value)
    this.number(length + 1)
    this.#reserve(length)
    this.#length += this.#bytes.write(value, this.#length)
  }

  list<Item>(items: readonly Item[], write: (item: Item) => void): void {
    this.number(items.length)
    for (const item of items) write(item)
  }

  texts(values: readonly string[]): void {
    this.list(values, (value) => this.text(value))
  }

  /** What was written so far; the writer must not be used again. */
  end(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + more))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** Reads what `CompactWriter` wrote, in the same order. All methods throw `MalformedBytes`. */
export class CompactReader {
  readonly #bytes: Buffer
  #at = 0
  readonly #known: string[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  number(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new MalformedBytes()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new MalformedBytes()
  }

  time(): number {
    const written = this.number()
    const odd = ODD_TIMES[written]
    if (odd !== undefined) return odd
    const value = written - ODD_TIMES.length
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  answers(): readonly boolean[] {
    const bits = this.number()
    return Array.from({ length: 7 }, (_, i) => (bits & (1 << i)) !== 0)
  }

  text(): string {
    const index = this.number()
    if (index < this.#known.length) return this.#known[index] as string
    if (index > this.#known.length) throw new MalformedBytes()
    const length = this.number()
    const text = length === 0 ? uuidOf(this.#take(16)) : this.#take(length - 1).toString()
    this.#known.push(text)
    return text
  }

  list<Item>(read: () => Item): Item[] {
    const length = this.number()
    // Every item takes a byte at least: a length beyond that would only exhaust memory.
    if (length > this.#bytes.length - this.#at) throw new MalformedBytes()
    return Array.from({ length }, read)
  }

  texts(): string[] {
    return this.list(() => this.text())
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new MalformedBytes()
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}

function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  const parts = [0, ...DASHES].map((from, i, all) => hex.slice(from, all[i + 1]))
  return parts.join('-')
}
