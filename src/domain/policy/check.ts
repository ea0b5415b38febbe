import { nearestName } from '../catalogue/edit-distance.ts'
import type { Catalogue } from '../catalogue/types.ts'
import { ruleFaults } from './check-rule.ts'
import type { PolicyDocument } from './document.ts'
import type { Fault, FaultCode, Place } from './fault.ts'
import { POLICY_SHAPE } from './grammar.ts'
import { forEachName } from './names.ts'
import type { Parsed } from './parsed.ts'
import type { Shape } from './shape.ts'
import type { PolicyVocabulary, WordList } from './vocabulary.ts'

/** Records a fault at a pointer into the document at hand. */
export type Report = (code: FaultCode, pointer: string, message: string, nearest?: string) => void

const LIST_NAME: Record<WordList, string> = {
  sector: 'sector',
  role: 'practitioner role',
  personRole: 'person role',
  party: 'party',
  purpose: 'purpose',
  exception: 'exception',
  actsFor: 'party to act for',
  training: 'training',
  informant: 'informant',
  kind: 'kind of statement',
  category: 'data category',
  flag: 'policy flag',
  record: 'record type',
  obligation: 'obligation',
}

/**
 * Checks documents of the right shape against vocabulary, catalogue, law and each other, and reports
 * every fault at once, in the order of documents and text. An empty list means that they compile.
 */
export function check(
  policies: readonly Parsed<PolicyDocument>[],
  catalogue: Catalogue,
  vocabulary: PolicyVocabulary,
): readonly Fault[] {
  const faults: Fault[] = []
  const policyIds = new Map<string, string>()
  const ruleIds = new Map<string, string>()
  for (const policy of policies) {
    const report = reporter(policy, faults)
    nameFaults(policy.document, vocabulary, report)
    claim(policyIds, policy.document.policy, '/policy', 'policy', policy, report)
    for (const { rule, pointer, kind } of statementsOf(policy.document)) {
      claim(ruleIds, rule.id, `${pointer}/id`, 'rule', policy, report)
      ruleFaults(kind, rule, pointer, catalogue, report)
    }
  }
  return faults
}

/** Reports words that the vocabulary does not have; also used for test suites. */
export function nameFaults(
  document: unknown,
  vocabulary: PolicyVocabulary,
  report: Report,
  shape: Shape = POLICY_SHAPE,
): void {
  forEachName(shape, document, '', (list, word, pointer) => {
    if (vocabulary[list].includes(word)) return
    const hint = nearestName(word, vocabulary[list]) ?? undefined
    report('unknown_name', pointer, `unknown ${LIST_NAME[list]} \`${word.slice(0, 60)}\``, hint)
  })
}

/** Makes faults of one document, each with the place of the nearest part whose place is known. */
export function reporter(source: Omit<Parsed<unknown>, 'document'>, into: Fault[]): Report {
  return (code, pointer, message, nearest) => {
    const place = placeOf(pointer, source.places)
    into.push({
      code,
      message,
      pointer,
      ...(source.file === undefined ? {} : { file: source.file }),
      ...(place ? { place } : {}),
      ...(nearest === undefined ? {} : { nearest }),
    })
  }
}

function placeOf(pointer: string, places: ReadonlyMap<string, Place>): Place | undefined {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const place = places.get(at)
    if (place) return place
  }
  return places.get('')
}

function claim(
  taken: Map<string, string>,
  id: string,
  pointer: string,
  what: string,
  policy: Parsed<PolicyDocument>,
  report: Report,
): void {
  const owner = taken.get(id)
  if (owner === undefined) taken.set(id, policy.file ?? policy.document.policy)
  else report('duplicate_id', pointer, `${what} id \`${id}\` is already taken in ${owner}`)
}

/** All statements of a document with their kind and pointer, in the order permit, forbid, duty, guardrail. */
function statementsOf(document: PolicyDocument) {
  return [
    ...(document.permit ?? []).map((rule, i) => ({
      kind: 'permit' as const,
      rule,
      pointer: `/permit/${i}`,
    })),
    ...(document.forbid ?? []).map((rule, i) => ({
      kind: 'forbid' as const,
      rule,
      pointer: `/forbid/${i}`,
    })),
    ...(document.duty ?? []).map((rule, i) => ({
      kind: 'duty' as const,
      rule,
      pointer: `/duty/${i}`,
    })),
    ...(document.guardrail ?? []).map((rule, i) => ({
      kind: 'guardrail' as const,
      rule,
      pointer: `/guardrail/${i}`,
    })),
  ]
}
