/**
 * Whether a mistake in a rule would be noticed. Fixed operators change every rule of the default pack,
 * one thing at a time; its suites, its guardrails or the check have to catch it, unless the diff shows
 * that nothing changes for anybody.
 */
import { measured } from './measure.ts'
import { Campaign, type Judged, totalsOf } from './mutation/campaign.ts'
import { mutantsOf } from './mutation/mutant.ts'
import { readDefaultPack } from './mutation/pack.ts'
import type { Bench, RunOptions } from './run.ts'

export const bench: Bench = { cases: ['default-pack'], run }

/** A line of progress after so many mutants. */
const TOLD = 100

async function run({ print, say, signal }: RunOptions): Promise<void> {
  const pack = await readDefaultPack()
  const campaign = new Campaign(pack)
  const mutants = mutantsOf(pack.documents, pack)
  say(`${mutants.length} mutants, ${campaign.requests} requests in the suites`)
  const judged: Judged[] = []
  for (const mutant of mutants) {
    signal.throwIfAborted()
    const fate = campaign.fateOf(mutant)
    judged.push({ mutant, fate })
    if (fate.fate === 'survived') {
      say(`${mutant.rule}: ${mutant.operator}: ${mutant.what}: ${fate.changes[0]}`)
    }
    if (judged.length % TOLD === 0) {
      say(`${judged.length} of ${mutants.length}: ${JSON.stringify(totalsOf(judged))}`)
      // Gives way, so that signals are heard.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const totals = totalsOf(judged)
  const line = { bench: 'mutation', case: 'default-pack', unit: '% noticed', goal: '>= 95' }
  const survivors = judged.flatMap(({ mutant: { policy, rule, operator, what }, fate }) =>
    fate.fate === 'survived' ? [{ policy, rule, operator, what, change: fate.changes[0] }] : [],
  )
  // What survived is told in full, in the place of its number.
  const told = { ...measured(line, [totals.rate * 100]), ...totals, survivors }
  print(told)
}
