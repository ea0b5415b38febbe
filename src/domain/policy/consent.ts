import type { Informant, Party } from '../catalogue/types.ts'
import type { ConsentFacts, ConsentItem, Facts, ValueFacts } from './facts.ts'
import { isVictimData } from './shield.ts'

/** How consent stands for one value of one request; the nearest of the three when none is live. */
export type ConsentStanding =
  | { readonly state: 'live'; readonly consent: ConsentFacts }
  | { readonly state: 'withdrawn' | 'expired' | 'missing' }

/** Informants that are persons of the case; what they told is opened by their own consent alone. */
export const PERSON_INFORMANTS: readonly Informant[] = ['V', 'P', 'CH']

/**
 * Looks for a consent that covers exactly this item (GDPR art. 7): of the person who told the value,
 * if a person of the case did, else of the subject.
 *
 * A withdrawal ends every consent to the same item given before it or at that very instant, whichever
 * record it stands in. Of several live consents the newest counts, then the one that names the agency
 * and not its sector, then the smaller id.
 *
 * @param explicit whether only an explicit consent will do (GDPR art. 9(2)(a))
 */
export function consentStanding(
  facts: Facts,
  value: ValueFacts,
  explicit: boolean,
): ConsentStanding {
  const person = personAsked(facts, value)
  const about = person === undefined ? [] : facts.consents.filter((c) => c.personId === person)
  const covering = about.filter((consent) =>
    consent.items.some((item) => covers(item, facts, value)),
  )

  const withdrawn = covering.filter(({ state }) => state !== 'given')
  const last = Math.max(...withdrawn.map(({ withdrawnAt }) => withdrawnAt ?? Infinity))
  const given = covering.filter(({ state, givenAt }) => state === 'given' && givenAt <= facts.at)
  const live = given
    .filter((c) => c.expiresAt > facts.at && c.givenAt > last && (c.explicit || !explicit))
    .sort((a, b) => precedence(a, b, facts, value))[0]

  if (live) return { state: 'live', consent: live }
  if (withdrawn.length > 0) return { state: 'withdrawn' }
  return { state: given.some(({ expiresAt }) => expiresAt <= facts.at) ? 'expired' : 'missing' }
}

/** Undefined when a person told it and the record does not say who: then nobody can have consented. */
function personAsked(facts: Facts, value: ValueFacts): string | undefined {
  if (value.informantPersonId !== undefined) return value.informantPersonId
  return PERSON_INFORMANTS.includes(value.informant) ? undefined : facts.subject.personId
}

/** Parties of the person whose consent counts for a value. */
export function partiesAsked(facts: Facts, value: ValueFacts): readonly Party[] {
  if (value.informantPersonId !== undefined) return value.informantParties
  return personAsked(facts, value) === undefined ? [] : facts.subject.parties
}

function covers(item: ConsentItem, facts: Facts, value: ValueFacts): boolean {
  const { recipient, request } = facts
  return (
    item.purpose === request.purpose &&
    (item.recipientRoles === undefined || item.recipientRoles.includes(recipient.role)) &&
    item.fields.includes(value.field.id) &&
    ('agencyId' in item.recipient
      ? item.recipient.agencyId === recipient.agencyId
      : item.recipient.sector === recipient.sector && mayNameSector(value))
  )
}

/** A whole sector is too wide for special, safety-critical and victim data (consents in api.md). */
function mayNameSector(value: ValueFacts): boolean {
  const { categories } = value.field
  return !categories.includes('S9') && !categories.includes('L') && !isVictimData(value)
}

function precedence(a: ConsentFacts, b: ConsentFacts, facts: Facts, value: ValueFacts): number {
  const specific = ({ items }: ConsentFacts) =>
    items.some((item) => 'agencyId' in item.recipient && covers(item, facts, value)) ? 0 : 1
  return b.givenAt - a.givenAt || specific(a) - specific(b) || (a.id < b.id ? -1 : 1)
}
