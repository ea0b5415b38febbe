import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as practitioners from '../storage/practitioners.ts'
import type { Caller } from './caller.ts'

export type RequirePractitioner = (
  tx: Tx,
  caller: Caller,
) => Promise<practitioners.ActingPractitioner>

/**
 * Proves inside the use case's transaction that the practitioner whom the caller names works for
 * the agency, is active and holds the role. The door has only read the header.
 *
 * Throws `practitioner_header_missing` when nobody is named, `practitioner_not_recognised` for
 * every other fault alike; the use case owes the second an audit event.
 */
export function makeRequirePractitioner({
  storage,
}: {
  storage: Pick<typeof practitioners, 'findActingPractitioner'>
}): RequirePractitioner {
  return async (tx, { practitionerId, role }) => {
    if (practitionerId === undefined || role === undefined)
      throw new OstiaryError('practitioner_header_missing')
    const acting = await storage.findActingPractitioner(tx, practitionerId, role)
    if (!acting) throw new OstiaryError('practitioner_not_recognised')
    return acting
  }
}
