import type { PractitionerRole, Sector } from '../domain/case/vocabulary.ts'

/** Who makes one call, as the door has proven it; use cases trust it and look no further. */
export interface Caller {
  readonly agencyId: string
  readonly sector: Sector
  readonly clientId: string
  /** Granted to the access token, e.g. `disclosures:write`. */
  readonly scopes: readonly string[]
  /** RFC 7638 SHA-256 thumbprint of the key that the token is bound to; absent for a plain bearer. */
  readonly keyThumbprint?: string
  /** `bearer` is a token without proof of possession: a weaker channel in policies. */
  readonly channel: 'sender_constrained' | 'bearer'
  /** Active practitioner of the agency; absent where the operation does not ask who acts. */
  readonly practitionerId?: string
  /** Role in which the practitioner acts now; always together with `practitionerId`. */
  readonly role?: PractitionerRole
  /** Random UUID of this request, never taken from the client. */
  readonly requestId: string
  /** operationId of the contract, or the words of a command. */
  readonly operation?: string
  /** Somebody at the server itself acts by a command, under the agency’s name and without its token. */
  readonly atServer?: true
}
