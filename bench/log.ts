/**
 * The transparency log: appending, publishing, proving, searching, verifying. On the embedded
 * PostgreSQL with fsync, by the parts that the server is made of, without its door.
 */
import { randomUUID } from 'node:crypto'
import { appendCase } from './log/append.ts'
import { fillTables, grow, openStage, type Stage } from './log/place.ts'
import { type Grown, proofCase } from './log/proof.ts'
import { publishCase } from './log/publish.ts'
import { searchCase } from './log/search.ts'
import { verifyCase } from './log/verify.ts'
import type { Bench, RunOptions } from './run.ts'

/** About 10⁴, 10⁶ and 10⁷ leaves: full ticks of 2¹⁶ make up the larger ones. */
const SMALL = 2 ** 14
const LARGE = 2 ** 20
const LONG = 10 * LARGE
/** Events in the index over the log. */
const FOUND = 1e5
const FOUND_LARGE = 1e6
const FOUND_LONG = 1e7

export const bench: Bench = { cases: ['append', 'publish', 'proof', 'search', 'verify'], run }

async function run(options: RunOptions): Promise<void> {
  const { cases, long = false } = options
  const stage = await openStage()
  try {
    if (cases.has('append')) await appendCase(stage, options)
    if (['publish', 'proof', 'verify'].some((name) => cases.has(name))) {
      const small = await grown(stage, SMALL, options)
      const larger = [await grown(stage, LARGE, options)]
      if (long) larger.push(await grown(stage, LONG, options))
      const largest = larger.at(-1) ?? small
      if (cases.has('proof')) await proofCase([small, ...larger], options)
      if (cases.has('verify'))
        await verifyCase({ small: small.place, large: largest.place }, options)
      // Last, because it makes the log grow.
      if (cases.has('publish')) await publishCase(largest, options)
    }
    if (cases.has('search'))
      await searchCase(stage, [FOUND, long ? FOUND_LONG : FOUND_LARGE], options)
  } finally {
    await stage.end()
  }
}

async function grown(stage: Stage, leaves: number, options: RunOptions): Promise<Grown> {
  const { cases, say, signal } = options
  const start = performance.now()
  const place = await stage.open(`log_${leaves}`)
  const agencyId = randomUUID()
  const events = await grow(place, { leaves, agencyId }, signal)
  if (cases.has('proof')) await fillTables(place, leaves)
  say(`a log of ${leaves} leaves took ${((performance.now() - start) / 1000).toFixed(0)} s`)
  return { place, leaves, agencyId, events }
}
