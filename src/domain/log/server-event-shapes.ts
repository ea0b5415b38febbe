/** The second half of the table of events: what is about the server and who takes part, not about a case. */
import type { EventShape } from './event-shapes.ts'
import type { EventType } from './event.ts'

const NOBODY = [] as const

const DRAFT = { led: null, about: NOBODY, private: [] } as const

type Area =
  | 'agency'
  | 'agreement'
  | 'authority'
  | 'configuration'
  | 'database'
  | 'integrity'
  | 'key'
  | 'policy'
  | 'practitioner'
  | 'program'
  | 'signin'

/** Shape by type. */
export const SERVER_EVENT_SHAPES: {
  readonly [Type in Extract<EventType, `${Area}.${string}`>]: EventShape
} = {
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
