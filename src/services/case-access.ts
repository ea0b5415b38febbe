/** What a caller may do in a case, proven inside the transaction and after the locks were granted. */
import { type CasePerson, type CaseView, viewCase } from '../domain/case/case-view.ts'
import { worksOnCases } from '../domain/case/case-work.ts'
import { OstiaryError } from '../errors.ts'
import type * as cases from '../storage/cases.ts'
import type { Tx } from '../storage/database.ts'
import type { Caller } from './caller.ts'

type ReadCase = Pick<typeof cases, 'readCase'>

/** The case as the caller's agency sees it. Throws `not_found` when it does not work it, or there is none. */
export async function requireCase(
  tx: Tx,
  storage: ReadCase,
  { agencyId }: Caller,
  caseId: string,
): Promise<CaseView> {
  const whole = await storage.readCase(tx, caseId)
  const view = whole && viewCase(whole, agencyId)
  if (!view) throw new OstiaryError('not_found')
  return view
}

/** A person whom the agency sees in the case. Throws `not_found` for any other, as for one that is not there. */
export function requirePerson({ persons }: CaseView, id: string): CasePerson {
  const person = persons.find((one) => one.id === id)
  if (!person) throw new OstiaryError('not_found')
  return person
}

/** Throws `not_permitted` for a role that does not work on cases (S26). */
export function requireCaseWork({ role }: Caller): void {
  if (role === undefined || !worksOnCases(role))
    throw new OstiaryError('not_permitted', { detail: 'this needs a role that works on cases' })
}
