import { catalogueHash, restoreCatalogue } from '../domain/catalogue/catalogue-version.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as catalogues from '../storage/catalogue-versions.ts'
import type * as policies from '../storage/policies.ts'
import type { ActivePolicy } from './active-policy.ts'
import { makeReadPolicy, PolicyFaults } from './policy-versions.ts'

/** A policy version with the catalogue under which it decided. */
export interface PastPolicy extends ActivePolicy {
  readonly catalogue: Catalogue
}

/**
 * Policy versions as they decided at a time; undefined when the catalogue of then was not kept, or the
 * documents of then are no policy under this program's grammar any more.
 */
export type PastPolicies = (
  version: number,
  catalogueVersion: number,
) => Promise<PastPolicy | undefined>

export interface PastPoliciesDependencies {
  readonly db: Database | Tx
  readonly storage: Pick<typeof policies, 'findPolicyVersion'> &
    Pick<typeof catalogues, 'findCatalogue'>
  /** The catalogue of now, and its number. */
  readonly current: { readonly id: number; readonly catalogue: Catalogue }
}

/** Compiled versions that are kept; each takes up to 20 MB. */
const KEPT = 3

/** Reads, compiles and keeps the few that were asked for last. */
export function makePastPolicies(deps: PastPoliciesDependencies): PastPolicies {
  // Owned by this closure, the longest unused first.
  const known = new Map<string, Promise<PastPolicy | undefined>>()
  return (version, catalogueVersion) => {
    const key = `${version}/${catalogueVersion}`
    const found = known.get(key) ?? readPast(deps, version, catalogueVersion)
    known.delete(key)
    known.set(key, found)
    found.catch(() => known.delete(key))
    for (const oldest of known.keys()) if (known.size > KEPT) known.delete(oldest)
    return found
  }
}

async function readPast(
  deps: PastPoliciesDependencies,
  version: number,
  catalogueVersion: number,
): Promise<PastPolicy | undefined> {
  const catalogue = await catalogueOfThen(deps, catalogueVersion)
  if (!catalogue) return undefined
  try {
    return { ...(await makeReadPolicy({ ...deps, catalogue })(version)), catalogue }
  } catch (error) {
    if (error instanceof PolicyFaults) return undefined
    throw error
  }
}

async function catalogueOfThen(
  { db, storage, current }: PastPoliciesDependencies,
  id: number,
): Promise<Catalogue | undefined> {
  if (id === current.id) return current.catalogue
  const kept = await storage.findCatalogue(db, id)
  if (!kept) return undefined
  if (catalogueHash(kept.records) !== kept.hash)
    throw new Error(`catalogue version ${id} is not what its hash says`)
  return restoreCatalogue(kept.records)
}
