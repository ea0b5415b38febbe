import { partiesOf } from '../../case/parties.ts'
import type { PersonRole } from '../../case/vocabulary.ts'
import { PERSON_INFORMANTS } from '../consent.ts'
import type { FromClause, RecipientClause, WhenClause } from '../document.ts'
import type { Exclusion } from '../program.ts'
import type { Selection } from '../selection.ts'
import type { Asker } from './asker.ts'
import { ALWAYS, type Node } from './diagrams.ts'
import { TELLERS } from './space.ts'

// The clauses of rules, each as the function that is yes where it holds.

/** A box of a field clause: the fields that it names, and what else has to hold. */
export interface Box {
  readonly fields: ReadonlySet<number>
  readonly holds: Node
}

/** What can be said of any rule but for its fields. */
export interface Scoped {
  readonly to?: RecipientClause
  readonly from?: FromClause
  readonly transfer?: readonly string[]
  readonly purpose?: readonly string[]
  readonly subject?: readonly string[]
  readonly party?: readonly string[]
  readonly informant?: readonly string[]
  readonly informantParty?: readonly string[]
  readonly when?: WhenClause
}

/** Where a rule applies, as far as its field clauses and exclusions leave it open. */
export function scope(ask: Asker, rule: Scoped, roles: readonly string[]): Node {
  return ask.diagrams.all([
    recipient(ask, rule.to ?? {}),
    source(ask, rule.from ?? {}),
    among(ask, 'transfer', rule.transfer),
    among(ask, 'purpose', rule.purpose),
    rule.subject ? ask.hasRole(rule.subject) : ALWAYS,
    rule.party ? ask.hasRole(rolesOf(rule.party, roles)) : ALWAYS,
    among(ask, 'informant', rule.informant),
    rule.informantParty ? tellerAmong(ask, rule.informantParty) : ALWAYS,
    when(ask, rule.when),
  ])
}

function recipient(ask: Asker, to: RecipientClause): Node {
  const { diagrams } = ask
  return diagrams.all([
    among(ask, 'sector', to.sector),
    among(ask, 'role', to.role),
    among(ask, 'actsFor', to.actsFor),
    among(ask, 'country', to.country),
    to.notCountry ? diagrams.not(ask.among('country', to.notCountry)) : diagrams.constant(1),
    answer(ask, 'public', to.public),
    answer(ask, 'competentAuthority', to.competentAuthority),
    answer(ask, 'nationalAuthorisation', to.nationalAuthorisation),
  ])
}

function source(ask: Asker, from: FromClause): Node {
  return ask.diagrams.all([
    among(ask, 'from.sector', from.sector),
    among(ask, 'from.actsFor', from.actsFor),
    answer(ask, 'from.competentAuthority', from.competentAuthority),
    answer(ask, 'from.public', from.public),
  ])
}

/** Roles that make a person one of these parties. */
export function rolesOf(parties: readonly string[], roles: readonly string[]): readonly string[] {
  return roles.filter((role) =>
    partiesOf([role as PersonRole]).some((one) => parties.includes(one)),
  )
}

/** The value was told by a person of one of these parties. */
export function tellerAmong(ask: Asker, parties: readonly string[]): Node {
  const words = TELLERS.filter((word) => word.split('+').some((party) => parties.includes(party)))
  return ask.among('teller', words)
}

/** The record is about the person asked about, and that person is of one of these parties. */
export function aboutParty(ask: Asker, parties: readonly string[], roles: readonly string[]): Node {
  return ask.diagrams.and(ask.among('about', ['subject']), ask.hasRole(rolesOf(parties, roles)))
}

export function flag(ask: Asker, name: string): Node {
  return ask.holds(`flag.${name}`)
}

/** The boxes of field clauses. */
export function boxes(
  ask: Asker,
  selections: readonly Selection[],
  roles: readonly string[],
): readonly Box[] {
  return selections.map((box) => ({
    fields: new Set(box.fields),
    holds: ask.diagrams.all([
      box.about ? aboutParty(ask, box.about, roles) : ALWAYS,
      among(ask, 'informant', box.informant),
      among(ask, 'kind', box.statement),
    ]),
  }))
}

/** Whose consent counts is the person who told it, else the subject; theirs is live and explicit. */
export function consentBy(ask: Asker, parties: readonly string[], roles: readonly string[]): Node {
  const { diagrams } = ask
  const nobodyTold = ask.among('teller', ['nobody'])
  const professional = diagrams.not(ask.among('informant', PERSON_INFORMANTS))
  const subject = diagrams.all([nobodyTold, professional, ask.hasRole(rolesOf(parties, roles))])
  const by = diagrams.or(tellerAmong(ask, parties), subject)
  return diagrams.and(by, ask.among('consent', ['explicit']))
}

/** What an `except` leaves out whatever the field is. */
export function leftOut(ask: Asker, except: Exclusion): Node {
  const parts = [
    except.informant.length > 0 ? ask.among('informant', except.informant) : 0,
    except.informantParty.length > 0 ? tellerAmong(ask, except.informantParty) : 0,
    except.kind.length > 0 ? ask.among('kind', except.kind) : 0,
    ...except.flag.map((name) => flag(ask, name)),
  ]
  return ask.diagrams.any(parts)
}

function when(ask: Asker, clause: WhenClause | undefined): Node {
  const { diagrams } = ask
  const { flags = [], anyFlag, noFlags = [] } = clause ?? {}
  const some = anyFlag?.map((name) => flag(ask, name))
  const none = noFlags.map((name) => flag(ask, name))
  return diagrams.all([
    ...flags.map((name) => flag(ask, name)),
    some ? diagrams.any(some) : diagrams.constant(1),
    diagrams.not(diagrams.any(none)),
  ])
}

/** Absent means any. */
export function among(ask: Asker, attribute: string, words: readonly string[] | undefined): Node {
  return words ? ask.among(attribute, words) : ALWAYS
}

/** Absent means either. */
export function answer(ask: Asker, attribute: string, wanted: boolean | undefined): Node {
  if (wanted === undefined) return ALWAYS
  const holds = ask.holds(attribute)
  return wanted ? holds : ask.diagrams.not(holds)
}
