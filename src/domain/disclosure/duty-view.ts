/** Which duties of a case a professional sees (R28), and what of them. */
import type { CaseView, WholeCase } from '../case/case-view.ts'
import { isPerpetratorSide, partiesOf } from '../case/parties.ts'
import type { PractitionerRole, Sector } from '../case/vocabulary.ts'
import type { FieldDefinition, Informant } from '../catalogue/types.ts'
import { isSheltered } from '../policy/shield.ts'

/** A duty with what is known about the value that set it off; for nobody's eyes before it was narrowed. */
export interface CaseDuty {
  readonly id: string
  /** Id of the policy statement. */
  readonly rule: string
  readonly subjectId: string | null
  readonly recordId: string
  readonly field: FieldDefinition
  readonly notify: { readonly sector: readonly string[]; readonly role?: readonly string[] }
  readonly state: 'open' | 'met' | 'missed'
  readonly dueAt: Date
  /** The end that depends on nothing but the owner's own records. */
  readonly toldDueAt: Date
  readonly owner: {
    readonly agencyId: string
    readonly sector: Sector
  }
  /** Undefined when the record holds the value no more. */
  readonly informant: Informant | undefined
  readonly informantPersonId: string | null
}

/** A duty as one member sees it. Times are RFC 3339 in UTC. */
export interface DutyView {
  readonly id: string
  readonly rule: string
  readonly owedBy: { readonly sector: Sector; readonly agencyId?: string }
  readonly own: boolean
  /** Whom it has to be told. */
  readonly to: { readonly sector: readonly string[]; readonly role?: readonly string[] }
  readonly subjectId?: string
  /** The record, for whoever holds it. */
  readonly recordId?: string
  /** Field id of what has to be told. */
  readonly field: string
  readonly dueAt: string
}

/** Who looks. */
export interface DutyReader {
  readonly agencyId: string
  readonly sector: Sector
  readonly role: PractitionerRole
  readonly now: Date
}

/**
 * The duties that the reader's agency owes, and those that partners owe to its sector and role; nobody
 * learns from it of an event that no rule has told to them.
 *
 * The perpetrator's side sees of a partner's duties only those about a value that could be told to it
 * openly, and of all when they end but never whether they were met: a duty is met when her service
 * asks, too, and that she has one must not show.
 */
export function viewDuties(
  duties: readonly CaseDuty[],
  whole: WholeCase,
  view: CaseView,
  reader: DutyReader,
): DutyView[] {
  const hisSide = isPerpetratorSide([view.own.actsFor])
  return duties
    .filter((duty) => (hisSide ? duty.toldDueAt > reader.now : duty.state === 'open'))
    .filter(
      (duty) =>
        duty.owner.agencyId === reader.agencyId ||
        (isOwedTo(duty, reader) && !(hisSide && isHidden(duty, whole, view))),
    )
    .map((duty) => show(duty, view, reader, hisSide))
}

function isOwedTo({ notify }: CaseDuty, { sector, role }: DutyReader): boolean {
  return notify.sector.includes(sector) && (notify.role?.includes(role) ?? true)
}

function isHidden(duty: CaseDuty, whole: WholeCase, view: CaseView): boolean {
  const rolesOf = (id: string | null) => whole.persons.find((one) => one.id === id)?.roles ?? []
  if (duty.informant === undefined) return true
  if (duty.subjectId !== null && !view.persons.some(({ id }) => id === duty.subjectId)) return true
  const source = whole.members.filter(({ agencyId }) => agencyId === duty.owner.agencyId)
  return isSheltered({
    field: duty.field,
    informant: duty.informant,
    informantParties: partiesOf(rolesOf(duty.informantPersonId)),
    subjectParties: partiesOf(rolesOf(duty.subjectId)),
    source: { actsFor: source.map(({ actsFor }) => actsFor) },
  })
}

function show(duty: CaseDuty, view: CaseView, reader: DutyReader, hisSide: boolean): DutyView {
  const { agencyId, sector } = duty.owner
  const own = agencyId === reader.agencyId
  const seen = own || view.members.some((member) => member.agencyId === agencyId)
  const known = view.persons.some(({ id }) => id === duty.subjectId)
  return {
    id: duty.id,
    rule: duty.rule,
    owedBy: { sector, ...(seen ? { agencyId } : {}) },
    own,
    to: duty.notify,
    ...(duty.subjectId !== null && known ? { subjectId: duty.subjectId } : {}),
    ...(own ? { recordId: duty.recordId } : {}),
    field: duty.field.id,
    dueAt: (hisSide ? duty.toldDueAt : duty.dueAt).toISOString(),
  }
}
