/** Words of the access to the audit log (LED art. 25). */

/** For what the log may be used, and for nothing else (LED art. 25(2)). */
export const LAWFUL_USES = [
  'lawfulness_check',
  'self_monitoring',
  'integrity_security',
  'criminal_proceedings',
] as const
export type LawfulUse = (typeof LAWFUL_USES)[number]

/**
 * As whom somebody sees an event. `actor`: their agency did it; `source`: records of theirs were named
 * or weighed; `concerned`: somebody changed their agency's entry; `whole`: both parts, for a
 * supervisory authority and for the operator.
 */
export const AUDIT_VIEWS = ['actor', 'source', 'concerned', 'whole'] as const
export type AuditView = (typeof AUDIT_VIEWS)[number]

/** How a request came out; `refused` where it was not even decided. */
export const AUDIT_OUTCOMES = ['full', 'partial', 'none', 'review', 'refused'] as const
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number]

/**
 * Events whose private part holds nothing about anybody but who caused them: their own officer may
 * have both parts opened and proven. A closed list; the database keeps the same and goes by its own
 * (`private_part_is_own`).
 */
export const OWN_PRIVATE_TYPES = [
  'agreement.created',
  'agreement.accepted',
  'agreement.terminated',
  'consent.recorded',
  'review.decided',
  'policy.draft_created',
  'policy.draft_changed',
  'policy.draft_opened',
  'policy.draft_commented',
  'policy.draft_approved',
  'policy.draft_withdrawn',
  'policy.activated',
  'policy.replayed',
  'consult.log_searched',
  'consult.log_event_viewed',
  'consult.log_proof_viewed',
  'consult.log_exported',
] as const

/** The class of an event type: the verb before the dot. */
export function classOf(type: string): string {
  return type.split('.', 1)[0] ?? type
}
