import { setImmediate } from 'node:timers/promises'

import { decide } from '../../src/domain/policy/decide.ts'
import type { Facts } from '../../src/domain/policy/facts.ts'
import type { DefaultPack } from '../../test/policy/default-pack.ts'
import { type Interpreted, interpret } from '../../test/policy/interpreter.ts'
import { isEqual, plain } from '../../test/policy/support.ts'
import type { CedarRoute, CedarVerdict } from './cedar-route.ts'

/** What came of deciding the same requests by three routes. */
export interface Comparison {
  readonly requests: number
  readonly values: number
  /** Values on which two routes disagree; the first few are told. */
  readonly differences: number
  readonly told: readonly string[]
  /** Rules that determined an outcome, by id: how often. */
  readonly determined: ReadonlyMap<string, number>
  /** By outcome, `silent` for withheld in silence: how often. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Seconds that each route took. */
  readonly seconds: Readonly<Record<Route, number>>
}

type Route = 'engine' | 'interpreter' | 'cedar'

/** Differences told in full. */
const TOLD = 5

/**
 * Decides every request by the compiled engine, the interpreter and Cedar. Engine and interpreter must
 * agree in everything that a verdict says; Cedar with them in outcome, determining rules, silence,
 * transform and obligations.
 */
export async function compareRoutes(
  pack: DefaultPack,
  cedar: CedarRoute,
  requests: Iterable<Facts>,
  signal: AbortSignal,
): Promise<Comparison> {
  const { documents, program, nation } = pack
  const ids = documents.flatMap(({ forbid = [] }) => forbid.map(({ id }) => id))
  const forbids = new Set(ids)
  const determined = new Map<string, number>()
  const outcomes: Record<string, number> = {}
  const seconds = { engine: 0, interpreter: 0, cedar: 0 }
  const told: string[] = []
  const count = { requests: 0, values: 0, differences: 0 }
  for (const facts of requests) {
    // Lets a signal in.
    await setImmediate(undefined, { signal })
    const { verdicts, errors } = timed(seconds, 'engine', () => decide(program, facts))
    const interpreted = timed(seconds, 'interpreter', () => interpret(documents, facts, nation))
    const values = facts.request.fields.flatMap(({ id }) =>
      facts.values.filter(({ field }) => field.id === id),
    )
    const byCedar = timed(seconds, 'cedar', () => values.map((value) => cedar(facts, value)))
    if (verdicts.length !== values.length || interpreted.length !== values.length)
      throw new Error('a route leaves values out')
    count.requests++
    interpreted.forEach((raw, i) => {
      count.values++
      const one = JSON.parse(JSON.stringify(raw)) as Interpreted
      const engine = plain(verdicts[i] as (typeof verdicts)[number])
      const other = byCedar[i] as CedarVerdict
      const what = one.silent ? 'silent' : one.outcome
      outcomes[what] = (outcomes[what] ?? 0) + 1
      for (const id of other.rules) determined.set(id, (determined.get(id) ?? 0) + 1)
      const same = errors.length === 0 && isEqual(engine, one) && agrees(one, other, forbids)
      if (same) return
      count.differences++
      if (told.length >= TOLD) return
      told.push(JSON.stringify({ engine, interpreter: one, cedar: other, value: values[i], facts }))
    })
  }
  return { ...count, told, determined, outcomes, seconds }
}

/** Where nothing holds, Cedar names no policy; the others may name the permit that came closest. */
function agrees(one: Interpreted, cedar: CedarVerdict, forbids: ReadonlySet<string>): boolean {
  const { outcome, silent, transform, obligations } = one
  const nothingHolds = cedar.outcome === 'withheld' && cedar.rules.length === 0
  const rules = nothingHolds ? one.rules.filter((id) => forbids.has(id)) : one.rules
  return isEqual(cedar, { outcome, silent, rules, transform, obligations })
}

function timed<T>(seconds: Record<Route, number>, route: Route, run: () => T): T {
  const start = performance.now()
  const result = run()
  seconds[route] += (performance.now() - start) / 1000
  return result
}
