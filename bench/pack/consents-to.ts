import type { ConsentFacts, ConsentItem, Facts, ValueFacts } from '../../src/domain/policy/facts.ts'

/** How consent to one value stands. */
export interface ConsentsTo {
  readonly consented: boolean
  readonly consentedExplicitly: boolean
  /** Parties of the person whose consent counts; empty where nobody knows who that is. */
  readonly consentIsOf: readonly string[]
}

/**
 * Goes through the raw consents: those of whoever told the value, or of the subject where no person of
 * the case did. A consent is live when it is given, runs, and was not withdrawn since, in whatever
 * record to the same item.
 */
export function consentsTo(facts: Facts, value: ValueFacts): ConsentsTo {
  const asked = whoIsAsked(facts, value)
  if (!asked) return { consented: false, consentedExplicitly: false, consentIsOf: [] }
  const items = facts.consents.filter(
    ({ personId, items }) =>
      personId === asked.personId && items.some((item) => isAbout(item, facts, value)),
  )
  const ends = items.flatMap(({ state, withdrawnAt = Infinity }) =>
    state === 'withdrawn' ? [withdrawnAt] : [],
  )
  const isLive = ({ state, givenAt, expiresAt }: ConsentFacts) =>
    state === 'given' &&
    givenAt <= facts.at &&
    facts.at < expiresAt &&
    ends.every((end) => end < givenAt)
  const live = items.filter(isLive)
  return {
    consented: live.length > 0,
    consentedExplicitly: live.some(({ explicit }) => explicit),
    consentIsOf: asked.parties,
  }
}

function whoIsAsked({ subject }: Facts, value: ValueFacts) {
  const { informant, informantPersonId: personId, informantParties: parties } = value
  if (personId !== undefined) return { personId, parties }
  return informant === 'V' || informant === 'P' || informant === 'CH' ? undefined : subject
}

function isAbout(item: ConsentItem, { request, recipient }: Facts, value: ValueFacts): boolean {
  if (item.purpose !== request.purpose || !item.fields.includes(value.field.id)) return false
  if (item.recipientRoles && !item.recipientRoles.includes(recipient.role)) return false
  if ('agencyId' in item.recipient) return item.recipient.agencyId === recipient.agencyId
  return item.recipient.sector === recipient.sector && !needsName(value)
}

/** Special, safety-critical and victim data: only an agency by name may be consented to. */
function needsName({ field, informant, informantParties, subjectParties }: ValueFacts): boolean {
  if (field.categories.includes('S9') || field.categories.includes('L')) return true
  const whom: readonly string[] = [...informantParties, ...subjectParties, ...field.locates]
  return whom.includes('victim') || informant === 'V' || informant === 'VS'
}
