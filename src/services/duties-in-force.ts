import type { DutyStatement } from '../domain/policy/document.ts'
import type { Tx } from '../storage/database.ts'
import type * as policies from '../storage/policies.ts'
import type { ActivePolicy } from './active-policy.ts'

/** The duties that recording one of these fields (ids) sets off under the policy now in force. */
export type DutiesInForce = (
  tx: Tx,
  fieldIds: readonly string[],
) => Promise<readonly DutyStatement[]>

/** Asks the database which version is in force, because another node may have activated one. */
export function makeDutiesInForce({
  read,
  storage,
}: {
  /** One stored version, compiled; read on the transaction's own connection. */
  readonly read: (tx: Tx, version: number) => Promise<Pick<ActivePolicy, 'version' | 'program'>>
  readonly storage: Pick<typeof policies, 'findActivePolicy'>
}): DutiesInForce {
  // Owned by this closure; versions are immutable, so what is kept can be old but never wrong.
  let known: Pick<ActivePolicy, 'version' | 'program'> | undefined
  return async (tx, fieldIds) => {
    const active = await storage.findActivePolicy(tx)
    if (!active) return []
    const policy = known?.version === active.version ? known : await read(tx, active.version)
    known = policy
    return policy.program.duties.filter(({ when }) => fieldIds.includes(when.recorded))
  }
}
