import type { CaseMember, CasePerson } from '../domain/case/case-view.ts'
import { worksOnCases } from '../domain/case/case-work.ts'
import { mayActFor } from '../domain/case/parties.ts'
import type { ActsFor, PersonRole } from '../domain/case/vocabulary.ts'
import { OstiaryError } from '../errors.ts'
import type * as agencies from '../storage/agencies.ts'
import type * as cases from '../storage/cases.ts'
import type { Tx } from '../storage/database.ts'
import type * as locks from '../storage/locks.ts'
import type { Acting } from './acting.ts'
import type { Caller } from './caller.ts'
import { requireCase, requireCaseWork } from './case-access.ts'
import {
  keepReferences,
  type LocalReferenceDependencies,
  openReferences,
} from './local-references.ts'
import { calledBy, type RecordEvent } from './record-event.ts'
import type { Runtime } from './runtime.ts'

/** A person as a request brings it into a case. */
export interface NewPerson {
  readonly role: PersonRole
  readonly otherRoles?: readonly PersonRole[]
  /** The agency's own pseudonym; no other agency sees it. */
  readonly localId?: string
}

/** A new case as a request states it. */
export interface NewCase {
  readonly reference?: string
  /** Absent: the first party that the agency's sector allows. */
  readonly actsFor?: ActsFor
  readonly persons: readonly NewPerson[]
}

/** A person as the reading agency sees it. */
export interface PersonView extends NewPerson {
  readonly id: string
}

/** A member as others see it. Times are ISO 8601. */
export interface MemberView {
  readonly agencyId: string
  readonly actsFor: ActsFor
  readonly since: string
  readonly until?: string
}

/** A case as the reading agency sees it. */
export interface CaseAnswer {
  readonly id: string
  readonly reference?: string
  readonly persons: readonly PersonView[]
  readonly members: readonly MemberView[]
}

export interface CaseDependencies extends LocalReferenceDependencies {
  readonly acting: Acting
  readonly storage: typeof cases & Pick<typeof agencies, 'findAgency'>
  readonly locks: Pick<typeof locks, 'lockExclusive' | 'lockShared'>
  readonly recordEvent: RecordEvent
  readonly runtime: Runtime
}

/**
 * Opens a case with persons in roles; the caller's agency is its first member. Throws
 * `acts_for_not_allowed` for a party that the sector never acts for, `not_permitted`.
 */
export function makeOpenCase(deps: CaseDependencies) {
  return (caller: Caller, stated: NewCase): Promise<CaseAnswer> =>
    deps.acting(caller, { operation: 'createCase' }, async (tx) => {
      requireCaseWork(caller)
      const actsFor = requireParty(caller, stated.actsFor)
      const at = deps.runtime.now()
      const caseId = deps.runtime.uuid()
      const { agencyId } = caller
      await deps.storage.insertCase(tx, caseId, agencyId, at)
      const member = { agencyId, actsFor, since: at, until: null }
      await deps.storage.insertMember(tx, caseId, { ...member, addedBy: agencyId })
      const persons = await bringPersons(deps, tx, { agencyId, caseId }, stated.persons, at)
      const { reference } = stated
      if (reference !== undefined)
        await keepReferences(deps, tx, { agencyId, caseId }, new Map([[caseId, reference]]))
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'case.created',
        caseId,
        public: { actsFor, persons: persons.map(eventPerson) },
        private: {},
      })
      return {
        id: caseId,
        ...(reference === undefined ? {} : { reference }),
        persons,
        members: [{ agencyId, actsFor, since: at.toISOString() }],
      }
    })
}

/** Adds a person; who else sees it follows from its role. Throws `not_found`, `not_permitted`. */
export function makeAddPerson(deps: CaseDependencies) {
  return (caller: Caller, caseId: string, stated: NewPerson): Promise<PersonView> =>
    deps.acting(caller, { operation: 'addPerson', caseId }, async (tx) => {
      requireCaseWork(caller)
      await deps.locks.lockShared(tx, [`case:${caseId}`])
      await requireCase(tx, deps.storage, caller, caseId)
      const at = deps.runtime.now()
      const owner = { agencyId: caller.agencyId, caseId }
      const [person] = await bringPersons(deps, tx, owner, [stated], at)
      if (!person) throw new Error('no person was brought')
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        at,
        type: 'case.person_added',
        caseId,
        subjectId: person.id,
        public: eventPerson(person),
        private: {},
      })
      return person
    })
}

/**
 * A case as the caller's agency sees it; reading it is an event. A role that does not work on cases
 * sees its shape, not the agency's own words for the people in it (S26). Throws `not_found`.
 */
export function makeViewCase(deps: CaseDependencies) {
  return (caller: Caller, caseId: string): Promise<CaseAnswer> =>
    deps.acting(caller, { operation: 'getCase', caseId }, async (tx) => {
      const view = await requireCase(tx, deps.storage, caller, caseId)
      const words =
        caller.role && worksOnCases(caller.role)
          ? await openReferences(deps, tx, { agencyId: caller.agencyId, caseId })
          : new Map<string, string>()
      await deps.recordEvent(tx, {
        ...calledBy(caller),
        type: 'consult.case_viewed',
        caseId,
        public: {
          persons: view.persons.map(({ id }) => id),
          members: view.members.map(({ agencyId }) => agencyId),
        },
        private: {},
      })
      const reference = words.get(caseId)
      return {
        id: caseId,
        ...(reference === undefined ? {} : { reference }),
        persons: view.persons.map((person) => personView(person, words.get(person.id))),
        members: view.members.map(memberView),
      }
    })
}

function requireParty({ sector }: Caller, wished: ActsFor | undefined): ActsFor {
  const allowed = mayActFor(sector)
  const actsFor = wished ?? allowed[0]
  if (actsFor === undefined || !allowed.includes(actsFor))
    throw new OstiaryError('acts_for_not_allowed')
  return actsFor
}

async function bringPersons(
  deps: CaseDependencies,
  tx: Tx,
  owner: { readonly agencyId: string; readonly caseId: string },
  stated: readonly NewPerson[],
  at: Date,
): Promise<PersonView[]> {
  const brought = stated.map(({ role, otherRoles = [], localId }) => ({
    localId,
    person: {
      id: deps.runtime.uuid(),
      roles: [...new Set([role, ...otherRoles])],
      broughtBy: owner.agencyId,
    },
  }))
  const persons = brought.map(({ person }) => person)
  await deps.storage.insertPersons(tx, owner.caseId, persons, at)
  const words = brought.flatMap(({ person, localId }) =>
    localId === undefined ? [] : [[person.id, localId] as const],
  )
  await keepReferences(deps, tx, owner, new Map(words))
  return brought.map(({ person, localId }) => personView(person, localId))
}

function personView({ id, roles }: CasePerson, localId: string | undefined): PersonView {
  const [role, ...otherRoles] = roles
  if (!role) throw new Error('a person without a role')
  return {
    id,
    role,
    ...(otherRoles.length > 0 ? { otherRoles } : {}),
    ...(localId === undefined ? {} : { localId }),
  }
}

const eventPerson = ({ id, role, otherRoles = [] }: PersonView) => ({
  personId: id,
  roles: [role, ...otherRoles],
})

/** A member as the contract shows it. */
export function memberView(
  member: Pick<CaseMember, 'agencyId' | 'actsFor' | 'since' | 'until'>,
): MemberView {
  const { agencyId, actsFor, since, until } = member
  return {
    agencyId,
    actsFor,
    since: new Date(since).toISOString(),
    ...(until === null ? {} : { until: new Date(until).toISOString() }),
  }
}
