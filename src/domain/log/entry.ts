// Entries of the audit log: two salted commitments and nothing else (an encoding of our own on top
// of c2sp.org/tlog-tiles).
//
//   commitment = HMAC-SHA-256(key = 32-byte random salt, RFC 8785 text of the part)
//   entry      = public commitment || private commitment              64 bytes
//
// The public part of an event is what the requester saw, the private part the rest; each has a salt
// of its own, so that opening one tells nothing about the other. Padding entries are 64 random
// bytes and look the same. Once the salt is destroyed, an entry says nothing about the event any
// more.
import { canonicalize, type Json } from './canonical.ts'
import { equalBytes, HASH_BYTES, hmacSha256 } from './hash.ts'

/** Bytes of a salt. */
export const SALT_BYTES = 32

/** Bytes of an entry, of every kind of event and of padding. */
export const ENTRY_BYTES = 2 * HASH_BYTES

/** What an entry consists of; 32 bytes each. */
export type Commitments = { readonly public: Uint8Array; readonly private: Uint8Array }

/**
 * Commits to one part of an event.
 *
 * @param salt 32 random bytes, used for this part alone
 * @throws RangeError when the salt has another length
 * @throws TypeError when the part has no canonical form
 */
export function commitment(salt: Uint8Array, part: Json): Uint8Array {
  return commitmentOfText(salt, canonicalize(part))
}

/**
 * The same for a part whose canonical text is already at hand.
 *
 * @throws RangeError when the salt does not have 32 bytes
 */
export function commitmentOfText(salt: Uint8Array, canonicalText: string): Uint8Array {
  if (salt.length !== SALT_BYTES) throw new RangeError('a salt has 32 bytes')
  return hmacSha256(salt, canonicalText)
}

/** Whether `salt` and `part` open a commitment. False, too, where they have no proper form. */
export function opensCommitment(salt: Uint8Array, part: Json, committed: Uint8Array): boolean {
  try {
    return equalBytes(commitment(salt, part), committed)
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return false
    throw error
  }
}

/**
 * The 64 bytes of an entry.
 *
 * @throws RangeError when a commitment does not have 32 bytes
 */
export function encodeEntry(commitments: Commitments): Uint8Array {
  if (commitments.public.length !== HASH_BYTES || commitments.private.length !== HASH_BYTES) {
    throw new RangeError('a commitment has 32 bytes')
  }
  const entry = new Uint8Array(ENTRY_BYTES)
  entry.set(commitments.public)
  entry.set(commitments.private, HASH_BYTES)
  return entry
}

/** The two commitments of an entry, or undefined when it does not have 64 bytes. */
export function decodeEntry(entry: Uint8Array): Commitments | undefined {
  if (entry.length !== ENTRY_BYTES) return undefined
  return {
    public: new Uint8Array(entry.subarray(0, HASH_BYTES)),
    private: new Uint8Array(entry.subarray(HASH_BYTES)),
  }
}
