import { mayActFor } from '../domain/case/parties.ts'
import type { ActsFor } from '../domain/case/vocabulary.ts'
import { OstiaryError } from '../errors.ts'
import type { Tx } from '../storage/database.ts'
import type * as notices from '../storage/notices.ts'
import type { Caller } from './caller.ts'
import { requireCaseWork } from './case-access.ts'
import { type CaseDependencies, memberView, type MemberView } from './open-case.ts'
import { calledBy } from './record-event.ts'

/** A new member as a request states it. */
export interface NewMember {
  readonly agencyId: string
  readonly actsFor: ActsFor
  /** RFC 3339; absent: without end. */
  readonly until?: string
}

export interface MemberDependencies extends CaseDependencies {
  readonly notices: Pick<typeof notices, 'insertNotices'>
}

/**
 * Brings an agency into a case; open to members who act for all, and to the operator. The agency is
 * told. The reply holds nothing of other members.
 *
 * Throws `not_found` (no such case or agency, or not the caller's to know), `not_permitted`,
 * `acts_for_not_allowed`, `validity_window_invalid`, `state_conflict` (it is a member already, which
 * whoever may bring one in sees).
 */
export function makeAddMember(deps: MemberDependencies) {
  return (caller: Caller, caseId: string, stated: NewMember): Promise<MemberView> =>
    deps.acting(caller, { operation: 'addMember', caseId, target: stated.agencyId }, async (tx) => {
      const { storage, runtime } = deps
      await requireMayBring(deps, tx, caller, caseId)
      const agency = await storage.findAgency(tx, stated.agencyId)
      if (!agency) throw new OstiaryError('not_found')
      const { agencyId, actsFor } = stated
      if (!mayActFor(agency.sector).includes(actsFor))
        throw new OstiaryError('acts_for_not_allowed')
      await deps.locks.lockExclusive(tx, [`case:${caseId}`])
      await requireMayBring(deps, tx, caller, caseId)
      const at = runtime.now()
      const until = stated.until === undefined ? null : new Date(stated.until)
      if (until !== null && until <= at) throw new OstiaryError('validity_window_invalid')
      const open = await storage.openMembership(tx, caseId, agencyId)
      if (open && (open.until === null || open.until > at))
        throw new OstiaryError('state_conflict', { detail: 'the agency works the case already' })
      if (open?.until) await storage.endMembership(tx, caseId, agencyId, open.until)
      const member = { agencyId, actsFor, since: at, until }
      await storage.insertMember(tx, caseId, { ...member, addedBy: caller.agencyId })
      if (agencyId !== caller.agencyId)
        await deps.notices.insertNotices(
          tx,
          [
            {
              id: runtime.uuid(),
              agencyId,
              role: null,
              type: 'case_member_added',
              urgency: '24h',
              refs: { caseId },
            },
          ],
          at,
        )
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'case.member_added',
        caseId,
        public: { memberId: agencyId, actsFor, until: until?.toISOString() ?? null },
        private: {},
      })
      return memberView({
        ...member,
        since: at.toISOString(),
        until: until?.toISOString() ?? null,
      })
    })
}

/**
 * Ends a membership at once. An agency may leave in whatever role it acts; members who act for all,
 * and the operator, may let others go. Holds the case's lock exclusively: nothing of the case is
 * released to the agency once this has committed.
 *
 * Throws `not_found`, and `not_permitted` for another agency's membership, whether there is one or not.
 */
export function makeRemoveMember(deps: CaseDependencies) {
  return (caller: Caller, caseId: string, agencyId: string): Promise<void> =>
    deps.acting(caller, { operation: 'removeMember', caseId, target: agencyId }, async (tx) => {
      const { storage } = deps
      await requireMayLetGo(deps, tx, caller, caseId, agencyId)
      await deps.locks.lockExclusive(tx, [`case:${caseId}`])
      await requireMayLetGo(deps, tx, caller, caseId, agencyId)
      const open = await storage.openMembership(tx, caseId, agencyId)
      if (!open) throw new OstiaryError('not_found')
      const at = deps.runtime.now()
      await storage.endMembership(tx, caseId, agencyId, at)
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'case.member_removed',
        caseId,
        public: { memberId: agencyId, actsFor: open.actsFor },
        private: {},
      })
    })
}

/** Asked before the lock, so that nobody else's is held up, and again under it. */
async function requireMayBring(
  { storage }: CaseDependencies,
  tx: Tx,
  caller: Caller,
  caseId: string,
): Promise<void> {
  const standing = await storage.readStanding(tx, caseId)
  if (!standing) throw new OstiaryError('not_found')
  if (standing.operator) return
  requireCaseWork(caller)
  if (standing.actsFor !== 'all') throw new OstiaryError('not_permitted')
}

async function requireMayLetGo(
  { storage }: CaseDependencies,
  tx: Tx,
  caller: Caller,
  caseId: string,
  agencyId: string,
): Promise<void> {
  const standing = await storage.readStanding(tx, caseId)
  if (!standing) throw new OstiaryError('not_found')
  if (agencyId === caller.agencyId || standing.operator) return
  if (standing.actsFor !== 'all') throw new OstiaryError('not_permitted')
}
