import { type Crypto, KEY_BYTES } from '../crypto/sodium.ts'
import { keyCheckData, type KeyOwner, secretData, subjectKeyData } from './associated-data.ts'
import { attempt } from './attempt.ts'
import { KeyUnavailable } from './key-unavailable.ts'
import type { Opened } from './sealed-record.ts'

/** A row of `key_epoch`, as far as the key ring looks at it. */
export interface EpochCheck {
  readonly epoch: number
  readonly checkValue: Uint8Array
  readonly retired: boolean
}

/** Why the server must not start with the keys that it was given. */
export interface EpochFault {
  readonly epoch: number
  /** `missing`: something in the database is wrapped under a key that is not there. */
  readonly fault: 'missing' | 'wrong'
}

/** A subject key as it is kept: wrapped under the key-encryption key of an epoch. */
export interface WrappedSubjectKey {
  readonly wrapped: Uint8Array
  readonly epoch: number
}

/** A secret of the server as it is kept. */
export interface SealedSecret {
  readonly sealed: Uint8Array
  readonly epoch: number
}

/**
 * The key-encryption keys of this process, by epoch. They never leave it: it wraps and unwraps. All
 * methods that name an epoch throw `KeyUnavailable` when its key is not there, and those that open
 * throw `BrokenSeal`.
 */
export interface KeyRing {
  /** Epoch that was current when the ring was opened; rotation does not change it. */
  readonly currentEpoch: number
  readonly epochs: readonly number[]
  has(epoch: number): boolean
  /** Value for `key_epoch.check_value`, by which another process recognises a wrong key. */
  checkValue(epoch: number): Uint8Array
  /** Compares the keys with what the database says of its epochs; empty when all is well. */
  check(epochs: readonly EpochCheck[]): readonly EpochFault[]
  wrapSubjectKey(key: Uint8Array, owner: KeyOwner, epoch: number): Uint8Array
  /** The caller wipes the result. */
  unwrapSubjectKey(subjectKey: WrappedSubjectKey, owner: KeyOwner): Uint8Array
  /** The same subject key under another epoch's key; a failure if it does not open. */
  rewrapSubjectKey(
    subjectKey: WrappedSubjectKey,
    owner: KeyOwner,
    toEpoch: number,
  ): Opened<WrappedSubjectKey>
  /**
   * Seals a private key or secret of the server, under the current epoch unless told otherwise.
   * `context` names the secret, for example `server-key/token/<kid>`; it opens under the same alone.
   */
  sealSecret(plain: Uint8Array, context: string, epoch?: number): SealedSecret
  /** The caller wipes the result. */
  openSecret(secret: SealedSecret, context: string): Uint8Array
  /** The same secret under another epoch's key; a failure if it does not open. */
  resealSecret(secret: SealedSecret, context: string, toEpoch: number): Opened<SealedSecret>
  /** Overwrites the keys. Nothing wraps or opens afterwards. */
  close(): void
}

/**
 * Takes the key-encryption keys (32 bytes each, copied) by epoch, a positive integer. `currentEpoch`
 * is the highest epoch of `key_epoch` that is not retired, or on a fresh database the one to begin
 * with; keys of later epochs may be there already, waiting for their rotation.
 *
 * @throws TypeError for a key or epoch of wrong form; KeyUnavailable if the current epoch has no key
 */
export function openKeyRing(
  crypto: Crypto,
  given: { readonly keys: ReadonlyMap<number, Uint8Array>; readonly currentEpoch: number },
): KeyRing {
  const keys = copyKeys(given.keys)
  const { currentEpoch } = given
  const keyOf = (epoch: number): Uint8Array => {
    const key = keys.get(epoch)
    if (!key) throw new KeyUnavailable(epoch)
    return key
  }
  keyOf(currentEpoch)
  return Object.freeze({
    currentEpoch,
    epochs: Object.freeze([...keys.keys()].sort((a, b) => a - b)),
    has: (epoch: number) => keys.has(epoch),
    ...checking(crypto, keyOf),
    ...wrapping(crypto, keyOf),
    ...secrets(crypto, keyOf, currentEpoch),
    close() {
      for (const key of keys.values()) crypto.wipe(key)
      keys.clear()
    },
  })
}

type KeyOf = (epoch: number) => Uint8Array

function checking(crypto: Crypto, keyOf: KeyOf): Pick<KeyRing, 'checkValue' | 'check'> {
  const nothing = new Uint8Array(0)
  const faultOf = ({ epoch, checkValue, retired }: EpochCheck): EpochFault[] => {
    if (retired) return []
    try {
      crypto.open(keyOf(epoch), checkValue, keyCheckData(epoch))
      return []
    } catch (error) {
      return [{ epoch, fault: error instanceof KeyUnavailable ? 'missing' : 'wrong' }]
    }
  }
  return {
    checkValue: (epoch) => crypto.seal(keyOf(epoch), nothing, keyCheckData(epoch)),
    check: (epochs) => epochs.flatMap(faultOf),
  }
}

function wrapping(
  crypto: Crypto,
  keyOf: KeyOf,
): Pick<KeyRing, 'wrapSubjectKey' | 'unwrapSubjectKey' | 'rewrapSubjectKey'> {
  const wrapSubjectKey: KeyRing['wrapSubjectKey'] = (key, owner, epoch) =>
    crypto.wrapKey(keyOf(epoch), key, subjectKeyData(owner, epoch))
  const unwrapSubjectKey: KeyRing['unwrapSubjectKey'] = ({ wrapped, epoch }, owner) =>
    crypto.unwrapKey(keyOf(epoch), wrapped, subjectKeyData(owner, epoch))
  return {
    wrapSubjectKey,
    unwrapSubjectKey,
    rewrapSubjectKey: (subjectKey, owner, toEpoch) =>
      attempt(() => {
        const key = unwrapSubjectKey(subjectKey, owner)
        try {
          return { wrapped: wrapSubjectKey(key, owner, toEpoch), epoch: toEpoch }
        } finally {
          crypto.wipe(key)
        }
      }, 'key_broken'),
  }
}

function secrets(
  crypto: Crypto,
  keyOf: KeyOf,
  currentEpoch: number,
): Pick<KeyRing, 'sealSecret' | 'openSecret' | 'resealSecret'> {
  const sealSecret: KeyRing['sealSecret'] = (plain, context, epoch = currentEpoch) => ({
    sealed: crypto.seal(keyOf(epoch), plain, secretData(context, epoch)),
    epoch,
  })
  const openSecret: KeyRing['openSecret'] = ({ sealed, epoch }, context) =>
    crypto.open(keyOf(epoch), sealed, secretData(context, epoch))
  return {
    sealSecret,
    openSecret,
    resealSecret: (secret, context, toEpoch) =>
      attempt(() => {
        const plain = openSecret(secret, context)
        try {
          return sealSecret(plain, context, toEpoch)
        } finally {
          crypto.wipe(plain)
        }
      }, 'value_broken'),
  }
}

function copyKeys(given: ReadonlyMap<number, Uint8Array>): Map<number, Uint8Array> {
  return new Map(
    [...given].map(([epoch, key]) => {
      if (!Number.isInteger(epoch) || epoch < 1) throw new TypeError('an epoch is 1, 2, 3 …')
      if (key.length !== KEY_BYTES) {
        throw new TypeError(
          `the key of epoch ${epoch} has ${key.length} bytes instead of ${KEY_BYTES}`,
        )
      }
      return [epoch, Uint8Array.from(key)]
    }),
  )
}
