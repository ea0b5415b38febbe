import { randomBytes } from 'node:crypto'
import { ed25519PublicKey } from '../domain/log/hash.ts'
import { ED25519, formatVkey, parseVkey, verifierKey } from '../domain/log/vkey.ts'
import type { Tx } from '../storage/database.ts'
import type * as log from '../storage/log.ts'
import type * as logKeys from '../storage/log-keys.ts'
import type * as serverKeys from '../storage/server-keys.ts'
import { byCommand, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'
import { endedKeyBytes, logKeyContext } from './log-keys.ts'
import type { SealSecret } from './server-keys.ts'

/** Seconds for which old and new key both sign unless said otherwise: 30 days. */
export const LOG_KEY_OVERLAP = 30 * 24 * 3600

/** A rotation of the log's key. */
export interface LogKeyRotation {
  readonly vkey: string
  /** The new key signs every checkpoint larger than this. */
  readonly fromSize: number
  /** When the keys before it stop to sign; null when they have stopped already. */
  readonly oldUntil: Date | null
}

export interface RotateLogKeyDependencies {
  readonly storage: {
    readonly log: Pick<typeof log, 'findNewestCheckpoint'>
    readonly logKeys: typeof logKeys
    readonly serverKeys: Pick<
      typeof serverKeys,
      'lockServerKeys' | 'insertServerKey' | 'replaceSealedServerKey'
    >
  }
  readonly seal: SealSecret
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
}

/**
 * Adds a key of the log's name that signs from the next tick on, on every node; the keys before it
 * sign as well for `overlap` seconds (0: no more), so that nobody who knows an old key is left
 * without a checkpoint. With `compromised` they end at once: their seeds are destroyed, and what they
 * sign beyond today's size counts for nothing. Waits for a tick under way. Owner's rights; in one
 * transaction.
 */
export async function rotateLogKey(
  tx: Tx,
  deps: RotateLogKeyDependencies,
  {
    overlap = LOG_KEY_OVERLAP,
    compromised = false,
  }: { readonly overlap?: number; readonly compromised?: boolean } = {},
): Promise<LogKeyRotation> {
  const { storage } = deps
  await storage.logKeys.awaitSequencerLock(tx)
  await storage.serverKeys.lockServerKeys(tx, 'log')
  const before = await storage.logKeys.listLogKeys(tx)
  const [name] = before[0]?.vkey.split('+', 1) ?? []
  if (name === undefined) throw new Error('there is no log key; run `ostiary init` first')
  const fromSize = (await storage.log.findNewestCheckpoint(tx))?.size ?? 0

  const oldUntil = await endBefore(deps, tx, { before, fromSize, overlap, compromised })
  const { kid, vkey } = await addKey(deps, tx, name, before)
  await storage.logKeys.insertLogKey(tx, { kid, vkey, fromSize })
  await deps.recordEvent(tx, {
    ...byCommand('keys rotate log'),
    type: 'key.rotated',
    public: { purpose: 'log', vkey, fromSize, oldUntil: oldUntil?.toISOString() ?? null },
    private: { compromised },
  })
  return { vkey, fromSize, oldUntil }
}

/** Ends the keys that are there, now or after the overlap; returns when, or null for now. */
async function endBefore(
  deps: RotateLogKeyDependencies,
  tx: Tx,
  options: {
    readonly before: readonly logKeys.StoredLogKey[]
    readonly fromSize: number
    readonly overlap: number
    readonly compromised: boolean
  },
): Promise<Date | null> {
  const { before, fromSize, overlap, compromised } = options
  const { logKeys } = deps.storage
  const kids = before.filter(({ untilSize }) => untilSize === null).map(({ kid }) => kid)
  if (!compromised && overlap > 0) return (await logKeys.planLogKeyEnd(tx, kids, overlap)) ?? null
  await logKeys.endLogKeys(tx, kids, fromSize)
  if (!compromised) return null
  // Whoever got at one of them got at all that are kept in the same way.
  const held = before.filter((key) => !key.compromised)
  for (const { kid, vkey, untilSize } of held) {
    const ended = endedKeyBytes(vkey, untilSize ?? fromSize)
    const box = await deps.seal(ended, logKeyContext(kid))
    await deps.storage.serverKeys.replaceSealedServerKey(tx, kid, box)
  }
  await logKeys.markCompromised(
    tx,
    held.map(({ kid }) => kid),
  )
  return null
}

/** Makes a key and keeps it sealed. */
async function addKey(
  { storage, seal, runtime }: RotateLogKeyDependencies,
  tx: Tx,
  name: string,
  before: readonly logKeys.StoredLogKey[],
): Promise<{ kid: string; vkey: string }> {
  const seed = freshSeed(name, before)
  const vkey = formatVkey(verifierKey({ name, seed }, ED25519))
  const x = Buffer.from(ed25519PublicKey(seed)).toString('base64url')
  const kid = `log-${randomBytes(8).toString('hex')}`
  const { sealed, epoch } = await seal(seed, logKeyContext(kid))
  seed.fill(0)
  const now = runtime.now()
  await storage.serverKeys.insertServerKey(tx, {
    kid,
    purpose: 'log',
    sealedPrivate: sealed,
    publicKey: { vkey, x },
    keyEpoch: epoch,
    createdAt: now,
    signsFrom: now,
    signsUntil: null,
    publishedUntil: null,
  })
  return { kid, vkey }
}

/** A key id has 32 bits only, and verifiers tell the keys of one name by it. */
function freshSeed(name: string, before: readonly logKeys.StoredLogKey[]): Uint8Array {
  const taken = new Set(before.map(({ vkey }) => parseVkey(vkey)?.keyId))
  let seed = randomBytes(32)
  while (taken.has(verifierKey({ name, seed }, ED25519).keyId)) seed = randomBytes(32)
  return seed
}
