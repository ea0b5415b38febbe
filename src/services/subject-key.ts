import type { Tx } from '../storage/database.ts'
import type * as subjectKeys from '../storage/subject-keys.ts'
import type { WrappedSubjectKey } from '../vault/key-ring.ts'
import type { Vault } from '../vault/vault.ts'

/** Whose values a key protects, and in which case. */
export interface SubjectKeyOwner {
  /** The person, or the case as a whole. */
  readonly ownerId: string
  readonly agencyId: string
  readonly caseId: string
}

/** The key of one person or case at one agency; made on first use. */
export type SubjectKeyFor = (tx: Tx, owner: SubjectKeyOwner) => Promise<WrappedSubjectKey>

/** Keys are made by the vault and kept in storage. */
export function makeSubjectKeyFor({
  storage,
  vault,
}: {
  readonly storage: Pick<typeof subjectKeys, 'ensureSubjectKey'>
  readonly vault: Vault
}): SubjectKeyFor {
  return (tx, owner) =>
    storage.ensureSubjectKey(tx, owner, (epoch) => vault.createSubjectKey(owner, epoch))
}
