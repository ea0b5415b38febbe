import { nameOfVkey } from '../domain/log/witness.ts'
import type * as cosignatures from '../storage/cosignatures.ts'
import type * as integrity from '../storage/integrity.ts'
import type * as log from '../storage/log.ts'
import type * as notices from '../storage/notices.ts'
import { type Asked, type AskDependencies, askWitness, type Witness } from './ask-witness.ts'
import type { RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** What one round came to. */
export interface Collected {
  /** The witnesses that this node asked. */
  readonly asked: readonly { readonly vkey: string; readonly outcome: Asked }[]
  /** How each is doing, whoever asked it. */
  readonly witnesses: readonly cosignatures.WitnessRow[]
  /** There has been no quorum within the bound. Never without a policy. */
  readonly missing: boolean
  /** Age of the newest checkpoint that has the quorum, in seconds; undefined beyond the bound. */
  readonly age: number | undefined
}

/** Asks for what is missing, and publishes what may be published. Rejects when the database does. */
export type CollectCosignatures = () => Promise<Collected>

export interface CollectDependencies extends AskDependencies {
  readonly storage: typeof cosignatures &
    Pick<typeof integrity, 'listOperators'> &
    Pick<typeof notices, 'insertNotices'>
  readonly witnesses: readonly Witness[]
  /** Absent where no number of cosignatures is asked for. */
  readonly policy?: cosignatures.WitnessPolicy
  /** Milliseconds after which a witness that did not cosign is asked again about the same checkpoint. */
  readonly retryAfter: number
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'uuid' | 'now'>
}

/**
 * One round of collecting cosignatures, to be run often, on every node: whichever comes first asks a
 * witness, the others leave it at that, and what fails is simply asked again.
 */
export function makeCollectCosignatures(deps: CollectDependencies): CollectCosignatures {
  const { db, storage, witnesses, policy } = deps
  const vkeys = witnesses.map(({ vkey }) => vkey)
  return async () => {
    const newest = await deps.log.findNewestCheckpoint(db)
    const outcomes = await Promise.allSettled(
      newest ? witnesses.map((witness) => askOnce(deps, witness, newest)) : [],
    )
    const state = policy && (await publish(deps, policy))
    // Only now: one witness's trouble with the database must not hold up what the others gave.
    const asked = outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    })
    return {
      asked: asked.flatMap((outcome, i) => (outcome ? [{ vkey: vkeys[i] ?? '', outcome }] : [])),
      witnesses: await storage.listWitnesses(db, vkeys),
      missing: state?.missing ?? false,
      age: state?.age,
    }
  }
}

/** Asks a witness, unless it has cosigned this already or another node is at it; stores what it says. */
async function askOnce(
  deps: CollectDependencies,
  witness: Witness,
  newest: log.StoredCheckpoint,
): Promise<Asked | undefined> {
  const { db, storage, retryAfter } = deps
  const { vkey } = witness
  if (await storage.hasCosignature(db, newest.size, vkey)) return undefined
  const claim = await storage.claimWitness(db, { vkey, size: newest.size, retryAfter })
  if (!claim) return undefined
  const outcome = await askWitness(deps, witness, newest, claim.cosignedSize ?? 0)
  if (outcome.state === 'cosigned') {
    await db.transaction().execute((tx) => storage.storeCosignature(tx, { vkey, ...outcome }))
    // At once: the quorum does not wait for the slowest.
    if (deps.policy) await publish(deps, deps.policy)
  } else if (outcome.state === 'refuses') await noteRefusal(deps, { vkey, ...outcome })
  else await storage.noteWitnessState(db, vkey, outcome.code)
  return outcome
}

/** Keeps that a witness refuses, and tells the operator when it is news. */
async function noteRefusal(
  deps: CollectDependencies,
  refusal: cosignatures.WitnessRefusal,
): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    if (!(await deps.storage.noteRefusal(tx, refusal))) return
    const { as, size, stored, vkey } = refusal
    await deps.recordEvent(tx, {
      ...BY_WORKER,
      type: 'integrity.witness_refused',
      public: { witness: nameOfVkey(vkey), as, size, stored },
      private: {},
    })
    await tell(deps, tx, 'witness_refuses', {
      witness: nameOfVkey(vkey),
      as,
      size: String(size),
      stored: String(stored),
    })
  })
}

/** Publishes the newest checkpoint that has the quorum, or, when there was none for too long, the newest. */
async function publish(
  deps: CollectDependencies,
  policy: cosignatures.WitnessPolicy,
): Promise<{ readonly missing: boolean; readonly age: number | undefined }> {
  const { db, storage } = deps
  const { newest, firstAge } = await storage.findQuorum(db, policy)
  const missing = !newest && firstAge !== undefined && firstAge > policy.bound
  if (newest) await storage.publishCheckpoint(db, newest.size)
  else if (missing) await storage.publishCheckpoint(db, undefined)
  await db.transaction().execute(async (tx) => {
    if (!(await storage.noteMissing(tx, missing))) return
    const { quorum, bound, vkeys } = policy
    await deps.recordEvent(tx, {
      ...BY_WORKER,
      type: missing ? 'integrity.witnesses_missing' : 'integrity.witnesses_back',
      public: { quorum, witnesses: vkeys.length, bound },
      private: {},
    })
    if (missing)
      await tell(deps, tx, 'witness_missing', {
        quorum: String(quorum),
        of: String(vkeys.length),
      })
  })
  return { missing, age: newest?.age }
}

const BY_WORKER = { channel: 'worker', operation: 'collect_cosignatures' } as const

/** Tells the administrators of whoever runs the server, at once. */
async function tell(
  { storage, runtime }: CollectDependencies,
  tx: Parameters<typeof notices.insertNotices>[0],
  type: 'witness_refuses' | 'witness_missing',
  refs: Readonly<Record<string, string>>,
): Promise<void> {
  const operators = await storage.listOperators(tx)
  await storage.insertNotices(
    tx,
    operators.map((agencyId) => ({
      id: runtime.uuid(),
      agencyId,
      role: 'org_admin',
      type,
      urgency: 'immediate' as const,
      refs,
    })),
    runtime.now(),
  )
}
