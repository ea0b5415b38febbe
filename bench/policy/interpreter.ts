import type { NeutralField, NeutralRequest } from './neutral-requests.ts'
import type { Conditions, NeutralRule, Words } from './neutral-rules.ts'
import { type Engine, outcomeOf } from './outcome.ts'

/** Reads the rules as they are written; slow, and the measure of what is right. */
export function interpreter(rules: readonly NeutralRule[]): Engine {
  return {
    name: 'interpreter',
    complete: true,
    decide: (request) =>
      request.fields.map((field) =>
        outcomeOf(
          rules.filter(
            ({ when, unless }) =>
              holds(when, request, field) && !unless.some((lift) => holds(lift, request, field)),
          ),
        ),
      ),
  }
}

function holds(conditions: Conditions, request: NeutralRequest, field: NeutralField): boolean {
  const { channel } = conditions
  return (
    accepts(conditions.sector, request.sector) &&
    accepts(conditions.role, request.role) &&
    accepts(conditions.purpose, request.purpose) &&
    answers(conditions.emergency, request.emergency) &&
    answers(conditions.agreement, request.agreement) &&
    (!channel ||
      ('below' in channel
        ? request.channel < channel.below
        : request.channel >= channel.atLeast)) &&
    accepts(conditions.category, field.category) &&
    accepts(conditions.subject, field.subject) &&
    accepts(conditions.source, field.source) &&
    accepts(conditions.consent, field.consent) &&
    answers(conditions.verified, field.verified) &&
    answers(conditions.fresh, field.ageDays <= field.maxAgeDays)
  )
}

function accepts(words: Words | undefined, word: string): boolean {
  if (!words) return true
  return 'not' in words ? !words.not.includes(word) : words.includes(word)
}

function answers(wanted: boolean | undefined, answer: boolean): boolean {
  return wanted === undefined || wanted === answer
}
