/**
 * The closed word lists that agencies, cases and policies share (domain vocabulary; Istanbul
 * Convention art. 7–18 for who takes part). A word that is not here is a fault wherever it appears.
 */

/** What an agency is there for. */
export const SECTORS = [
  'police',
  'prosecution',
  'court',
  'probation',
  'prison',
  'legal_aid',
  'victim_support',
  'perpetrator_programme',
  'shelter',
  'helpline',
  'child_protection',
  'health_primary',
  'hospital',
  'forensic',
  'mental_health',
  'addiction',
  'migration_asylum',
  'social_services',
  'housing',
  'employment',
  'school_childcare',
  'family_support',
  'interpreting_pool',
  'coordination_body',
  'research_evaluator',
  'supervisory_authority',
  'ngo_umbrella',
] as const
export type Sector = (typeof SECTORS)[number]

/** What a practitioner does; `org_admin`, `dpo`, `auditor`, `system_admin` never receive a value. */
export const PRACTITIONER_ROLES = [
  'police_officer',
  'prosecutor',
  'judge_clerk',
  'probation_officer',
  'lawyer',
  'vss_advocate',
  'shelter_worker',
  'partner_contact_worker',
  'pp_facilitator',
  'pp_case_manager',
  'psychologist',
  'psychiatrist',
  'therapist',
  'physician',
  'nurse_midwife',
  'addiction_worker',
  'social_worker',
  'cp_worker',
  'teacher_pedagogue',
  'migration_officer',
  'housing_worker',
  'interpreter',
  'cultural_mediator',
  'conference_chair',
  'conference_coordinator',
  'org_admin',
  'dpo',
  'auditor',
  'statistician',
  'researcher',
  'system_admin',
] as const
export type PractitionerRole = (typeof PRACTITIONER_ROLES)[number]

/** What a person is in one case; the same person may be something else in another. */
export const PERSON_ROLES = [
  'victim',
  'perpetrator_alleged',
  'perpetrator_convicted',
  'child_victim',
  'child_witness',
  'other_dependant',
  'current_partner_of_perpetrator',
  'witness',
  'reporting_person',
  'third_party',
] as const
export type PersonRole = (typeof PERSON_ROLES)[number]

/** Why something is asked for (GDPR art. 5(1)(b)). `migration_enforcement` exists only to be forbidden. */
export const PURPOSES = [
  'safety_urgent',
  'risk_assessment',
  'risk_management',
  'referral',
  'referral_feedback',
  'partner_contact',
  'programme_intake',
  'programme_delivery',
  'mandate_reporting',
  'order_enforcement',
  'criminal_investigation',
  'prosecution_trial',
  'child_protection',
  'care_treatment',
  'addiction_treatment',
  'social_support',
  'housing',
  'legal_aid',
  'migration_procedure_support',
  'migration_enforcement',
  'interpreting',
  'case_conference',
  'supervision_quality',
  'statistics',
  'research',
  'data_subject_rights',
  'audit_compliance',
  'breach_response',
] as const
export type Purpose = (typeof PURPOSES)[number]

/** Claims that open what a rule lists for them; every claim is reviewed by a second person. */
export const EXCEPTIONS = [
  'break_glass',
  'child_safety',
  'vital_interest',
  'court_order',
  'serious_act_more_expected',
  'acute_danger',
] as const
export type ExceptionCode = (typeof EXCEPTIONS)[number]

/** For whom a member agency acts in a case. */
export const ACTS_FOR = ['victim', 'perpetrator', 'child', 'all'] as const
export type ActsFor = (typeof ACTS_FOR)[number]

/** The dated trainings that can gate access, and the last session of supervision with them (R133). */
export const TRAININGS = [
  'data_protection',
  'gbv_basic',
  'gbv_perpetrator_work',
  'culture',
  'supervision',
] as const
export type TrainingCode = (typeof TRAININGS)[number]
