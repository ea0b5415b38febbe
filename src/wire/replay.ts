import { setImmediate as turn } from 'node:timers/promises'
import { makeReplayDecisions, type ReplayDecisions } from '../services/replay-decisions.ts'
import type { PastPolicies } from '../services/past-policies.ts'
import * as decisions from '../storage/decisions.ts'
import type { Transact } from '../storage/transaction.ts'
import type { Vault } from '../vault/vault.ts'

/** Limits of one replay; defaults are those of the operator's command. */
export interface ReplayLimits {
  /** Decisions. */
  readonly most?: number
  /** Milliseconds. */
  readonly timeLimit?: number
}

/** Replays over the decisions of a database; `transact` must be of the app role. */
export function wireReplay(
  parts: {
    readonly transact: Transact
    readonly vault: Vault
    readonly pastPolicies: PastPolicies
  },
  limits: ReplayLimits = {},
): ReplayDecisions {
  return makeReplayDecisions({
    ...parts,
    ...limits,
    storage: decisions,
    pause: () => turn(),
    elapsed: () => performance.now(),
  })
}
