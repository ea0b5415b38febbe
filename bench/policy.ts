/**
 * How fast the policy engine decides, beside other engines and beside a program written by hand for
 * the same rules; what a compiled pack weighs; how long proof and diff take.
 */
import { compared, type Line, measured } from './measure.ts'
import { bitVectors } from './policy/bit-vectors.ts'
import { caslEngine } from './policy/casl.ts'
import { cedarEngine } from './policy/cedar.ts'
import { compareEngines } from './policy/check.ts'
import { interpreter } from './policy/interpreter.ts'
import { packMemory } from './policy/memory.ts'
import { drawRequests, FIELDS_PER_REQUEST } from './policy/neutral-requests.ts'
import { RULES } from './policy/neutral-rules.ts'
import type { Engine } from './policy/outcome.ts'
import { installPeers } from './policy/peers.ts'
import { diffDefaultPack, proveDefaultPack } from './policy/proof-time.ts'
import { decideFacts, factsOf, serverEngine } from './policy/server-engine.ts'
import { tenfold } from './policy/tenfold.ts'
import { type Runner, takeTurns } from './policy/timing.ts'
import { translate, type Translation } from './policy/to-policy.ts'
import type { Bench, RunOptions } from './run.ts'

const ROUNDS = 9
/** Requests that are decided over and over; so few that they stay near, as facts do that were just read. */
const REQUESTS = 100
const SEED = 42
/** Proofs and diffs at most: they take seconds. */
const PROOFS = 5
/** Milliseconds of a turn. */
const TURN = 300

export const bench: Bench = {
  cases: ['check', 'casl', 'cedar', 'baseline', 'rules-x10', 'memory', 'prove', 'diff'],
  run,
}

/** Everything that decides the neutral rules. */
interface Engines {
  readonly casl: Engine
  readonly cedar: Engine
  readonly baseline: Engine
  readonly server: Translation
  readonly tenfold: Translation
}

async function run(options: RunOptions): Promise<void> {
  const { cases, rounds = ROUNDS, print } = options
  if (COMPARED.some((name) => cases.has(name))) await compareSpeeds(options, rounds)
  if (cases.has('memory')) {
    const line = { bench: 'policy', case: 'memory', unit: 'MB', goal: '<= 20' }
    print(measured(line, await packMemory(rounds)))
  }
  const unit = 's of processor time'
  for (const [name, goal, time] of [
    ['prove', '< 5', proveDefaultPack],
    ['diff', '< 2', diffDefaultPack],
  ] as const) {
    if (!cases.has(name)) continue
    options.signal.throwIfAborted()
    const { seconds, found } = await time(Math.min(rounds, PROOFS))
    options.say(`${name}: ${found}`)
    print(measured({ bench: 'policy', case: name, unit, goal }, seconds))
  }
}

/** Cases whose figures mean nothing unless all decide alike. */
const COMPARED = ['check', 'casl', 'cedar', 'baseline', 'rules-x10']

async function compareSpeeds(options: RunOptions, rounds: number): Promise<void> {
  const { cases, print, signal } = options
  await installPeers(options.say, signal)
  const engines: Engines = {
    casl: await caslEngine(RULES),
    cedar: await cedarEngine(RULES),
    baseline: bitVectors(RULES),
    server: translate(RULES),
    tenfold: translate(tenfold(RULES)),
  }
  print(checkEngines(engines, options))
  if (!COMPARED.some((name) => name !== 'check' && cases.has(name))) return
  const speeds = await takeTurns(runnersFor(engines, cases), rounds, signal)
  for (const line of speedLines(speeds, cases)) print(line)
}

/** Requests compared; Cedar takes about 10 ms for each, the tenfold interpreter 3. */
const CHECKED = { server: 20_000, baseline: 20_000, casl: 20_000, cedar: 2000, tenfold: 1000 }

/** @throws Error when two engines do not decide alike */
function checkEngines(engines: Engines, { say, signal }: RunOptions): Line {
  const right = interpreter(RULES)
  const rightTenfold = interpreter(tenfold(RULES))
  let fields = 0
  const check = (reference: Engine, engine: Engine, requests: number) => {
    fields += compareEngines(reference, engine, requests, signal)
    say(`${engine.name}: ${requests} requests decided alike`)
  }
  check(right, serverEngine(engines.server), CHECKED.server)
  check(right, engines.baseline, CHECKED.baseline)
  check(right, engines.casl, CHECKED.casl)
  check(right, engines.cedar, CHECKED.cedar)
  check(rightTenfold, serverEngine(engines.tenfold), CHECKED.tenfold)
  const line = { bench: 'policy', case: 'check', unit: 'fields decided alike', goal: 'all' }
  return { ...measured(line, [fields]), value: fields }
}

function runnersFor(engines: Engines, cases: ReadonlySet<string>): readonly Runner[] {
  const peer = (name: string, { decide }: Engine): Runner => ({
    name,
    begin: () => inTurn(drawRequests(REQUESTS, SEED), decide),
    lasts: TURN,
  })
  const own = (name: string, translation: Translation): Runner => ({
    name,
    begin: () => {
      const facts = drawRequests(REQUESTS, SEED).map((request) => factsOf(request, translation))
      return inTurn(facts, (one) => decideFacts(translation, one))
    },
    lasts: TURN,
  })
  return [
    own('server', engines.server),
    ...(cases.has('casl') ? [peer('casl', engines.casl)] : []),
    ...(cases.has('cedar') ? [peer('cedar', engines.cedar)] : []),
    ...(cases.has('baseline') ? [peer('baseline', engines.baseline)] : []),
    ...(cases.has('rules-x10') ? [own('tenfold', engines.tenfold)] : []),
  ]
}

function inTurn<T>(items: readonly T[], decide: (item: T) => unknown) {
  return (position: number) => decide(items[position % items.length] as T)
}

function* speedLines(
  speeds: ReadonlyMap<string, readonly number[]>,
  cases: ReadonlySet<string>,
): Generator<Line> {
  const goals = { casl: '>= 10', cedar: 'none: told only', baseline: '>= 0.6' } as const
  const unit = `requests of ${FIELDS_PER_REQUEST} fields/s`
  const of = (name: string) => speeds.get(name) ?? []
  for (const name of ['casl', 'cedar', 'baseline'] as const) {
    if (!cases.has(name)) continue
    const line = { bench: 'policy', case: name, unit, goal: goals[name] }
    yield compared(line, of('server'), of(name))
  }
  if (!cases.has('rules-x10')) return
  const micros = (name: string) => of(name).map((speed) => 1e6 / speed)
  const line = { bench: 'policy', case: 'rules-x10', unit: 'µs per request', goal: '<= 3' }
  yield compared(line, micros('tenfold'), micros('server'))
}
