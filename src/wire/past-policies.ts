import { catalogueHash, describeCatalogue } from '../domain/catalogue/catalogue-version.ts'
import type { Catalogue } from '../domain/catalogue/types.ts'
import { makePastPolicies, type PastPolicies } from '../services/past-policies.ts'
import * as catalogues from '../storage/catalogue-versions.ts'
import type { Database } from '../storage/database.ts'
import * as policies from '../storage/policies.ts'

/** The number of this program's catalogue in the database, where it is kept, and the policies of then. */
export async function wirePastPolicies(
  db: Database,
  catalogue: Catalogue,
): Promise<{ readonly catalogueVersion: number; readonly pastPolicies: PastPolicies }> {
  const described = describeCatalogue(catalogue)
  const id = await catalogues.keepCatalogue(db, catalogueHash(described), described)
  return {
    catalogueVersion: id,
    pastPolicies: makePastPolicies({
      db,
      storage: { ...policies, ...catalogues },
      current: { id, catalogue },
    }),
  }
}
