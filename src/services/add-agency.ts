import type { PractitionerRole } from '../domain/case/vocabulary.ts'
import { agencyDigest, practitionerDigest } from '../domain/log/record-digest.ts'
import type * as agencies from '../storage/agencies.ts'
import type { Tx } from '../storage/database.ts'
import type * as practitioners from '../storage/practitioner-register.ts'
import { byCommand, type RecordEvent } from './record-event.ts'
import { type AgencyRegistration, createdAgency, entryOf } from './register-agency.ts'
import type { Runtime } from './runtime.ts'
import { type PublicJwk, usableKey } from './usable-key.ts'

/** The first practitioner of an agency, who can register the others. */
export interface FirstPractitioner {
  readonly localId: string
  readonly roles: readonly PractitionerRole[]
  /** For signatures of their own. */
  readonly jwk: PublicJwk
}

/** What was made, with the ids that its software needs. */
export interface AddedAgency {
  readonly agencyId: string
  readonly clientId: string
  /** Present if a first practitioner was asked for. */
  readonly practitionerId?: string
}

/**
 * Adds an agency at the server itself, with the owner's rights: the operator, whom nobody can register
 * over the API, and others in a first set-up. Throws `key_unusable`.
 */
export function makeAddAgency(deps: {
  readonly agencies: Pick<typeof agencies, 'insertAgency'>
  readonly practitioners: Pick<typeof practitioners, 'insertPractitioner'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}) {
  return async (
    tx: Tx,
    registration: AgencyRegistration,
    { operator = false, first }: { operator?: boolean; first?: FirstPractitioner } = {},
  ): Promise<AddedAgency> => {
    const at = deps.runtime.now()
    const entry = { ...entryOf(registration, deps.runtime, at), operator }
    await deps.agencies.insertAgency(tx, entry)
    const added = { agencyId: entry.id, clientId: entry.clientId }
    const practitioner = first && practitionerOf(first, entry.id, deps.runtime)
    if (practitioner) await deps.practitioners.insertPractitioner(tx, practitioner, at)
    await deps.recordEvent(tx, {
      ...byCommand(operator ? 'admin create' : 'agency add'),
      type: 'agency.created',
      agencyId: entry.id,
      at,
      public: createdAgency(entry),
      private: {
        practitionerId: practitioner?.id ?? null,
        agencyDigest: agencyDigest({ ...entry, version: 1 }),
        ...(practitioner
          ? { practitionerDigest: practitionerDigest({ ...practitioner, version: 1 }) }
          : {}),
      },
    })
    return practitioner ? { ...added, practitionerId: practitioner.id } : added
  }
}

function practitionerOf(
  { localId, roles, jwk }: FirstPractitioner,
  agencyId: string,
  runtime: Pick<Runtime, 'uuid'>,
): Omit<practitioners.PractitionerEntry, 'version'> {
  return {
    id: runtime.uuid(),
    agencyId,
    localId,
    roles,
    trainings: [],
    jwk: usableKey(jwk, '#/jwk'),
    active: true,
  }
}
