import type {
  ForbidStatement,
  PermitStatement,
  PolicyDocument,
} from '../../src/domain/policy/document.ts'
import type { Facts, ValueFacts } from '../../src/domain/policy/facts.ts'
import type { Nation } from '../../test/policy/interpreter.ts'
import type { Cedar } from '../policy/cedar.ts'
import { cedarRequest } from './cedar-request.ts'
import { type CedarPolicy, MEMBERS_ONLY, textOf, toCedar } from './to-cedar.ts'

/** What Cedar's determining policies come to. */
export interface CedarVerdict {
  readonly outcome: 'withheld' | 'review' | 'generalised' | 'released'
  /** Standing forbids, or all permits that pass, sorted; empty where no policy holds. */
  readonly rules: readonly string[]
  readonly silent: boolean
  readonly transform?: string
  readonly obligations?: readonly string[]
}

/** A pack in Cedar: decides one value at a time. */
export type CedarRoute = (facts: Facts, value: ValueFacts) => CedarVerdict

/** @throws Error when Cedar does not take the policies */
export function cedarRoute(
  cedar: Cedar,
  documents: readonly PolicyDocument[],
  nation: Nation,
  shorteningFlags: readonly string[],
): CedarRoute {
  const policies = toCedar(documents, nation.ledPurposes ?? [], shorteningFlags)
  const determining = policySet(cedar, 'default pack', policies)
  const forbids = new Map(
    documents.flatMap(({ forbid = [] }) => forbid).map((rule) => [rule.id, rule]),
  )
  const permits = new Map(
    documents.flatMap(({ permit = [] }) => permit).map((rule) => [rule.id, rule]),
  )
  return (facts, value) => {
    const { allowed, rules } = determining(cedarRequest(facts, value, nation))
    if (!allowed) return withheld(facts, value, rules, forbids)
    return opened(
      facts,
      value,
      rules.flatMap((id) => permits.get(id) ?? []),
    )
  }
}

/** Asks a set of policies which of them determine a request. */
export type Determining = (request: object) => {
  readonly allowed: boolean
  /** Sorted by id. */
  readonly rules: readonly string[]
}

/** @throws Error when Cedar does not take the policies, or fails on one */
export function policySet(
  cedar: Cedar,
  name: string,
  policies: readonly CedarPolicy[],
): Determining {
  const staticPolicies = Object.fromEntries(policies.map((policy) => [policy.id, textOf(policy)]))
  const parsed = cedar.preparsePolicySet(name, { staticPolicies })
  if (parsed.type !== 'success') throw new Error(`Cedar refuses ${JSON.stringify(parsed)}`)
  return (request) => {
    const answer = cedar.statefulIsAuthorized({ ...request, preparsedPolicySetId: name })
    if (answer.type !== 'success') throw new Error(`Cedar fails: ${JSON.stringify(answer)}`)
    const { decision, diagnostics } = answer.response
    if (diagnostics.errors.length > 0)
      throw new Error(`Cedar fails: ${JSON.stringify(diagnostics.errors[0])}`)
    return { allowed: decision === 'allow', rules: [...diagnostics.reason].sort() }
  }
}

function withheld(
  facts: Facts,
  value: ValueFacts,
  rules: readonly string[],
  forbids: ReadonlyMap<string, ForbidStatement>,
): CedarVerdict {
  if (rules.includes(MEMBERS_ONLY)) return { outcome: 'withheld', rules: [], silent: true }
  const quiet = rules.some((id) => forbids.get(id)?.explain === 'silent')
  return { outcome: 'withheld', rules, silent: quiet || isHidden(facts, value) }
}

const RANKS = ['released', 'generalised', 'review'] as const

/** Of several permits the most revealing wins, then the smaller id. */
function opened(
  facts: Facts,
  value: ValueFacts,
  permits: readonly PermitStatement[],
): CedarVerdict {
  const approved = facts.request.approvedBy.includes(value.source.agencyId)
  const rankOf = ({ review, transform }: PermitStatement) =>
    review && !approved ? 2 : transform ? 1 : 0
  const [winner] = [...permits].sort((a, b) => rankOf(a) - rankOf(b))
  if (!winner) throw new Error('Cedar allows without a permit')
  const outcome = RANKS[rankOf(winner)] as (typeof RANKS)[number]
  const rules = permits.map(({ id }) => id)
  if (outcome === 'review') {
    // A review would tell him that there is something to look at.
    const hidden = isHidden(facts, value)
    return { outcome: hidden ? 'withheld' : outcome, rules, silent: hidden }
  }
  const obligations = new Set([
    ...value.conditions,
    ...permits.flatMap((rule) => rule.obligations ?? []),
  ])
  const { transform } = winner
  return {
    outcome,
    rules,
    silent: false,
    ...(transform ? { transform } : {}),
    obligations: [...obligations].sort(),
  }
}

/** Towards his side everything from, about, locating or held for victim or child. */
function isHidden({ recipient }: Facts, value: ValueFacts): boolean {
  if (!recipient.actsFor.includes('perpetrator')) return false
  const { informant, informantParties, subjectParties, field, source } = value
  if (source.actsFor.length === 0 || ['V', 'VS', 'CH', 'CP'].includes(informant)) return true
  const around: readonly string[] = [
    ...informantParties,
    ...subjectParties,
    ...field.locates,
    ...source.actsFor,
  ]
  return around.includes('victim') || around.includes('child')
}
