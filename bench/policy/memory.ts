import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import type { Program } from '../../src/domain/policy/compile.ts'
import { compilePack, readDefaultPack } from './default-pack.ts'

/**
 * Megabytes (10⁶ bytes) that stay in use once the default pack is compiled: texts, catalogue and
 * program.
 */
export async function packMemory(times: number): Promise<readonly number[]> {
  // All are kept, so that what an earlier one leaves is not taken off a later one.
  const programs: Program[] = []
  const figures: number[] = []
  compilePack(await readDefaultPack())
  for (let i = 0; i < times; i++) {
    const before = inUse()
    programs.push(compilePack(await readDefaultPack()))
    figures.push((inUse() - before) / 1e6)
  }
  if (programs.some(({ permits }) => permits.length === 0)) throw new Error('an empty pack')
  return figures
}

function inUse(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
