import { contestedVersion } from '../domain/case/record-version.ts'
import { recordDigest } from '../domain/log/record-digest.ts'
import type * as sealedNotes from '../storage/sealed-notes.ts'
import type { Tx } from '../storage/database.ts'
import type { CurrentRecord } from '../storage/records.ts'
import type { Vault } from '../vault/vault.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { requireCaseWork, requirePerson } from './case-access.ts'
import type { RecordReceipt } from './deposit-record.ts'
import {
  fieldIds,
  type OwnRecordDependencies,
  requireHeld,
  requireOwnRecord,
} from './own-record.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'
import type { SubjectKeyFor } from './subject-key.ts'

/** A contestation as a request states it; fields by name or id. */
export interface Contestation {
  readonly fields: readonly string[]
  /** Person of the case; absent: the agency itself doubts them. */
  readonly contestedBy?: string
  readonly note?: string
}

export interface ContestDependencies extends OwnRecordDependencies {
  readonly acting: Acting
  readonly sealedNotes: Pick<typeof sealedNotes, 'insertSealedNote'>
  readonly subjectKeyFor: SubjectKeyFor
  readonly vault: Vault
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Marks values of the caller's own record as contested (GDPR art. 16, 18(1)(a)); they stay beside
 * what contradicts them (R29) until the source has looked again. A data protection officer may do it
 * for the person. Throws `not_found` (record or person), `not_permitted`, `unknown_field`.
 */
export function makeContestFields(deps: ContestDependencies) {
  return (caller: Caller, id: string, contestation: Contestation): Promise<RecordReceipt> =>
    deps.acting(caller, { operation: 'contestFields', target: id }, async (tx) => {
      if (caller.role !== 'dpo') requireCaseWork(caller)
      const { record, view } = await requireOwnRecord(deps, tx, caller, id)
      const { contestedBy, note, fields } = contestation
      if (contestedBy !== undefined) requirePerson(view, contestedBy)
      const names = requireHeld(record, fields)
      const at = deps.runtime.now()
      const version = record.version + 1
      const next = {
        ...record,
        ...contestedVersion(record, names),
        version,
        change: 'contest',
        practitionerId: caller.practitionerId ?? null,
      } as const
      await deps.storage.insertNextVersion(tx, record, next, at)
      if (note !== undefined) await keepNote(deps, tx, caller, { record, version, note, at })
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'alter.contested',
        caseId: record.caseId,
        ...(record.subjectId === null ? {} : { subjectId: record.subjectId }),
        public: {
          recordId: id,
          recordType: record.type,
          version,
          fields: fieldIds(record, names),
        },
        private: {
          contestedBy: contestedBy ?? null,
          recordDigest: recordDigest({ ...next, recordId: id, at }),
        },
      })
      return { id, version }
    })
}

async function keepNote(
  deps: ContestDependencies,
  tx: Tx,
  caller: Caller,
  said: {
    readonly record: CurrentRecord
    readonly version: number
    readonly note: string
    readonly at: Date
  },
): Promise<void> {
  const { record, version, note, at } = said
  const { agencyId } = caller
  const { caseId, keyOwnerId: ownerId } = record
  const id = deps.runtime.uuid()
  const key = await deps.subjectKeyFor(tx, { ownerId, agencyId, caseId })
  const kind = 'contestation_note'
  const text = deps.vault.sealText({ kind, id, ownerId, agencyId }, key, note)
  await deps.sealedNotes.insertSealedNote(
    tx,
    {
      id,
      kind,
      aboutId: record.id,
      aboutVersion: version,
      caseId,
      agencyId,
      practitionerId: caller.practitionerId ?? null,
      ownerId,
      text,
    },
    at,
  )
}
