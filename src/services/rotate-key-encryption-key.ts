import type { Database, Tx } from '../storage/database.ts'
import type * as keyEpochs from '../storage/key-epochs.ts'
import type * as serverKeys from '../storage/server-keys.ts'
import type * as subjectKeys from '../storage/subject-keys.ts'
import type { KeyRing } from '../vault/key-ring.ts'
import { byCommand, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** What a rotation did. It is finished, and old keys may be destroyed, for the epochs in `retired`. */
export interface Rotation {
  readonly epoch: number
  /** Subject keys and server keys that now lie under the new epoch, by this run. */
  readonly rewrapped: number
  /** Keys that do not open under the epoch they are said to lie under; while there is one, that epoch stays. */
  readonly unreadable: number
  readonly retired: readonly number[]
}

/** What a rotation works with; `db` is of the worker role, which may re-wrap keys and see no value. */
export interface RotationDependencies {
  readonly db: Database
  readonly storage: {
    readonly epochs: Pick<
      typeof keyEpochs,
      'listKeyEpochs' | 'insertKeyEpoch' | 'lockKeyEpoch' | 'retireKeyEpoch'
    >
    readonly subjectKeys: Pick<typeof subjectKeys, 'lockSubjectKeys' | 'replaceSubjectKeys'>
    readonly serverKeys: Pick<typeof serverKeys, 'lockServerKeysOfEpoch' | 'replaceSealedServerKey'>
  }
  readonly keyRing: KeyRing
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
  /**
   * Waits, between re-wrapping and retirement, for transactions that read the old epoch as current
   * and have not wrapped under it yet. One that is slower still is refused and repeated, not lost.
   */
  readonly settle: () => Promise<void>
  /** Subject keys per transaction. Default 500, about 10 ms. */
  readonly batch?: number
}

const ROTATION = byCommand('keys rotate encryption')

export type RotateKeyEncryptionKey = (toEpoch: number) => Promise<Rotation>

/** What a server key is bound to when it is sealed. */
const serverKeyContext = (purpose: string, kid: string): string => `server-key/${purpose}/${kid}`

/**
 * Rotates the key-encryption key while the servers run. Before, every process has been given the new
 * key beside the old one. The new epoch is current from the first step on; then all that lies under
 * earlier epochs is re-wrapped in small transactions, and each earlier epoch is retired once nothing
 * is left under it. Afterwards the operator takes its key out of the configuration and destroys it.
 * A run that was interrupted, or found something unreadable, is simply run again; two at once are safe.
 *
 * @throws KeyUnavailable when a key that is needed is not in the key ring; Error when the epoch is not
 *   the newest or its key is not the one that the database knows
 */
export function makeRotateKeyEncryptionKey(deps: RotationDependencies): RotateKeyEncryptionKey {
  return async (toEpoch) => {
    const earlier = await activate(deps, toEpoch)
    let rewrapped = 0
    for (const epoch of earlier) rewrapped += await rewrapInBatches(deps, epoch, toEpoch)
    if (earlier.length > 0) await deps.settle()
    const results = []
    for (const epoch of earlier) results.push({ epoch, ...(await retire(deps, epoch, toEpoch)) })
    return {
      epoch: toEpoch,
      rewrapped: results.reduce((sum, result) => sum + result.rewrapped, rewrapped),
      unreadable: results.reduce((sum, result) => sum + result.unreadable, 0),
      retired: results.filter((result) => result.unreadable === 0).map((result) => result.epoch),
    }
  }
}

/** Makes the epoch current; returns the earlier ones that are still in use. */
async function activate(
  { db, storage: { epochs }, keyRing, recordEvent }: RotationDependencies,
  toEpoch: number,
): Promise<number[]> {
  const known = await epochs.listKeyEpochs(db)
  if (known.some(({ epoch }) => epoch > toEpoch)) throw new Error('there is a newer epoch')
  const [fault] = keyRing.check(known)
  if (fault) throw new Error(`the key of epoch ${fault.epoch} is ${fault.fault}`)
  const checkValue = keyRing.checkValue(toEpoch)
  await db.transaction().execute(async (tx) => {
    await epochs.insertKeyEpoch(tx, { epoch: toEpoch, checkValue })
    if (known.some(({ epoch }) => epoch === toEpoch)) return
    await recordEvent(tx, {
      ...ROTATION,
      type: 'key.created',
      public: { purpose: 'encryption', epoch: toEpoch },
      private: {},
    })
  })
  // Somebody else may have come first, with another key under the same number.
  const written = (await epochs.listKeyEpochs(db)).filter(({ epoch }) => epoch === toEpoch)
  if (keyRing.check(written).length > 0) throw new Error(`the key of epoch ${toEpoch} is wrong`)
  if (written.some(({ retired }) => retired)) throw new Error(`epoch ${toEpoch} is retired`)
  return known.filter(({ epoch, retired }) => epoch < toEpoch && !retired).map(({ epoch }) => epoch)
}

async function rewrapInBatches(
  deps: RotationDependencies,
  epoch: number,
  toEpoch: number,
): Promise<number> {
  let rewrapped = 0
  let after: subjectKeys.SubjectKeyOwner | null = null
  do {
    const cursor: subjectKeys.SubjectKeyOwner | null = after
    const page: Page = await deps.db
      .transaction()
      .execute((tx) => rewrapPage(deps, tx, { epoch, toEpoch, after: cursor, skipLocked: true }))
    rewrapped += page.rewrapped
    after = page.last
  } while (after)
  return rewrapped
}

/** Re-wraps what is left, with the epoch locked, and retires it if nothing remains. */
async function retire(
  deps: RotationDependencies,
  epoch: number,
  toEpoch: number,
): Promise<{ rewrapped: number; unreadable: number }> {
  const { db, storage, runtime } = deps
  return db.transaction().execute(async (tx) => {
    await storage.epochs.lockKeyEpoch(tx, epoch)
    const total = await resealServerKeys(deps, tx, epoch, toEpoch)
    let after: subjectKeys.SubjectKeyOwner | null = null
    do {
      const page: Page = await rewrapPage(deps, tx, { epoch, toEpoch, after, skipLocked: false })
      total.rewrapped += page.rewrapped
      total.unreadable += page.unreadable
      after = page.last
    } while (after)
    if (total.unreadable > 0) return total
    await storage.epochs.retireKeyEpoch(tx, epoch, runtime.now())
    await deps.recordEvent(tx, {
      ...ROTATION,
      type: 'key.rotated',
      public: { purpose: 'encryption', epoch: { from: epoch, to: toEpoch } },
      private: {},
    })
    return total
  })
}

interface Page {
  readonly rewrapped: number
  readonly unreadable: number
  /** Where the next page begins; null when this was the last. */
  readonly last: subjectKeys.SubjectKeyOwner | null
}

async function rewrapPage(
  { storage, keyRing, batch = 500 }: RotationDependencies,
  tx: Tx,
  page: {
    readonly epoch: number
    readonly toEpoch: number
    readonly after: subjectKeys.SubjectKeyOwner | null
    readonly skipLocked: boolean
  },
): Promise<Page> {
  const { epoch, toEpoch, after, skipLocked } = page
  const rows = await storage.subjectKeys.lockSubjectKeys(tx, epoch, {
    after,
    limit: batch,
    skipLocked,
  })
  const rewrapped = rows.flatMap(({ ownerId, agencyId, wrapped }) => {
    const owner = { ownerId, agencyId }
    const key = keyRing.rewrapSubjectKey({ wrapped, epoch }, owner, toEpoch)
    return key.opened ? [{ ...owner, wrapped: key.value.wrapped }] : []
  })
  await storage.subjectKeys.replaceSubjectKeys(tx, toEpoch, rewrapped)
  return {
    rewrapped: rewrapped.length,
    unreadable: rows.length - rewrapped.length,
    last: rows.length < batch ? null : (rows.at(-1) ?? null),
  }
}

async function resealServerKeys(
  { storage: { serverKeys }, keyRing }: RotationDependencies,
  tx: Tx,
  epoch: number,
  toEpoch: number,
): Promise<{ rewrapped: number; unreadable: number }> {
  const total = { rewrapped: 0, unreadable: 0 }
  for (const { kid, purpose, sealedPrivate } of await serverKeys.lockServerKeysOfEpoch(tx, epoch)) {
    const secret = { sealed: sealedPrivate, epoch }
    const resealed = keyRing.resealSecret(secret, serverKeyContext(purpose, kid), toEpoch)
    if (resealed.opened) await serverKeys.replaceSealedServerKey(tx, kid, resealed.value)
    total[resealed.opened ? 'rewrapped' : 'unreadable'] += 1
  }
  return total
}
