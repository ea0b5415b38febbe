import type { Catalogue, RecordDefinition } from '../domain/catalogue/types.ts'
import type { CaseView } from '../domain/case/case-view.ts'
import {
  provenanceFaults,
  resolveProvenance,
  type StatedProvenance,
} from '../domain/case/provenance.ts'
import { amendedVersion } from '../domain/case/record-version.ts'
import type { StoredProvenance } from '../domain/case/stored-record.ts'
import type { Wording } from '../domain/case/wording.ts'
import type { Json } from '../domain/log/canonical.ts'
import { recordDigest } from '../domain/log/record-digest.ts'
import { OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type { Tx } from '../storage/database.ts'
import type * as duties from '../storage/duties.ts'
import type { CurrentRecord, RecordVersion } from '../storage/records.ts'
import type * as subjectKeys from '../storage/subject-keys.ts'
import type { Vault } from '../vault/vault.ts'
import type { Acting } from './acting.ts'
import { type AnswerDependencies, answerVerifications } from './answer-verifications.ts'
import type { Caller } from './caller.ts'
import { requireCaseWork, requirePerson } from './case-access.ts'
import { informantsOf, type RecordReceipt } from './deposit-record.ts'
import type { DutiesInForce } from './duties-in-force.ts'
import { type Expected, requireVersion } from './expected-version.ts'
import { fieldIds, type OwnRecordDependencies, requireOwnRecord } from './own-record.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import {
  adviceOn,
  flagsOf,
  openDutiesOf,
  refuseFaults,
  requireInformants,
  requireParty,
  requirePartnerContact,
  requireType,
  type ValidateFields,
  type Values,
} from './record-values.ts'
import type { Runtime } from './runtime.ts'

/** A merge patch: fields that are absent stay, `null` takes one out. Provenance is that of the changed values. */
export interface Amendment extends StatedProvenance {
  readonly fields: Readonly<Record<string, Json>>
  /** Absent: those of before. */
  readonly conditions?: readonly string[]
}

export interface AmendDependencies extends OwnRecordDependencies, AnswerDependencies {
  readonly acting: Acting
  readonly catalogue: Catalogue
  readonly validateFields: ValidateFields
  readonly agencies: Pick<typeof agencies, 'guaranteedProgrammes'>
  readonly subjectKeys: Pick<typeof subjectKeys, 'readSubjectKey'>
  readonly duties: Pick<typeof duties, 'openDuties'>
  readonly dutiesInForce: DutiesInForce
  readonly wording: readonly Wording[]
  readonly vault: Vault
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Writes the next version of the caller's own record; earlier ones stay. What does not change is
 * carried on as ciphertext, unopened. Throws what a deposit throws, `precondition_failed`, and
 * `state_conflict` when the values were erased.
 */
export function makeAmendRecord(deps: AmendDependencies) {
  return (
    caller: Caller,
    id: string,
    expected: Expected,
    amendment: Amendment,
  ): Promise<RecordReceipt> =>
    deps.acting(caller, { operation: 'amendRecord', target: id }, async (tx) => {
      requireCaseWork(caller)
      const { record, view } = await requireOwnRecord(deps, tx, caller, id)
      requireVersion(expected, record.version)
      const definition = requireType(deps.catalogue, record.type)
      const { values, removed } = split(amendment.fields)
      const origins = requireAmendable(
        deps,
        { record, view, definition },
        amendment,
        values,
        removed,
      )
      await requirePartnerContact(deps, tx, caller, record.type, values)
      const at = deps.runtime.now()
      const sealed = await nextVersion(deps, tx, { record, definition, amendment, origins })
      const version = { ...sealed, practitionerId: caller.practitionerId ?? null }
      await deps.storage.insertNextVersion(tx, record, version, at)
      const rules = await openDutiesOf(deps, tx, record, definition, values, at)
      const looked = [...Object.keys(values), ...removed]
      const answered = await answerVerifications(deps, tx, record, version, looked)
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'alter.amended',
        caseId: record.caseId,
        ...(record.subjectId === null ? {} : { subjectId: record.subjectId }),
        public: {
          recordId: id,
          recordType: record.type,
          version: version.version,
          fields: fieldIds(record, Object.keys(values)),
          removed: fieldIds(record, removed),
        },
        private: {
          duties: rules,
          informants: informantsOf(origins),
          answered,
          recordDigest: recordDigest({ ...record, ...version, recordId: id, at }),
        },
      })
      const held = version.fields.map(({ name }) => name)
      const advice = adviceOn({ wording: deps.wording, sector: caller.sector }, definition, {
        values,
        origins,
        held,
      })
      return { id, version: version.version, ...advice }
    })
}

function split(fields: Amendment['fields']): { values: Values; removed: string[] } {
  const entries = Object.entries(fields)
  return {
    values: Object.fromEntries(entries.filter(([, value]) => value !== null)),
    removed: entries.filter(([, value]) => value === null).map(([name]) => name),
  }
}

/** Where the changed values come from, once everything about them is in order. */
function requireAmendable(
  deps: AmendDependencies,
  about: {
    readonly record: CurrentRecord
    readonly view: CaseView
    readonly definition: RecordDefinition
  },
  amendment: Amendment,
  values: Values,
  removed: readonly string[],
): ReadonlyMap<string, StoredProvenance> {
  const { record, view, definition } = about
  const names = Object.keys(values)
  const foreign = removed.some((name) => !definition.fields.some((field) => field.name === name))
  refuseFaults([
    ...(foreign
      ? [
          {
            code: 'unknown_field' as const,
            pointer: '#/fields',
            detail: 'takes out a field that is not of the record type',
          },
        ]
      : []),
    ...(names.length > 0 ? deps.validateFields(record.type, values) : []),
    ...provenanceFaults(names, amendment, deps.runtime.now()),
  ])
  const left = record.fields.some(({ name }) => !removed.includes(name))
  if (names.length === 0 && !left)
    refuseFaults([
      { code: 'invalid_body', pointer: '#/fields', detail: 'must leave at least one value' },
    ])
  const origins = resolveProvenance(names, amendment)
  requireInformants(view, origins)
  if (record.subjectId !== null)
    requireParty(definition, names, requirePerson(view, record.subjectId))
  return origins
}

async function nextVersion(
  deps: AmendDependencies,
  tx: Tx,
  change: {
    readonly record: CurrentRecord
    readonly definition: RecordDefinition
    readonly amendment: Amendment
    readonly origins: ReadonlyMap<string, StoredProvenance>
  },
): Promise<Omit<RecordVersion, 'practitionerId'>> {
  const { record, definition, amendment, origins } = change
  const { values, removed } = split(amendment.fields)
  const { agencyId, keyOwnerId: ownerId, caseId } = record
  const subjectKey = await deps.subjectKeys.readSubjectKey(tx, { ownerId, agencyId })
  if (!subjectKey) throw new OstiaryError('state_conflict', { detail: 'the values were erased' })
  const flags = flagsOf(definition, values)
  const version = record.version + 1
  const sealed = deps.vault.amendRecord(
    { ...record, recordId: record.id, caseId, agencyId, ownerId, subjectKey },
    { version, fields: values, removed, ...(flags ? { flags } : {}) },
  )
  return {
    ...sealed,
    ...amendedVersion(record, sealed.fields, origins),
    version,
    change: 'amend',
    keyOwnerId: ownerId,
    conditions: amendment.conditions ?? record.conditions,
  }
}
