import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  compileWording,
  type Wording,
  WORDING_CODES,
  type WordingList,
} from '../domain/case/wording.ts'

/**
 * Reads the lists of wording of a directory, one `<language>.json` each. Another language is another
 * file. Synchronous: called once, before the server listens.
 *
 * @throws Error naming the file, if one cannot be read or says something that a list cannot mean
 */
export function readWording(directory: string): readonly Wording[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      try {
        return compileWording(JSON.parse(readFileSync(join(directory, file), 'utf8'), requireKnown))
      } catch (cause) {
        throw new Error(`\`${join(directory, file)}\` is not a list of wording`, { cause })
      }
    })
}

function requireKnown(key: string, value: unknown): unknown {
  if (key === 'code' && !WORDING_CODES.includes(value as WordingList['patterns'][number]['code']))
    throw new Error(`wording: \`${String(value)}\` is no code`)
  return value
}
