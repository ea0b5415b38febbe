// A digest over a set of audit events by their ids: how an event that destroys something says exactly
// what, in a few bytes, so that nothing else can be passed off as destroyed by it.
import { encodeBase64 } from './base64.ts'
import { sha256 } from './hash.ts'

/**
 * Base64 of SHA-256 over the ids in ascending order, each followed by a line feed. Ids are UUIDs in
 * lower case, whose order as text is also PostgreSQL's.
 *
 * @param ids in any order, none twice
 */
export function eventDigest(ids: Iterable<string>): string {
  const text = [...ids]
    .sort()
    .map((id) => `${id}\n`)
    .join('')
  return encodeBase64(sha256(new TextEncoder().encode(text)))
}
