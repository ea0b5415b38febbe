import { PRACTITIONER_ROLES, type PractitionerRole } from '../domain/case/vocabulary.ts'
import { OstiaryError } from '../errors.ts'

/** Who acts, as the client says it; whether it is true is for the use case to find out. */
export interface NamedPractitioner {
  readonly practitionerId: string
  readonly role: PractitionerRole
}

const FORM = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}); *role=([a-z_]+)$/i
const ROLES: ReadonlySet<string> = new Set(PRACTITIONER_ROLES)

/**
 * Reads `Ostiary-Practitioner: <uuid>;role=<role>`: one item with exactly one parameter, nothing
 * else. Throws `practitioner_header_invalid`; nothing when the header is absent.
 */
export function readPractitioner(
  header: string | readonly string[] | undefined,
): NamedPractitioner | undefined {
  if (header === undefined) return undefined
  const [, id, role] = (typeof header === 'string' && FORM.exec(header)) || []
  if (!id || !isRole(role)) throw new OstiaryError('practitioner_header_invalid')
  return { practitionerId: id.toLowerCase(), role }
}

const isRole = (role: string | undefined): role is PractitionerRole =>
  role !== undefined && ROLES.has(role)
