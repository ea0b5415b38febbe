/** What one member may see of a case's shape (architecture §4). */
import type { Party } from '../catalogue/types.ts'
import { isPerpetratorSide, partiesOf } from './parties.ts'
import type { ActsFor, PersonRole, Sector } from './vocabulary.ts'

/** A person of a case; the first role is the main one. */
export interface CasePerson {
  readonly id: string
  readonly roles: readonly PersonRole[]
  /** Agency that brought the person into the case. */
  readonly broughtBy: string
}

/** An agency that works a case now. Times are ISO 8601. */
export interface CaseMember {
  readonly agencyId: string
  readonly actsFor: ActsFor
  readonly sector: Sector
  readonly addedBy: string
  readonly since: string
  readonly until: string | null
}

/** A case with everybody in it; for nobody's eyes before it has been narrowed to a view. */
export interface WholeCase {
  readonly id: string
  readonly persons: readonly CasePerson[]
  readonly members: readonly CaseMember[]
}

/** The same as one member sees it. */
export interface CaseView extends WholeCase {
  /** The member's own entry. */
  readonly own: CaseMember
}

/**
 * Narrows a case to what the member may see; undefined for an agency that does not work it.
 *
 * The perpetrator's side sees persons on his side, itself, and whom it brought, but never an agency
 * that acts for victim or child. Their side sees every person, and no agency of his that it did not
 * bring. Who acts for all sees all.
 */
export function viewCase(whole: WholeCase, agencyId: string): CaseView | undefined {
  const own = whole.members.find((member) => member.agencyId === agencyId)
  if (!own) return undefined
  return {
    id: whole.id,
    own,
    persons: whole.persons.filter(
      (person) => person.broughtBy === agencyId || seesPerson(own.actsFor, person),
    ),
    members: whole.members.filter((member) => member === own || seesMember(own, member)),
  }
}

function seesPerson(actsFor: ActsFor, { roles }: CasePerson): boolean {
  return !isPerpetratorSide([actsFor]) || mainParty(roles) === 'perpetrator'
}

function seesMember({ agencyId, actsFor }: CaseMember, other: CaseMember): boolean {
  const brought = other.addedBy === agencyId
  switch (actsFor) {
    case 'all':
      return true
    case 'perpetrator':
      return brought && other.actsFor !== 'victim' && other.actsFor !== 'child'
    default:
      return brought || other.actsFor !== 'perpetrator'
  }
}

/**
 * The party with which a person first belongs. Where allegations go both ways the further roles say
 * so, and she must not come into his side's sight for having been accused as well.
 */
export function mainParty(roles: readonly PersonRole[]): Party | undefined {
  return partiesOf(roles.slice(0, 1))[0]
}

/** Whether an agency that acts so is there for this person's party, or for everybody. */
export function actsForPerson(actsFor: ActsFor, roles: readonly PersonRole[]): boolean {
  if (actsFor === 'all') return true
  const party = mainParty(roles)
  return actsFor === 'perpetrator'
    ? party === 'perpetrator'
    : party === 'victim' || party === 'child'
}

/**
 * Whether an agency that acts so may take down what this person consents to: never for the other
 * party. Witnesses and others who belong to no party may speak to anybody.
 */
export function hearsConsentOf(actsFor: ActsFor, roles: readonly PersonRole[]): boolean {
  return mainParty(roles) === undefined || actsForPerson(actsFor, roles)
}
