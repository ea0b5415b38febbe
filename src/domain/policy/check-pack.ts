import type { Catalogue } from '../catalogue/types.ts'
import { canonicalize, type Json } from '../log/canonical.ts'
import { sha256 } from '../log/hash.ts'
import { check } from './check.ts'
import type { Fault } from './fault.ts'
import type { Parsed } from './parsed.ts'
import { idOf, resolvePack, type ResolvedPack } from './resolve-pack.ts'
import type { PackDocument } from './settings.ts'
import type { PolicyVocabulary } from './vocabulary.ts'

/** After so many faults the rest would not be read anyway. */
const MOST_FAULTS = 200

/**
 * Every fault of a pack at once: settings, profiles and references, and the rules with their values,
 * also those that a switch leaves out. In the order of documents and text.
 */
export function checkPack(
  pack: readonly Parsed<PackDocument>[],
  catalogue: Catalogue,
  vocabulary: PolicyVocabulary,
): ResolvedPack {
  const resolved = resolvePack(pack, catalogue, vocabulary)
  const found = [...resolved.faults, ...check(resolved.written, catalogue, vocabulary)]
  const order = new Map(pack.map(({ file }, i) => [file, i]))
  const rank = ({ file }: Fault) => order.get(file) ?? 0
  const line = ({ place }: Fault) => place?.line ?? 0
  const faults = found.toSorted((a, b) => rank(a) - rank(b) || line(a) - line(b))
  return { ...resolved, faults: faults.slice(0, MOST_FAULTS) }
}

/**
 * `sha256:` and hexadecimal, over the canonical JSON (RFC 8785) of all documents of a pack as they are
 * written, sorted by kind and id. A pack of policies alone has the hash that `policyHash` gives.
 */
export function packHash(documents: readonly PackDocument[]): string {
  const sorted = documents.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
  const text = canonicalize(sorted as unknown as Json)
  return `sha256:${Buffer.from(sha256(new TextEncoder().encode(text))).toString('hex')}`
}
