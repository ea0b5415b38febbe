/** What a decision was made on, sealed to be kept beside it. */
import { encodeFacts } from '../domain/disclosure/encode-facts.ts'
import { relevantFacts } from '../domain/disclosure/relevant-facts.ts'
import type { Reviewed } from '../domain/disclosure/reviewed.ts'
import type { Facts } from '../domain/policy/facts.ts'
import type { GateRecord } from '../storage/gate.ts'
import type { OwnedKey } from '../vault/facts.ts'
import type { Vault } from '../vault/vault.ts'

/** One decision as it was made. */
export interface MadeDecision {
  readonly id: string
  readonly facts: Facts
  readonly reviewed: Reviewed | undefined
  /** Every record that was looked at, for its values or for its flags. */
  readonly records: readonly GateRecord[]
}

/**
 * Seals the facts under the asking agency's key for the subject and under the key of every record that
 * was looked at, so that they close for good when one of them is destroyed: what was known of an erased
 * person is not kept on as the facts of somebody's request.
 */
export function sealDecisionFacts(
  vault: Vault,
  asker: OwnedKey,
  { id, facts, reviewed, records }: MadeDecision,
): Uint8Array {
  const sources = records.flatMap((record): OwnedKey[] => {
    const { subject_key: wrapped, key_epoch: epoch } = record
    if (!wrapped || epoch === null) return []
    return [{ ownerId: record.key_owner_id, agencyId: record.agency_id, key: { wrapped, epoch } }]
  })
  const bytes = encodeFacts({ facts: relevantFacts(facts), ...(reviewed ? { reviewed } : {}) })
  return vault.sealFacts({ disclosureId: id }, asker, sources, bytes)
}
