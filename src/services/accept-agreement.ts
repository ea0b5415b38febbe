import { OstiaryError } from '../errors.ts'
import { requireAdministrator } from './administration.ts'
import type { AgreementDependencies } from './agreements.ts'
import { type AgreementView, isAccepted, tellOthers, viewOf } from './agreement-view.ts'
import type { Caller } from './caller.ts'
import { calledBy } from './record-event.ts'

/**
 * Says for the caller's agency that it is bound by an agreement that another recorded (R130). With the
 * last party's word it comes into force, and the others are told. Said again, it changes nothing.
 *
 * Throws `not_found`, `not_permitted` (no party, or nobody who administers), `state_conflict` (it is
 * over: what has ended is recorded anew).
 */
export function makeAcceptAgreement(deps: AgreementDependencies) {
  return (
    caller: Caller,
    id: string,
    { signatory = null }: { readonly signatory?: string | null },
  ): Promise<AgreementView> =>
    deps.administering(caller, { operation: 'acceptAgreement', target: id }, async (tx) => {
      requireAdministrator(caller)
      const { agencyId } = caller
      const seen = await deps.storage.findAgreement(tx, id)
      if (!seen) throw new OstiaryError('not_found')
      if (!seen.parties.includes(agencyId)) throw new OstiaryError('not_permitted')
      // One after the other: an end that has come stands, and the last party knows that it is the last.
      await deps.locks.lockExclusive(
        tx,
        seen.parties.map((party) => `agency:${party}` as const),
      )
      const entry = (await deps.storage.findAgreement(tx, id)) ?? seen
      const now = deps.runtime.now()
      if (entry.acceptances.some((acceptance) => acceptance.agencyId === agencyId))
        return viewOf(entry, now)
      if (entry.validTo <= now || (entry.terminatedAt && entry.terminatedAt <= now))
        throw new OstiaryError('state_conflict', { detail: 'it is over' })
      const own = { agencyId, acceptedAt: now, signatory }
      await deps.storage.insertAcceptance(tx, id, own)
      // Read again, so that the answer has the order in which it will be read from now on.
      const accepted = (await deps.storage.findAgreement(tx, id)) ?? entry
      if (isAccepted(accepted)) await tellOthers(deps, tx, caller, accepted, 'agreement_accepted')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at: now,
        type: 'agreement.accepted',
        public: { agreementId: id, parties: accepted.parties, inForce: isAccepted(accepted) },
        private: {},
      })
      return viewOf(accepted, now)
    })
}
