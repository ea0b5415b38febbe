import type { AnswerAttribute, WordAttribute } from './neutral-words.ts'

/** Weaker forms in which a value may leave. */
export type Weakening =
  'pseudonymise' | 'area-only' | 'flag-only' | 'summary' | 'band' | 'offence-class'

/** Words of which one must be the attribute's, or none. */
export type Words = readonly string[] | { readonly not: readonly string[] }

/** Conditions that must hold together; what is not named is not asked. */
export type Conditions = { readonly [A in WordAttribute]?: Words } & {
  readonly [A in AnswerAttribute]?: boolean
} & { readonly channel?: { readonly atLeast: number } | { readonly below: number } }

/** A permit, or a forbid that any one of `unless` lifts. */
export interface NeutralRule {
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly when: Conditions
  readonly unless: readonly Conditions[]
  /** Of a permit: the value leaves only in this form; null: as it is. */
  readonly weakening: Weakening | null
}

const JUSTICE = ['police', 'probation', 'prosecution', 'courts', 'prisons']
const HEALTH = ['health-acute', 'health-primary', 'mental-health', 'substance-misuse']
const SOCIAL = ['child-protection', 'adult-safeguarding']
const MEDICAL = ['health-physical', 'health-mental', 'substance', 'disability']
const OFFENCE = ['offence', 'conviction', 'bail-conditions']
const WHERE = ['address', 'location']
const CONFERENCE = ['risk-assessment', 'safety-planning', 'case-conference']
const TRIAL = ['criminal-investigation', 'prosecution', 'sentencing']
const GRANTED = ['granted']
const bound = { atLeast: 2 }
const sealed = { atLeast: 3 }
const secured = { atLeast: 1 }

/** Permits that release a value as it is, by id. */
const PLAIN: Readonly<Record<string, Conditions>> = {
  'p01-identity-multi-agency': {
    category: ['identity'],
    purpose: [...CONFERENCE, 'child-safeguarding'],
    channel: secured,
  },
  'p02-identity-justice': {
    category: ['identity'],
    sector: JUSTICE,
    purpose: [...TRIAL, 'offender-management'],
    channel: secured,
  },
  'p03-identity-programme': {
    category: ['identity'],
    sector: ['perpetrator-programme'],
    subject: ['perpetrator'],
    purpose: ['programme-suitability', 'partner-contact'],
  },
  'p04-contact-support': {
    category: ['contact'],
    sector: ['victim-services', 'refuge'],
    purpose: ['safety-planning', 'partner-contact'],
    channel: bound,
  },
  'p05-contact-police': {
    category: ['contact'],
    sector: ['police'],
    role: ['officer', 'detective'],
    purpose: ['risk-assessment', 'criminal-investigation'],
    channel: bound,
  },
  'p06-partner-contact': {
    category: ['contact', 'identity'],
    subject: ['victim'],
    purpose: ['partner-contact'],
    consent: GRANTED,
    channel: bound,
  },
  'p07-address-police-courts': {
    category: WHERE,
    sector: ['police', 'courts'],
    purpose: ['criminal-investigation', 'safety-planning', 'prosecution'],
    channel: sealed,
  },
  'p08-address-refuge': {
    category: WHERE,
    sector: ['refuge', 'victim-services'],
    consent: GRANTED,
    purpose: ['safety-planning'],
    channel: sealed,
  },
  'p09-perp-address': {
    category: WHERE,
    subject: ['perpetrator'],
    sector: [...JUSTICE, 'victim-services'],
    purpose: [...CONFERENCE, 'offender-management'],
    fresh: true,
    channel: bound,
  },
  'p10-child-address': {
    category: WHERE,
    subject: ['child'],
    sector: ['child-protection'],
    role: ['social-worker', 'team-manager'],
    channel: sealed,
  },
  'p11-housing-allocation': {
    category: ['housing', 'family', 'disability'],
    sector: ['housing'],
    role: ['housing-officer', 'team-manager'],
    purpose: ['housing-allocation'],
    consent: GRANTED,
  },
  'p12-benefit-claim': {
    category: ['employment', 'housing', 'disability'],
    sector: ['benefits'],
    purpose: ['benefit-claim'],
    consent: GRANTED,
    fresh: true,
  },
  'p13-medical-treatment': {
    category: MEDICAL,
    sector: HEALTH,
    role: ['gp', 'nurse', 'psychiatrist', 'psychologist'],
    purpose: ['treatment'],
    channel: bound,
  },
  'p14-medical-risk': {
    category: ['health-mental', 'substance'],
    sector: [...HEALTH, ...SOCIAL],
    purpose: ['risk-assessment', 'case-conference'],
    channel: bound,
    verified: true,
  },
  'p15-medical-consent': {
    category: MEDICAL,
    consent: GRANTED,
    purpose: ['safety-planning', 'case-conference', 'programme-suitability'],
    channel: bound,
  },
  'p16-medical-child-emergency': {
    category: MEDICAL,
    sector: ['child-protection'],
    purpose: ['child-safeguarding'],
    emergency: true,
  },
  'p17-offence-justice': {
    category: OFFENCE,
    sector: JUSTICE,
    purpose: [...TRIAL, 'offender-management', 'risk-assessment'],
  },
  'p18-offence-programme': {
    category: ['offence', 'conviction'],
    sector: ['perpetrator-programme'],
    agreement: true,
    purpose: ['programme-suitability'],
    role: ['programme-worker', 'case-coordinator'],
  },
  'p19-bail-victim-services': {
    category: ['bail-conditions'],
    sector: ['victim-services', 'refuge'],
    role: ['victim-advocate'],
    purpose: ['safety-planning'],
    fresh: true,
  },
  'p20-offence-child-protection': {
    category: OFFENCE,
    subject: ['perpetrator'],
    sector: ['child-protection'],
    purpose: ['child-safeguarding'],
    channel: bound,
  },
  'p21-risk-score-multi-agency': {
    category: ['risk-score'],
    purpose: CONFERENCE,
    verified: true,
    fresh: true,
  },
  'p22-risk-score-emergency': { category: ['risk-score'], emergency: true },
  'p23-narrative-justice': {
    category: ['incident-narrative'],
    sector: ['police', 'prosecution', 'courts'],
    role: ['detective', 'prosecutor', 'judge'],
    channel: bound,
  },
  'p24-narrative-advocate': {
    category: ['incident-narrative'],
    sector: ['victim-services'],
    role: ['victim-advocate'],
    source: ['victim', 'police', 'agency'],
    purpose: CONFERENCE,
  },
  'p25-statement-consent': {
    category: ['partner-statement'],
    consent: GRANTED,
    purpose: ['risk-assessment', 'partner-contact', 'safety-planning'],
    channel: bound,
  },
  'p26-attendance-probation': {
    category: ['programme-attendance'],
    sector: ['probation', 'courts', 'police'],
    purpose: ['offender-management', 'sentencing', 'risk-assessment'],
  },
  'p27-attendance-victim-services': {
    category: ['programme-attendance'],
    sector: ['victim-services'],
    purpose: ['safety-planning', 'partner-contact'],
    source: ['agency'],
  },
  'p28-family-social': {
    category: ['family', 'education'],
    sector: [...SOCIAL, 'education'],
    purpose: ['child-safeguarding', 'case-conference'],
  },
  'p29-education-lead': {
    category: ['education', 'family'],
    sector: ['education'],
    role: ['safeguarding-lead', 'teacher'],
    subject: ['child'],
    purpose: ['child-safeguarding'],
  },
  'p30-employment-programme': {
    category: ['employment', 'family'],
    sector: ['perpetrator-programme'],
    subject: ['perpetrator'],
    source: ['perpetrator', 'agency'],
    purpose: ['programme-suitability'],
  },
  'p31-emergency-contact': {
    category: ['contact', ...WHERE],
    sector: ['police', 'health-acute', 'child-protection'],
    emergency: true,
    channel: secured,
  },
  'p32-prison-release': {
    category: ['risk-score', 'conviction', 'bail-conditions'],
    sector: ['prisons', 'probation'],
    role: ['probation-officer', 'officer', 'team-manager'],
    purpose: ['offender-management'],
    verified: true,
  },
  'p33-special-category-consent': {
    category: ['special-category'],
    consent: GRANTED,
    purpose: ['safety-planning', 'treatment'],
    sector: [...HEALTH, 'victim-services', 'refuge'],
  },
}

/** Permits that release a weaker form, by id. */
const WEAKENED: Readonly<Record<string, readonly [Weakening, Conditions]>> = {
  't01-identity-pseudonym': [
    'pseudonymise',
    {
      category: ['identity', 'family'],
      purpose: ['research', 'audit'],
      role: ['analyst', 'auditor'],
    },
  ],
  't02-address-area': [
    'area-only',
    {
      category: WHERE,
      purpose: [...CONFERENCE, 'housing-allocation'],
      sector: [...SOCIAL, 'housing', 'probation'],
      channel: bound,
    },
  ],
  't03-medical-flag': [
    'flag-only',
    { category: MEDICAL, purpose: ['risk-assessment', 'case-conference'], channel: secured },
  ],
  't04-narrative-summary': [
    'summary',
    {
      category: ['incident-narrative'],
      purpose: [...CONFERENCE, 'programme-suitability'],
      channel: secured,
    },
  ],
  't05-statement-summary': [
    'summary',
    {
      category: ['partner-statement'],
      sector: ['perpetrator-programme'],
      purpose: ['programme-suitability'],
      consent: GRANTED,
    },
  ],
  't06-risk-band': ['band', { category: ['risk-score'], fresh: false, purpose: CONFERENCE }],
  't07-offence-category': [
    'offence-class',
    {
      category: OFFENCE,
      sector: [...SOCIAL, 'housing', 'victim-services', 'refuge'],
      purpose: CONFERENCE,
    },
  ],
}

/** Forbids, by id: when they hold, and what lifts them. */
const FORBIDS: Readonly<Record<string, readonly [Conditions, ...Conditions[]]>> = {
  'f01-victim-source-to-programme': [
    { source: ['victim'], sector: ['perpetrator-programme'] },
    { purpose: ['partner-contact'], consent: GRANTED },
  ],
  'f02-victim-location-programme': [
    { category: [...WHERE, 'contact'], subject: ['victim'], sector: ['perpetrator-programme'] },
    { category: ['contact'], purpose: ['partner-contact'], consent: GRANTED },
  ],
  'f03-victim-location-courts-only': [
    {
      category: WHERE,
      subject: ['victim'],
      sector: { not: ['courts', 'police', 'refuge', 'victim-services'] },
    },
    { emergency: true, sector: ['child-protection', 'health-acute'] },
  ],
  'f04-medical': [
    { category: MEDICAL, sector: { not: HEALTH }, consent: { not: GRANTED } },
    { sector: ['child-protection'], purpose: ['child-safeguarding'], emergency: true },
    { sector: SOCIAL, purpose: ['risk-assessment'] },
  ],
  'f05-offence-competent': [
    { category: ['offence', 'conviction'], sector: { not: JUSTICE } },
    { sector: ['perpetrator-programme'], agreement: true },
    { sector: [...SOCIAL, 'victim-services'] },
  ],
  'f06-withdrawn': [
    { consent: ['withdrawn'] },
    { sector: JUSTICE, purpose: TRIAL },
    { emergency: true, purpose: ['child-safeguarding', 'safety-planning'] },
  ],
  'f07-stale-location': [
    { category: [...WHERE, 'contact', 'bail-conditions'], fresh: false },
    { emergency: true },
  ],
  'f08-unverified-adverse': [
    {
      category: [...OFFENCE, 'risk-score'],
      verified: false,
      purpose: { not: ['criminal-investigation'] },
    },
  ],
  'f09-weak-channel': [
    { category: [...MEDICAL, ...OFFENCE, ...WHERE, 'special-category'], channel: { below: 1 } },
  ],
  'f10-child-source': [
    { source: ['child'], sector: { not: [...SOCIAL, 'police', 'courts'] } },
    { sector: ['education'], role: ['safeguarding-lead'] },
  ],
  'f11-immigration-firewall': [{ sector: ['immigration'], subject: ['victim', 'child'] }],
  'f12-third-party-narrative': [
    {
      source: ['third-party'],
      category: ['incident-narrative', 'partner-statement'],
      sector: { not: JUSTICE },
    },
    { verified: true, sector: SOCIAL },
  ],
}

/** 33 plain permits, 7 permits of a weaker form, 12 forbids; sorted by id within each kind. */
export const RULES: readonly NeutralRule[] = [
  ...Object.entries(PLAIN).map(([id, when]) => permit(id, when, null)),
  ...Object.entries(WEAKENED).map(([id, [weakening, when]]) => permit(id, when, weakening)),
  ...Object.entries(FORBIDS).map(([id, [when, ...unless]]): NeutralRule => ({
    id,
    effect: 'forbid',
    when,
    unless,
    weakening: null,
  })),
]

function permit(id: string, when: Conditions, weakening: Weakening | null): NeutralRule {
  return { id, effect: 'permit', when, unless: [], weakening }
}
