import { agencyDigest } from '../domain/log/record-digest.ts'
import { OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type { AgencyChanges, AgencyEntry } from '../storage/agencies.ts'
import type { Tx } from '../storage/database.ts'
import type * as locks from '../storage/locks.ts'
import type { Acting } from './acting.ts'
import { requireAdministrator } from './administration.ts'
import { agencyView, type VersionedAgency } from './agency-view.ts'
import type { Caller } from './caller.ts'
import { changedAgency } from './changed-settings.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import { distinctPhases } from './register-agency.ts'
import type { Runtime } from './runtime.ts'
import { type PublicJwk, usableKeySet, usableSealingKey } from './usable-key.ts'
import { type Expected, requireVersion } from './expected-version.ts'

/** A merge patch of an agency; `null` takes a member away. */
export interface AgencyPatch {
  readonly name?: string
  readonly country?: string
  readonly public?: boolean
  readonly phases?: readonly number[]
  readonly competentAuthority?: boolean
  readonly nationalAuthorisationRef?: string | null
  readonly jwks?: { readonly keys: readonly PublicJwk[] }
  readonly sealingKey?: string | null
  readonly contacts?: readonly unknown[]
  readonly scopes?: readonly string[]
  /** Whether it takes part. */
  readonly active?: boolean
}

/** What policies and tokens go by: an agency that set these itself could let itself in. */
const OPERATOR_ONLY = [
  'country',
  'public',
  'competentAuthority',
  'nationalAuthorisationRef',
  'scopes',
] as const satisfies readonly (keyof AgencyPatch)[]

export interface ChangeAgencyDependencies {
  /** Lets the agency's own software act with nobody named. */
  readonly administering: Acting
  readonly storage: Pick<typeof agencies, 'changeAgency' | 'findAgency' | 'guaranteedProgrammes'>
  readonly locks: Pick<typeof locks, 'lockExclusive'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Changes an agency's entry: its own, or any by the operator. Holds the agency's lock exclusively, so
 * nothing is released to it any more once an end of activity has committed.
 *
 * Throws `not_found`, `not_permitted` (another agency's entry; what only the operator sets; the
 * operator's own end), `precondition_failed`, `key_unusable`, and `partner_contact_not_guaranteed`
 * for a perpetrator programme that is to take part without (R66).
 */
export function makeChangeAgency(deps: ChangeAgencyDependencies) {
  return (
    caller: Caller,
    id: string,
    expected: Expected,
    patch: AgencyPatch,
  ): Promise<VersionedAgency> =>
    deps.administering(caller, { operation: 'updateAgency', target: id }, async (tx) => {
      requireAdministrator(caller)
      const { operator } = await requireEntry(deps, tx, caller, id)
      await deps.locks.lockExclusive(tx, [`agency:${id}`])
      const { entry } = await requireEntry(deps, tx, caller, id)
      requirePermitted(entry, patch, { operator, own: id === caller.agencyId })
      requireVersion(expected, entry.version)
      const at = deps.runtime.now()
      const guaranteed = await deps.storage.guaranteedProgrammes(tx, [id], at)
      if (patch.active && entry.sector === 'perpetrator_programme' && !guaranteed.has(id))
        throw new OstiaryError('partner_contact_not_guaranteed')
      const changes = changesOf(patch, entry, at)
      const changed = await deps.storage.changeAgency(tx, id, entry.version, changes)
      if (!changed) throw new OstiaryError('version_conflict')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'agency.changed',
        public: {
          agencyId: id,
          changed: Object.keys(patch).sort(),
          settings: changedAgency(entry, changed),
          version: changed.version,
        },
        private: { agencyDigest: agencyDigest(changed) },
      })
      const reader = { agencyId: caller.agencyId, operator }
      return { agency: agencyView(changed, reader, guaranteed), version: changed.version }
    })
}

async function requireEntry(
  { storage }: ChangeAgencyDependencies,
  tx: Tx,
  { agencyId }: Caller,
  id: string,
): Promise<{ entry: AgencyEntry; operator: boolean }> {
  const entry = await storage.findAgency(tx, id)
  if (!entry) throw new OstiaryError('not_found')
  const own = id === agencyId ? entry : await storage.findAgency(tx, agencyId)
  const operator = own?.operator ?? false
  if (id !== agencyId && !operator) throw new OstiaryError('not_permitted')
  return { entry, operator }
}

function requirePermitted(
  entry: AgencyEntry,
  patch: AgencyPatch,
  by: { readonly operator: boolean; readonly own: boolean },
): void {
  if (!by.operator && OPERATOR_ONLY.some((name) => patch[name] !== undefined))
    throw new OstiaryError('not_permitted', { detail: 'the operator alone sets this' })
  // Nobody would be left to let it in again.
  if (entry.operator && patch.active === false)
    throw new OstiaryError('not_permitted', { detail: 'the operator cannot leave' })
}

function changesOf(patch: AgencyPatch, entry: AgencyEntry, at: Date): AgencyChanges {
  const { jwks, sealingKey, phases, scopes, active, ...plain } = patch
  return {
    ...plain,
    ...(jwks === undefined ? {} : { jwks: usableKeySet(jwks) }),
    ...(sealingKey === undefined
      ? {}
      : { sealingKey: sealingKey === null ? null : usableSealingKey(sealingKey) }),
    ...(phases === undefined ? {} : { phases: distinctPhases(phases) }),
    ...(scopes === undefined ? {} : { scopes: [...new Set(scopes)] }),
    ...(active === undefined ? {} : { suspendedAt: active ? null : (entry.suspendedAt ?? at) }),
  }
}
