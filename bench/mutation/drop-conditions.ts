import type { PolicyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { type Change, type JsonObject, partAt, withPart } from './change.ts'

/** Parts without which a rule is still one. What a longer path takes away may leave its parent. */
const CONDITIONS = [
  'from',
  'from.sector',
  'from.actsFor',
  'from.public',
  'from.competentAuthority',
  'to.sector',
  'to.role',
  'to.actsFor',
  'to.country',
  'to.notCountry',
  'to.public',
  'to.competentAuthority',
  'to.nationalAuthorisation',
  'to.training',
  'transfer',
  'subject',
  'party',
  'informant',
  'informantParty',
  'restricted',
  'when',
  'when.flags',
  'when.anyFlag',
  'when.noFlags',
  'exception',
  'basis.gdpr',
  'basis.art9',
  'basis.art10',
  'basis.led',
  'basis.consent.unless.exception',
  'basis.consent.unless.flags',
  'basis.consent.unless.purpose',
  'unlessConsent',
  'reason',
] as const

const EXCEPTS = [
  'except',
  'except.fields',
  'except.informant',
  'except.informantParty',
  'except.kind',
  'except.flag',
] as const

/** Takes away each condition of a rule, and each part of its `except`, one at a time. */
export function droppedConditions(
  rule: JsonObject,
  kind: 'permit' | 'forbid',
  vocabulary: PolicyVocabulary,
): readonly Change[] {
  const without = (path: string, operator: Change['operator']): readonly Change[] =>
    partAt(rule, path) === undefined
      ? []
      : [{ operator, what: path, rule: withPart(rule, path, undefined) }]
  return [
    ...CONDITIONS.flatMap((path) => without(path, 'drop a condition')),
    ...EXCEPTS.flatMap((path) => without(path, 'drop an except')),
    ...anyPurpose(rule, kind, vocabulary),
    ...anybodysConsent(rule),
  ]
}

/** A permit has to name purposes: without the condition it names all of them. */
function anyPurpose(
  rule: JsonObject,
  kind: 'permit' | 'forbid',
  { purpose }: PolicyVocabulary,
): readonly Change[] {
  if (partAt(rule, 'purpose') === undefined) return []
  const any = kind === 'permit' ? purpose : undefined
  return [{ operator: 'drop a condition', what: 'purpose', rule: withPart(rule, 'purpose', any) }]
}

function anybodysConsent(rule: JsonObject): readonly Change[] {
  if (partAt(rule, 'unlessConsent.by') === undefined) return []
  const changed = withPart(rule, 'unlessConsent', true)
  return [{ operator: 'drop a condition', what: 'unlessConsent.by', rule: changed }]
}
