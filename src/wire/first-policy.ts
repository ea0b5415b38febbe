import type { Catalogue } from '../domain/catalogue/types.ts'
import type { PackDocument } from '../domain/policy/settings.ts'
import { readPolicyPack } from '../files/policies.ts'
import { compilePack, parsePack } from '../services/policy-versions.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'

/** A policy pack that comes with the program: what is in force until somebody activates another. */
export interface FirstPolicy {
  readonly hash: string
  readonly documents: readonly PackDocument[]
  /** The tests beside them, as they are written. */
  readonly suites: readonly string[]
}

/**
 * Reads, checks and compiles it. Throws with every fault that it has.
 *
 * @param name `default`, or the national pack to lay over it
 */
export async function readFirstPolicy(catalogue: Catalogue, name: string): Promise<FirstPolicy> {
  const files = await readPolicyPack(`${PROGRAM_FOLDER}policies`, name)
  const documents = parsePack(files.documents)
  const suites = files.suites.map(({ text }) => text)
  return { hash: compilePack(documents, catalogue).hash, documents, suites }
}
