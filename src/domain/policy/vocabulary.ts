import { ACTS_FOR, EXCEPTIONS, PERSON_ROLES, PRACTITIONER_ROLES } from '../case/vocabulary.ts'
import { PURPOSES, SECTORS, TRAININGS } from '../case/vocabulary.ts'
import { CATEGORIES, INFORMANTS, PARTIES, POLICY_FLAGS } from '../catalogue/types.ts'
import { STATEMENT_KINDS, type Catalogue } from '../catalogue/types.ts'

/** Word lists that documents draw on, by the name under which the grammar refers to them. */
export interface PolicyVocabulary {
  readonly sector: readonly string[]
  readonly role: readonly string[]
  readonly personRole: readonly string[]
  readonly party: readonly string[]
  readonly purpose: readonly string[]
  readonly exception: readonly string[]
  readonly actsFor: readonly string[]
  readonly training: readonly string[]
  readonly informant: readonly string[]
  readonly kind: readonly string[]
  readonly category: readonly string[]
  readonly flag: readonly string[]
  readonly record: readonly string[]
  readonly obligation: readonly string[]
}

export type WordList = keyof PolicyVocabulary

/** What a recipient can be bound to; conditions that a source attaches come on top (R8, LED art. 9(3)). */
export const OBLIGATIONS = [
  'do_not_reveal_to_subject',
  'do_not_reveal_to_other_party',
  'no_onward_sharing',
  'read_only',
  'delete_after_purpose',
  'tell_victim_when_safe',
  'respect_wish_not_to_know',
  'keep_separate_from_case_file',
  'use_for_stated_purpose_only',
  'use_safe_channel_only',
  'verify_before_acting',
  'do_not_contact_subject',
  'report_outcome_to_source',
  'no_automated_decision',
] as const
export type Obligation = (typeof OBLIGATIONS)[number]

/** The vocabulary that the server runs with; a national profile may pass another to `check` and `compile`. */
export function policyVocabulary(catalogue: Catalogue): PolicyVocabulary {
  return Object.freeze({
    sector: SECTORS,
    role: PRACTITIONER_ROLES,
    personRole: PERSON_ROLES,
    party: PARTIES,
    purpose: PURPOSES,
    exception: EXCEPTIONS,
    actsFor: ACTS_FOR,
    training: TRAININGS,
    informant: INFORMANTS,
    kind: STATEMENT_KINDS,
    category: CATEGORIES,
    flag: POLICY_FLAGS,
    record: catalogue.records.map((record) => record.type),
    obligation: OBLIGATIONS,
  })
}
