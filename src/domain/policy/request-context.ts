import { emptySet, keepOnly, meet, type RuleSet, rulesIn } from './bits.ts'
import type { SourceFacts, Facts, ValueFacts } from './facts.ts'
import { legalViewOf, numberOfView } from './legal-regime.ts'
import type { Program } from './program.ts'
import { accepting, acceptingAny, type RuleTable } from './rule-table.ts'
import { transferOf } from './transfer.ts'
import type { Regime } from './verdict.ts'

/** What holds for every value of one source, found out once. */
export interface SourceContext {
  /** Rules that accept the source. */
  readonly permits: RuleSet
  readonly forbids: RuleSet
  readonly regime: Regime
  /** Number of the legal view of what leaves the source. */
  readonly legalView: number
}

/** What holds for every value of one request, found out once. */
export interface RequestContext {
  readonly program: Program
  readonly facts: Facts
  readonly permits: RuleSet
  /** Permits that would apply if only the purpose, or only the role, were another. */
  readonly permitsOfOtherPurpose: RuleSet
  readonly permitsOfOtherRole: RuleSet
  readonly forbids: RuleSet
  /** Reasons of each permit that no value changes, by position; -1 until asked for. */
  readonly requestReasons: Int32Array
  /** What holds for every value of a source; values of one record share the object. */
  readonly sources: Map<SourceFacts, SourceContext>
  /** Written over for each value. */
  readonly scratch: { readonly permits: RuleSet; readonly forbids: RuleSet }
}

/**
 * Narrows all rules to those that accept request, recipient and subject.
 *
 * @throws UnknownWordError when one of them uses a word that the vocabulary does not have
 */
export function resolveRequest(program: Program, facts: Facts): RequestContext {
  const { purpose } = facts.request
  const { role } = facts.recipient
  const table = program.permitTable

  const permitsOfOtherRole = recipientRules(table, facts)
  const permitsOfOtherPurpose = permitsOfOtherRole.slice()
  keepOnly(permitsOfOtherPurpose, accepting(table.role, role))
  keepOnly(permitsOfOtherRole, accepting(table.purpose, purpose))
  const permits = permitsOfOtherPurpose.slice()
  keepOnly(permits, permitsOfOtherRole)

  const forbids = recipientRules(program.forbidTable, facts)
  keepOnly(forbids, accepting(program.forbidTable.role, role))
  keepOnly(forbids, accepting(program.forbidTable.purpose, purpose))
  return {
    program,
    facts,
    permits,
    permitsOfOtherPurpose,
    permitsOfOtherRole,
    forbids,
    requestReasons: new Int32Array(program.permits.length).fill(-1),
    sources: new Map(),
    scratch: {
      permits: emptySet(program.permits.length),
      forbids: emptySet(program.forbids.length),
    },
  }
}

/** Rules that accept recipient and subject, whatever the role and the purpose. */
function recipientRules(table: RuleTable, facts: Facts): RuleSet {
  const { recipient, subject } = facts
  const set = accepting(table.sector, recipient.sector).slice()
  keepOnly(set, acceptingAny(table.actsFor, recipient.actsFor))
  keepOnly(set, accepting(table.country, recipient.country))
  keepOnly(set, table.public[recipient.public ? 1 : 0])
  keepOnly(set, table.competentAuthority[recipient.competentAuthority ? 1 : 0])
  keepOnly(set, table.nationalAuthorisation[recipient.nationalAuthorisation ? 1 : 0])
  keepOnly(set, acceptingAny(table.subjectRole, subject.roles))
  keepOnly(set, acceptingAny(table.party, subject.parties))
  return set
}

/**
 * Narrows all rules to those that accept the agency which holds a value, and finds the legal regime.
 *
 * @throws UnknownWordError when the source uses a word that the vocabulary does not have
 */
export function resolveSource(context: RequestContext, source: SourceFacts): SourceContext {
  const known = context.sources.get(source)
  if (known) return known
  const { facts, program } = context
  const view = legalViewOf(source, facts.recipient, facts.request.purpose, program.ledPurposes)
  const resolved = {
    permits: rulesOfSource(program.permitTable, source, facts),
    forbids: rulesOfSource(program.forbidTable, source, facts),
    regime: view.regime,
    legalView: numberOfView(view),
  }
  context.sources.set(source, resolved)
  return resolved
}

function rulesOfSource(table: RuleTable, source: SourceFacts, { recipient }: Facts): RuleSet {
  const set = accepting(table.fromSector, source.sector).slice()
  keepOnly(set, acceptingAny(table.fromActsFor, source.actsFor))
  keepOnly(set, table.fromPublic[source.public ? 1 : 0])
  keepOnly(set, table.fromCompetentAuthority[source.competentAuthority ? 1 : 0])
  keepOnly(set, accepting(table.transfer, transferOf(source, recipient)))
  return set
}

/** Positions of the permits that speak of a value of the source, which falls into `cell`. */
export function permitsFor(
  context: RequestContext,
  source: SourceContext,
  cell: number,
): readonly number[] {
  const { cells } = context.program.permitTable
  const set = context.scratch.permits
  meet(set, context.permits, source.permits, cells, cell * set.length)
  return rulesIn(set)
}

/** Whether some permit would speak of a value if only the purpose, or the role, were another. */
export function permitsElsewhere(
  context: RequestContext,
  source: SourceContext,
  cell: number,
  instead: 'purpose' | 'role',
): boolean {
  const { cells } = context.program.permitTable
  const rules = instead === 'purpose' ? context.permitsOfOtherPurpose : context.permitsOfOtherRole
  const set = context.scratch.permits
  return meet(set, rules, source.permits, cells, cell * set.length)
}

/** Positions of the forbids that speak of a value, as far as the tables can tell. */
export function forbidsFor(
  context: RequestContext,
  source: SourceContext,
  value: ValueFacts,
  cell: number,
): readonly number[] {
  const { cells, informantParty, restricted } = context.program.forbidTable
  const set = context.scratch.forbids
  // Before anything else, so that what cannot be read withholds whether or not a rule needs it.
  const ofParties = acceptingAny(informantParty, value.informantParties)
  const ofState = restricted[value.restricted ? 1 : 0]
  meet(set, context.forbids, source.forbids, cells, cell * set.length)
  keepOnly(set, ofParties)
  keepOnly(set, ofState)
  return rulesIn(set)
}
