import type { Catalogue } from '../domain/catalogue/types.ts'
import {
  type Provenance,
  provenanceFaults,
  resolveProvenance,
  type StatedProvenance,
} from '../domain/case/provenance.ts'
import { subjectFaults } from '../domain/case/record-subject.ts'
import { depositedVersion } from '../domain/case/record-version.ts'
import type { StoredProvenance } from '../domain/case/stored-record.ts'
import type { Wording } from '../domain/case/wording.ts'
import { recordDigest } from '../domain/log/record-digest.ts'
import type * as agencies from '../storage/agencies.ts'
import type * as cases from '../storage/cases.ts'
import type { Tx } from '../storage/database.ts'
import type * as duties from '../storage/duties.ts'
import type * as idempotency from '../storage/idempotency.ts'
import type { IdempotencyClaim } from '../storage/idempotency.ts'
import type * as locks from '../storage/locks.ts'
import type * as records from '../storage/records.ts'
import type { Vault } from '../vault/vault.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { requireCase, requireCaseWork, requirePerson } from './case-access.ts'
import type { DutiesInForce } from './duties-in-force.ts'
import { once } from './idempotent.ts'
import { fieldIds } from './own-record.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import {
  adviceOn,
  flagsOf,
  openDutiesOf,
  type RecordAdvice,
  refuseFaults,
  requireInformants,
  requireParty,
  requirePartnerContact,
  requireType,
  type ValidateFields,
  type Values,
} from './record-values.ts'
import type { Runtime } from './runtime.ts'
import type { SubjectKeyFor } from './subject-key.ts'

export type { Provenance }

/** A new record as a request states it. */
export interface NewRecord extends StatedProvenance {
  readonly type: string
  /** Absent only for types that are about the case. */
  readonly subjectId?: string
  readonly fields: Values
  /** What the source demands of every recipient; travels with the values. */
  readonly conditions?: readonly string[]
}

/** A record version in hand; its values are not repeated. */
export interface RecordReceipt extends RecordAdvice {
  readonly id: string
  readonly version: number
}

export interface RecordDependencies {
  readonly acting: Acting
  readonly catalogue: Catalogue
  readonly validateFields: ValidateFields
  readonly storage: Pick<typeof cases, 'readCase'> &
    Pick<typeof records, 'insertRecord'> &
    Pick<typeof idempotency, 'claimKey' | 'storeKey'>
  readonly agencies: Pick<typeof agencies, 'guaranteedProgrammes'>
  readonly duties: Pick<typeof duties, 'openDuties'>
  readonly dutiesInForce: DutiesInForce
  readonly locks: Pick<typeof locks, 'lockShared'>
  readonly subjectKeyFor: SubjectKeyFor
  readonly wording: readonly Wording[]
  readonly vault: Vault
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Deposits values of one record type, each with where it comes from, sealed field by field under the
 * key of its subject at the caller's agency. Opens the duties that they set off, and tells the author
 * what could be worded better and what is missing. A repeated request gets the same record.
 *
 * Throws, with nothing written: `unknown_record_type`, `unknown_field`, `wrong_field_type`,
 * `collected_in_future`, `informant_person_required`, `subject_required`, `subject_not_allowed`,
 * `invalid_body` (the informant is of another party), `partner_contact_not_guaranteed` (S33),
 * `idempotency_key_in_progress`, `idempotency_key_reused`. Audited: `not_permitted`, `not_found` (a
 * case, subject or informant that is not the caller's to know).
 */
export function makeDepositRecord(deps: RecordDependencies) {
  return async (
    caller: Caller,
    caseId: string,
    stated: NewRecord,
    claim: IdempotencyClaim,
  ): Promise<RecordReceipt> => {
    requireWellFormed(deps, stated)
    const { subjectId } = stated
    const about = {
      operation: 'depositRecord',
      caseId,
      ...(subjectId === undefined ? {} : { subjectId }),
    }
    return deps.acting(caller, about, async (tx) => {
      requireCaseWork(caller)
      await deps.locks.lockShared(tx, [
        `case:${caseId}`,
        ...(subjectId === undefined ? [] : [`person:${subjectId}` as const]),
      ])
      const origins = await requireKnown(deps, tx, caller, caseId, stated)
      const { type, fields: values } = stated
      const advice = adviceOn(
        { wording: deps.wording, sector: caller.sector },
        requireType(deps.catalogue, type),
        { values, origins, held: Object.keys(values) },
      )
      return once(
        tx,
        deps.storage,
        { operation: 'depositRecord', claim },
        {
          make: async () => {
            const id = deps.runtime.uuid()
            await deposit(deps, tx, caller, { id, caseId, stated, origins })
            return { id, result: { id, version: 1, ...advice } }
          },
          again: async (id) => ({ id, version: 1, ...advice }),
        },
      )
    })
  }
}

/** What shows without looking at the case: then nothing of the request is written, not even that it came. */
function requireWellFormed(deps: RecordDependencies, stated: NewRecord): void {
  const definition = requireType(deps.catalogue, stated.type)
  refuseFaults(deps.validateFields(stated.type, stated.fields))
  refuseFaults(subjectFaults(definition, stated.subjectId))
  refuseFaults(provenanceFaults(Object.keys(stated.fields), stated, deps.runtime.now()))
}

/** Case, subject and informants are the caller's to know; gives where each value comes from. */
async function requireKnown(
  deps: RecordDependencies,
  tx: Tx,
  caller: Caller,
  caseId: string,
  stated: NewRecord,
): Promise<ReadonlyMap<string, StoredProvenance>> {
  const names = Object.keys(stated.fields)
  const view = await requireCase(tx, deps.storage, caller, caseId)
  const { subjectId } = stated
  const subject = subjectId === undefined ? undefined : requirePerson(view, subjectId)
  const origins = resolveProvenance(names, stated)
  requireInformants(view, origins)
  if (subject) requireParty(requireType(deps.catalogue, stated.type), names, subject)
  return origins
}

async function deposit(
  deps: RecordDependencies,
  tx: Tx,
  caller: Caller,
  record: {
    readonly id: string
    readonly caseId: string
    readonly stated: NewRecord
    readonly origins: ReadonlyMap<string, StoredProvenance>
  },
): Promise<void> {
  const { id, caseId, stated, origins } = record
  const { type, fields: values, subjectId = null, conditions = [] } = stated
  const definition = requireType(deps.catalogue, type)
  await requirePartnerContact(deps, tx, caller, type, values)
  const at = deps.runtime.now()
  const { agencyId } = caller
  const owner = { ownerId: subjectId ?? caseId, agencyId, caseId }
  const subjectKey = await deps.subjectKeyFor(tx, owner)
  const sealed = deps.vault.sealRecord(
    { ...owner, recordId: id, version: 1, subjectKey },
    values,
    flagsOf(definition, values),
  )
  const identity = { id, caseId, agencyId, subjectId, type }
  const version = {
    ...sealed,
    ...depositedVersion(sealed.fields, origins),
    version: 1,
    change: 'deposit',
    practitionerId: caller.practitionerId ?? null,
    keyOwnerId: owner.ownerId,
    conditions,
  } as const
  await deps.storage.insertRecord(tx, identity, version, at)
  const rules = await openDutiesOf(deps, tx, identity, definition, values, at)
  await deps.recordEvent(tx, {
    ...calledBy(caller),
    at,
    type: 'collect.deposited',
    caseId,
    ...(subjectId === null ? {} : { subjectId }),
    public: {
      recordId: id,
      recordType: type,
      version: 1,
      fields: fieldIds({ type }, Object.keys(values)),
    },
    private: {
      duties: rules,
      informants: informantsOf(origins),
      recordDigest: recordDigest({ ...identity, ...version, recordId: id, at }),
    },
  })
}

/** Who told the values, as codes; for the audit. */
export function informantsOf(origins: ReadonlyMap<string, StoredProvenance>): string[] {
  return [...new Set([...origins.values()].map(({ informant }) => informant))].sort()
}
