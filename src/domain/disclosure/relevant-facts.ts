import type { Facts } from '../policy/facts.ts'

/**
 * The facts without consents and agreements that cannot bear on this request under any policy: consents
 * to another purpose or another recipient, agreements to which no source of a value is a party. What is
 * recorded stays small that way, and knows of no consent that had nothing to do with the request.
 */
export function relevantFacts(facts: Facts): Facts {
  const { request, recipient } = facts
  const sources = new Set(facts.values.map(({ source }) => source.agencyId))
  const consents = facts.consents.flatMap((consent) => {
    const items = consent.items.filter(
      (item) =>
        item.purpose === request.purpose &&
        ('agencyId' in item.recipient
          ? item.recipient.agencyId === recipient.agencyId
          : item.recipient.sector === recipient.sector),
    )
    return items.length > 0 ? [{ ...consent, items }] : []
  })
  const agreements = facts.agreements.filter(({ parties }) =>
    parties.some((party) => party !== recipient.agencyId && sources.has(party)),
  )
  return { ...facts, consents, agreements }
}
