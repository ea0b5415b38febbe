/** An agency's own words for a case and its persons: sealed like a value, shown to nobody else. */
import type * as cases from '../storage/cases.ts'
import type { Tx } from '../storage/database.ts'
import type { Vault } from '../vault/vault.ts'
import type { SubjectKeyFor } from './subject-key.ts'

/** The agency and case whose words they are. */
export interface ReferenceOwner {
  readonly agencyId: string
  readonly caseId: string
}

export interface LocalReferenceDependencies {
  readonly storage: Pick<typeof cases, 'insertLocalReferences' | 'listLocalReferences'>
  readonly vault: Vault
  readonly subjectKeyFor: SubjectKeyFor
}

/** Keeps words by the id of the person, or of the case itself, whom they name. */
export async function keepReferences(
  { storage, vault, subjectKeyFor }: LocalReferenceDependencies,
  tx: Tx,
  owner: ReferenceOwner,
  words: ReadonlyMap<string, string>,
): Promise<void> {
  const references = []
  for (const [aboutId, text] of words) {
    const key = await subjectKeyFor(tx, { ...owner, ownerId: aboutId })
    const ref = { kind: 'local_reference', id: aboutId, ownerId: aboutId } as const
    const sealed = vault.sealText({ ...ref, agencyId: owner.agencyId }, key, text)
    references.push({ aboutId, ...sealed })
  }
  await storage.insertLocalReferences(tx, owner, references)
}

/** The agency's words by the id that they are about; those whose key was destroyed are gone. */
export async function openReferences(
  { storage, vault }: LocalReferenceDependencies,
  tx: Tx,
  owner: ReferenceOwner,
): Promise<ReadonlyMap<string, string>> {
  const words = new Map<string, string>()
  for (const row of await storage.listLocalReferences(tx, owner)) {
    const { aboutId, sealed, wrappedKey, subjectKey: wrapped, epoch } = row
    const ref = { kind: 'local_reference', id: aboutId, ownerId: aboutId } as const
    const opened = vault.openText(
      { ...ref, agencyId: owner.agencyId },
      wrapped && epoch !== null ? { wrapped, epoch } : null,
      { sealed, wrappedKey },
    )
    if (opened.opened && typeof opened.value === 'string') words.set(aboutId, opened.value)
  }
  return words
}
