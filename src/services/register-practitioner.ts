import type { PractitionerRole } from '../domain/case/vocabulary.ts'
import { practitionerDigest } from '../domain/log/record-digest.ts'
import { OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type { Tx } from '../storage/database.ts'
import type * as locks from '../storage/locks.ts'
import type * as register from '../storage/practitioner-register.ts'
import type { PractitionerChanges, PractitionerEntry } from '../storage/practitioner-register.ts'
import type { Acting } from './acting.ts'
import { requireAdministrator } from './administration.ts'
import type { Caller } from './caller.ts'
import { changedPractitioner } from './changed-settings.ts'
import { type Expected, requireVersion } from './expected-version.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'
import { keyThumbprint, type PublicJwk, usableKey } from './usable-key.ts'

/** A training with its day or time, RFC 3339. */
export interface Training {
  readonly code: string
  readonly at: string
}

/** A new practitioner as the agency states it. */
export interface PractitionerRegistration {
  readonly localId: string
  readonly roles: readonly PractitionerRole[]
  readonly trainings?: readonly Training[]
  /** Absent: may act. */
  readonly active?: boolean
  readonly jwk?: PublicJwk
}

/** A merge patch of a practitioner; `null` takes the key away. */
export interface PractitionerPatch {
  readonly localId?: string
  readonly roles?: readonly PractitionerRole[]
  readonly trainings?: readonly Training[]
  readonly active?: boolean
  readonly jwk?: PublicJwk | null
}

/** A practitioner as its agency sees it. */
export interface PractitionerView {
  readonly id: string
  readonly agencyId: string
  readonly localId: string
  readonly roles: readonly PractitionerRole[]
  readonly trainings: readonly Training[]
  readonly active: boolean
  readonly jwk?: PublicJwk
}

/** A practitioner with the version that a change has to name. */
export interface VersionedPractitioner {
  readonly practitioner: PractitionerView
  readonly version: number
}

export interface PractitionerDependencies {
  /** Lets the agency's own software act with nobody named. */
  readonly administering: Acting
  readonly storage: typeof register & Pick<typeof agencies, 'findAgency'>
  readonly locks: Pick<typeof locks, 'lockExclusive' | 'lockShared'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Registers a practitioner of the caller's own agency, or of any by the operator. Throws
 * `not_permitted`, `not_found`, `key_unusable`, `state_conflict` (the pseudonym is taken).
 */
export function makeRegisterPractitioner(deps: PractitionerDependencies) {
  return (
    caller: Caller,
    agencyId: string,
    registration: PractitionerRegistration,
  ): Promise<VersionedPractitioner> =>
    deps.administering(
      caller,
      { operation: 'createPractitioner', target: agencyId },
      async (tx) => {
        requireAdministrator(caller)
        await requireAgency(deps, tx, caller, agencyId)
        await deps.locks.lockShared(tx, [`agency:${agencyId}`])
        const at = deps.runtime.now()
        const { jwk, localId, roles, trainings = [], active = true } = registration
        const entry = {
          id: deps.runtime.uuid(),
          agencyId,
          localId,
          roles: [...new Set(roles)],
          trainings,
          jwk: jwk === undefined ? null : usableKey(jwk, '#/jwk'),
          active,
        }
        if (!(await deps.storage.insertPractitioner(tx, entry, at))) throw localIdTaken()
        await deps.recordEvent(tx, {
          ...calledBy(caller),
          at,
          type: 'practitioner.created',
          public: {
            agencyId,
            createdId: entry.id,
            roles: entry.roles,
            trainings: trainings.map(({ code }) => code),
            active,
            jwk: entry.jwk && keyThumbprint(entry.jwk),
          },
          private: { practitionerDigest: practitionerDigest({ ...entry, version: 1 }) },
        })
        return { practitioner: viewOf(entry), version: 1 }
      },
    )
}

/**
 * Changes a practitioner of the caller's own agency, or of any by the operator. Holds the agency's
 * lock exclusively: nobody acts any more in a role that was taken away once that has committed.
 *
 * Throws `not_found`, `precondition_failed`, `key_unusable`, `state_conflict` (pseudonym taken).
 */
export function makeChangePractitioner(deps: PractitionerDependencies) {
  return (
    caller: Caller,
    id: string,
    expected: Expected,
    patch: PractitionerPatch,
  ): Promise<VersionedPractitioner> =>
    deps.administering(caller, { operation: 'updatePractitioner', target: id }, async (tx) => {
      requireAdministrator(caller)
      const seen = await deps.storage.findPractitioner(tx, id)
      if (!seen) throw new OstiaryError('not_found')
      await deps.locks.lockExclusive(tx, [`agency:${seen.agencyId}`])
      const entry = await deps.storage.findPractitioner(tx, id)
      if (!entry) throw new OstiaryError('not_found')
      requireVersion(expected, entry.version)
      const { localId } = patch
      if (localId !== undefined && (await deps.storage.isLocalIdTaken(tx, entry, localId)))
        throw localIdTaken()
      const changes = changesOf(patch)
      const changed = await deps.storage.changePractitioner(tx, id, entry.version, changes)
      if (!changed) throw new OstiaryError('version_conflict')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'practitioner.changed',
        public: {
          agencyId: changed.agencyId,
          changedId: id,
          changed: Object.keys(patch).sort(),
          settings: changedPractitioner(entry, changed),
          version: changed.version,
        },
        private: { practitionerDigest: practitionerDigest(changed) },
      })
      return { practitioner: viewOf(changed), version: changed.version }
    })
}

async function requireAgency(
  { storage }: PractitionerDependencies,
  tx: Tx,
  caller: Caller,
  agencyId: string,
): Promise<void> {
  if (agencyId === caller.agencyId) return
  const own = await storage.findAgency(tx, caller.agencyId)
  if (!own?.operator) throw new OstiaryError('not_permitted')
  if (!(await storage.findAgency(tx, agencyId))) throw new OstiaryError('not_found')
}

function changesOf({ jwk, roles, ...plain }: PractitionerPatch): PractitionerChanges {
  return {
    ...plain,
    ...(roles === undefined ? {} : { roles: [...new Set(roles)] }),
    ...(jwk === undefined ? {} : { jwk: jwk === null ? null : usableKey(jwk, '#/jwk') }),
  }
}

function viewOf(entry: Omit<PractitionerEntry, 'version'>): PractitionerView {
  const { id, agencyId, localId, roles, trainings, active, jwk } = entry
  return { id, agencyId, localId, roles, trainings, active, ...(jwk === null ? {} : { jwk }) }
}

const localIdTaken = () =>
  new OstiaryError('state_conflict', {
    detail: 'another practitioner of the agency has this pseudonym',
  })
