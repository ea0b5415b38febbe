import type { Sector } from '../domain/case/vocabulary.ts'
import type { AgencyEntry } from '../storage/agencies.ts'
import { sealingKeyId } from './usable-key.ts'

/** An agency as the directory shows it; members of the contract. */
export interface AgencyView {
  readonly id: string
  /** For the agency itself and the operator. */
  readonly clientId?: string
  readonly parentId?: string
  readonly name: string
  readonly sector: Sector
  readonly country: string
  readonly public: boolean
  readonly phases: readonly number[]
  readonly competentAuthority: boolean
  readonly nationalAuthorisationRef?: string
  readonly jwks: AgencyEntry['jwks']
  /** Base64url. */
  readonly sealingKey?: string
  readonly sealingKeyId?: string
  readonly contacts: readonly unknown[]
  /** For the agency itself and the operator. */
  readonly scopes?: readonly string[]
  readonly active: boolean
  readonly createdAt: string
}

/** An agency with the version that a change has to name. */
export interface VersionedAgency {
  readonly agency: AgencyView
  readonly version: number
}

/**
 * What a reader may see. A perpetrator programme takes part only while partner contact is guaranteed
 * (R66); `guaranteed` names the programmes for which it is.
 */
export function agencyView(
  entry: AgencyEntry,
  reader: { readonly agencyId: string; readonly operator: boolean },
  guaranteed: ReadonlySet<string>,
): AgencyView {
  const { id, parentId, nationalAuthorisationRef: authorisation, sealingKey } = entry
  const own = reader.operator || reader.agencyId === id
  const runs = entry.sector !== 'perpetrator_programme' || guaranteed.has(id)
  return {
    id,
    ...(own ? { clientId: entry.clientId } : {}),
    ...(parentId === null ? {} : { parentId }),
    name: entry.name,
    sector: entry.sector,
    country: entry.country,
    public: entry.public,
    phases: entry.phases,
    competentAuthority: entry.competentAuthority,
    ...(authorisation === null ? {} : { nationalAuthorisationRef: authorisation }),
    jwks: entry.jwks,
    ...(sealingKey === null
      ? {}
      : {
          sealingKey: Buffer.from(sealingKey).toString('base64url'),
          sealingKeyId: sealingKeyId(sealingKey),
        }),
    contacts: entry.contacts,
    ...(own ? { scopes: entry.scopes } : {}),
    active: entry.suspendedAt === null && runs,
    createdAt: entry.createdAt.toISOString(),
  }
}
