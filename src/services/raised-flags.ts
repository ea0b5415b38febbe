/**
 * Policy flags as one requester may feel them. The perpetrator's side is not to notice, not even
 * through a rule's condition, what the victim's side told: for it only flags count that others raised.
 */
import type { Party, PolicyFlag } from '../domain/catalogue/types.ts'
import { attestedFlags } from '../domain/catalogue/flags.ts'
import { RECORD_FLAGS } from '../domain/catalogue/policy-flags.ts'
import { isPerpetratorSide, partiesOf } from '../domain/case/parties.ts'
import type { StoredProvenance } from '../domain/case/stored-record.ts'
import type { GateContext, GateRecord } from '../storage/gate.ts'
import type { FieldFlags, Opened } from '../vault/sealed-record.ts'

/** What is known of whoever asks and of the persons of the case. */
type Viewpoint = Pick<GateContext, 'membership' | 'persons'>

/** Records with their policy flags by field, by record id, as far as they open. */
export interface FlaggedRecords {
  readonly records: readonly GateRecord[]
  readonly flags: ReadonlyMap<string, Opened<FieldFlags>>
}

/** Flags of one record; both throw when they do not open. */
export interface RecordFlags {
  readonly all: readonly PolicyFlag[]
  /** Without those that victim or child raised, where the requester acts for the perpetrator. */
  readonly asSeen: readonly PolicyFlag[]
}

/** The flags of the case, sorted: of all records that were read and open. */
export function flagsOfCase(
  viewpoint: Viewpoint,
  { records, flags }: FlaggedRecords,
): readonly PolicyFlag[] {
  const raised = new Set<PolicyFlag>()
  for (const record of records) {
    if (!record.sealed_flags || !record.subject_key) continue
    if (isHisSide(viewpoint) && isOfVictimSide(viewpoint, record)) continue
    if (!flags.get(record.record_id)?.opened) continue
    for (const flag of flagsOfRecord(viewpoint, record, flags).asSeen) {
      if (!RECORD_FLAGS.has(flag)) raised.add(flag)
    }
  }
  return [...raised].sort()
}

/** The flags of one record; nothing is worked out before it is asked for. */
export function flagsOfRecord(
  viewpoint: Viewpoint,
  record: GateRecord,
  flags: FlaggedRecords['flags'],
): RecordFlags {
  const known: { all?: readonly PolicyFlag[]; asSeen?: readonly PolicyFlag[] } = {}
  const raised = (counts: (field: string) => boolean): readonly PolicyFlag[] => {
    const opened = flags.get(record.record_id)
    if (!opened?.opened) throw new Error('the policy flags of a record do not open')
    const all = Object.entries(opened.value).flatMap(([field, of]) => (counts(field) ? of : []))
    return attestedFlags([...new Set(all)], record.sector)
  }
  return {
    get all() {
      return (known.all ??= raised(() => true))
    },
    get asSeen() {
      if (!isHisSide(viewpoint)) return this.all
      return (known.asSeen ??= raised((field) => !isToldByVictimSide(viewpoint, record, field)))
    },
  }
}

/**
 * Parties of the person who told a value; none for a professional. Undefined when the person is not
 * among those of the case as they were read: then it is not known whose word it is.
 */
export function partiesOfInformant(
  { persons }: Pick<Viewpoint, 'persons'>,
  { informantPersonId }: StoredProvenance,
): readonly Party[] | undefined {
  if (informantPersonId === undefined) return []
  const roles = persons[informantPersonId]
  return roles && partiesOf(roles)
}

/** Parties of the person whom a record is about; none for the case as a whole. */
export function partiesOfSubject(
  { persons }: Pick<Viewpoint, 'persons'>,
  { subject_id: id }: Pick<GateRecord, 'subject_id'>,
): readonly Party[] {
  return id === null ? [] : partiesOf(persons[id] ?? [])
}

const isHisSide = ({ membership }: Viewpoint): boolean =>
  membership !== null && isPerpetratorSide([membership])

/** Whether all of a record is hers: held for victim or child, by who has left, or about one of them. */
function isOfVictimSide(viewpoint: Viewpoint, record: GateRecord): boolean {
  const { acts_for: actsFor } = record
  const forHer = actsFor === null || actsFor === 'victim' || actsFor === 'child'
  return forHer || isHers(partiesOfSubject(viewpoint, record))
}

/** In doubt it was her side. */
function isToldByVictimSide(viewpoint: Viewpoint, record: GateRecord, field: string): boolean {
  const stored = record.fields.find(({ name }) => name === field)
  const origin = stored && record.provenance[stored.provenance]
  const told = origin && partiesOfInformant(viewpoint, origin)
  return !told || HER_INFORMANTS.includes(origin.informant) || isHers(told)
}

const HER_INFORMANTS: readonly string[] = ['V', 'VS', 'CH', 'CP']

const isHers = (parties: readonly Party[]): boolean =>
  parties.includes('victim') || parties.includes('child')
