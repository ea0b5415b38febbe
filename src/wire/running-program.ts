import { readFile } from 'node:fs/promises'
import type { StartingProgram } from '../services/record-start.ts'
import { PROGRAM_FOLDER } from './program-folder.ts'

/** Which program this process runs. */
export async function runningProgram(): Promise<StartingProgram> {
  const text = await readFile(`${PROGRAM_FOLDER}package.json`, 'utf8')
  const { version } = JSON.parse(text) as { readonly version: string }
  return { version, node: process.version }
}
