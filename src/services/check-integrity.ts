/**
 * The self-check (S29): walks the log and the tables against each other, slice by slice, so that no
 * transaction is long and no node needs more memory than one slice. What is found becomes an incident.
 */
import type { Finding } from '../domain/integrity/finding.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as integrity from '../storage/integrity.ts'
import type { PagedTable } from '../storage/integrity-extra.ts'
import { type CheckMemory, checkLogSlice, type Slice } from './check-log.ts'
import {
  checkEventSlice,
  checkExtraSlice,
  checkLossSlice,
  checkPendingSlice,
  checkPolicySlice,
  type CheckRowsDependencies,
  checkSaltSlice,
} from './check-rows.ts'
import type { ReportFindings } from './report-incidents.ts'

/** Where a cycle is. */
export interface CyclePlace {
  readonly stage: string
  readonly position: string | undefined
}

type Stage = (
  deps: CheckRowsDependencies,
  tx: Tx,
  position: string | undefined,
  memory: CheckMemory,
) => Promise<Slice>

const table = (name: PagedTable) => [`rows of ${name}`, checkExtraSlice(name)] as const

/** What a cycle consists of, in order. */
const STAGES: ReadonlyMap<string, Stage> = new Map<string, Stage>([
  ['log', checkLogSlice],
  ['events', checkEventSlice],
  ['salts', checkSaltSlice],
  ['pending', checkPendingSlice],
  ['losses', checkLossSlice],
  ['policies', checkPolicySlice],
  table('disclosure'),
  table('release_ledger'),
  table('record'),
  table('record_version'),
  table('consent'),
  table('agreement'),
  table('review_task'),
  table('policy_version'),
])

const [FIRST_STAGE = ''] = STAGES.keys()

/** Where a cycle begins. */
export const CYCLE_START: CyclePlace = { stage: FIRST_STAGE, position: undefined }

/** One slice: what it found, and where the next one begins; without a place the cycle is over. */
export interface CheckedSlice extends Omit<Slice, 'next'> {
  readonly next: CyclePlace | undefined
}

/** Checks the slice at `place`, in a transaction of the worker role. */
export async function checkSlice(
  deps: CheckRowsDependencies,
  tx: Tx,
  place: CyclePlace,
  memory: CheckMemory,
): Promise<CheckedSlice> {
  const stage = STAGES.get(place.stage)
  // A stage that another version of the program knew: the next cycle begins anew.
  if (!stage) return { findings: [], next: undefined, counts: {} }
  const { findings, next, counts } = await stage(deps, tx, place.position, memory)
  const named = Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name === 'rows' ? place.stage : name, count]),
  )
  return {
    findings,
    counts: named,
    next: next !== undefined ? { stage: place.stage, position: next } : stageAfter(place),
  }
}

function stageAfter({ stage }: CyclePlace): CyclePlace | undefined {
  const stages = [...STAGES.keys()]
  const after = stages[stages.indexOf(stage) + 1]
  return after === undefined ? undefined : { stage: after, position: undefined }
}

/**
 * What a slice came to that failed over what it read: so much is found, and the cycle goes on with the
 * next stage. Undefined for a failure of another kind, such as of the connection.
 */
function unreadable(error: unknown, place: CyclePlace): CheckedSlice | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  // Class 22: data exceptions.
  if (typeof code === 'string' && !code.startsWith('22')) return undefined
  const finding: Finding = { kind: 'unreadable', table: place.stage, row: place.position ?? '' }
  return { findings: [finding], counts: {}, next: stageAfter(place) }
}

/** What a whole cycle came to. */
export interface CheckedCycle {
  readonly findings: readonly Finding[]
  /** How much of what was looked at. */
  readonly counts: Readonly<Record<string, number>>
}

/** What one call of the worker's check came to. */
export type Checked =
  /** Nothing is due, or another node is at it. */
  { readonly state: 'idle' } | { readonly state: 'went_on' | 'finished'; readonly findings: number }

export interface CheckIntegrity {
  /** Goes on with the cycle that all nodes share by one slice; begins one when it is due. */
  step(): Promise<Checked>
  /** A whole cycle of its own, beside that of the nodes. */
  cycle(): Promise<CheckedCycle>
}

export interface CheckIntegrityDependencies extends CheckRowsDependencies {
  /** Of the worker role. */
  readonly db: Database
  readonly cycles: Pick<typeof integrity, 'tryCheckLock' | 'readCycle' | 'writeCycle'>
  readonly report: ReportFindings
  readonly now: () => Date
  /** Milliseconds from the beginning of one cycle to that of the next. */
  readonly interval: number
}

/** Findings of one cycle that are listed one by one. */
const MOST_FINDINGS = 1000

/** Composes the self-check. Each slice is a transaction with a snapshot of its own. */
export function makeCheckIntegrity(deps: CheckIntegrityDependencies): CheckIntegrity {
  // Owned by the returned object: what this node remembers of the shared cycle.
  const shared: CheckMemory = {}
  const { db, cycles, report, now, interval } = deps
  const transact = <Result>(work: (tx: Tx) => Promise<Result>) =>
    db.transaction().setIsolationLevel('repeatable read').execute(work)

  /** One slice in a transaction of its own, or what its failure means. */
  async function checked(
    place: CyclePlace,
    memory: CheckMemory,
    work: (tx: Tx, check: () => Promise<CheckedSlice>) => Promise<void>,
  ): Promise<void> {
    try {
      await transact((tx) => work(tx, () => checkSlice(deps, tx, place, memory)))
    } catch (error) {
      const slice = unreadable(error, place)
      if (!slice) throw error
      await transact((tx) => work(tx, () => Promise.resolve(slice)))
    }
  }

  async function step(): Promise<Checked> {
    const at = now()
    const cycle = await cycles.readCycle(db)
    const going = cycle?.place
    if (cycle && !going && at.getTime() - cycle.startedAt.getTime() < interval)
      return { state: 'idle' }
    let result: Checked = { state: 'idle' }
    await checked(going ?? CYCLE_START, shared, async (tx, check) => {
      if (!(await cycles.tryCheckLock(tx))) return
      // Somebody else was quicker.
      if (!isSamePlace(await cycles.readCycle(tx), cycle)) return
      const { findings, counts, next } = await check()
      await report(tx, findings, at)
      const before = going ? (cycle?.counts ?? {}) : {}
      const total = added(before, { ...counts, findings: findings.length })
      const startedAt = going && cycle ? cycle.startedAt : at
      await cycles.writeCycle(tx, { startedAt, place: next, counts: total }, at)
      result = { state: next ? 'went_on' : 'finished', findings: findings.length }
    })
    return result
  }

  return {
    step,
    async cycle() {
      const memory: CheckMemory = {}
      const findings: Finding[] = []
      let counts: Readonly<Record<string, number>> = {}
      for (let place: CyclePlace | undefined = CYCLE_START; place;) {
        const from: CyclePlace = place
        let slice: CheckedSlice = { findings: [], counts: {}, next: undefined }
        await checked(from, memory, async (tx, check) => {
          slice = await check()
          await report(tx, slice.findings, now())
        })
        findings.push(...slice.findings.slice(0, MOST_FINDINGS - findings.length))
        counts = added(counts, { ...slice.counts, findings: slice.findings.length })
        place = slice.next
      }
      return { findings, counts }
    },
  }
}

const isSamePlace = (
  a: integrity.StoredCycle | undefined,
  b: integrity.StoredCycle | undefined,
): boolean =>
  a?.startedAt.getTime() === b?.startedAt.getTime() &&
  a?.place?.stage === b?.place?.stage &&
  a?.place?.position === b?.place?.position

function added(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]))
}
