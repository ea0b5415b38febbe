/**
 * Policy flags: the few things about a value that rules may depend on without seeing the value.
 *
 * The list is closed. A schema says in `x-flags` which values raise a flag (`flags.ts` evaluates that
 * at deposit); flags are kept encrypted beside the record, opened only to decide, and never released.
 */

/** Agencies whose word settles where criminal proceedings stand. */
const JUSTICE = ['police', 'prosecution', 'court', 'probation'] as const
const ORDERING = ['prosecution', 'court', 'probation'] as const

/**
 * The closed list of flags. `attestedBy` names the sectors whose deposits may raise a flag that opens
 * other agencies' data; null where anybody's word counts. The comments give the flows (domain.md §3)
 * and scenarios (§4) that need them.
 */
export const FLAG_DEFINITIONS = {
  // F1, F2, F12, F20, F25; shortens freshness
  risk_high: { meaning: 'risk is high by level or by professional judgement', attestedBy: null },
  // R86, F21
  priority_perpetrator: { meaning: 'he is a priority perpetrator', attestedBy: null },
  // F25
  area_transfer: { meaning: 'the case comes from another area', attestedBy: null },
  // F11, F18
  acute_danger: { meaning: 'acute risk of suicide or of harm to others', attestedBy: null },
  // F18
  harm_to_others: { meaning: 'high or acute risk of harm to others', attestedBy: null },
  // R10, F11
  further_assessment: { meaning: 'a specialist should assess mental health', attestedBy: null },
  // F9, F18
  threat_made: { meaning: 'he made a direct threat', attestedBy: null },
  // F9, R94
  new_violence: { meaning: 'he disclosed new violence', attestedBy: null },
  // F12
  relapse: { meaning: 'the person relapsed', attestedBy: null },
  // F14, F19
  child_exposed: { meaning: 'a child was exposed to violence', attestedBy: null },
  // F3, F14, S6
  child_in_danger: { meaning: 'a child is itself a target of violence', attestedBy: null },
  // F16, S24
  strangulation: { meaning: 'strangulation was used or left signs', attestedBy: null },
  // F16
  serious_injury: { meaning: 'a serious injury was diagnosed', attestedBy: null },
  // R9, F11
  serious_illness: { meaning: 'a serious illness or injury was diagnosed', attestedBy: null },
  // F5, F6, S18
  mandate_exists: { meaning: 'a programme was imposed on him', attestedBy: ORDERING },
  // F6: the programme's own word, which can open the programme's own data only
  entry_mandatory: { meaning: 'the programme holds his entry as mandatory', attestedBy: null },
  // F4, R49, S15
  prosecution_order: {
    meaning: 'prosecution or court ordered a programme, counselling or treatment',
    attestedBy: ['prosecution', 'court'],
  },
  // F4, R45, S15
  investigation_complete: { meaning: 'the investigation is complete', attestedBy: JUSTICE },
  // F28, R98, S22
  order_in_force: { meaning: 'a protection order binds him', attestedBy: JUSTICE },
  // F29
  order_breached: { meaning: 'a protection order was breached', attestedBy: null },
  // F6, F9, R96
  programme_breach: { meaning: 'he broke rules of the programme', attestedBy: null },
  // F6, F9, R100
  missed_session: { meaning: 'he missed a session without excuse', attestedBy: null },
  // F6, F9, S7
  dropout: { meaning: 'he left the programme before its end', attestedBy: null },
  // F9
  excluded: { meaning: 'the programme excluded him', attestedBy: null },
  // S8: says yes, so that a missing value means no
  postal_allowed: { meaning: 'letters to her address are allowed', attestedBy: null },
  // R31, R58
  subject_unaware: { meaning: 'the person does not know of the referral', attestedBy: null },
  // F21
  conference_called: {
    meaning: 'a case conference has been called',
    attestedBy: ['coordination_body', 'police'],
  },
  // R72, F8: partner contact begins and ends with it
  in_programme: {
    meaning: 'he takes part in a programme',
    attestedBy: ['perpetrator_programme', 'mental_health'],
  },
  // R72, R74, F31
  programme_ended: {
    meaning: 'his time in a programme has ended',
    attestedBy: ['perpetrator_programme', 'mental_health'],
  },
  // R52, R76: where admission and end need both services, each says so in its own record of the referral
  accepted_by_support: {
    meaning: 'a service that supports her agreed to the referral',
    attestedBy: ['victim_support'],
  },
  accepted_by_programme: {
    meaning: 'a programme agreed to the referral',
    attestedBy: ['perpetrator_programme'],
  },
  closed_by_support: {
    meaning: 'a service that supports her agreed that the referral ends',
    attestedBy: ['victim_support'],
  },
  closed_by_programme: {
    meaning: 'a programme agreed that the referral ends',
    attestedBy: ['perpetrator_programme'],
  },
  // R27: what kind of referral it is, and so of no other record of the case
  couple_work: {
    meaning: 'a referral to counselling or mediation of the couple',
    attestedBy: null,
    ofRecord: true,
  },
} as const satisfies Record<
  string,
  { meaning: string; attestedBy: readonly string[] | null; ofRecord?: true }
>
export type PolicyFlag = keyof typeof FLAG_DEFINITIONS

/** Flags that say something of the record that raises them, and nothing of the case. */
export const RECORD_FLAGS: ReadonlySet<string> = new Set(
  Object.entries(FLAG_DEFINITIONS).flatMap(([flag, definition]) =>
    'ofRecord' in definition ? [flag] : [],
  ),
)

/** All flags, in the order in which `deriveFlags` gives them. */
export const POLICY_FLAGS = Object.freeze(Object.keys(FLAG_DEFINITIONS) as PolicyFlag[])

/**
 * When a value raises a flag: it is, or contains, one of some codes; it equals a code or a boolean; or
 * it is there at all and not empty.
 */
export type FlagCondition =
  | { readonly in: readonly string[] }
  | { readonly equals: string | boolean }
  | { readonly present: true }

/** One derivation, as a schema declares it. */
export interface FieldFlag {
  readonly flag: PolicyFlag
  readonly when: FlagCondition
}

/** True for the name of a policy flag. */
export function isPolicyFlag(name: string): name is PolicyFlag {
  return Object.hasOwn(FLAG_DEFINITIONS, name)
}
