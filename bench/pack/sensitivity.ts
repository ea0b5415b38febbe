import { setImmediate } from 'node:timers/promises'

import { dice } from '../../test/policy/dice.ts'
import type { DefaultPack } from '../../test/policy/default-pack.ts'
import { type Material, materialOf } from '../../test/policy/pack-facts.ts'
import { type Aspect, drawRequest } from '../../test/policy/pack-requests.ts'
import type { Cedar } from '../policy/cedar.ts'
import { type Determining, policySet } from './cedar-route.ts'
import { cedarRequest } from './cedar-request.ts'
import { isIdle } from './idle-clauses.ts'
import type { CedarPolicy } from './to-cedar.ts'

/** What dropping each clause of each translated rule comes to. */
export interface Sensitivity {
  /** One for every clause of every rule. */
  readonly mutants: number
  readonly noticed: number
  /** Not noticed, and the exact diff of the rule with and without the clause is empty. */
  readonly idle: number
  /** `rule: clause` of the rest. */
  readonly survivors: readonly string[]
}

/** Requests drawn near one rule for each of its clauses before its last mutants are given up. */
const REQUESTS = 150
const SEED = 20_261_122

/**
 * Drops one clause of one policy at a time and counts on how many mutants the comparison would fail.
 *
 * Cedar names every policy that holds, so all mutants of a rule are asked at once, beside the rule
 * itself. A mutant that holds where its original does not is one determining rule too many. The
 * comparison sees that in all cases but one: a permit where a forbid stands.
 */
export async function dropEachClause(
  cedar: Cedar,
  policies: readonly CedarPolicy[],
  pack: DefaultPack,
  signal: AbortSignal,
): Promise<Sensitivity> {
  const material = materialOf(pack.documents, pack.catalogue, pack.vocabulary)
  const forbids = policies.filter(({ effect }) => effect === 'forbid')
  const forbidding = policySet(cedar, 'forbids', forbids)
  const survivors: string[] = []
  let mutants = 0
  let idle = 0
  for (const [place, target] of material.targets.entries()) {
    // Lets a signal in.
    await setImmediate(undefined, { signal })
    const original = policies.find(({ id }) => id === target.rule.id)
    if (!original) throw new Error(`${target.rule.id} is not translated`)
    mutants += original.clauses.length
    const living = survivorsOf(cedar, original, forbidding, {
      material,
      place,
      nation: pack.nation,
    })
    for (const clause of living) {
      if (isIdle(target, clause, pack)) idle++
      else survivors.push(`${original.id}: ${clause}`)
    }
  }
  return { mutants, noticed: mutants - idle - survivors.length, idle, survivors }
}

/** Names of the clauses that can be dropped unnoticed. */
function survivorsOf(
  cedar: Cedar,
  original: CedarPolicy,
  forbidding: Determining,
  { material, place, nation }: Surroundings,
): readonly string[] {
  const living = new Map(original.clauses.map(({ name }, i) => [`mutant ${i}`, name]))
  const holding = policySet(cedar, 'mutants', [
    original,
    ...original.clauses.map((_, i) => ({
      ...original,
      id: `mutant ${i}`,
      clauses: original.clauses.toSpliced(i, 1),
    })),
  ])
  const throwing = dice(SEED + place)
  const target = material.targets[place] as Material['targets'][number]
  const most = REQUESTS * original.clauses.length
  for (let i = 0; i < most && living.size > 0; i++) {
    const aspect = throwing.pick(aspectsOf(throwing.pick([...living.values()])))
    const facts = drawRequest(target, material, throwing, throwing.pick([0, 0, 0, 1]), aspect)
    if (facts.recipient.actsFor.length === 0) continue
    for (const value of facts.values) {
      const request = cedarRequest(facts, value, nation)
      const { rules } = holding(request)
      if (rules.includes(original.id) || !rules.some((id) => living.has(id))) continue
      if (original.effect === 'permit' && forbidding(request).rules.length > 0) continue
      for (const id of rules) living.delete(id)
    }
  }
  return [...living.values()]
}

/** What decides under which law a value falls, and what that asks for. */
const LEGAL: readonly Aspect[] = [
  'to.public',
  'to.nationalAuthorisation',
  'to.competentAuthority',
  'from.competentAuthority',
  'purpose',
  'fields',
]

/** What to change about a request so that a clause may fail. */
function aspectsOf(clause: string): readonly Aspect[] {
  const [path = ''] = clause.split(' ')
  if (path === 'basis') return LEGAL
  if (path.startsWith('when.') || path === 'except.flag') return ['flags']
  if (path === 'except.fields') return ['fields']
  if (path.startsWith('except.informant') || path === 'informantParty') return ['informant']
  if (path === 'to.notCountry') return ['to.country']
  if (path === 'unless') return ['exception']
  if (path === 'unlessConsent') return ['consent']
  return [path.replace('except.', '') as Aspect]
}

interface Surroundings {
  readonly material: Material
  /** Of the rule among the targets. */
  readonly place: number
  readonly nation: DefaultPack['nation']
}
