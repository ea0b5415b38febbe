/**
 * Whether three independent routes decide the default pack alike: the compiled engine, the plain
 * interpreter of the tests, and Cedar, to which every rule is translated. No speeds here: see `policy`.
 */
import { loadDefaultPack, type DefaultPack } from '../test/policy/default-pack.ts'
import { materialOf } from '../test/policy/pack-facts.ts'
import { drawPackRequests } from '../test/policy/pack-requests.ts'
import { type Line, measured } from './measure.ts'
import { cedarRoute } from './pack/cedar-route.ts'
import { dropEachClause } from './pack/sensitivity.ts'
import { compareRoutes } from './pack/three-routes.ts'
import { toCedar } from './pack/to-cedar.ts'
import type { Cedar } from './policy/cedar.ts'
import { importPeer, installPeers } from './policy/peers.ts'
import type { Bench, RunOptions } from './run.ts'

const REQUESTS = 20_000
const SEED = 20_261_121

export const bench: Bench = { cases: ['check', 'sensitivity'], run }

async function run({ cases, say, print, signal }: RunOptions): Promise<void> {
  await installPeers(say, signal)
  const cedar = await importPeer<Cedar>('@cedar-policy/cedar-wasm/nodejs')
  const pack = await loadDefaultPack()
  // What a mutant gives away means nothing while the originals do not agree.
  print(await check(pack, cedar, say, signal))
  if (cases.has('sensitivity')) print(await sensitivity(pack, cedar, say, signal))
}

/** Flags that make a value of some field stale earlier. */
function shorteningFlags({ catalogue }: DefaultPack): readonly string[] {
  const flags = catalogue.fields.flatMap(({ freshness }) =>
    freshness.kind === 'days' ? Object.keys(freshness.whenFlag ?? {}) : [],
  )
  return [...new Set(flags)]
}

/** @throws Error when two routes differ */
async function check(
  pack: DefaultPack,
  cedar: Cedar,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<Line> {
  const start = performance.now()
  const material = materialOf(pack.documents, pack.catalogue, pack.vocabulary)
  const route = cedarRoute(cedar, pack.documents, pack.nation, shorteningFlags(pack))
  const drawn = drawPackRequests(material, REQUESTS, SEED)
  const found = await compareRoutes(pack, route, drawn, signal)
  const { requests, values, differences, determined, outcomes, told } = found
  const rules = material.targets.map(({ rule }) => rule.id)
  const idle = rules.filter((id) => !determined.has(id))
  if (idle.length > 0) say(`rules that determined nothing: ${idle.join(', ')}`)
  const times = Object.entries(found.seconds).map(([name, time]) => `${name} ${time.toFixed(1)} s`)
  say(`${JSON.stringify(outcomes)}; ${times.join(', ')}`)
  for (const one of told) say(one)
  if (differences > 0) throw new Error(`${differences} of ${values} values decided differently`)
  return {
    ...measured({ bench: 'pack', case: 'check', unit: 'differences', goal: '0' }, [differences]),
    requests,
    values,
    rules: rules.length,
    rulesDetermining: rules.length - idle.length,
    seconds: Math.round((performance.now() - start) / 1000),
  } as Line
}

/** Share of mutants noticed; which are not is told. */
async function sensitivity(
  pack: DefaultPack,
  cedar: Cedar,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<Line> {
  const { documents, nation } = pack
  const policies = toCedar(documents, nation.ledPurposes ?? [], shorteningFlags(pack))
  const { mutants, noticed, idle, survivors } = await dropEachClause(cedar, policies, pack, signal)
  for (const survivor of survivors) say(`not noticed: ${survivor}`)
  const line = {
    bench: 'pack',
    case: 'sensitivity',
    unit: 'mutants noticed of those that say something',
    goal: 'told',
  }
  return { ...measured(line, [noticed / (mutants - idle)]), mutants, noticed, idle } as Line
}
