/** Tries a policy on the recorded decisions of a window. */
import { decideReviewed } from '../domain/disclosure/reviewed.ts'
import type { Program } from '../domain/policy/program.ts'
import {
  type ReplayReport,
  replaySentence,
  startReplay,
  underCatalogue,
} from '../domain/policy/replay.ts'
import type { Tx } from '../storage/database.ts'
import type * as decisions from '../storage/decisions.ts'
import type { DecisionPosition, DecisionRow } from '../storage/decisions.ts'
import type { Transact } from '../storage/transaction.ts'
import type { Vault } from '../vault/vault.ts'
import { openDecision } from './open-decision.ts'
import type { PastPolicies } from './past-policies.ts'

/** A window of time: `from` inclusive, `to` exclusive. */
export interface ReplayWindow {
  readonly from: Date
  readonly to: Date
}

/** What came of it. */
export interface Replayed extends ReplayReport {
  readonly from: string
  readonly to: string
  /** False: there were more decisions than one replay takes, or it took too long; the counts are of a part. */
  readonly complete: boolean
  readonly sentence: string
}

export type ReplayDecisions = (program: Program, window: ReplayWindow) => Promise<Replayed>

export interface ReplayDependencies {
  readonly transact: Transact
  readonly storage: Pick<typeof decisions, 'listAgencyIds' | 'listDecisions'>
  readonly vault: Pick<Vault, 'openFacts'>
  readonly pastPolicies: PastPolicies
  /** Lets everything else that waits have its turn. */
  readonly pause: () => Promise<void>
  /** Milliseconds on a clock that only goes forward. */
  readonly elapsed: () => number
  /** Decisions that one replay takes at most, and milliseconds. */
  readonly most?: number
  readonly timeLimit?: number
}

/** Decisions that are read at once; with their facts some hundred kilobytes. */
const PAGE = 100
const MOST = 200_000
const TIME_LIMIT = 60_000

/**
 * Makes the replay. Each decision is decided twice on the facts of then: under its own version, and
 * under the given program. Agency by agency and page by page, in transactions of their own that see
 * that agency's decisions alone, with a pause after every decision: memory does not grow with the
 * window, and nobody waits for longer than one decision takes.
 */
export function makeReplayDecisions(deps: ReplayDependencies): ReplayDecisions {
  const { most = MOST, timeLimit = TIME_LIMIT } = deps
  return async (program, window) => {
    const count = startReplay()
    const end = deps.elapsed() + timeLimit
    let left = most
    let complete = true
    for await (const row of decisionsOf(deps, window)) {
      if (left-- === 0 || deps.elapsed() > end) {
        complete = false
        break
      }
      await replayOne(deps, program, row, count)
      await deps.pause()
    }
    const report = count.report()
    return {
      from: window.from.toISOString(),
      to: window.to.toISOString(),
      complete,
      sentence: replaySentence(report),
      ...report,
    }
  }
}

async function* decisionsOf(
  { transact, storage }: ReplayDependencies,
  window: ReplayWindow,
): AsyncGenerator<DecisionRow> {
  // No agency's rows are seen by a transaction that acts for none.
  const agencies = await transact('', (tx: Tx) => storage.listAgencyIds(tx))
  for (const agency of agencies) {
    let after: DecisionPosition | undefined
    for (;;) {
      const rows = await transact(agency, (tx) => storage.listDecisions(tx, window, after, PAGE))
      yield* rows
      const last = rows.at(-1)
      if (!last || rows.length < PAGE) break
      after = { at: last.decided_at, id: last.id }
    }
  }
}

async function replayOne(
  deps: ReplayDependencies,
  program: Program,
  row: DecisionRow,
  count: ReturnType<typeof startReplay>,
): Promise<void> {
  const opened = await openDecision(deps, row)
  if (opened.state !== 'recorded') return count.skip(opened.state)
  const { recorded, policy } = opened
  const { facts, reviewed } = recorded
  const now = underCatalogue(facts, policy.catalogue, program.catalogue)
  const before = decideReviewed(policy.program, facts, reviewed)
  const after = decideReviewed(program, now, reviewed)
  count.add(facts, before.verdicts, after.verdicts)
}
