import type { Catalogue } from '../domain/catalogue/types.ts'
import type { PolicyDocument } from '../domain/policy/document.ts'
import { readPolicyFiles } from '../files/policies.ts'
import { compilePack, parsePack } from '../services/policy-versions.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'

/** The policy pack that comes with the program: what is in force until somebody activates another. */
export interface FirstPolicy {
  readonly hash: string
  readonly documents: readonly PolicyDocument[]
}

/** Reads, checks and compiles it. Throws with every fault that it has. */
export async function readFirstPolicy(catalogue: Catalogue): Promise<FirstPolicy> {
  const files = await readPolicyFiles(`${PROGRAM_FOLDER}policies`)
  const documents = parsePack(files.documents)
  return { hash: compilePack(documents, catalogue).hash, documents }
}
