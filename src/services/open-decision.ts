/** The facts of a past decision, opened and read under the policy and the catalogue of then. */
import { decodeFacts } from '../domain/disclosure/decode-facts.ts'
import type { DecisionFacts } from '../domain/disclosure/encode-facts.ts'
import type { DecisionRow } from '../storage/decisions.ts'
import type { KeyOf } from '../vault/facts.ts'
import type { Vault } from '../vault/vault.ts'
import type { PastPolicies, PastPolicy } from './past-policies.ts'

/**
 * `erased`: a key was destroyed under which they lay. `not_recorded`: from before facts were recorded.
 * `policy_unknown`: this program cannot compile the version of then. `unreadable`: altered bytes, or
 * the key-encryption key of that epoch is not there.
 */
export type FactsState = 'recorded' | 'erased' | 'not_recorded' | 'policy_unknown' | 'unreadable'

export type OpenedDecision =
  | { readonly state: 'recorded'; readonly recorded: DecisionFacts; readonly policy: PastPolicy }
  | { readonly state: Exclude<FactsState, 'recorded'> }

/** Opens the facts of one decision. */
export async function openDecision(
  deps: { readonly vault: Pick<Vault, 'openFacts'>; readonly pastPolicies: PastPolicies },
  row: DecisionRow,
): Promise<OpenedDecision> {
  if (!row.facts || row.catalogue_version === null) return { state: 'not_recorded' }
  const opened = deps.vault.openFacts({ disclosureId: row.id }, keysOf(row), row.facts)
  if (!opened.opened) return { state: opened.failure === 'key_destroyed' ? 'erased' : 'unreadable' }
  const policy = await deps.pastPolicies(row.policy_version, row.catalogue_version)
  if (!policy) return { state: 'policy_unknown' }
  try {
    return { state: 'recorded', recorded: decodeFacts(opened.value, policy.catalogue), policy }
  } catch {
    return { state: 'unreadable' }
  } finally {
    opened.value.fill(0)
  }
}

function keysOf({ keys }: DecisionRow): KeyOf {
  const byOwner = new Map(keys.map((key) => [`${key.ownerId}/${key.agencyId}`, key]))
  return ({ ownerId, agencyId }) => {
    const key = byOwner.get(`${ownerId}/${agencyId}`)
    return key ? { wrapped: Buffer.from(key.wrapped, 'base64'), epoch: key.epoch } : null
  }
}
