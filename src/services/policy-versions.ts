import type { Catalogue } from '../domain/catalogue/types.ts'
import { compileParsedPack } from '../domain/policy/compile-pack.ts'
import { describeFault, type Fault } from '../domain/policy/fault.ts'
import { parseDocument } from '../domain/policy/parse.ts'
import type { Parsed } from '../domain/policy/parsed.ts'
import { idOf, resolvePack } from '../domain/policy/resolve-pack.ts'
import type { PackDocument, ResolvedSettings } from '../domain/policy/settings.ts'
import { policyVocabulary } from '../domain/policy/vocabulary.ts'
import { OstiaryError } from '../errors.ts'
import type { Database, Tx } from '../storage/database.ts'
import type * as policies from '../storage/policies.ts'
import type { ActivePolicy } from './active-policy.ts'
import { type VersionView, versionView } from './policy-history.ts'

/** Documents that do not make a policy: every fault, with its place. */
export class PolicyFaults extends Error {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(`the policies have faults:\n${faults.map((f) => `- ${describeFault(f)}`).join('\n')}`)
    this.name = 'PolicyFaults'
    this.faults = faults
  }
}

/** Texts of a pack, parsed; throws `PolicyFaults` with all faults of all documents. */
export function parsePack(
  files: readonly { readonly file: string; readonly text: string }[],
): PackDocument[] {
  return parsePackFiles(files).map(({ document }) => document)
}

/** The same with the places of every part, so that later faults can tell them. */
export function parsePackFiles(
  files: readonly { readonly file: string; readonly text: string }[],
): Parsed<PackDocument>[] {
  const results = files.map(({ file, text }) => parseDocument(text, file))
  const faults = results.flatMap((result) => (result.ok ? [] : result.faults))
  if (faults.length > 0) throw new PolicyFaults(faults)
  return results.flatMap((result) => (result.ok ? [result.parsed] : []))
}

/**
 * The program of a pack, the values of its settings with their origin, and the hash over all of its
 * documents; throws `PolicyFaults`.
 */
export function compilePack(documents: readonly PackDocument[], catalogue: Catalogue) {
  const pack = documents.map((document) => ({ document, file: idOf(document), places: new Map() }))
  const compiled = compileParsedPack(pack, catalogue, policyVocabulary(catalogue))
  if (!compiled.ok) throw new PolicyFaults(compiled.faults)
  const { program, resolved, hash } = compiled
  return { program, settings: resolved.settings, hash, resolved }
}

/**
 * Reads and compiles one stored version. Throws when it is not there, has faults under this program's
 * catalogue, or is not what its hash says: nothing is decided by documents that somebody altered.
 */
export function makeReadPolicy(deps: {
  readonly db: Database | Tx
  readonly storage: Pick<typeof policies, 'findPolicyVersion'>
  readonly catalogue: Catalogue
}) {
  return async (version: number): Promise<ActivePolicy> => {
    const stored = await deps.storage.findPolicyVersion(deps.db, version)
    if (!stored) throw new Error(`policy version ${version} is not there`)
    const { program, hash } = compilePack(stored.documents, deps.catalogue)
    if (hash !== stored.hash) throw new Error(`policy version ${version} is not what its hash says`)
    return { version, hash: stored.hash, program }
  }
}

/** The settings of a stored pack, each with its value and where that comes from. */
function settingsOf(documents: readonly PackDocument[], catalogue: Catalogue): ResolvedSettings {
  const pack = documents.map((document) => ({ document, places: new Map() }))
  return resolvePack(pack, catalogue, policyVocabulary(catalogue)).settings
}

/** The policies in force, for whoever has the scope to read them. */
export function makeViewPolicies(deps: {
  readonly db: Database
  readonly catalogue: Catalogue
  readonly storage: Pick<
    typeof policies,
    'findActivePolicy' | 'findPolicyHistory' | 'findPolicyVersion' | 'listPolicyVersions'
  >
}) {
  const { db, storage, catalogue } = deps
  return {
    async inForce() {
      const active = await storage.findActivePolicy(db)
      const stored = active && (await storage.findPolicyVersion(db, active.version))
      if (!active || !stored) throw new Error('no policy is in force')
      return {
        version: stored.version,
        hash: stored.hash,
        activatedAt: active.activatedAt.toISOString(),
        documents: stored.documents,
        settings: settingsOf(stored.documents, catalogue),
      }
    },
    async versions(before: number | undefined, limit: number): Promise<VersionView[]> {
      const active = await storage.findActivePolicy(db)
      const rows = await storage.listPolicyVersions(db, before, limit)
      return rows.map((row) => versionView(row, active?.version))
    },
    /** One version, whether it decides now or did before. Throws `not_found`. */
    async version(number: number) {
      const [active, entry, stored] = await Promise.all([
        storage.findActivePolicy(db),
        storage.findPolicyHistory(db, number),
        storage.findPolicyVersion(db, number),
      ])
      if (!entry || !stored) throw new OstiaryError('not_found')
      const { documents, suites } = stored
      const settings = settingsOf(documents, catalogue)
      return { ...versionView(entry, active?.version), documents, suites, settings }
    },
  }
}
