/**
 * A race of the server's engine against one other, in a thread of its own: what the differential check
 * and other races have warmed up, filled or strewn over memory makes no difference to it.
 */
import { parentPort, workerData } from 'node:worker_threads'

import { bitVectors } from './bit-vectors.ts'
import { caslEngine } from './casl.ts'
import { cedarEngine } from './cedar.ts'
import { drawRequests } from './neutral-requests.ts'
import { RULES } from './neutral-rules.ts'
import type { Engine } from './outcome.ts'
import type { Opponent, RaceTask } from './race.ts'
import { decideFacts, factsOf } from './server-engine.ts'
import { tenfold } from './tenfold.ts'
import { type Runner, takeTurns } from './timing.ts'
import { type Translation, translate } from './to-policy.ts'

/** Requests that are decided over and over. */
const REQUESTS = 100
const SEED = 42
/** Milliseconds of a turn. */
const TURN = 300

const { opponent, rounds } = workerData as RaceTask
const runners = [serverRunner('server', translate(RULES)), await runnerOf(opponent)]
const speeds = takeTurns(runners, rounds)
parentPort?.postMessage({ server: speeds.get('server'), opponent: speeds.get(opponent) })

async function runnerOf(name: Opponent): Promise<Runner> {
  switch (name) {
    case 'casl':
      return runner(name, await caslEngine(RULES))
    case 'cedar':
      return runner(name, await cedarEngine(RULES))
    case 'baseline':
      return runner(name, bitVectors(RULES))
    case 'rules-x10':
      return serverRunner(name, translate(tenfold(RULES)))
  }
}

function runner(name: string, { decide }: Engine): Runner {
  return { name, begin: () => inTurn(drawRequests(REQUESTS, SEED), decide), lasts: TURN }
}

/** Facts in, verdicts out. */
function serverRunner(name: string, translation: Translation): Runner {
  const begin = () => {
    const facts = drawRequests(REQUESTS, SEED).map((request) => factsOf(request, translation))
    return inTurn(facts, (one) => decideFacts(translation, one))
  }
  return { name, begin, lasts: TURN }
}

function inTurn<T>(items: readonly T[], decide: (item: T) => unknown) {
  return (position: number) => decide(items[position % items.length] as T)
}
