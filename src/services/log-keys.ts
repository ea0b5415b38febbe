/** The keys of the transparency log as a running server has them: followed, opened, used, told. */
import { type KeyPeriod, signKeyHistory } from '../domain/log/key-history.ts'
import { type LogIdentity, logIdentity } from '../domain/log/checkpoint.ts'
import { equalBytes } from '../domain/log/hash.ts'
import { ED25519, formatVkey, type NoteKey, parseVkey, verifierKey } from '../domain/log/vkey.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as logKeys from '../storage/log-keys.ts'
import type { OpenSecret } from './server-keys.ts'

/** What one tick signs with. */
export interface SigningKeys {
  /** Every key that the log ever had, each as far as it reaches: who may have signed what is there. */
  readonly identity: LogIdentity
  /** Those that sign now, oldest first; at least one. */
  readonly keys: readonly NoteKey[]
  /** To be called in the tick that appends: keys whose time is over end at the size before it. */
  settle(size: number): Promise<void>
}

/** Finds the keys for one tick, in its transaction and under its lock, so that no two ticks differ. */
export type KeysForTick = (tx: Tx) => Promise<SigningKeys>

/** The log's keys on one node. Seeds stay in its memory. */
export interface LogKeys {
  readonly forTick: KeysForTick
  /** The vkey of the key that began last. */
  newest(): Promise<string>
  /** The history of the keys, signed by all of them that are still held (`domain/log/key-history.ts`). */
  history(): Promise<string>
}

/** What a sealed key of the log is bound to. */
export const logKeyContext = (kid: string): string => `server-key/log/${kid}`

/** Bytes of what is kept of a key whose seed was destroyed: its public half and where it ended. */
const ENDED_BYTES = 40

/**
 * What is sealed in place of the seed of a key that somebody else may hold, so that nobody who can
 * write to the tables can plant a former key.
 */
export function endedKeyBytes(vkey: string, untilSize: number): Uint8Array {
  const key = parseVkey(vkey)
  if (!key) throw new Error('a key of the log has no verifier key')
  const bytes = new Uint8Array(ENDED_BYTES)
  bytes.set(key.publicKey)
  new DataView(bytes.buffer).setBigUint64(32, BigInt(untilSize))
  return bytes
}

export interface LogKeysDependencies {
  /** Any role that may read keys. */
  readonly db: Database
  readonly storage: Pick<typeof logKeys, 'listLogKeys' | 'endLogKeys'>
  readonly open: OpenSecret
}

/**
 * Follows the keys of the log by reading them anew whenever they are needed; each is opened once. What
 * is public is taken from the sealed half: a changed row cannot plant a key, it only stops the log.
 */
export function makeLogKeys({ db, storage, open }: LogKeysDependencies): LogKeys {
  // Owned by the returned object, both of them.
  const opened = new Map<string, Uint8Array>()
  let told: { readonly of: string; readonly note: string } | undefined

  async function read(from: Database): Promise<readonly HeldKey[]> {
    const stored = await storage.listLogKeys(from)
    if (stored.length === 0) throw new Error('there is no log key; run `ostiary init` first')
    const held = await Promise.all(
      stored.map(async (key) => {
        const secret = { sealed: key.sealedPrivate, epoch: key.keyEpoch }
        const plain = opened.get(nameOf(key)) ?? (await open(secret, logKeyContext(key.kid)))
        const checked = hold(key, plain)
        opened.set(nameOf(key), plain)
        return checked
      }),
    )
    const names = new Set(stored.map(nameOf))
    for (const name of opened.keys()) if (!names.has(name)) opened.delete(name)
    return held
  }

  return {
    async forTick(tx) {
      const held = await read(tx)
      const identity = logIdentity(
        held.map(({ stored: { vkey, untilSize } }) =>
          untilSize === null ? { vkey } : { vkey, until: untilSize },
        ),
      )
      const signing = held.filter(({ stored }) => stored.untilSize === null && !stored.due)
      const keys = signing.flatMap(({ key }) => key ?? [])
      if (!identity || keys.length === 0) throw new Error('the log has no key that signs')
      const due = held.filter(({ stored }) => stored.due).map(({ stored }) => stored.kid)
      return { identity, keys, settle: (size) => storage.endLogKeys(tx, due, size) }
    },
    async newest() {
      const newest = (await read(db)).findLast(({ stored }) => stored.untilSize === null)
      if (!newest) throw new Error('the log has no key that signs')
      return newest.stored.vkey
    },
    async history() {
      const held = await read(db)
      const periods: readonly KeyPeriod[] = held.map(({ stored }) => stored)
      const of = JSON.stringify(
        periods.map(({ vkey, untilSize, untilTime, compromised }) => {
          return [vkey, untilSize, untilTime, compromised]
        }),
      )
      if (told?.of === of) return told.note
      const keys = held.flatMap(({ key }) => key ?? [])
      const note = signKeyHistory(originOf(periods), periods, keys)
      told = { of, note }
      return note
    },
  }
}

/** A log with one key that never changes, such as a log that is not a server's. */
export function fixedLogKey(key: NoteKey): KeysForTick {
  const identity = logIdentity(formatVkey(verifierKey(key, ED25519)))
  if (!identity) throw new Error('the log has no usable key')
  return () => Promise.resolve({ identity, keys: [key], settle: () => Promise.resolve() })
}

interface HeldKey {
  readonly stored: logKeys.StoredLogKey
  /** Absent when its seed was destroyed. */
  readonly key?: NoteKey
}

/** A key that ended as compromised is sealed anew, as something else. */
const nameOf = ({ kid, compromised }: logKeys.StoredLogKey): string => `${kid} ${compromised}`

/** Checks that a row says of its key what the sealed half says. */
function hold(stored: logKeys.StoredLogKey, plain: Uint8Array): HeldKey {
  const { vkey, untilSize, compromised } = stored
  const mismatch = () => new Error('a log key does not match what is said of it')
  if (compromised) {
    if (untilSize === null || !equalBytes(plain, endedKeyBytes(vkey, untilSize))) throw mismatch()
    return { stored }
  }
  const [name = ''] = vkey.split('+', 1)
  const key = { name, seed: plain }
  if (plain.length !== 32 || formatVkey(verifierKey(key, ED25519)) !== vkey) throw mismatch()
  return { stored, key }
}

function originOf(periods: readonly KeyPeriod[]): string {
  const [origin = ''] = periods[0]?.vkey.split('+', 1) ?? []
  return origin
}
