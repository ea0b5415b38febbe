/**
 * Audit events (domain/wire §6; LED art. 25): what is written for every operation on case data, and
 * how it becomes one 64-byte log entry.
 */
import { CanonicalText, canonicalizeMembers, type Json } from './canonical.ts'
import { commitmentOfText, encodeEntry } from './entry.ts'
import { leafHash } from './hash.ts'

/**
 * What happened. The word before the dot is the LED art. 25 class where there is one; what each event
 * tells is in `event-shapes.ts`.
 */
export const EVENT_TYPES = [
  'disclose.decided',
  'disclose.previewed',
  'disclose.refused',
  'disclose.unreadable',
  'collect.deposited',
  'alter.amended',
  'alter.verified',
  'alter.contested',
  'consult.case_viewed',
  'consult.review_viewed',
  'consult.reviews_listed',
  'consult.explanation_viewed',
  'consult.disclosure_viewed',
  'consult.disclosures_listed',
  'consult.proof_viewed',
  'consult.consent_viewed',
  'consult.notices_listed',
  'consult.log_searched',
  'consult.log_event_viewed',
  'consult.log_proof_viewed',
  'consult.log_exported',
  'erase.person_erased',
  'erase.audit_retired',
  'case.created',
  'case.person_added',
  'case.member_added',
  'case.member_removed',
  'consent.recorded',
  'consent.withdrawn',
  'review.decided',
  'review.overdue',
  'verification.requested',
  'duty.missed',
  'notice.acknowledged',
  'agency.created',
  'agency.changed',
  'practitioner.created',
  'practitioner.changed',
  'agreement.created',
  'agreement.accepted',
  'agreement.terminated',
  'agreement.ended',
  'policy.draft_created',
  'policy.draft_changed',
  'policy.draft_opened',
  'policy.draft_commented',
  'policy.draft_approved',
  'policy.draft_withdrawn',
  'policy.activated',
  'policy.replayed',
  'key.created',
  'key.rotated',
  'configuration.changed',
  'program.started',
  'database.migrated',
  'integrity.incident_found',
  'integrity.incident_closed',
  'integrity.witness_refused',
  'integrity.witnesses_missing',
  'integrity.witnesses_back',
  'signin.token_issued',
  'signin.token_refused',
  'signin.refusals_counted',
  'authority.refused',
  'authority.limited',
] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** Who, when, about whom: repeated in both parts, so that each can be read alone. */
export interface EventHeader {
  readonly id: string
  readonly at: Date
  readonly type: EventType
  readonly agencyId?: string
  /** OAuth client of the agency that acted. */
  readonly clientId?: string
  readonly practitionerId?: string
  readonly role?: string
  readonly caseId?: string
  readonly subjectId?: string
  readonly requestId?: string
  /** operationId of the contract, the words of a command, or the name of a clock. */
  readonly operation?: string
  readonly channel?: EventChannel
  /** What came of it, as whoever acted saw it. */
  readonly result?: EventResult
}

/** `done` or `refused`; of a decision its overall outcome. */
export type EventResult = 'done' | 'refused' | 'full' | 'partial' | 'none' | 'review'

/** How it came in: over the API (with a token that is bound to a key, or not), at the server itself, by a clock. */
export type EventChannel = 'sender_constrained' | 'bearer' | 'command_line' | 'worker'

/** An event ready to be stored: canonical texts, the salts over them, the entry that commits to both. */
export interface SealedEvent {
  readonly header: EventHeader
  readonly publicText: string
  readonly privateText: string
  readonly publicSalt: Uint8Array
  readonly privateSalt: Uint8Array
  readonly entry: Uint8Array
  /** SHA-256(0x00 || entry): what the receipt promises will be in the log. */
  readonly leafHash: Uint8Array
}

/** What one part of an event tells besides the header. */
export type Detail = { readonly [name: string]: Json | CanonicalText }

/**
 * Commits to an event. `publicDetail` is what the requester saw, `privateDetail` the rest; the
 * private part always exists, so that its absence tells nothing. `salt()` gives 32 fresh random bytes.
 */
export function sealEvent(
  header: EventHeader,
  publicDetail: Detail,
  privateDetail: Detail,
  salt: () => Uint8Array,
): SealedEvent {
  const { at, ...rest } = header
  const event = new CanonicalText({ ...rest, at: at.toISOString() })
  const publicText = canonicalizeMembers({ event, ...publicDetail })
  const privateText = canonicalizeMembers({ event, ...privateDetail })
  const publicSalt = salt()
  const privateSalt = salt()
  const entry = encodeEntry({
    public: commitmentOfText(publicSalt, publicText),
    private: commitmentOfText(privateSalt, privateText),
  })
  return {
    header,
    publicText,
    privateText,
    publicSalt,
    privateSalt,
    entry,
    leafHash: leafHash(entry),
  }
}
