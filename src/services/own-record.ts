/** A record that the caller's agency holds, ready for its next version. */
import type { RecordDefinition } from '../domain/catalogue/types.ts'
import type { CaseView } from '../domain/case/case-view.ts'
import { OstiaryError } from '../errors.ts'
import type * as cases from '../storage/cases.ts'
import type { Tx } from '../storage/database.ts'
import type * as locks from '../storage/locks.ts'
import type * as records from '../storage/records.ts'
import type { CurrentRecord } from '../storage/records.ts'
import type { Caller } from './caller.ts'
import { requireCase } from './case-access.ts'

export interface OwnRecordDependencies {
  readonly storage: Pick<typeof cases, 'readCase'> &
    Pick<typeof records, 'findRecordCase' | 'insertNextVersion' | 'lockRecord'>
  readonly locks: Pick<typeof locks, 'lockShared'>
}

/**
 * Takes the shared locks of case and person, then the record itself, at its current version. Throws
 * `not_found` for a record of others, and for one of a case that the agency has left.
 */
export async function requireOwnRecord(
  { storage, locks }: OwnRecordDependencies,
  tx: Tx,
  caller: Caller,
  id: string,
): Promise<{ record: CurrentRecord; view: CaseView }> {
  const found = await storage.findRecordCase(tx, id)
  if (!found) throw new OstiaryError('not_found')
  const { caseId, subjectId } = found
  await locks.lockShared(tx, [
    `case:${caseId}`,
    ...(subjectId === null ? [] : [`person:${subjectId}` as const]),
  ])
  const view = await requireCase(tx, storage, caller, caseId)
  const record = await storage.lockRecord(tx, id)
  if (!record) throw new OstiaryError('not_found')
  return { record, view }
}

/**
 * Names of fields that the record holds, from names or field ids (`record_type.field`), each once.
 * Throws `unknown_field` for one that it does not hold, whether or not its type has such a field.
 */
export function requireHeld(
  record: Pick<CurrentRecord, 'type' | 'fields'>,
  fields: readonly string[],
): string[] {
  const prefix = `${record.type}.`
  const names = fields.map((field) =>
    field.startsWith(prefix) ? field.slice(prefix.length) : field,
  )
  const held = new Set(record.fields.map(({ name }) => name))
  const errors = names.flatMap((name, index) =>
    held.has(name) ? [] : [{ pointer: `#/fields/${index}`, detail: 'is not held by the record' }],
  )
  if (errors.length > 0) throw new OstiaryError('unknown_field', { errors })
  return [...new Set(names)]
}

/** Field ids of names, in the order given. */
export function fieldIds({ type }: Pick<RecordDefinition, 'type'>, names: readonly string[]) {
  return names.map((name) => `${type}.${name}`)
}
