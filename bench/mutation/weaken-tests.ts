import type { AgreementClause } from '../../src/domain/policy/document.ts'
import type { PolicyVocabulary } from '../../src/domain/policy/vocabulary.ts'
import { type Change, type Json, type JsonObject, partAt, withPart, wordsAt } from './change.ts'

/** A part, what it becomes, and what it has to be before; a default counts as being there. */
interface Weakening {
  readonly path: string
  readonly to: Json | undefined
  /** The weakening does nothing where the part is this already. */
  readonly weak: Json | undefined
}

/** Every permit is put to these, stated or not. */
const OF_PERMITS: readonly Weakening[] = [
  { path: 'accurate.contested', to: 'mark', weak: 'mark' },
  { path: 'timely.onStale', to: 'mark', weak: 'mark' },
  { path: 'timely.maxAge', to: 'none', weak: 'none' },
  { path: 'secure.channel', to: 'any', weak: 'any' },
  { path: 'basis.consent', to: 'not_needed', weak: 'not_needed' },
]

/** Only where they are stated. */
const STATED: readonly Weakening[] = [
  { path: 'accurate.verified', to: 'any', weak: 'any' },
  { path: 'timely.maxAge', to: 'catalogue', weak: 'catalogue' },
  { path: 'secure.sealed', to: 'optional', weak: 'optional' },
  { path: 'necessary.justification', to: 'optional', weak: 'optional' },
  { path: 'necessary.ethicsNote', to: 'optional', weak: 'optional' },
  { path: 'review', to: undefined, weak: undefined },
  { path: 'transform', to: undefined, weak: undefined },
  { path: 'expiresAfter', to: undefined, weak: undefined },
]

/** Makes each test of a rule pass more easily, one at a time; and takes away what binds the recipient. */
export function weakenedTests(
  rule: JsonObject,
  kind: 'permit' | 'forbid',
  agreement: AgreementClause | undefined,
  vocabulary: PolicyVocabulary,
): readonly Change[] {
  if (kind === 'forbid') return weakenedForbid(rule, vocabulary)
  const weakenings = [
    ...OF_PERMITS,
    ...STATED.filter(({ path }) => partAt(rule, path) !== undefined),
  ]
  return [
    ...weakenings.flatMap(({ path, to, weak }) =>
      partAt(rule, path) === weak ? [] : [weaker(path, to, withPart(rule, path, to))],
    ),
    ...weakenedAgreement(rule, agreement),
    ...withoutObligations(rule),
  ]
}

function weaker(path: string, to: Json | undefined, rule: JsonObject): Change {
  const what = to === undefined ? `without ${path}` : `${path}: ${JSON.stringify(to)}`
  return { operator: 'weaken a test', what, rule }
}

/** The agreement of the document holds where the permit does not state its own. */
function weakenedAgreement(
  rule: JsonObject,
  ofDocument: AgreementClause | undefined,
): readonly Change[] {
  const own = partAt(rule, 'agreement') ?? (ofDocument as unknown as JsonObject | undefined)
  if (own === undefined) return []
  const put = (path: string, to: Json) => {
    const stated = withPart(rule, 'agreement', own)
    return weaker(`agreement.${path}`, to, withPart(stated, `agreement.${path}`, to))
  }
  return [
    ...(partAt({ own }, 'own.required') === true ? [put('required', false)] : []),
    ...(partAt({ own }, 'own.onMissing') === 'alert' ? [] : [put('onMissing', 'alert')]),
  ]
}

function withoutObligations(rule: JsonObject): readonly Change[] {
  const words = wordsAt(rule, 'obligations') ?? []
  return words.map((word) => {
    const rest = words.filter((one) => one !== word)
    const changed = withPart(rule, 'obligations', rest.length > 0 ? rest : undefined)
    return weaker(`obligation ${word}`, undefined, changed)
  })
}

function weakenedForbid(rule: JsonObject, { exception }: PolicyVocabulary): readonly Change[] {
  const unless = wordsAt(rule, 'unless') ?? []
  const told = withPart(rule, 'explain', 'reason')
  return [
    ...(unless.length === 0
      ? exception
          .slice(0, 2)
          .map((word) => weaker('unless', [word], withPart(rule, 'unless', [word])))
      : []),
    ...(partAt(rule, 'unlessConsent') === undefined
      ? [weaker('unlessConsent', true, withPart(rule, 'unlessConsent', true))]
      : []),
    ...(partAt(rule, 'explain') === 'silent' ? [weaker('explain', 'reason', told)] : []),
  ]
}
