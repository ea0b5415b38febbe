/**
 * What each type of audit event tells: docs/audit-events.md is written from this table, and a test holds
 * every event that the operations of the contract write to it.
 */
import type { EventType } from './event.ts'

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

const DRAFT = { led: null, about: NOBODY, private: [] } as const

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
    public: ['disclosureId', 'purpose'],
    private: ['views'],
    sometimes: ['lawfulUse'],
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
  'agency.created': {
    led: null,
    says: 'An agency was registered; keys by thumbprint.',
    about: NOBODY,
    public: [
      ...['agencyId', 'parentId', 'sector', 'country', 'public', 'scopes', 'operator'],
      ...['jwks', 'sealingKey'],
    ],
    private: ['agencyDigest'],
    sometimes: ['practitionerId', 'practitionerDigest'],
    beside: ['admin create', 'agency add'],
  },
  'agency.changed': {
    led: null,
    says: 'An agency’s entry was changed: settings from what to what, names and contacts only that they were.',
    about: NOBODY,
    public: ['agencyId', 'changed', 'settings', 'version'],
    private: ['agencyDigest'],
  },
  'practitioner.created': {
    led: null,
    says: 'A practitioner was registered; never the pseudonym.',
    about: NOBODY,
    public: ['agencyId', 'createdId', 'roles', 'trainings', 'active', 'jwk'],
    private: ['practitionerDigest'],
  },
  'practitioner.changed': {
    led: null,
    says: 'Roles, trainings, key or activity of a practitioner were changed.',
    about: NOBODY,
    public: ['agencyId', 'changedId', 'changed', 'settings', 'version'],
    private: ['practitionerDigest'],
  },
  'agreement.created': {
    led: null,
    says: 'A written agreement was recorded.',
    about: NOBODY,
    public: ['agreementId', 'parties', 'purposes', 'validFrom', 'validTo', 'policyApproval'],
    private: ['agreementDigest'],
  },
  'agreement.accepted': {
    led: null,
    says: 'A party said that it is bound.',
    about: NOBODY,
    public: ['agreementId', 'parties', 'inForce'],
    private: [],
  },
  'agreement.terminated': {
    led: null,
    says: 'An agreement was ended early.',
    about: NOBODY,
    public: ['agreementId', 'parties', 'validTo', 'terminatedAt'],
    private: [],
  },
  'agreement.ended': {
    led: null,
    says: 'The end of an agreement has come.',
    about: NOBODY,
    public: ['agreementId', 'parties'],
    private: [],
    beside: ['announce_agreement_ends'],
  },
  'policy.draft_created': {
    ...DRAFT,
    says: 'A draft of the sharing rules was begun.',
    public: ['draftId', 'hash', 'basedOn'],
    sometimes: ['reactivates'],
  },
  'policy.draft_changed': {
    ...DRAFT,
    says: 'A draft was replaced.',
    public: ['draftId', 'hash', 'basedOn'],
    sometimes: ['reactivates'],
  },
  'policy.draft_opened': {
    ...DRAFT,
    says: 'A draft was opened for comment.',
    public: ['draftId', 'hash', 'commentUntil'],
  },
  'policy.draft_commented': {
    ...DRAFT,
    says: 'Somebody commented on a draft.',
    public: ['draftId', 'commentId'],
  },
  'policy.draft_approved': {
    ...DRAFT,
    says: 'A second administrator approved a draft, by signature.',
    public: ['draftId', 'hash', 'diffHash'],
    private: ['signature'],
  },
  'policy.draft_withdrawn': {
    ...DRAFT,
    says: 'A draft was withdrawn.',
    public: ['draftId'],
  },
  'policy.activated': {
    led: null,
    says: 'A version of the sharing rules came into force.',
    about: NOBODY,
    public: ['version', 'hash', 'basedOn'],
    private: ['versionDigest'],
    sometimes: ['draftId', 'reactivates'],
    beside: ['init'],
  },
  'policy.replayed': {
    led: 'combine',
    says: 'Recorded decisions of all agencies were decided again by other rules; counts came of it.',
    about: NOBODY,
    public: ['hash', 'from', 'to'],
    private: [],
    sometimes: ['draftId'],
    beside: ['policy replay'],
  },
  'key.created': {
    led: null,
    says: 'The server has a new key.',
    about: NOBODY,
    public: ['purpose'],
    private: [],
    sometimes: ['kid', 'epoch'],
    beside: ['init', 'keys rotate encryption'],
  },
  'key.rotated': {
    led: null,
    says: 'A key of the server took the place of another.',
    about: NOBODY,
    public: ['purpose'],
    private: [],
    sometimes: ['kid', 'signsFrom', 'vkey', 'fromSize', 'oldUntil', 'epoch', 'compromised'],
    beside: ['keys rotate token', 'keys rotate encryption', 'keys rotate log'],
  },
  'configuration.changed': {
    led: null,
    says: 'A server started with settings other than the last one: by name and hash, of secrets only whether they are set.',
    about: NOBODY,
    public: ['changed'],
    private: [],
    beside: ['serve'],
  },
  'program.started': {
    led: null,
    says: 'A server process started.',
    about: NOBODY,
    public: ['version', 'node'],
    private: [],
    beside: ['serve'],
  },
  'database.migrated': {
    led: null,
    says: 'Migrations were applied.',
    about: NOBODY,
    public: ['applied', 'version'],
    private: [],
    beside: ['migrate'],
  },
  'integrity.incident_found': {
    led: null,
    says: 'The self-check found a row that is not what the log says.',
    about: NOBODY,
    public: ['incidentId', 'kind', 'table'],
    private: ['row', 'about'],
    beside: ['self_check'],
  },
  'integrity.incident_closed': {
    led: null,
    says: 'The operator closed an integrity incident.',
    about: NOBODY,
    public: ['incidentId'],
    private: [],
    beside: ['log close-incident'],
  },
  'integrity.witness_refused': {
    led: null,
    says: 'A witness said that it has seen another log: this server went back, or was forked.',
    about: NOBODY,
    public: ['witness', 'as', 'size', 'stored'],
    private: [],
    beside: ['collect_cosignatures'],
  },
  'integrity.witnesses_missing': {
    led: null,
    says: 'Too few witnesses had cosigned the log for longer than the bound.',
    about: NOBODY,
    public: ['quorum', 'witnesses', 'bound'],
    private: [],
    beside: ['collect_cosignatures'],
  },
  'integrity.witnesses_back': {
    led: null,
    says: 'Enough witnesses cosign the log again.',
    about: NOBODY,
    public: ['quorum', 'witnesses', 'bound'],
    private: [],
    beside: ['collect_cosignatures'],
  },
  'signin.token_issued': {
    led: null,
    says: 'An agency’s software signed in.',
    about: NOBODY,
    public: ['scopes', 'keyThumbprint'],
    private: [],
    beside: ['POST /oauth/token'],
  },
  'signin.token_refused': {
    led: null,
    says: 'No token was given; of a client that does not exist nothing is repeated.',
    about: NOBODY,
    public: ['refused'],
    private: ['practitionerId'],
    beside: ['POST /oauth/token'],
  },
  'signin.refusals_counted': {
    led: null,
    says: 'Refusals of one kind in one minute beyond the first ten, counted.',
    about: NOBODY,
    public: ['refused', 'of', 'count', 'from', 'to'],
    private: [],
    beside: ['count_refusals'],
  },
  'authority.refused': {
    led: null,
    says: 'An operation was refused for want of authority, or a person’s signature did not verify.',
    about: NOBODY,
    public: ['refused'],
    private: [],
    sometimes: [
      'operation',
      'target',
      'purpose',
      'requested',
      'justified',
      'exception',
      'kind',
      'cause',
      'practitionerId',
    ],
  },
  'authority.limited': {
    led: null,
    says: 'Somebody asked too often: in all, about one person, or with failed sign-ins.',
    about: NOBODY,
    public: ['refused'],
    private: ['practitionerId'],
  },
}
