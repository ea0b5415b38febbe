import { confirmedVersion } from '../domain/case/record-version.ts'
import { recordDigest } from '../domain/log/record-digest.ts'
import { OstiaryError } from '../errors.ts'
import type { Acting } from './acting.ts'
import { type AnswerDependencies, answerVerifications } from './answer-verifications.ts'
import type { Caller } from './caller.ts'
import { requireCaseWork } from './case-access.ts'
import type { RecordReceipt } from './deposit-record.ts'
import {
  fieldIds,
  type OwnRecordDependencies,
  requireHeld,
  requireOwnRecord,
} from './own-record.ts'
import { calledBy, type RecordEvent } from './record-event.ts'

/** A confirmation as a request states it; fields by name or id. */
export interface Verification {
  readonly fields: readonly string[]
  /** RFC 3339; never later than now. */
  readonly verifiedAt: string
  readonly verifiedBy?: string
  readonly method?: string
  readonly reliability?: string
}

export interface VerifyDependencies extends OwnRecordDependencies, AnswerDependencies {
  readonly acting: Acting
  readonly recordEvent: RecordEvent
}

/**
 * Confirms that values of the caller's own record still hold (LED art. 7(2)): freshness counts from
 * then, a contestation of them is settled, and requests to verify them are answered. A new version
 * with the same ciphertext. Throws `not_found`, `not_permitted`, `unknown_field`, `collected_in_future`.
 */
export function makeVerifyFields(deps: VerifyDependencies) {
  return (caller: Caller, id: string, verification: Verification): Promise<RecordReceipt> =>
    deps.acting(caller, { operation: 'verifyFields', target: id }, async (tx) => {
      requireCaseWork(caller)
      const { record } = await requireOwnRecord(deps, tx, caller, id)
      const names = requireHeld(record, verification.fields)
      const at = deps.runtime.now()
      const { fields: _, verifiedAt, ...how } = verification
      if (Date.parse(verifiedAt) > at.getTime())
        throw new OstiaryError('collected_in_future', {
          errors: [{ pointer: '#/verifiedAt', detail: 'must not be later than now' }],
        })
      const confirmation = { ...how, verifiedAt: new Date(verifiedAt).toISOString() }
      const content = confirmedVersion(record, names, confirmation)
      const version = record.version + 1
      const next = {
        ...record,
        ...content,
        version,
        change: 'verify',
        practitionerId: caller.practitionerId ?? null,
      } as const
      await deps.storage.insertNextVersion(tx, record, next, at)
      const answered = await answerVerifications(deps, tx, record, content, names)
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'alter.verified',
        caseId: record.caseId,
        ...(record.subjectId === null ? {} : { subjectId: record.subjectId }),
        public: {
          recordId: id,
          recordType: record.type,
          version,
          fields: fieldIds(record, names),
        },
        private: { answered, recordDigest: recordDigest({ ...next, recordId: id, at }) },
      })
      return { id, version }
    })
}
