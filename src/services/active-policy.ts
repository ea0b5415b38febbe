import type { Program } from '../domain/policy/compile.ts'
import type { Database } from '../storage/database.ts'
import type * as policies from '../storage/policies.ts'

/** One immutable policy version, compiled. */
export interface ActivePolicy {
  readonly version: number
  /** `sha256:` and hexadecimal, over the canonical documents. */
  readonly hash: string
  readonly program: Program
}

/**
 * The version in force as this node last heard of it. A decision compares it with what the database
 * says under the policy lock, and reloads when it is behind: one decision, one version.
 */
export interface ActivePolicies {
  current(): ActivePolicy
  /** Loads, compiles and makes current the given version. */
  load(version: number): Promise<ActivePolicy>
}

/** Keeps the current version in memory; `read` fetches and compiles one from the database. */
export function makeActivePolicies(
  initial: ActivePolicy,
  read: (version: number) => Promise<ActivePolicy>,
): ActivePolicies {
  // Owned by this closure. A stale value costs one more attempt, never a decision under an old version.
  let current = initial
  // Decisions that find out together wait for one compilation.
  const loading = new Map<number, Promise<ActivePolicy>>()
  // Counts loads, so that a slow one never takes the place of one that was begun after it.
  let begun = 0
  let placed = 0

  async function place(version: number): Promise<ActivePolicy> {
    const mine = ++begun
    const loaded = await read(version)
    if (mine > placed) {
      placed = mine
      current = loaded
    }
    return loaded
  }

  return {
    current: () => current,
    load(version) {
      // Somebody else was faster: versions never change.
      if (current.version === version) return Promise.resolve(current)
      const mine = loading.get(version) ?? place(version).finally(() => loading.delete(version))
      loading.set(version, mine)
      return mine
    },
  }
}

/**
 * Makes current what the database says is in force, so that a node that was not asked for a while
 * decides as fast as any. Tells whether there was something new.
 */
export function makeFollowPolicy(deps: {
  readonly db: Database
  readonly storage: Pick<typeof policies, 'findActivePolicy'>
  readonly policies: ActivePolicies
}): () => Promise<boolean> {
  return async () => {
    const active = await deps.storage.findActivePolicy(deps.db)
    if (!active || active.version === deps.policies.current().version) return false
    await deps.policies.load(active.version)
    return true
  }
}
