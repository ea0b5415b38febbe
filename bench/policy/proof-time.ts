import { diff } from '../../src/domain/policy/proof/diff.ts'
import { prove } from '../../src/domain/policy/proof/prove.ts'
import { compilePack, readDefaultPack, withFewerRules } from './default-pack.ts'
import { processorTime } from './timing.ts'

/** Seconds of processor time that each round took, and what was found, in words. */
export interface Timed {
  readonly seconds: readonly number[]
  readonly found: string
}

/** Proves all guardrails of the default pack. */
export async function proveDefaultPack(rounds: number): Promise<Timed> {
  const program = compilePack(await readDefaultPack())
  return timed(rounds, () => {
    const { guardrails, holds, classes, combinations } = prove(program)
    const broken = guardrails.filter((one) => !one.holds).map(({ id }) => id)
    const result = holds ? 'all hold' : `broken: ${broken.join(', ')}`
    return `${guardrails.length} guardrails, ${result}; ${reach(classes, combinations)}`
  })
}

/** Compares the default pack with one that has a permit and a forbid less. */
export async function diffDefaultPack(rounds: number): Promise<Timed> {
  const pack = await readDefaultPack()
  const [before, after] = [compilePack(pack), compilePack(withFewerRules(pack))]
  return timed(rounds, () => {
    const { changes, classes, combinations } = diff(before, after)
    return `${changes.length} groups of changes; ${reach(classes, combinations)}`
  })
}

function reach(classes: number, combinations: string): string {
  return `${classes} classes, ${Number(combinations).toExponential(1)} combinations`
}

function timed(rounds: number, work: () => string): Timed {
  const seconds: number[] = []
  let found = ''
  for (let i = 0; i < rounds; i++) {
    const start = processorTime()
    found = work()
    seconds.push((processorTime() - start) / 1000)
  }
  return { seconds, found }
}
