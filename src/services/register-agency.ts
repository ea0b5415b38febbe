import { defaultScopes } from '../domain/case/default-scopes.ts'
import type { Sector } from '../domain/case/vocabulary.ts'
import { agencyDigest } from '../domain/log/record-digest.ts'
import { OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type { Tx } from '../storage/database.ts'
import type { Acting } from './acting.ts'
import { requireAdministrator } from './administration.ts'
import { agencyView, type VersionedAgency } from './agency-view.ts'
import type { Caller } from './caller.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'
import {
  keyThumbprint,
  type PublicJwk,
  sealingKeyId,
  usableKeySet,
  usableSealingKey,
} from './usable-key.ts'

/** A new agency as the operator states it. */
export interface AgencyRegistration {
  readonly name: string
  readonly sector: Sector
  readonly country: string
  readonly public: boolean
  readonly phases: readonly number[]
  readonly competentAuthority: boolean
  readonly nationalAuthorisationRef?: string
  readonly jwks: { readonly keys: readonly PublicJwk[] }
  /** X25519, base64url. */
  readonly sealingKey?: string
  readonly contacts?: readonly unknown[]
  /** Absent: what the sector needs. */
  readonly scopes?: readonly string[]
  readonly parentId?: string
}

export interface RegisterAgencyDependencies {
  /** Lets the agency's own software act with nobody named. */
  readonly administering: Acting
  readonly storage: Pick<typeof agencies, 'findAgency' | 'guaranteedProgrammes' | 'insertAgency'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Registers an agency. Throws `not_permitted` unless the operator asks, `key_unusable`, and
 * `invalid_body` for a parent that is none: organisations have one level.
 */
export function makeRegisterAgency(deps: RegisterAgencyDependencies) {
  return (caller: Caller, registration: AgencyRegistration): Promise<VersionedAgency> =>
    deps.administering(caller, { operation: 'createAgency' }, async (tx) => {
      requireAdministrator(caller)
      const own = await deps.storage.findAgency(tx, caller.agencyId)
      if (!own?.operator) throw new OstiaryError('not_permitted')
      await requireParent(deps, tx, registration.parentId)
      const at = deps.runtime.now()
      const entry = entryOf(registration, deps.runtime, at)
      await deps.storage.insertAgency(tx, entry)
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'agency.created',
        public: createdAgency(entry),
        private: { agencyDigest: agencyDigest({ ...entry, version: 1 }) },
      })
      const guaranteed = await deps.storage.guaranteedProgrammes(tx, [entry.id], at)
      const reader = { agencyId: caller.agencyId, operator: true }
      return { agency: agencyView({ ...entry, version: 1 }, reader, guaranteed), version: 1 }
    })
}

async function requireParent(
  { storage }: RegisterAgencyDependencies,
  tx: Tx,
  parentId: string | undefined,
): Promise<void> {
  if (parentId === undefined) return
  const parent = await storage.findAgency(tx, parentId)
  if (parent && parent.parentId === null) return
  const detail = 'is not an agency to which others can belong'
  throw new OstiaryError('invalid_body', { errors: [{ pointer: '#/parentId', detail }] })
}

/** The row of a new agency; also for the first one, which no caller can register. Throws `key_unusable`. */
export function entryOf(
  registration: AgencyRegistration,
  runtime: Pick<Runtime, 'uuid'>,
  at: Date,
): Omit<agencies.AgencyEntry, 'version'> {
  const { sealingKey, phases, sector } = registration
  return {
    id: runtime.uuid(),
    clientId: runtime.uuid(),
    parentId: registration.parentId ?? null,
    name: registration.name,
    sector,
    country: registration.country,
    public: registration.public,
    phases: distinctPhases(phases),
    competentAuthority: registration.competentAuthority,
    nationalAuthorisationRef: registration.nationalAuthorisationRef ?? null,
    jwks: usableKeySet(registration.jwks),
    sealingKey: sealingKey === undefined ? null : usableSealingKey(sealingKey),
    contacts: registration.contacts ?? [],
    operator: false,
    scopes: [...new Set(registration.scopes ?? defaultScopes(sector))],
    suspendedAt: null,
    createdAt: at,
  }
}

/** What the log is told of a new agency: no name, keys by thumbprint. */
export function createdAgency(entry: Omit<agencies.AgencyEntry, 'version'>) {
  const { id, parentId, sector, country, scopes, operator, jwks, sealingKey } = entry
  return {
    agencyId: id,
    parentId,
    sector,
    country,
    public: entry.public,
    scopes,
    operator,
    jwks: jwks.keys.map((jwk) => keyThumbprint(jwk)),
    sealingKey: sealingKey && sealingKeyId(sealingKey),
  }
}

/** Each once, in order. */
export function distinctPhases(phases: readonly number[]): number[] {
  return [...new Set(phases)].sort((a, b) => a - b)
}
