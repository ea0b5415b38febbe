/**
 * Vocabulary of the neutral rule set: what is shared by all engines that are compared, and belongs to
 * none of them. Its words are not those of the server, so that nothing can lean on the latter.
 */

/** Every attribute with the values that it can have, in order. */
export const DOMAINS = {
  sector: [
    'police',
    'probation',
    'prosecution',
    'courts',
    'prisons',
    'child-protection',
    'adult-safeguarding',
    'health-acute',
    'health-primary',
    'mental-health',
    'substance-misuse',
    'housing',
    'education',
    'victim-services',
    'perpetrator-programme',
    'refuge',
    'benefits',
    'immigration',
  ],
  role: [
    'officer',
    'detective',
    'analyst',
    'probation-officer',
    'prosecutor',
    'judge',
    'clerk',
    'social-worker',
    'team-manager',
    'gp',
    'nurse',
    'psychiatrist',
    'psychologist',
    'housing-officer',
    'teacher',
    'safeguarding-lead',
    'victim-advocate',
    'programme-worker',
    'case-coordinator',
    'auditor',
  ],
  purpose: [
    'risk-assessment',
    'safety-planning',
    'child-safeguarding',
    'criminal-investigation',
    'prosecution',
    'sentencing',
    'offender-management',
    'programme-suitability',
    'partner-contact',
    'treatment',
    'housing-allocation',
    'benefit-claim',
    'case-conference',
    'audit',
    'research',
  ],
  emergency: [false, true],
  agreement: [false, true],
  /** Strength of the channel. */
  channel: [0, 1, 2, 3],
  category: [
    'identity',
    'contact',
    'address',
    'location',
    'employment',
    'family',
    'education',
    'housing',
    'health-physical',
    'health-mental',
    'substance',
    'disability',
    'offence',
    'conviction',
    'bail-conditions',
    'risk-score',
    'incident-narrative',
    'partner-statement',
    'programme-attendance',
    'special-category',
  ],
  subject: ['victim', 'perpetrator', 'child', 'other'],
  source: ['victim', 'perpetrator', 'agency', 'police', 'third-party', 'child'],
  consent: ['granted', 'withdrawn', 'none', 'expired'],
  verified: [false, true],
  /** Not older than the category allows. */
  fresh: [false, true],
} as const

export type Attribute = keyof typeof DOMAINS
/** Attributes whose values are words. */
export type WordAttribute =
  'sector' | 'role' | 'purpose' | 'category' | 'subject' | 'source' | 'consent'
export type AnswerAttribute = 'emergency' | 'agreement' | 'verified' | 'fresh'

export const ATTRIBUTES = Object.freeze(Object.keys(DOMAINS) as Attribute[])

/** Days after which a value of a category is no longer fresh. */
export const LASTS: Readonly<Record<string, number>> = {
  identity: 3650,
  contact: 365,
  address: 180,
  location: 30,
  employment: 730,
  family: 1095,
  education: 730,
  housing: 365,
  'health-physical': 1095,
  'health-mental': 1095,
  substance: 730,
  disability: 1825,
  offence: 3650,
  conviction: 3650,
  'bail-conditions': 180,
  'risk-score': 90,
  'incident-narrative': 1825,
  'partner-statement': 365,
  'programme-attendance': 730,
  'special-category': 1825,
}
