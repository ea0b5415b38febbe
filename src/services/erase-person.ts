import { eventDigest } from '../domain/log/event-digest.ts'
import type { ErasureGround } from '../domain/rights/erasure-ground.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as erasure from '../storage/erasure.ts'
import type * as locks from '../storage/locks.ts'
import type { Actor, RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** Who is erased where, and why. */
export interface ErasureOrder {
  readonly agencyId: string
  readonly personId: string
  readonly ground: ErasureGround
}

/** What was destroyed. */
export interface ErasedPerson {
  /** Event `erase.person_erased`; absent when there was nothing left to destroy. */
  readonly eventId?: string
  /** Events whose salts were destroyed. */
  readonly events: number
  /** Record versions that opened until now. */
  readonly versions: number
  readonly keyDestroyed: boolean
}

export interface EraseDependencies {
  readonly storage: Pick<typeof erasure, 'erasePerson' | 'findCaseOfPerson' | 'readErasable'>
  readonly locks: Pick<typeof locks, 'lockExclusive'>
  readonly recordEvent: RecordEvent
  readonly runtime: Pick<Runtime, 'now'>
}

/**
 * Erases a person at one agency (GDPR art. 17, LED art. 16): destroys the key under which the agency's
 * values, notes and recorded facts about the person lie, and the salts of the events about the person
 * that this agency caused, so that nobody can open those commitments again. The leaves stay, and with
 * them every proof that was given out; what other controllers hold is not touched. Holds the locks of
 * case and person exclusively: a disclosure commits before, or finds the values gone.
 *
 * `tx` is of this agency (`app.agency`) and may call `erase_person`; `by` is the rest of the event's
 * header: who ordered it. Done twice, it changes nothing.
 *
 * Throws `not_found` (no such person), `state_conflict` while the agency has to tell somebody something
 * about the person (an open duty): what a duty is about must not be destroyed before it was told.
 */
export function makeErasePerson({ storage, locks, recordEvent, runtime }: EraseDependencies) {
  return async (
    tx: Tx,
    { agencyId, personId, ground }: ErasureOrder,
    by: Omit<Actor, 'agencyId'> = {},
  ): Promise<ErasedPerson> => {
    const caseId = await storage.findCaseOfPerson(tx, personId)
    if (caseId === undefined) throw new OstiaryError('not_found')
    await locks.lockExclusive(tx, [`case:${caseId}`, `person:${personId}`])
    const { events, versions, hasKey, openDuties } = await storage.readErasable(tx, personId)
    if (openDuties > 0)
      throw new OstiaryError('state_conflict', {
        detail: 'the agency still has to tell others something about this person',
      })
    const erased = { events: events.length, versions, keyDestroyed: hasKey }
    if (events.length === 0 && versions === 0 && !hasKey) return erased
    const at = runtime.now()
    const { eventId } = await recordEvent(tx, {
      ...by,
      at,
      type: 'erase.person_erased',
      agencyId,
      caseId,
      subjectId: personId,
      public: { ground, ...erased, digest: eventDigest(events) },
      private: {},
    })
    await storage.erasePerson(tx, { personId, events, erasedBy: eventId, at })
    return { eventId, ...erased }
  }
}

export type ErasePerson = ReturnType<typeof makeErasePerson>
