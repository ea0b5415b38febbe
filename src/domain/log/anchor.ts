// Anchors: one entry of every tick that fixes which events the tick integrated, and where. Padding
// cannot be told from entries, so without them somebody with the rights of the database's owner could
// delete an event with its salt and its position, and call its entry padding. To everybody else an
// anchor looks like padding (an encoding of our own on top of c2sp.org/tlog-tiles).
//
//   anchor = HMAC-SHA-512(key of the server, RFC 8785 text of { at, count, digest, treeSizeBefore })
//   digest = SHA-256 of "leafIndex:eventId\n" for each event, by leaf index, in base64
import { encodeBase64 } from './base64.ts'
import { canonicalize } from './canonical.ts'
import { hmacSha256, hmacSha512, sha256 } from './hash.ts'

/** Bytes of the key. Whoever has it could tell anchors from padding, and so how full each tick was. */
export const ANCHOR_KEY_BYTES = 32

/** Where an event stands in the log. */
export interface Position {
  readonly leafIndex: number
  /** A UUID in lower case. */
  readonly eventId: string
}

/** What one tick did. */
export interface TickContent {
  readonly treeSizeBefore: number
  /** Entries appended: events, padding and the anchor itself. */
  readonly count: number
  /** When its checkpoint was published, as it is stored; to the millisecond. */
  readonly at: Date
  /** Of the events integrated, in any order. */
  readonly positions: readonly Position[]
}

/**
 * The 64 bytes of the anchor of one tick.
 *
 * @param key 32 bytes
 * @throws RangeError when the key has another length
 */
export function anchorOf(key: Uint8Array, tick: TickContent): Uint8Array {
  if (key.length !== ANCHOR_KEY_BYTES) throw new RangeError('an anchor key has 32 bytes')
  const { treeSizeBefore, count, at, positions } = tick
  const lines = positions
    .toSorted((a, b) => a.leafIndex - b.leafIndex)
    .map(({ leafIndex, eventId }) => `${leafIndex}:${eventId}\n`)
  const digest = encodeBase64(sha256(new TextEncoder().encode(lines.join(''))))
  return hmacSha512(key, canonicalize({ at: at.toISOString(), count, digest, treeSizeBefore }))
}

/**
 * Vouches that anchors are owed from a tree size on: a log that is older than anchors has ticks without
 * them, and nobody may declare more of it old. 32 bytes.
 *
 * @throws RangeError when the key does not have 32 bytes
 */
export function anchorStartMark(key: Uint8Array, size: number): Uint8Array {
  if (key.length !== ANCHOR_KEY_BYTES) throw new RangeError('an anchor key has 32 bytes')
  return hmacSha256(key, canonicalize({ anchorsFrom: size }))
}
