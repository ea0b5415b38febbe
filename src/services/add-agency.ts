import { defaultScopes } from '../domain/case/default-scopes.ts'
import type { Sector } from '../domain/case/vocabulary.ts'
import type * as agencies from '../storage/agencies.ts'
import type { Tx } from '../storage/database.ts'
import type * as practitioners from '../storage/practitioner-register.ts'
import type { RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** An agency as the operator adds it at the server itself. */
export interface AddedAgency {
  readonly name: string
  readonly sector: Sector
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  readonly public: boolean
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** Also makes a practitioner with role org_admin under this pseudonym. */
  readonly admin?: { readonly localId: string; readonly jwk: Readonly<Record<string, unknown>> }
}

/** Adds an agency beside the API, with the owner's rights; for a first set-up and for scripts. */
export function makeAddAgency(deps: {
  readonly agencies: Pick<typeof agencies, 'insertAgency'>
  readonly practitioners: Pick<typeof practitioners, 'insertPractitioner'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}) {
  return async (
    tx: Tx,
    { admin, ...added }: AddedAgency,
  ): Promise<{ agencyId: string; clientId: string; practitionerId?: string }> => {
    const agencyId = deps.runtime.uuid()
    const clientId = deps.runtime.uuid()
    const createdAt = deps.runtime.now()
    await deps.agencies.insertAgency(tx, {
      ...added,
      id: agencyId,
      clientId,
      parentId: null,
      phases: [],
      competentAuthority: false,
      nationalAuthorisationRef: null,
      sealingKey: null,
      contacts: [],
      operator: false,
      scopes: defaultScopes(added.sector),
      suspendedAt: null,
      createdAt,
    })
    await deps.recordEvent(tx, {
      type: 'agency.created',
      agencyId,
      at: createdAt,
      public: { agencyId, sector: added.sector },
      private: {},
    })
    if (!admin) return { agencyId, clientId }
    const practitionerId = deps.runtime.uuid()
    const { localId, jwk } = admin
    const entry = {
      id: practitionerId,
      agencyId,
      localId,
      roles: ['org_admin'],
      trainings: [],
      jwk,
      active: true,
    } as const
    await deps.practitioners.insertPractitioner(tx, entry, createdAt)
    return { agencyId, clientId, practitionerId }
  }
}
