/* Generated from schemas/records by `npm run generate`; edit the schemas instead. */

/**
 * The `fields` object of each record type; every field may be absent.
 */
export interface RecordFields {
  child: ChildFields
  conference: ConferenceFields
  contact_location: ContactLocationFields
  criminal_proceedings: CriminalProceedingsFields
  feedback: FeedbackFields
  health: HealthFields
  incident: IncidentFields
  language_support: LanguageSupportFields
  mental_health: MentalHealthFields
  migration: MigrationFields
  needs_assessment: NeedsAssessmentFields
  partner_contact: PartnerContactFields
  person: PersonFields
  police_report: PoliceReportFields
  programme_engagement: ProgrammeEngagementFields
  protection_order: ProtectionOrderFields
  referral: ReferralFields
  risk_assessment: RiskAssessmentFields
  safety_plan: SafetyPlanFields
  substance_use: SubstanceUseFields
  victim_support: VictimSupportFields
}
/**
 * A child of the case: where it is, what it lived through, what it says and what was decided for it.
 */
export interface ChildFields {
  /**
   * The identifier under which agencies speak of the child without naming it.
   */
  child_pseudonym?: string
  /**
   * Age band in years and sex; x stands for another or an unknown sex.
   */
  age_sex?:
    | 'female_0_2'
    | 'female_3_6'
    | 'female_7_11'
    | 'female_12_15'
    | 'female_16_17'
    | 'male_0_2'
    | 'male_3_6'
    | 'male_7_11'
    | 'male_12_15'
    | 'male_16_17'
    | 'x_0_2'
    | 'x_3_6'
    | 'x_7_11'
    | 'x_12_15'
    | 'x_16_17'
  /**
   * Where the child lives or goes to school; its mother can be found there too.
   */
  residence_school?: Address
  /**
   * In which ways violence reached the child.
   *
   * @maxItems 4
   */
  exposure?: ('witness' | 'direct_physical' | 'sexual' | 'used_to_control')[]
  /**
   * What the child says, in its words, heard in a way that suits its age.
   */
  child_view?: string
  /**
   * What child protection has opened or decided.
   *
   * @maxItems 10
   */
  cp_measure?: (
    | 'assessment_opened'
    | 'family_support'
    | 'supervised_contact'
    | 'contact_suspended'
    | 'duty_on_parent'
    | 'temporary_placement'
    | 'guardianship'
    | 'school_measure'
    | 'closed'
    | 'other'
  )[]
  /**
   * What contact he may have with the child and on which terms, without the place, which belongs to the home or school.
   */
  contact_arrangement?: {
    code:
      | 'none'
      | 'suspended'
      | 'indirect_only'
      | 'supervised'
      | 'supervised_handover'
      | 'unsupervised'
      | 'undecided'
    text?: string
  }
  /**
   * References to the persons who hold parental responsibility.
   *
   * @maxItems 10
   */
  parental_responsibility?: string[]
  /**
   * What help the child needs.
   *
   * @maxItems 10
   */
  support_needs?: (
    | 'counselling'
    | 'trauma_therapy'
    | 'health_care'
    | 'school_support'
    | 'childcare'
    | 'legal_representation'
    | 'safe_contact'
    | 'language_support'
    | 'leisure'
    | 'other'
  )[]
}
/**
 * A postal address: lines as written on an envelope, the rest for search and generalisation.
 */
export interface Address {
  /**
   * @minItems 1
   * @maxItems 6
   */
  lines: string[]
  postalCode?: string
  municipality?: string
  country?: string
}
/**
 * One multi-agency meeting on the case: who, why, what was said and who does what by when.
 */
export interface ConferenceFields {
  /**
   * When the meeting takes place.
   */
  meeting_at?: string
  /**
   * Whether the chair belongs to none of the agencies of the case.
   */
  chair_external?: boolean
  /**
   * References to those who take part.
   *
   * @maxItems 100
   */
  participants?: string[]
  /**
   * Why the case came before the conference.
   */
  trigger?: 'score' | 'judgement' | 'escalation' | 'repeat' | 'transfer'
  /**
   * What the conference established; it may name where people are.
   */
  case_summary?: string
  /**
   * What one agency has undertaken to do, worded so that this agency may read it and without any whereabouts.
   */
  action?: string
  /**
   * The agency that undertook the action.
   */
  owner_org?: string
  /**
   * By when the action is to be done.
   */
  due_at?: string
  /**
   * When the action was done.
   */
  done_at?: string
}
/**
 * Where a person is and how they can safely be reached; the record of each party is held apart from the others.
 */
export interface ContactLocationFields {
  /**
   * Where she lives now; the children with her live there too.
   */
  victim_current_address?: Address
  /**
   * Whether she lives in a shelter or another protected place.
   */
  shelter_flag?: boolean
  /**
   * The shelter in which she lives, by its directory reference.
   */
  shelter_id?: string
  /**
   * A number, in E.164 form, on which only she answers.
   */
  safe_phone?: string
  /**
   * When she can be contacted without anybody listening.
   *
   * @maxItems 50
   */
  safe_contact_window?: Interval[]
  /**
   * Ways of contact that the other party can see, or that would betray her.
   *
   * @maxItems 10
   */
  unsafe_channels?: (
    | 'home_phone'
    | 'mobile_phone'
    | 'text_message'
    | 'messenger'
    | 'email'
    | 'post'
    | 'home_visit'
    | 'workplace'
    | 'shared_device'
    | 'social_media'
  )[]
  /**
   * Whether letters may be sent to her address; as long as nobody has said yes, the answer is no.
   */
  postal_channel_allowed?: boolean
  /**
   * Where she works or studies, and so where she can be waited for.
   */
  work_school_location?: Address
  /**
   * Where he lives now.
   */
  perp_current_address?: Address
  /**
   * A number, in E.164 form, on which he can be reached.
   */
  perp_phone?: string
  /**
   * Whether he is at large, held, barred from the home, or abroad.
   */
  perp_whereabouts_status?: 'free' | 'custody' | 'barred' | 'abroad' | 'unknown'
}
/**
 * A span of time: from its first instant up to, not including, its last; open if `to` is absent.
 */
export interface Interval {
  from: string
  to?: string
}
/**
 * Where the proceedings against him stand, and what was imposed on him.
 */
export interface CriminalProceedingsFields {
  /**
   * The stage that the proceedings have reached.
   */
  stage?: 'complaint' | 'investigation' | 'charged' | 'trial' | 'sentenced' | 'execution' | 'closed'
  /**
   * Coarse classes of the offences, so that figures compare across countries.
   *
   * @maxItems 16
   */
  offences?: (
    | 'bodily_harm'
    | 'grievous_bodily_harm'
    | 'homicide_attempt'
    | 'homicide'
    | 'sexual_offence'
    | 'threat'
    | 'coercion'
    | 'stalking'
    | 'deprivation_of_liberty'
    | 'child_abuse'
    | 'order_breach'
    | 'property_damage'
    | 'economic_offence'
    | 'weapons_offence'
    | 'digital_offence'
    | 'other'
  )[]
  /**
   * Whether the court or the prosecution obliged him to attend a programme, recommended it, or left it to him.
   */
  pp_mandate?: 'mandatory' | 'recommended' | 'voluntary' | 'none'
  /**
   * Measures imposed beside or instead of a sentence.
   *
   * @maxItems 9
   */
  mandate_conditions?: (
    | 'attend_programme'
    | 'attend_counselling'
    | 'substance_treatment'
    | 'no_contact'
    | 'compensation'
    | 'community_service'
    | 'probation_supervision'
    | 'residence_restriction'
    | 'other'
  )[]
  /**
   * When he was or will be set free, or when he escaped.
   */
  release_or_escape_at?: string
  /**
   * When the next hearing is held.
   */
  next_hearing_at?: string
  /**
   * How many earlier convictions he has for domestic violence.
   */
  prior_convictions_dv?: number
}
/**
 * What the receiver of a referral tells the referrer: receipt, and outcome where the person consents.
 */
export interface FeedbackFields {
  /**
   * When the receiver accepted the referral.
   */
  received_accepted_at?: string
  /**
   * What became of the referral.
   */
  outcome_code?:
    | 'engaged'
    | 'partly_engaged'
    | 'not_reached'
    | 'declined_by_person'
    | 'declined_by_service'
    | 'referred_on'
    | 'completed'
    | 'ended_early'
  /**
   * How the person has taken up the service, without content of sessions.
   */
  engagement_summary?: string
}
/**
 * Medical findings that bear on safety, and the care that is needed.
 */
export interface HealthFields {
  /**
   * What an examination found, as documented.
   */
  injury_findings?: string
  /**
   * Whether there are signs or reports of strangulation.
   */
  strangulation_signs?: boolean
  /**
   * Coarse classes of diagnosed serious illness or injury; anything lighter is not recorded.
   *
   * @maxItems 10
   */
  serious_diagnosis?: (
    | 'serious_injury'
    | 'head_injury'
    | 'cardiovascular'
    | 'respiratory'
    | 'neurological'
    | 'serious_infection'
    | 'cancer'
    | 'metabolic'
    | 'pregnancy_complication'
    | 'other_serious'
  )[]
  /**
   * Whether she is pregnant.
   */
  pregnancy?: boolean
  /**
   * What care the person needs from others.
   *
   * @maxItems 10
   */
  care_needs?: (
    | 'emergency_care'
    | 'inpatient_care'
    | 'outpatient_care'
    | 'medication'
    | 'wound_care'
    | 'rehabilitation'
    | 'antenatal_care'
    | 'sexual_violence_care'
    | 'home_care'
    | 'other'
  )[]
}
/**
 * One act or episode of violence, with each account of it kept beside the others and never merged.
 */
export interface IncidentFields {
  /**
   * When it happened, or began.
   */
  occurred_at?: string
  /**
   * The kind of place where it happened, never its address.
   */
  place_type?:
    | 'shared_home'
    | 'victim_home'
    | 'perpetrator_home'
    | 'other_home'
    | 'public_place'
    | 'workplace'
    | 'school_childcare'
    | 'vehicle'
    | 'service_premises'
    | 'online'
    | 'other'
  /**
   * Which types of violence it involved; each is followed separately over time.
   *
   * @maxItems 8
   */
  violence_types?: (
    | 'physical'
    | 'sexual'
    | 'psychological'
    | 'economic'
    | 'coercive_control'
    | 'stalking'
    | 'digital'
    | 'neglect'
  )[]
  /**
   * What was used to do harm or to threaten.
   *
   * @maxItems 11
   */
  means_used?: (
    | 'bodily_force'
    | 'strangulation'
    | 'blunt_object'
    | 'knife'
    | 'firearm'
    | 'vehicle'
    | 'fire'
    | 'substance'
    | 'digital_device'
    | 'verbal_threat'
    | 'other'
  )[]
  /**
   * References to the persons of the case who were there.
   *
   * @maxItems 50
   */
  persons_present?: string[]
  /**
   * Whether a child saw, heard or was drawn into it.
   */
  children_present?: boolean
  /**
   * Whether the police know of it; support never depends on the answer.
   */
  reported_to_police?: boolean
  /**
   * What she says happened, in her words; it often names where she went.
   */
  victim_account?: string
  /**
   * What he says happened, in his words, kept beside her account.
   */
  perpetrator_account?: string
  /**
   * What a professional saw and how they judge it, in neutral words that name who did what.
   */
  professional_observation?: string
}
/**
 * The need for an interpreter or cultural mediator, the assignment, and conflicts of interest.
 */
export interface LanguageSupportFields {
  /**
   * The language or dialect needed, as a BCP 47 tag.
   */
  language_dialect?: string
  /**
   * The interpreter or mediator, by reference; never a child and never a relative.
   */
  interpreter_id?: string
  /**
   * What qualifies the interpreter, and until when it is valid.
   */
  qualification?: {
    code: 'none' | 'in_training' | 'trained' | 'certified' | 'sworn'
    expiresAt?: string
  }
  /**
   * When the interpreter was last trained on gender-based violence and work with perpetrators.
   */
  gbv_training_at?: string
  /**
   * Communities the interpreter belongs to, as local codes.
   *
   * @maxItems 30
   */
  community_codes?: string[]
  /**
   * Communities no interpreter may come from, as local codes; they say from whom somebody hides.
   *
   * @maxItems 30
   */
  excluded_community_codes?: string[]
  /**
   * When the interpreter signed the duty of confidentiality.
   */
  confidentiality_signed_at?: string
}
/**
 * Risk to self and others, and what belongs to treatment alone.
 */
export interface MentalHealthFields {
  /**
   * How great the clinician holds the risk that the person harms themselves.
   */
  suicide_self_harm_risk?: 'none' | 'low' | 'moderate' | 'high' | 'acute'
  /**
   * How great the clinician holds the risk that the person harms others.
   */
  harm_to_others_risk?: 'none' | 'low' | 'moderate' | 'high' | 'acute'
  /**
   * Whether a specialist should look at the person’s mental health.
   */
  further_assessment_needed?: boolean
  /**
   * Coarse classes of diagnosis.
   *
   * @maxItems 11
   */
  diagnosis?: (
    | 'depressive'
    | 'anxiety'
    | 'trauma_related'
    | 'psychotic'
    | 'bipolar'
    | 'personality'
    | 'substance_related'
    | 'neurodevelopmental'
    | 'neurocognitive'
    | 'eating'
    | 'other'
  )[]
  /**
   * Where psychiatric or psychological treatment stands.
   */
  treatment_status?:
    'none' | 'offered' | 'waiting' | 'in_treatment' | 'interrupted' | 'completed' | 'declined'
  /**
   * Whether treatment deals with trauma from flight or migration.
   */
  migration_trauma?: boolean
}
/**
 * Background, residence and relocation; never a risk factor as such, and never for enforcement.
 */
export interface MigrationFields {
  /**
   * Own or parental migration, for support and equal-treatment figures only.
   */
  migrant_background?: 'first_gen' | 'former_nationality' | 'second_gen' | 'none'
  /**
   * The kind of right to stay, in classes that hold across countries.
   */
  residence_status?:
    | 'citizen'
    | 'eu_citizen'
    | 'permanent'
    | 'temporary'
    | 'asylum_seeker'
    | 'protection'
    | 'visitor'
    | 'undocumented'
    | 'unknown'
  /**
   * Whether the right to stay hangs on the other party.
   */
  status_depends_on_partner?: boolean
  /**
   * The country (ISO 3166 alpha-2) to which the person means to move.
   */
  relocation_planned_country?: string
}
/**
 * What kinds of help the person needs and what was agreed to work towards.
 */
export interface NeedsAssessmentFields {
  /**
   * Areas in which the person needs help.
   *
   * @maxItems 8
   */
  need_codes?: (
    | 'legal'
    | 'health'
    | 'psychosocial'
    | 'employment'
    | 'education'
    | 'housing'
    | 'childcare'
    | 'income'
  )[]
  /**
   * What the person and the services agreed to work towards.
   */
  case_plan_goals?: string
}
/**
 * The contact that a support service offers to the partner or former partner of a man in a programme.
 */
export interface PartnerContactFields {
  /**
   * The name of the partner as he gave it at intake.
   */
  partner_name_as_given?: string
  /**
   * The number of the partner as he gave it, in E.164 form; it may not be safe, and it may trace her.
   */
  partner_phone_as_given?: string
  /**
   * When contact was offered to her.
   */
  offered_at?: string
  /**
   * Whether she took up the offer; her answer changes nothing in what he is told.
   */
  accepted?: 'pending' | 'accepted' | 'declined' | 'withdrawn' | 'unreachable'
  /**
   * The service that is in contact with her.
   */
  provider_org?: string
  /**
   * When the service was in contact with her.
   *
   * @maxItems 500
   */
  contact_log_at?: string[]
  /**
   * What she says has changed since he attends; it leaves the service only item by item, by her own consent.
   */
  partner_feedback_change?: string
  /**
   * Whether she told of a new incident.
   */
  new_incident_disclosed?: boolean
  /**
   * What she was told about the programme.
   *
   * @maxItems 8
   */
  programme_info_given?: (
    | 'aims'
    | 'content'
    | 'ground_rules'
    | 'duration'
    | 'limits_of_confidentiality'
    | 'no_guarantee_of_change'
    | 'own_support'
    | 'complaints'
  )[]
  /**
   * Until when the service stays in contact with her.
   */
  support_until?: string
}
/**
 * Who somebody in the case is: identity, demographics, and their role towards the others.
 */
export interface PersonFields {
  /**
   * The identifier under which agencies speak of the person without naming them.
   */
  pseudonym_id?: string
  /**
   * The name as the person uses it, or as on a document if that is what the source saw.
   */
  full_name?: string
  /**
   * The date of birth, for identification and for age bands.
   */
  birth_date?: string
  /**
   * Sex or gender as the person states it.
   */
  sex_gender?: 'female' | 'male' | 'non_binary' | 'other' | 'unknown'
  /**
   * Languages in which the person can be spoken with, best first, as BCP 47 tags.
   *
   * @maxItems 20
   */
  languages?: string[]
  /**
   * What services must arrange for so that the person can take part.
   *
   * @maxItems 9
   */
  disability_needs?: (
    | 'mobility'
    | 'vision'
    | 'hearing'
    | 'speech'
    | 'intellectual'
    | 'psychosocial'
    | 'chronic_illness'
    | 'personal_assistance'
    | 'other'
  )[]
  /**
   * The part the person has in this case; another case may give another one.
   */
  case_role?:
    | 'victim'
    | 'perpetrator_alleged'
    | 'perpetrator_convicted'
    | 'child_victim'
    | 'child_witness'
    | 'other_dependant'
    | 'current_partner_of_perpetrator'
    | 'witness'
    | 'reporting_person'
    | 'third_party'
  /**
   * How the person is related to the main other party of the case.
   */
  relationship_to_other_party?:
    | 'spouse'
    | 'former_spouse'
    | 'partner'
    | 'former_partner'
    | 'dating'
    | 'parent'
    | 'child'
    | 'sibling'
    | 'other_relative'
    | 'household_member'
    | 'acquaintance'
    | 'none'
    | 'unknown'
  /**
   * Whether the person lives with the other party at present; it tells where both of them can be found.
   */
  cohabiting_now?: boolean
}
/**
 * What the police hold on call-outs, measures and weapons.
 */
export interface PoliceReportFields {
  /**
   * The file number of the police.
   */
  report_number?: string
  /**
   * When the police were called.
   */
  callout_at?: string
  /**
   * How many call-outs there were within the last twelve months.
   */
  callouts_12m?: number
  /**
   * Whether somebody was arrested.
   */
  arrest_made?: boolean
  /**
   * Whether he has or may have a firearm; asked at every stage (Istanbul Convention art. 51(2)).
   */
  firearms_access?: 'none' | 'suspected' | 'licensed' | 'seized'
  /**
   * What else the investigation has established.
   */
  investigation_context?: string
}
/**
 * His way through a perpetrator programme: status, attendance, events, progress, and session notes that stay inside.
 */
export interface ProgrammeEngagementFields {
  /**
   * The programme, by its directory reference.
   */
  programme_id?: string
  /**
   * Whether attendance was imposed, recommended or his own choice.
   */
  entry_route?: 'mandatory' | 'recommended' | 'voluntary'
  /**
   * The day on which he enrolled.
   */
  enrolled_at?: string
  /**
   * Where he stands in the programme.
   */
  status?: 'intake' | 'active' | 'paused' | 'dropout' | 'excluded' | 'completed' | 'follow_up'
  /**
   * How many sessions the programme foresees for him.
   */
  sessions_planned?: number
  /**
   * How many sessions he has attended.
   */
  sessions_attended?: number
  /**
   * The day on which he last attended.
   */
  last_attended_at?: string
  /**
   * When he missed a session without excuse.
   */
  missed_unexcused_at?: string
  /**
   * When he left the programme before its end.
   */
  dropout_at?: string
  /**
   * Which rules of the programme he broke, and how.
   */
  rule_breach?: {
    /**
     * @minItems 1
     * @maxItems 9
     */
    codes: (
      | 'absence'
      | 'lateness'
      | 'non_participation'
      | 'intoxication'
      | 'disrespect'
      | 'aggression'
      | 'confidentiality_breach'
      | 'contact_breach'
      | 'other'
    )[]
    text?: string
  }
  /**
   * Whether he disclosed new violence, and what he said of it.
   */
  new_violence_disclosed?: {
    value: boolean
    text?: string
  }
  /**
   * A threat against a person, as heard, with whatever it says about where and when.
   */
  direct_threat?: string
  /**
   * How far he takes responsibility, from 1 (denies) to 5.
   */
  accountability_level?: number
  /**
   * How the programme judges his progress, without content of sessions.
   */
  progress_summary?: string
  /**
   * Notes on the content of sessions, which stay with the programme.
   */
  session_notes?: string
  /**
   * How his time in the programme ended.
   */
  completion_outcome?:
    | 'completed_with_progress'
    | 'completed_without_progress'
    | 'dropped_out'
    | 'excluded'
    | 'referred_on'
    | 'ended_by_authority'
    | 'ended_other'
}
/**
 * An order that keeps him away from her or the children: its status, its conditions and its breaches.
 */
export interface ProtectionOrderFields {
  /**
   * The kind of order; EPO is the European protection order.
   */
  order_type?: 'emergency_barring' | 'restraining' | 'protection' | 'no_contact' | 'bail' | 'EPO'
  /**
   * Where the order stands.
   */
  status?: 'requested' | 'in_force' | 'expired' | 'revoked' | 'breached'
  /**
   * From when until when the order binds him.
   */
  valid_from_to?: Interval
  /**
   * What the order forbids or demands, without naming any place.
   *
   * @maxItems 13
   */
  conditions?: (
    | 'no_contact'
    | 'no_contact_through_others'
    | 'leave_home'
    | 'stay_away_from_home'
    | 'stay_away_from_work'
    | 'stay_away_from_school'
    | 'minimum_distance'
    | 'surrender_weapons'
    | 'electronic_monitoring'
    | 'report_to_authority'
    | 'supervised_child_contact'
    | 'attend_programme'
    | 'other'
  )[]
  /**
   * The places that the order protects: his duty, but her whereabouts and those of the children.
   *
   * @maxItems 50
   */
  exclusion_places?: Address[]
  /**
   * Each known breach of the order, with its time and kind and without any place.
   *
   * @maxItems 200
   */
  breach_events?: {
    at: string
    kind:
      | 'contact'
      | 'approach'
      | 'entry'
      | 'threat'
      | 'violence'
      | 'surveillance'
      | 'through_others'
      | 'other'
    reportedToPolice?: boolean
  }[]
  /**
   * Reference of the certificate by which the order holds in another country.
   */
  cross_border_certificate?: string
}
/**
 * The passing of a person from one service to another, and what became of it.
 */
export interface ReferralFields {
  /**
   * Which agency refers to which one; the second tells where the person will be.
   */
  from_org_to_org?: {
    from: string
    to: string
  }
  /**
   * From which phase of the pathway to which: 1 frontline, 2 further services, 3 programme and victim support.
   */
  phase_from_to?: {
    from: number
    to: number
  }
  /**
   * Why the person is referred.
   *
   * @maxItems 20
   */
  reason_codes?: (
    | 'safety'
    | 'risk_assessment'
    | 'emergency_housing'
    | 'housing'
    | 'legal'
    | 'health'
    | 'mental_health'
    | 'substance_use'
    | 'psychosocial'
    | 'perpetrator_work'
    | 'partner_support'
    | 'couple_counselling'
    | 'child_protection'
    | 'parenting'
    | 'employment'
    | 'education'
    | 'income'
    | 'migration_advice'
    | 'language_support'
    | 'leisure'
    | 'other'
  )[]
  /**
   * How soon the receiver must act.
   */
  urgency?: 'immediate' | '24h' | '7d' | 'routine'
  /**
   * Where the referral stands.
   */
  status?: 'sent' | 'received' | 'accepted' | 'declined' | 'no_service' | 'withdrawn' | 'closed'
  /**
   * The referral that this one replaces because no suitable service took it.
   */
  fallback_of?: string
  /**
   * Whether the person knows of the referral and, if not, why not.
   */
  subject_knows?: {
    value: boolean
    reason?: string
  }
}
/**
 * The result of one assessment, whatever instrument was used: level, indicators and what she herself thinks.
 */
export interface RiskAssessmentFields {
  /**
   * The instrument, by its code in the register of instruments.
   */
  tool_code?: string
  /**
   * The version or edition of the instrument.
   */
  tool_version?: string
  /**
   * The level of risk that the assessor settled on.
   */
  risk_level?: 'standard' | 'medium' | 'high' | 'very_high'
  /**
   * The score as the instrument counts it.
   */
  score?: number
  /**
   * Risk indicators found, as neutral codes that belong to no instrument.
   *
   * @maxItems 21
   */
  indicators?: (
    | 'strangulation'
    | 'weapons'
    | 'threats_to_kill'
    | 'escalation'
    | 'separation'
    | 'stalking'
    | 'coercive_control'
    | 'sexual_violence'
    | 'pregnancy'
    | 'child_contact_conflict'
    | 'harm_to_children'
    | 'harm_to_animals'
    | 'substance_use'
    | 'mental_health'
    | 'suicide_threats'
    | 'order_breach'
    | 'prior_violence'
    | 'employment_change'
    | 'isolation'
    | 'victim_fear'
    | 'financial_control'
  )[]
  /**
   * Whether the professional holds the risk to be high whatever the score says.
   */
  professional_judgement_high?: boolean
  /**
   * How afraid she is, from 0 (not at all) to 10.
   */
  victim_fear_rating?: number
  /**
   * How she sees the danger, in her words; it may say where and when she is exposed.
   */
  victim_view?: string
  /**
   * Whether the risk went up, stayed or went down since the assessment before.
   */
  changed_since_last?: 'up' | 'same' | 'down'
  /**
   * Whether the coordination body counts him among those who need the closest attention.
   */
  priority_perpetrator?: boolean
  /**
   * The day by which the risk is to be assessed again.
   */
  next_review_at?: string
}
/**
 * What she and the services have arranged so that she and the children are safe.
 */
export interface SafetyPlanFields {
  /**
   * The version of the plan; that there is one already says something.
   */
  plan_version?: number
  /**
   * What was arranged, over all areas of her life.
   */
  measures?: {
    /**
     * @minItems 1
     * @maxItems 15
     */
    codes: (
      | 'home_security'
      | 'safe_place'
      | 'emergency_contacts'
      | 'code_word'
      | 'documents_ready'
      | 'device_safety'
      | 'route_change'
      | 'workplace_safety'
      | 'school_safety'
      | 'money_reserve'
      | 'health_care'
      | 'social_support'
      | 'child_arrangement'
      | 'animal_care'
      | 'other'
    )[]
    text?: string
  }
  /**
   * How she would leave, and where to.
   */
  escape_route?: string
  /**
   * Reference to somebody she can turn or go to.
   */
  safe_person?: string
  /**
   * What an agency has undertaken to do for her plan.
   */
  agency_task?: string
  /**
   * The day on which she goes through the plan again with the service.
   */
  next_review_at?: string
}
/**
 * Alcohol, drugs and gambling as far as they bear on risk, and their treatment.
 */
export interface SubstanceUseFields {
  /**
   * Whether there is a problem with alcohol or drugs.
   */
  alcohol_drug_problem?: 'none' | 'suspected' | 'confirmed'
  /**
   * When the person relapsed.
   */
  relapse_event_at?: string
  /**
   * Where treatment of the addiction stands.
   */
  treatment_status?:
    'none' | 'offered' | 'waiting' | 'in_treatment' | 'interrupted' | 'completed' | 'declined'
  /**
   * Whether there is a problem with gambling.
   */
  gambling?: boolean
}
/**
 * That and how a support service helps her; its existence alone can put her in danger.
 */
export interface VictimSupportFields {
  /**
   * The service that helps her, by its directory reference.
   */
  service_used?: string
  /**
   * Who at the service works with her; following them leads to her.
   */
  case_worker?: string
  /**
   * Notes of her counselling, which stay with the service.
   */
  counselling_notes?: string
}

/** Every record type, by name. */
export const RECORD_TYPES = [
  'child',
  'conference',
  'contact_location',
  'criminal_proceedings',
  'feedback',
  'health',
  'incident',
  'language_support',
  'mental_health',
  'migration',
  'needs_assessment',
  'partner_contact',
  'person',
  'police_report',
  'programme_engagement',
  'protection_order',
  'referral',
  'risk_assessment',
  'safety_plan',
  'substance_use',
  'victim_support',
] as const
export type RecordType = (typeof RECORD_TYPES)[number]

/** Every field id, `record_type.field`. */
export type FieldId = { [Type in RecordType]: `${Type}.${keyof RecordFields[Type] & string}` }[RecordType]
