import type { Conditions, NeutralRule, Words } from './neutral-rules.ts'
import { DOMAINS } from './neutral-words.ts'

const TURNED = ['sector', 'role', 'purpose'] as const

/**
 * Ten times the rules: each rule, and nine like it for other agencies. Their sectors, roles and
 * purposes are moved on by one to nine places in the vocabulary; a rule that names none of these
 * applies ten times over, so that there are more reasons to tell as well.
 */
export function tenfold(rules: readonly NeutralRule[]): readonly NeutralRule[] {
  return rules.flatMap((rule) => [
    rule,
    ...Array.from({ length: 9 }, (_, i) => ({
      ...rule,
      id: `${rule.id}-${i + 1}`,
      when: turned(rule.when, i + 1),
      unless: rule.unless.map((exception) => turned(exception, i + 1)),
    })),
  ])
}

function turned(conditions: Conditions, places: number): Conditions {
  const moved = TURNED.flatMap((name) => {
    const words = conditions[name]
    return words ? [[name, movedOn(words, DOMAINS[name], places)]] : []
  })
  return { ...conditions, ...Object.fromEntries(moved) }
}

function movedOn(words: Words, domain: readonly string[], places: number): Words {
  if ('not' in words) return { not: movedOn(words.not, domain, places) as readonly string[] }
  return words.map((word) => domain[(domain.indexOf(word) + places) % domain.length] as string)
}
