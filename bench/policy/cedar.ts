import type { NeutralField, NeutralRequest } from './neutral-requests.ts'
import type { Conditions, NeutralRule, Words } from './neutral-rules.ts'
import { type Engine, type Outcome, outcomeOf } from './outcome.ts'
import { importPeer } from './peers.ts'

/** What is used of `@cedar-policy/cedar-wasm`. */
export interface Cedar {
  readonly preparsePolicySet: (
    id: string,
    policies: { staticPolicies: Record<string, string> },
  ) => { readonly type: string }
  readonly statefulIsAuthorized: (call: object) =>
    | { readonly type: 'failure' }
    | {
        readonly type: 'success'
        readonly response: {
          readonly decision: 'allow' | 'deny'
          readonly diagnostics: {
            readonly reason: readonly string[]
            readonly errors: readonly unknown[]
          }
        }
      }
}

/**
 * Cedar in WebAssembly with a policy set parsed once. Principal is the sector, action the purpose,
 * resource the category; the rest is context. It takes one field per call and names every rule.
 */
export async function cedarEngine(rules: readonly NeutralRule[]): Promise<Engine> {
  const cedar = await importPeer<Cedar>('@cedar-policy/cedar-wasm/nodejs')
  const staticPolicies = Object.fromEntries(rules.map((rule) => [rule.id, policyOf(rule)]))
  const set = `neutral-${rules.length}`
  const { type } = cedar.preparsePolicySet(set, { staticPolicies })
  if (type !== 'success') throw new Error('Cedar does not take the rules')
  const position = new Map(rules.map((rule, i) => [rule.id, i]))
  const decide = (request: NeutralRequest, field: NeutralField): Outcome => {
    const answer = cedar.statefulIsAuthorized(callOf(request, field, set))
    if (answer.type !== 'success' || answer.response.diagnostics.errors.length > 0)
      throw new Error('Cedar failed')
    const { decision, diagnostics } = answer.response
    const positions = diagnostics.reason.map((id) => position.get(id) ?? -1)
    const outcome = outcomeOf(positions.sort((a, b) => a - b).flatMap((i) => rules[i] ?? []))
    if ((outcome.decision === 'deny') !== (decision === 'deny'))
      throw new Error('Cedar decides what its reasons do not say')
    return outcome
  }
  return {
    name: 'Cedar',
    complete: true,
    decide: (request) => request.fields.map((field) => decide(request, field)),
  }
}

function callOf(
  request: NeutralRequest,
  field: NeutralField,
  preparsedPolicySetId: string,
): object {
  const { role, emergency, agreement, channel } = request
  const { subject, source, consent, verified, ageDays, maxAgeDays } = field
  return {
    principal: { type: 'Sector', id: request.sector },
    action: { type: 'Action', id: request.purpose },
    resource: { type: 'Category', id: field.category },
    context: {
      ...{ role, emergency, agreement, channel },
      ...{ subject, source, consent, verified, ageDays, maxAgeDays },
    },
    entities: [],
    preparsedPolicySetId,
  }
}

function policyOf({ effect, when, unless }: NeutralRule): string {
  const [condition, ...exceptions] = [when, ...unless].map(conjunction)
  const lifts = exceptions.map((exception) => ` unless { ${exception} }`).join('')
  return `${effect}(principal, action, resource) when { ${condition} }${lifts};`
}

function conjunction(conditions: Conditions): string {
  const { sector, purpose, category, channel, emergency, agreement, verified, fresh } = conditions
  return [
    ...(sector ? [among('principal', 'Sector', sector)] : []),
    ...(purpose ? [among('action', 'Action', purpose)] : []),
    ...(category ? [among('resource', 'Category', category)] : []),
    ...(['role', 'subject', 'source', 'consent'] as const).flatMap((name) => {
      const words = conditions[name]
      return words ? [contains(name, words)] : []
    }),
    ...(channel
      ? 'below' in channel
        ? [`context.channel < ${channel.below}`]
        : [`context.channel >= ${channel.atLeast}`]
      : []),
    ...(emergency === undefined ? [] : [`context.emergency == ${emergency}`]),
    ...(agreement === undefined ? [] : [`context.agreement == ${agreement}`]),
    ...(verified === undefined ? [] : [`context.verified == ${verified}`]),
    ...(fresh === undefined ? [] : [`context.ageDays ${fresh ? '<=' : '>'} context.maxAgeDays`]),
  ].join(' && ')
}

function among(variable: string, type: string, words: Words): string {
  const [list, not] = 'not' in words ? [words.not, '!'] : [words, '']
  const entities = list.map((word) => `${type}::${JSON.stringify(word)}`)
  return `${not}(${variable} in [${entities.join(', ')}])`
}

function contains(name: string, words: Words): string {
  const [list, not] = 'not' in words ? [words.not, '!'] : [words, '']
  return `${not}(${JSON.stringify(list)}.contains(context.${name}))`
}
