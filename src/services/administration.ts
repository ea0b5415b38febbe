/** Who may run agencies, practitioners and agreements. */
import { administers } from '../domain/case/case-work.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type { Caller } from './caller.ts'
import type { RequirePractitioner } from './require-practitioner.ts'

/**
 * For operations that an agency's own software may carry out with nobody named, as before its first
 * practitioner is registered. Whoever is named is proven like everywhere.
 */
export function makeRecogniseIfNamed({
  requirePractitioner,
}: {
  readonly requirePractitioner: RequirePractitioner
}): (tx: Tx, caller: Caller) => Promise<void> {
  return async (tx, caller) => {
    if (caller.practitionerId !== undefined) await requirePractitioner(tx, caller)
  }
}

/** Throws `not_permitted` when the call names somebody who does not administer. */
export function requireAdministrator({ role }: Caller): void {
  if (role !== undefined && !administers(role))
    throw new OstiaryError('not_permitted', { detail: 'this needs the role of an administrator' })
}
