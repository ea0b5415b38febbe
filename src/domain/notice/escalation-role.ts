import { PRACTITIONER_ROLES, type PractitionerRole } from '../case/vocabulary.ts'

/** Words of `escalate_to` in policies that are no role themselves: somebody at the agency that owes the duty. */
const SENDERS: Readonly<Record<string, PractitionerRole>> = {
  sender_admin: 'org_admin',
  sender_dpo: 'dpo',
}

/**
 * The role at the sender's agency that hears of a missed duty (policy statement `duty`,
 * `then.escalate_to`). A word that is not known goes to the administrator: somebody must hear of it.
 */
export function escalationRole(escalateTo: string): PractitionerRole {
  return (
    SENDERS[escalateTo] ?? PRACTITIONER_ROLES.find((role) => role === escalateTo) ?? 'org_admin'
  )
}
