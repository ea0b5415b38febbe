/** About whom a record may be: what the catalogue says against whom the request names. */
import type { Party, RecordDefinition, SubjectKind } from '../catalogue/types.ts'
import type { RequestFault } from './request-fault.ts'

/** Whether records of the type are about the case as a whole. */
export function isAboutCase({ subjects }: RecordDefinition): boolean {
  return subjects.length === 1 && subjects[0] === 'case'
}

/** A subject that is missing, or given where there is none; seen without looking at the case. */
export function subjectFaults(
  record: RecordDefinition,
  subjectId: string | undefined,
): readonly RequestFault[] {
  if (isAboutCase(record))
    return subjectId === undefined
      ? []
      : [
          {
            code: 'subject_not_allowed',
            pointer: '#/subjectId',
            detail: 'records of this type are about the case',
          },
        ]
  if (subjectId !== undefined || record.subjects.includes('case')) return []
  return [
    {
      code: 'subject_required',
      pointer: '#/subjectId',
      detail: 'records of this type are about a person',
    },
  ]
}

/**
 * A subject who is not of a party that the record, or one of the named fields, can be about; `parties`
 * are those of the subject. Addresses of victim and perpetrator are held apart by this.
 */
export function partyFaults(
  record: RecordDefinition,
  names: readonly string[],
  parties: readonly Party[],
): readonly RequestFault[] {
  if (!fits(record.subjects, parties))
    return [
      {
        code: 'subject_not_allowed',
        pointer: '#/subjectId',
        detail: `records of this type are about ${record.subjects.join(' or ')}`,
      },
    ]
  return record.fields
    .filter((field) => names.includes(field.name) && !fits(field.subjects, parties))
    .map((field) => ({
      code: 'subject_not_allowed',
      pointer: `#/fields/${field.name}`,
      detail: `is held about ${field.subjects.join(' or ')} alone`,
    }))
}

function fits(subjects: readonly SubjectKind[], parties: readonly Party[]): boolean {
  return subjects.includes('any') || parties.some((party) => subjects.includes(party))
}
