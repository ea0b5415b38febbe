import { loadConfig } from '../config.ts'
import { readPolicyPack } from '../files/policies.ts'
import type { Replayed } from '../services/replay-decisions.ts'
import { withExplanations } from '../wire/explanations.ts'
import { print } from './print.ts'

/** Groups that are printed for people; `--json` gives all. */
const SHOWN = 40

/** `ostiary policy replay`: what a folder of policies would have made of past decisions. */
export async function replayPolicies(
  folder: string,
  options: {
    readonly pack: string
    readonly from: string
    readonly to?: string
    readonly json?: boolean
  },
): Promise<void> {
  const window = {
    from: timeOf(options.from),
    to: options.to === undefined ? new Date() : timeOf(options.to),
  }
  if (!(window.from < window.to)) throw new Error('--to must be after --from')
  const { documents } = await readPolicyPack(folder, options.pack)
  const replayed = await withExplanations(loadConfig(), (past) => past.replay(documents, window))
  print(options, replayed, linesOf(replayed))
}

function timeOf(text: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw new Error(`\`${text}\` is no time`)
  return time
}

function linesOf({ sentence, groups, complete, ungrouped }: Replayed): string[] {
  const more = groups.slice(SHOWN).reduce((sum, { count }) => sum + count, ungrouped)
  return [
    sentence,
    ...(complete ? [] : ['not all decisions of the window: it was too many']),
    ...groups
      .slice(0, SHOWN)
      .map(
        ({ sector, role, purpose, field, before, after, count }) =>
          `${String(count).padStart(6)}  ${sector}/${role}, ${purpose}: ${field}: ${before} → ${after}`,
      ),
    ...(more > 0 ? [`${String(more).padStart(6)}  others`] : []),
  ]
}
