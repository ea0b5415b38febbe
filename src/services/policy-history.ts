import { OstiaryError } from '../errors.ts'
import type { PolicyActor, PolicyVersionEntry } from '../storage/policies.ts'
import type { Caller } from './caller.ts'
import { type PolicyLifeDependencies, contentHash, requireOrgAdmin } from './policy-life.ts'
import { insertDraft, type VersionedDraft } from './write-draft.ts'

/** One version with where it came from. */
export interface VersionView {
  readonly version: number
  readonly hash: string
  /** When it came into force for the first time, which is when it was made. */
  readonly createdAt: string
  readonly active: boolean
  readonly draftId?: string
  readonly basedOn?: number
  readonly reactivates?: number
  readonly reason?: string
  readonly authors?: readonly PolicyActor[]
  readonly approvals?: readonly (PolicyActor & { readonly at: string })[]
  readonly activatedBy?: PolicyActor
}

/** A version as it is shown, while `inForce` decides. */
export function versionView(entry: PolicyVersionEntry, inForce: number | undefined): VersionView {
  const { version, hash, createdAt, draftId, basedOn, reactivates, reason } = entry
  const { authors, approvals, activatedBy } = entry
  return {
    version,
    hash,
    createdAt: createdAt.toISOString(),
    active: version === inForce,
    ...(draftId === null ? {} : { draftId }),
    ...(basedOn === null ? {} : { basedOn }),
    ...(reactivates === null ? {} : { reactivates }),
    ...(reason === null ? {} : { reason }),
    ...(authors === null ? {} : { authors }),
    ...(approvals === null
      ? {}
      : { approvals: approvals.map((one) => ({ ...one, at: new Date(one.at).toISOString() })) }),
    ...(activatedBy === null ? {} : { activatedBy }),
  }
}

/**
 * Begins to bring an older version back: a draft of its documents and tests, based on the version in
 * force, which is approved and activated like any other. Throws `not_permitted`, `not_found`,
 * `state_conflict` for the version in force.
 */
export function makeReactivatePolicy(deps: PolicyLifeDependencies) {
  return (
    caller: Caller,
    version: number,
    { reason }: { readonly reason?: string },
  ): Promise<VersionedDraft> =>
    deps.acting(caller, { operation: 'reactivatePolicyVersion' }, async (tx) => {
      requireOrgAdmin(caller)
      const active = await deps.storage.findActivePolicy(tx)
      const older = await deps.storage.findPolicyVersion(tx, version)
      if (!older || !active) throw new OstiaryError('not_found')
      if (version === active.version)
        throw new OstiaryError('state_conflict', { detail: 'the version is in force' })
      const documents = older.documents as unknown as readonly Record<string, unknown>[]
      const content = { basedOn: active.version, documents, suites: older.suites }
      return insertDraft(deps, tx, caller, {
        ...content,
        reason: reason ?? null,
        reactivates: version,
        hash: contentHash(content),
      })
    })
}
