import type { Tx } from '../storage/database.ts'
import type * as agencies from '../storage/agencies.ts'
import type * as practitioners from '../storage/practitioner-register.ts'
import type { RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** Who runs the server, and the public half of the key that its first practitioner keeps. */
export interface NewOperator {
  readonly name: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** Public JWK; the operator's client key, and its first practitioner's for signatures. */
  readonly jwk: Readonly<Record<string, unknown>>
}

/**
 * Makes the operator and its first practitioner. The operator adds agencies and brings them into
 * cases; its roles receive no value. Runs with the owner's rights, because nobody can be asked yet.
 */
export function makeCreateOperator(deps: {
  readonly agencies: Pick<typeof agencies, 'insertAgency'>
  readonly practitioners: Pick<typeof practitioners, 'insertPractitioner'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
  readonly scopes: readonly string[]
}) {
  return async (
    tx: Tx,
    { name, country, jwk }: NewOperator,
  ): Promise<{ agencyId: string; practitionerId: string; clientId: string }> => {
    const agencyId = deps.runtime.uuid()
    const practitionerId = deps.runtime.uuid()
    const clientId = deps.runtime.uuid()
    const createdAt = deps.runtime.now()
    await deps.agencies.insertAgency(tx, {
      id: agencyId,
      clientId,
      parentId: null,
      name,
      sector: 'coordination_body',
      country,
      public: true,
      phases: [],
      competentAuthority: false,
      nationalAuthorisationRef: null,
      jwks: { keys: [jwk] },
      sealingKey: null,
      contacts: [],
      operator: true,
      scopes: deps.scopes,
      suspendedAt: null,
      createdAt,
    })
    const admin = {
      id: practitionerId,
      agencyId,
      localId: 'admin',
      roles: ['system_admin', 'org_admin'],
      trainings: [],
      jwk,
      active: true,
    } as const
    await deps.practitioners.insertPractitioner(tx, admin, createdAt)
    await deps.recordEvent(tx, {
      type: 'agency.created',
      agencyId,
      at: createdAt,
      public: { agencyId, operator: true },
      private: { practitionerId },
    })
    return { agencyId, practitionerId, clientId }
  }
}
