import type { Crypto } from '../crypto/sodium.ts'
import type { KeyOwner } from './associated-data.ts'
import { attempt } from './attempt.ts'
import type { KeyRing, WrappedSubjectKey } from './key-ring.ts'
import type { OpenFailure, Opened } from './sealed-record.ts'

/** A key, or why it cannot be had. */
export type Borrowed = Opened<Uint8Array>

/** Keys opened in the course of one call. */
export interface BorrowedKeys {
  /** The subject key of one owner at one agency, unwrapped once per call. */
  subjectKey(owner: KeyOwner, wrapped: WrappedSubjectKey | null): Borrowed
  /** A data key that lies under a subject key. */
  dataKey(
    owner: KeyOwner,
    subjectKey: WrappedSubjectKey | null,
    wrapped: Uint8Array,
    associatedData: Uint8Array,
  ): Borrowed
}

/**
 * Lends unwrapped keys to `work`, which must be synchronous, and wipes them when it is done, whatever
 * happens. So no subject or data key outlives the call that needed it.
 */
export function borrowKeys<Result>(
  crypto: Crypto,
  keyRing: KeyRing,
  work: (keys: BorrowedKeys) => Result,
): Result {
  const lent: Uint8Array[] = []
  const subjectKeys = new Map<string, Borrowed>()
  const lend = (unwrap: () => Uint8Array): Borrowed => {
    const key = attempt(unwrap, 'key_broken')
    if (key.opened) lent.push(key.value)
    return key
  }

  const subjectKey: BorrowedKeys['subjectKey'] = (owner, wrapped) => {
    if (!wrapped) return { opened: false, failure: 'key_destroyed' }
    const name = `${owner.ownerId}/${owner.agencyId}`
    const known = subjectKeys.get(name)
    if (known) return known
    const key = lend(() => keyRing.unwrapSubjectKey(wrapped, owner))
    subjectKeys.set(name, key)
    return key
  }
  const dataKey: BorrowedKeys['dataKey'] = (owner, wrappedSubject, wrapped, associatedData) => {
    const wrapping = subjectKey(owner, wrappedSubject)
    if (!wrapping.opened) return wrapping
    return lend(() => crypto.unwrapKey(wrapping.value, wrapped, associatedData))
  }

  try {
    return work({ subjectKey, dataKey })
  } finally {
    for (const key of lent) crypto.wipe(key)
  }
}

/** The subject key is destroyed or will not open, so nothing more can be sealed under it. */
export class SubjectKeyClosed extends Error {
  override readonly name = 'SubjectKeyClosed'
  readonly failure: OpenFailure

  constructor(failure: OpenFailure) {
    super(`the key does not open: ${failure}`)
    this.failure = failure
  }
}

/** The key itself. @throws SubjectKeyClosed when it cannot be had */
export function requireKey(borrowed: Borrowed): Uint8Array {
  if (borrowed.opened) return borrowed.value
  throw new SubjectKeyClosed(borrowed.failure)
}
