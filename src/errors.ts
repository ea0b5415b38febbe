import { ACCESS_ERRORS } from './access-errors.ts'
import { AUDIT_ERRORS } from './audit-errors.ts'
import { POLICY_ERRORS } from './policy-errors.ts'

/** One stable code: clients may branch on it, so an entry is never renamed and never reused. */
export interface ErrorEntry {
  /** HTTP status with which it leaves. */
  readonly status: number
  /** RFC 9457 `title`: the same for every occurrence. */
  readonly title: string
  /** One sentence for the documentation: when it happens and what to do about it. */
  readonly meaning: string
}

/** Every problem that an answer can carry, by its `code`; `docs/errors.md` is written from it. */
export const ERRORS = {
  malformed_request: {
    status: 400,
    title: 'Request cannot be read',
    meaning: 'The request line, the URL or a header is not valid HTTP.',
  },
  malformed_json: {
    status: 400,
    title: 'Body is not valid JSON',
    meaning:
      'The body is empty, is not JSON in UTF-8, or holds a member or character that is never accepted (`__proto__`, U+0000, half of a surrogate pair).',
  },
  invalid_body: {
    status: 400,
    title: 'Body does not fit the contract',
    meaning: 'A member of the body is missing or has a wrong type, format, length or range.',
  },
  unknown_member: {
    status: 400,
    title: 'Unknown member',
    meaning: 'The body holds a member that the contract does not name at this place.',
  },
  invalid_parameter: {
    status: 400,
    title: 'Parameter does not fit the contract',
    meaning: 'A path or query parameter is missing or has a wrong type, format or range.',
  },
  unknown_parameter: {
    status: 400,
    title: 'Unknown query parameter',
    meaning: 'The query holds a parameter that the operation does not know.',
  },
  invalid_cursor: {
    status: 400,
    title: 'Cursor is not valid',
    meaning:
      'The cursor was altered, or was issued to another client or for another filter; start again from the first page.',
  },
  idempotency_key_missing: {
    status: 400,
    title: 'Idempotency-Key is missing',
    meaning: 'This operation needs the header `Idempotency-Key` with a UUID in quotes.',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'Idempotency-Key is not valid',
    meaning: 'The header `Idempotency-Key` must be a single UUID in quotes.',
  },
  precondition_invalid: {
    status: 400,
    title: 'If-Match is not valid',
    meaning: 'The header `If-Match` must be `*` or a list of entity tags in quotes.',
  },
  practitioner_header_missing: {
    status: 400,
    title: 'Ostiary-Practitioner is missing',
    meaning: 'A call on case data names who acts in the header `Ostiary-Practitioner`.',
  },
  practitioner_header_invalid: {
    status: 400,
    title: 'Ostiary-Practitioner is not valid',
    meaning: 'The header must read `<practitioner id>;role=<role>` with a role of the vocabulary.',
  },
  unknown_purpose: {
    status: 400,
    title: 'Unknown purpose',
    meaning: 'The purpose is not in the vocabulary.',
  },
  unknown_record_type: {
    status: 400,
    title: 'Unknown record type',
    meaning: 'The record type is not in the field catalogue.',
  },
  unknown_field: {
    status: 400,
    title: 'Unknown field',
    meaning: 'A field name is not in the catalogue, or not in a record of this type.',
  },
  selector_matches_nothing: {
    status: 400,
    title: 'Selector matches no field',
    meaning: 'A group or wildcard is well formed but matches no field of the catalogue.',
  },
  wrong_field_type: {
    status: 400,
    title: 'Field value has the wrong type',
    meaning: 'A field value does not fit the type that the catalogue gives for the field.',
  },
  collected_in_future: {
    status: 400,
    title: 'Collected in the future',
    meaning: 'A provenance says that a value was collected or verified later than now.',
  },
  informant_person_required: {
    status: 400,
    title: 'Informant person is missing',
    meaning:
      'A provenance names victim, perpetrator or child as informant without saying which person of the case.',
  },
  subject_required: {
    status: 400,
    title: 'Subject is missing',
    meaning: 'Records of this type are about a person, so `subjectId` is needed.',
  },
  subject_not_allowed: {
    status: 400,
    title: 'Subject is not allowed',
    meaning: 'Records of this type are about the case as a whole and take no `subjectId`.',
  },
  ...ACCESS_ERRORS,
  not_permitted: {
    status: 403,
    title: 'Not permitted',
    meaning: 'The agency or the role may not carry out this operation.',
  },
  reviewer_not_allowed: {
    status: 403,
    title: 'Reviewer is not allowed',
    meaning:
      'The practitioner may not decide this review: asked for the release, works elsewhere, or lacks the role.',
  },
  no_agreement_in_force: {
    status: 403,
    title: 'No agreement in force',
    meaning: 'The exchange needs an agreement between the agencies, and none is in force now.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    meaning: 'There is no such thing, or the caller may not know of it; both get the same answer.',
  },
  no_such_route: {
    status: 404,
    title: 'No such route',
    meaning: 'The path is not in the contract.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    meaning: 'The path exists, but not with this method; the header `Allow` lists those it has.',
  },
  request_timeout: {
    status: 408,
    title: 'Request took too long',
    meaning: 'The request did not arrive completely in time.',
  },
  idempotency_key_in_progress: {
    status: 409,
    title: 'Request is in progress',
    meaning: 'Another request with this `Idempotency-Key` is still running; try again later.',
  },
  version_conflict: {
    status: 409,
    title: 'Changed meanwhile',
    meaning: 'Another change won the race; read the present state and decide again.',
  },
  state_conflict: {
    status: 409,
    title: 'State does not allow this',
    meaning: 'The thing is not in a state from which this step is possible.',
  },
  review_not_open: {
    status: 409,
    title: 'Review is not open',
    meaning: 'There is no open review for this disclosure, or somebody has decided it.',
  },
  ...POLICY_ERRORS,
  ...AUDIT_ERRORS,
  precondition_failed: {
    status: 412,
    title: 'Precondition failed',
    meaning: 'The entity tag in `If-Match` is not the present one; read again before you change.',
  },
  body_too_large: {
    status: 413,
    title: 'Body is too large',
    meaning: 'The body is longer than the server accepts (1 MiB).',
  },
  uri_too_long: {
    status: 414,
    title: 'URL is too long',
    meaning: 'A part of the path is longer than any identifier.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    meaning: 'The header `Content-Type` is not one that the operation accepts.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key was used before',
    meaning: 'The key belongs to a request with another method, path or body.',
  },
  sealing_key_missing: {
    status: 422,
    title: 'Sealing key is missing',
    meaning: 'A sealed answer was asked for, but the agency has registered no sealing key.',
  },
  key_unusable: {
    status: 422,
    title: 'Key cannot be used',
    meaning: 'A registered key is not a public key of an accepted kind.',
  },
  acts_for_not_allowed: {
    status: 422,
    title: 'Sector may not act for this party',
    meaning: 'An agency of this sector never acts for that party in a case.',
  },
  partner_contact_not_guaranteed: {
    status: 422,
    title: 'Partner contact is not guaranteed',
    meaning:
      'A perpetrator programme runs only while an agreement on partner contact with a victim support service is in force (R66).',
  },
  validity_window_invalid: {
    status: 422,
    title: 'Time window is not valid',
    meaning: 'The end of the time window is not later than its start.',
  },
  consent_bundled: {
    status: 422,
    title: 'Consent is bundled',
    meaning:
      'The consent was not asked for separately, or a service was made to depend on it (GDPR art. 7(2) and 7(4)).',
  },
  consent_coerced: {
    status: 422,
    title: 'Consent may be coerced',
    meaning:
      'Freedom from coercion was not checked, or the other party was present when consent was given.',
  },
  consent_not_explicit: {
    status: 422,
    title: 'Consent is not explicit',
    meaning: 'Special categories of data need an explicit consent (GDPR art. 9(2)(a)).',
  },
  consent_not_specific: {
    status: 422,
    title: 'Consent is not specific',
    meaning: 'Each item names one purpose, one recipient and its fields; nothing less will do.',
  },
  consent_recipient_too_wide: {
    status: 422,
    title: 'Recipient of the consent is too wide',
    meaning:
      'Special categories, locating data and data of the victim need a single agency as recipient, not a sector.',
  },
  review_signature_invalid: {
    status: 422,
    title: 'Review signature is not valid',
    meaning:
      'The signature is not a JWS over the hash of the review task by the registered key of the practitioner.',
  },
  precondition_required: {
    status: 428,
    title: 'Precondition is missing',
    meaning: 'This change needs the header `If-Match` with the entity tag that was read before.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    meaning: 'The client has sent too many requests; the header `Retry-After` says when to go on.',
  },
  headers_too_large: {
    status: 431,
    title: 'Headers are too large',
    meaning: 'The headers of the request are longer than the server accepts.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    meaning: 'Something went wrong on the server; nothing was released.',
  },
  not_ready: {
    status: 503,
    title: 'Not ready',
    meaning: 'The server is starting, stopping, or cannot reach its database.',
  },
  policy_changing: {
    status: 503,
    title: 'Policies are changing',
    meaning: 'New policies came into force while the request was decided; try again.',
  },
  overloaded: {
    status: 503,
    title: 'Overloaded',
    meaning: 'The server has more work than it can do in time; try again later.',
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS

/** One fault inside a request. Neither member ever holds a value, or a name, that the client sent. */
export interface ErrorDetail {
  /** RFC 6901 pointer as a URI fragment, into the body (`#/items/0/purpose`), `#/path/…` or `#/query/…`. */
  readonly pointer: string
  readonly detail: string
}

export interface ErrorOptions {
  /** What is wrong this time; lower case, no final period, never a value. */
  readonly detail?: string
  readonly errors?: readonly ErrorDetail[]
  /** Headers that leave with the problem, such as `retry-after` or `www-authenticate`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Answered on the time grid, because the caller may be on the perpetrator's side. */
  readonly timeGrid?: boolean
  /** For the log alone, and there by class and code alone; never leaves. */
  readonly cause?: unknown
}

/** A refusal or failure with a stable code: the only error whose content a caller gets to see. */
export class OstiaryError extends Error {
  readonly code: ErrorCode
  readonly detail?: string
  readonly errors?: readonly ErrorDetail[]
  readonly headers: Readonly<Record<string, string>>
  readonly timeGrid: boolean

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(code, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'OstiaryError'
    this.code = code
    if (options.detail !== undefined) this.detail = options.detail
    if (options.errors !== undefined) this.errors = options.errors
    this.headers = options.headers ?? {}
    this.timeGrid = options.timeGrid ?? false
  }

  /** HTTP status of the code; also what Fastify reads. */
  get statusCode(): number {
    return ERRORS[this.code].status
  }
}
