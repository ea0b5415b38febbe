import { OstiaryError } from '../errors.ts'
import type * as consents from '../storage/consents.ts'
import type { ConsentEntry, ConsentRecipientReached } from '../storage/consents.ts'
import type { Tx } from '../storage/database.ts'
import type * as locks from '../storage/locks.ts'
import type * as notices from '../storage/notices.ts'
import type * as sealedNotes from '../storage/sealed-notes.ts'
import type { Vault } from '../vault/vault.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { consentView, type ConsentView } from './consent-view.ts'
import { recordView } from './record-consent.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'
import type { SubjectKeyFor } from './subject-key.ts'

export interface WithdrawDependencies {
  readonly acting: Acting
  readonly storage: Pick<typeof consents, 'findConsent' | 'listReachedRecipients' | 'withdraw'>
  readonly sealedNotes: Pick<typeof sealedNotes, 'insertSealedNote'>
  readonly notices: Pick<typeof notices, 'insertNotices'>
  readonly locks: Pick<typeof locks, 'lockExclusive'>
  readonly subjectKeyFor: SubjectKeyFor
  readonly vault: Vault
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Withdraws a consent, as easily as it was given (GDPR art. 7(3)): at the agency that recorded it, or
 * at any that acts for the person, in whatever role its practitioner acts. Holds the locks of case and
 * person exclusively: no disclosure that rests on it commits once the withdrawal has committed.
 * Recipients that received something under it are told to stop. Done twice, it changes nothing.
 *
 * Throws `not_found`.
 */
export function makeWithdrawConsent(deps: WithdrawDependencies) {
  return (
    caller: Caller,
    id: string,
    { note }: { readonly note?: string } = {},
  ): Promise<ConsentView> =>
    deps.acting(caller, { operation: 'withdrawConsent', target: id }, async (tx) => {
      const seen = await deps.storage.findConsent(tx, id)
      if (!seen) throw new OstiaryError('not_found')
      const { caseId, subjectId } = seen
      await deps.locks.lockExclusive(tx, [`case:${caseId}`, `person:${subjectId}`])
      const entry = await deps.storage.findConsent(tx, id)
      if (!entry) throw new OstiaryError('not_found')
      const at = deps.runtime.now()
      if (entry.withdrawnAt !== null) {
        await recordView(deps, tx, caller, entry)
        return consentView(entry, at)
      }
      await deps.storage.withdraw(tx, id, { agencyId: caller.agencyId, at })
      if (note !== undefined) await keepNote(deps, tx, caller, entry, note, at)
      const reached = await deps.storage.listReachedRecipients(tx, id)
      await tell(deps, tx, caseId, reached)
      await tellRecorder(deps, tx, caller, entry)
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'consent.withdrawn',
        caseId,
        subjectId,
        public: { consentId: id },
        private: { told: [...new Set(reached.map(({ agencyId }) => agencyId))] },
      })
      return consentView({ ...entry, withdrawnAt: at }, at)
    })
}

/** A recipient knows that there was consent, because it received something under it; nobody else is told. */
function tell(
  { notices, runtime }: WithdrawDependencies,
  tx: Tx,
  caseId: string,
  reached: readonly ConsentRecipientReached[],
): Promise<void> {
  return notices.insertNotices(
    tx,
    reached.map(({ agencyId, subjectId, purpose }) => ({
      id: runtime.uuid(),
      agencyId,
      role: null,
      type: 'consent_withdrawn',
      urgency: 'immediate',
      refs: { caseId, subjectId, purpose },
    })),
    runtime.now(),
  )
}

/** The agency that recorded it has to know, if the person went elsewhere. */
async function tellRecorder(
  { notices, runtime }: WithdrawDependencies,
  tx: Tx,
  { agencyId }: Caller,
  { id, caseId, recordedBy }: ConsentEntry,
): Promise<void> {
  if (agencyId === recordedBy) return
  await notices.insertNotices(
    tx,
    [
      {
        id: runtime.uuid(),
        agencyId: recordedBy,
        role: null,
        type: 'consent_withdrawn',
        urgency: 'immediate',
        refs: { consentId: id, caseId },
      },
    ],
    runtime.now(),
  )
}

async function keepNote(
  deps: WithdrawDependencies,
  tx: Tx,
  { agencyId, practitionerId }: Caller,
  { id: aboutId, caseId, subjectId: ownerId }: ConsentEntry,
  note: string,
  at: Date,
): Promise<void> {
  const id = deps.runtime.uuid()
  const key = await deps.subjectKeyFor(tx, { ownerId, agencyId, caseId })
  const kind = 'withdrawal_note'
  const text = deps.vault.sealText({ kind, id, ownerId, agencyId }, key, note)
  await deps.sealedNotes.insertSealedNote(
    tx,
    {
      id,
      kind,
      aboutId,
      aboutVersion: null,
      caseId,
      agencyId,
      practitionerId: practitionerId ?? null,
      ownerId,
      text,
    },
    at,
  )
}
