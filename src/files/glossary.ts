import { readFileSync } from 'node:fs'
import type { GlossarySource } from '../domain/policy/glossary.ts'

/**
 * Reads the file of shared definitions. Synchronous: called once, before the server listens.
 *
 * @throws Error naming the file, if it cannot be read or is not JSON
 */
export function readGlossary(path: string): GlossarySource {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as GlossarySource
  } catch (cause) {
    throw new Error(`\`${path}\` is no glossary`, { cause })
  }
}
