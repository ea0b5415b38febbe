/**
 * What each type of audit event tells: docs/audit-events.md is written from this table, and a test holds
 * every event that the operations of the contract write to it.
 */
import type { EventType } from './event.ts'
import { SERVER_EVENT_SHAPES } from './server-event-shapes.ts'

/** The operations that LED art. 25(1) wants logged; a transfer is a disclosure with `transfers` that leave. */
export type LedClass = 'collect' | 'alter' | 'consult' | 'disclose' | 'combine' | 'erase'

/** Members of one type of event besides the header that names id, time, type, result and who acted. */
export interface EventShape {
  /** Null for what is not about anybody's data. */
  readonly led: LedClass | null
  /** One sentence, for people. */
  readonly says: string
  /** Of the header: whom or what it is always about. */
  readonly about: readonly ('caseId' | 'subjectId')[]
  /** Always there, in the part that shows what whoever acted saw. */
  readonly public: readonly string[]
  /** Always there, in the part that holds the rest. */
  readonly private: readonly string[]
  /** There where it applies, in either part. */
  readonly sometimes?: readonly string[]
  /** Who writes it besides operations of the contract: commands and clocks. */
  readonly beside?: readonly string[]
}

const CASE = ['caseId'] as const
const PERSON = ['caseId', 'subjectId'] as const
const NOBODY = [] as const

const DECIDED = {
  led: 'disclose',
  about: PERSON,
  public: [
    'disclosureId',
    'purpose',
    'requested',
    'justified',
    'exception',
    'channel',
    'sealed',
    'policy',
    'outcome',
    'entries',
    'recipient',
    'transfers',
    'replayOf',
    'releaseOf',
  ],
  private: [
    'disclosureId',
    'hidden',
    'ruleErrors',
    'considered',
    'catalogueVersion',
    'sealedDigest',
  ],
} as const

const ALTERED = {
  led: 'alter',
  about: CASE,
  public: ['recordId', 'recordType', 'version', 'fields'],
} as const

const LOG_READ = { led: 'consult', about: NOBODY, private: [] } as const

/** Shape by type. */
export const EVENT_SHAPES: { readonly [Type in EventType]: EventShape } = {
  'disclose.decided': {
    ...DECIDED,
    says: 'A request for fields was decided; what was released has left.',
  },
  'disclose.previewed': {
    ...DECIDED,
    says: 'The same, asked as a preview: decided, and no value was opened.',
  },
  'disclose.refused': {
    led: 'disclose',
    says: 'A request or preview about a case or person that is not the caller’s to know.',
    about: PERSON,
    public: ['purpose', 'requested', 'justified', 'exception', 'kind', 'refused'],
    private: ['cause'],
  },
  'disclose.unreadable': {
    led: 'disclose',
    says: 'Values that were decided to leave would not open, and did not.',
    about: PERSON,
    public: ['disclosureId', 'purpose', 'fields'],
    private: ['records'],
  },
  'collect.deposited': {
    led: 'collect',
    says: 'A record was deposited.',
    about: CASE,
    public: ['recordId', 'recordType', 'version', 'fields'],
    private: ['duties', 'informants', 'recordDigest'],
  },
  'alter.amended': {
    ...ALTERED,
    says: 'Values of a record were changed or taken out.',
    public: [...ALTERED.public, 'removed'],
    private: ['duties', 'informants', 'answered', 'recordDigest'],
  },
  'alter.verified': {
    ...ALTERED,
    says: 'The source looked at values again and stands by them.',
    private: ['answered', 'recordDigest'],
  },
  'alter.contested': {
    ...ALTERED,
    says: 'Somebody says that values are wrong.',
    private: ['contestedBy', 'recordDigest'],
  },
  'consult.case_viewed': {
    led: 'consult',
    says: 'A case was read: its shape, its duties, or what is missing of its intake.',
    about: CASE,
    public: [],
    private: [],
    sometimes: ['persons', 'members', 'duties', 'records'],
  },
  'consult.reviews_listed': {
    led: 'consult',
    says: 'Open review tasks were listed.',
    about: NOBODY,
    public: ['reviews'],
    private: [],
  },
  'consult.review_viewed': {
    led: 'consult',
    says: 'The justification behind a request was opened for its reviewer.',
    about: PERSON,
    public: ['reviewId', 'disclosureId', 'purpose', 'fields'],
    private: [],
  },
  'consult.explanation_viewed': {
    led: 'consult',
    says: 'A past decision was explained to a data protection officer or to the operator.',
    about: PERSON,
    public: ['disclosureId', 'lawfulUse', 'purpose'],
    private: ['views'],
    beside: ['policy explain'],
  },
  'consult.disclosure_viewed': {
    led: 'consult',
    says: 'A past request was read again by whoever made it.',
    about: PERSON,
    public: ['disclosureId', 'purpose', 'fields'],
    private: [],
  },
  'consult.disclosures_listed': {
    led: 'consult',
    says: 'Requests made, or what left from the own records, were listed.',
    about: NOBODY,
    public: ['direction', 'disclosures'],
    private: [],
  },
  'consult.proof_viewed': {
    led: 'consult',
    says: 'The event of a past request was opened and proven to be in the log.',
    about: PERSON,
    public: ['disclosureId'],
    private: [],
  },
  'consult.consent_viewed': {
    led: 'consult',
    says: 'A consent was read.',
    about: PERSON,
    public: ['consentId'],
    private: [],
  },
  'consult.notices_listed': {
    led: 'consult',
    says: 'Notices were read; looking and finding none is no event.',
    about: NOBODY,
    public: ['notices'],
    private: [],
  },
  'consult.log_searched': {
    ...LOG_READ,
    says: 'The audit log was searched, for one of the four uses of LED art. 25(2).',
    public: ['lawfulUse', 'filters', 'continued', 'events'],
    beside: ['audit search'],
  },
  'consult.log_event_viewed': {
    ...LOG_READ,
    says: 'An event of the audit log was opened, with the justification where there is one.',
    public: ['eventId', 'lawfulUse', 'views'],
    beside: ['audit show'],
  },
  'consult.log_proof_viewed': {
    ...LOG_READ,
    says: 'An event was proven to be in the log.',
    public: ['eventId', 'lawfulUse', 'both'],
    beside: ['audit prove'],
  },
  'consult.log_exported': {
    ...LOG_READ,
    says: 'Events were exported: begun, and completed or aborted.',
    public: ['lawfulUse', 'format', 'stage'],
    sometimes: ['filters', 'count', 'begunBy'],
    beside: ['audit export'],
  },
  'erase.person_erased': {
    led: 'erase',
    says: 'The key of a person at one agency was destroyed, and the salts of events about the person.',
    about: PERSON,
    public: ['ground', 'events', 'versions', 'keyDestroyed', 'digest'],
    private: [],
    beside: ['person erase'],
  },
  'erase.audit_retired': {
    led: 'erase',
    says: 'The events of a month were detached; the tree and all proofs stay.',
    about: NOBODY,
    public: ['month', 'events', 'firstLeaf', 'lastLeaf', 'digest', 'archiveSha256'],
    private: [],
    beside: ['audit retire'],
  },
  'case.created': {
    led: 'collect',
    says: 'A case was opened, with persons in roles.',
    about: CASE,
    public: ['actsFor', 'persons'],
    private: [],
  },
  'case.person_added': {
    led: 'collect',
    says: 'A person was brought into a case.',
    about: PERSON,
    public: ['personId', 'roles'],
    private: [],
  },
  'case.member_added': {
    led: 'alter',
    says: 'An agency was brought into a case.',
    about: CASE,
    public: ['memberId', 'actsFor', 'until'],
    private: [],
  },
  'case.member_removed': {
    led: 'alter',
    says: 'An agency left a case, or was let go.',
    about: CASE,
    public: ['memberId', 'actsFor'],
    private: [],
  },
  'consent.recorded': {
    led: 'collect',
    says: 'What a person consented to was taken down: purposes, recipients, fields.',
    about: PERSON,
    public: ['consentId', 'items', 'expiresAt'],
    private: ['consentDigest'],
  },
  'consent.withdrawn': {
    led: 'alter',
    says: 'A consent was withdrawn; who had received something under it was told to stop.',
    about: PERSON,
    public: ['consentId'],
    private: ['told'],
  },
  'review.decided': {
    led: 'disclose',
    says: 'A person at the source, or after an exception a second one, decided on a request.',
    about: PERSON,
    public: ['reviewId', 'disclosureId', 'kind', 'decision', 'purpose', 'fields'],
    private: ['hash', 'signature', 'noteDigest'],
  },
  'review.overdue': {
    led: null,
    says: 'Nobody decided a review in time.',
    about: PERSON,
    public: ['reviewId', 'disclosureId', 'kind', 'dueAt'],
    private: ['reviewingAgencyId'],
    beside: ['mark_overdue_reviews'],
  },
  'verification.requested': {
    led: 'alter',
    says: 'A recipient asked sources to look at values again.',
    about: PERSON,
    public: ['disclosureId', 'fields', 'purpose'],
    private: ['told'],
  },
  'duty.missed': {
    led: null,
    says: 'Something that had to be told in time was not.',
    about: CASE,
    public: ['dutyId', 'rule', 'recordId', 'field'],
    private: [],
    beside: ['settle_duties'],
  },
  'notice.acknowledged': {
    led: null,
    says: 'A named person has read a notice.',
    about: NOBODY,
    public: ['noticeId', 'notice'],
    private: [],
  },
  ...SERVER_EVENT_SHAPES,
}
