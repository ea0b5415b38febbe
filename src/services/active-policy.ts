import type { Program } from '../domain/policy/compile.ts'

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
  return {
    current: () => current,
    async load(version) {
      const loaded = await read(version)
      current = loaded
      return loaded
    },
  }
}
