/** What a change of an agency or of a practitioner tells the log: settings by name, from what to what. */
import type { Json } from '../domain/log/canonical.ts'
import type { AgencyEntry } from '../storage/agencies.ts'
import type { PractitionerEntry } from '../storage/practitioner-register.ts'
import { keyThumbprint, sealingKeyId } from './usable-key.ts'

/** Old and new state by name of the setting; `true` where something changed that is not repeated. */
export type ChangedSettings = { readonly [name: string]: Json }

/** Settings of an agency; keys by thumbprint. Names, addresses and references are not repeated. */
const agencySettings = (entry: AgencyEntry): { readonly [name: string]: Json } => ({
  country: entry.country,
  public: entry.public,
  phases: entry.phases,
  competentAuthority: entry.competentAuthority,
  scopes: entry.scopes,
  active: entry.suspendedAt === null,
  jwks: entry.jwks.keys.map((jwk) => keyThumbprint(jwk)),
  sealingKey: entry.sealingKey && sealingKeyId(entry.sealingKey),
})

/** What of an agency's entry differs. */
export function changedAgency(before: AgencyEntry, after: AgencyEntry): ChangedSettings {
  const own = (entry: AgencyEntry): { readonly [name: string]: unknown } => ({
    name: entry.name,
    contacts: entry.contacts,
    nationalAuthorisationRef: entry.nationalAuthorisationRef,
  })
  return {
    ...differing(agencySettings(before), agencySettings(after)),
    ...unrepeated(own(before), own(after)),
  }
}

/** Settings of a practitioner; the key by thumbprint, trainings by code. */
const practitionerSettings = (entry: PractitionerEntry): { readonly [name: string]: Json } => ({
  roles: entry.roles,
  trainings: entry.trainings.map(({ code }) => code),
  active: entry.active,
  jwk: entry.jwk && keyThumbprint(entry.jwk),
})

/** What of a practitioner's entry differs; of the pseudonym only that it does. */
export function changedPractitioner(
  before: PractitionerEntry,
  after: PractitionerEntry,
): ChangedSettings {
  return {
    ...differing(practitionerSettings(before), practitionerSettings(after)),
    ...unrepeated({ localId: before.localId }, { localId: after.localId }),
  }
}

function differing(
  before: { readonly [name: string]: Json },
  after: { readonly [name: string]: Json },
): ChangedSettings {
  return Object.fromEntries(
    Object.entries(after).flatMap(([name, to]) => {
      const from = before[name] ?? null
      return JSON.stringify(from) === JSON.stringify(to) ? [] : [[name, { from, to }]]
    }),
  )
}

function unrepeated(
  before: { readonly [name: string]: unknown },
  after: { readonly [name: string]: unknown },
): ChangedSettings {
  return Object.fromEntries(
    Object.entries(after).flatMap(([name, value]) =>
      JSON.stringify(before[name]) === JSON.stringify(value) ? [] : [[name, true]],
    ),
  )
}
