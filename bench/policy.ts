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
import { FIELDS_PER_REQUEST } from './policy/neutral-requests.ts'
import { RULES } from './policy/neutral-rules.ts'
import type { Engine } from './policy/outcome.ts'
import { installPeers } from './policy/peers.ts'
import { diffDefaultPack, proveDefaultPack } from './policy/proof-time.ts'
import { type Opponent, OPPONENTS, race } from './policy/race.ts'
import { serverEngine } from './policy/server-engine.ts'
import { tenfold } from './policy/tenfold.ts'
import { translate } from './policy/to-policy.ts'
import type { Bench, RunOptions } from './run.ts'

const ROUNDS = 9
/** Proofs and diffs at most: they take seconds. */
const PROOFS = 5

export const bench: Bench = {
  cases: ['check', ...OPPONENTS, 'memory', 'prove', 'diff'],
  run,
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
const COMPARED: readonly string[] = ['check', ...OPPONENTS]

async function compareSpeeds(options: RunOptions, rounds: number): Promise<void> {
  const { cases, print, say, signal } = options
  await installPeers(say, signal)
  print(await checkEngines(options))
  const unit = `requests of ${FIELDS_PER_REQUEST} fields/s`
  for (const opponent of OPPONENTS) {
    if (!cases.has(opponent)) continue
    const { server, opponent: other } = await race({ opponent, rounds }, signal)
    const line = { bench: 'policy', case: opponent, goal: GOALS[opponent] }
    const micros = (speeds: readonly number[]) => speeds.map((speed) => 1e6 / speed)
    if (opponent === 'rules-x10')
      print(compared({ ...line, unit: 'µs per request' }, micros(other), micros(server)))
    else print(compared({ ...line, unit }, server, other))
  }
}

const GOALS: Readonly<Record<Opponent, string>> = {
  casl: '>= 10',
  cedar: 'none: told only',
  baseline: '>= 0.6',
  'rules-x10': '<= 3',
}

/** Requests compared; Cedar takes about 10 ms for each, the tenfold interpreter 3. */
const CHECKED = { server: 20_000, baseline: 20_000, casl: 20_000, cedar: 2000, tenfold: 1000 }

/** @throws Error when two engines do not decide alike */
async function checkEngines({ say, signal }: RunOptions): Promise<Line> {
  const right = interpreter(RULES)
  const manyRules = tenfold(RULES)
  let fields = 0
  const check = (reference: Engine, engine: Engine, requests: number) => {
    fields += compareEngines(reference, engine, requests, signal)
    say(`${engine.name}: ${requests} requests decided alike`)
  }
  check(right, serverEngine('server', translate(RULES)), CHECKED.server)
  check(right, bitVectors(RULES), CHECKED.baseline)
  check(right, await caslEngine(RULES), CHECKED.casl)
  check(right, await cedarEngine(RULES), CHECKED.cedar)
  const tenfoldServer = serverEngine('server with ten times the rules', translate(manyRules))
  check(interpreter(manyRules), tenfoldServer, CHECKED.tenfold)
  const line = { bench: 'policy', case: 'check', unit: 'fields decided alike', goal: 'all' }
  return { ...measured(line, [fields]), value: fields }
}
